"""A job that is killed at random moments ends with the rows of one that was not."""

import random
import time
from pathlib import Path

import orjson
import pytest
from archives import archive, children, kill, rows, started

KILLS = 20


@pytest.mark.slow
def test_rows_after_kills_are_those_of_a_quiet_run(tmp_path: Path, weights: Path) -> None:
    files = [str(archive(tmp_path / f"part-{n}.warc.gz", range(30 * n, 30 * n + 30))) for n in range(8)]
    options = ["--weights", str(weights), "--workers", "2"]
    quiet = started("warc", *files, "--out", str(tmp_path / "quiet"), *options)
    quiet.communicate(timeout=120)
    assert quiet.returncode == 0
    dice = random.Random(11)
    command = ["warc", *files, "--out", str(tmp_path / "killed"), *options]
    job, kills, parents = started(*command), 0, 0
    until = time.monotonic() + 240
    while kills < KILLS:
        assert time.monotonic() < until
        time.sleep(dice.uniform(0.05, 1.5))
        if job.poll() is not None:  # done before all kills: only a marker or two are taken away, to go on
            _, errors = job.communicate()
            assert job.returncode == 0, errors
            for marker in dice.sample(sorted((tmp_path / "killed" / "_done").iterdir()), 3):
                marker.unlink()
            job = started(*command)
            continue
        workers = children(job.pid)
        if dice.random() < 0.4:
            kill(job.pid)
            job.communicate()
            parents += 1
            for worker in workers:
                while Path(f"/proc/{worker}/cmdline").exists() and Path(f"/proc/{worker}/cmdline").read_bytes():
                    time.sleep(0.01)  # a worker ends with its parent
                    assert time.monotonic() < until
            job = started(*command)
        elif workers:
            kill(dice.choice(workers))
        else:
            continue
        kills += 1
    out, errors = job.communicate(timeout=120)
    assert job.returncode == 0, errors
    assert parents > 3
    assert orjson.loads(out)["files"]["failed"] == {}
    expected, found = list(rows(tmp_path / "quiet")), list(rows(tmp_path / "killed"))
    assert len(expected) == 240 and {row["status"] for row in expected} == {"ok"}
    assert found == expected
    assert not list((tmp_path / "killed" / "_parts").iterdir())
