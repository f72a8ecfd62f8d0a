"""The job on a Ray cluster of several nodes, each a raylet of its own, one of them killed at work."""

import time
from pathlib import Path

import pytest
from archives import archive, rows, started

ray = pytest.importorskip("ray")


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # Ray leaves sockets and files to the collector
def test_a_node_that_is_killed_costs_no_row(tmp_path: Path, weights: Path) -> None:
    from ray.cluster_utils import Cluster  # noqa: PLC0415  ray may be missing

    # Files large enough that none is done while the other node's worker starts.
    files = [str(archive(tmp_path / f"part-{n}.warc.gz", range(20 * n, 20 * n + 20), 2000)) for n in range(5)]
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        other = cluster.add_node(num_cpus=1)
        command = ["warc", *files, "--out", str(tmp_path / "out"), "--weights", str(weights)]
        job = started(*command, "--ray", cluster.address)
        parts = tmp_path / "out" / "_parts"
        until = time.monotonic() + 60
        while not parts.exists() or len(list(parts.iterdir())) < 2:  # both nodes are at work
            assert time.monotonic() < until and job.poll() is None, job.communicate()
            time.sleep(0.02)
        cluster.remove_node(other, allow_graceful=False)  # and none comes in its place
        out, errors = job.communicate(timeout=120)
        assert job.returncode == 0, errors
    finally:
        cluster.shutdown()
    found = list(rows(tmp_path / "out"))
    assert sorted(str(row["record_id"]) for row in found) == sorted(f"<urn:uuid:{n}>" for n in range(100))
    assert {row["status"] for row in found} == {"ok"}


def test_no_cluster(tmp_path: Path, weights: Path) -> None:
    file = str(archive(tmp_path / "a.warc.gz", range(1)))
    job = started("warc", file, "--out", str(tmp_path / "out"), "--weights", str(weights), "--ray", "127.0.0.1:1")
    _, errors = job.communicate(timeout=60)
    assert job.returncode == 1 and b"no Ray cluster" in errors and b"Traceback" not in errors
