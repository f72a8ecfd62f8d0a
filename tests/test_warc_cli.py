"""`soupstate warc` as it is called."""

import functools
import http.server
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from archives import archive, children, page, record, rows, started


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The address of a folder's files over HTTP."""
    (tmp_path / "web").mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *given: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(tmp_path / "web"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as web:
        thread = threading.Thread(target=web.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{web.server_port}/"
        web.shutdown()
        thread.join()


def run(folder: Path, *arguments: str) -> tuple[int, dict[str, object], str]:
    job = started("warc", *arguments, folder=folder)
    out, errors = job.communicate(timeout=60)
    return job.returncode, orjson.loads(out) if out else {}, errors.decode()


def test_a_job_and_the_same_again(tmp_path: Path, weights: Path) -> None:
    for number in range(3):
        archive(tmp_path / f"{number}.warc.gz", range(3 * number, 3 * number + 3))
    options = ("--out", "out", "--weights", str(weights), "--workers", "2")
    status, summary, errors = run(tmp_path, "*.warc.gz", *options)
    assert status == 0, errors
    assert summary["files"] == {"done": 3, "already": 0, "failed": {}} and summary["rows"] == {"ok": 9}
    assert errors == ""  # nothing but progress on a terminal, and a line now and then
    assert [row["record_id"] for row in rows(tmp_path / "out")] == [f"<urn:uuid:{n}>" for n in range(9)]
    status, summary, _ = run(tmp_path, "*.warc.gz", *options)
    assert status == 0 and summary["files"] == {"done": 0, "already": 3, "failed": {}}
    status, summary, _ = run(tmp_path, "*.warc.gz", *options, "--format", "wet")  # beside the others
    assert status == 0 and summary["files"] == {"done": 3, "already": 0, "failed": {}}
    archive(tmp_path / "0.warc.gz", range(20))  # another file of the same name
    status, _, errors = run(tmp_path, "*.warc.gz", *options)
    assert status == 1 and "rows of another file named 0.warc.gz" in errors


def test_workers_use_this_package_whatever_the_working_folder_holds(tmp_path: Path, weights: Path) -> None:
    source = archive(tmp_path / "a.warc.gz", range(2))
    (tmp_path / "soupstate").mkdir()
    (tmp_path / "soupstate" / "__init__.py").write_text("raise RuntimeError('another package')\n")
    command = [sys.executable, "-P", "-m", "soupstate", "warc", str(source), "--out", "out", "--weights", str(weights)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and orjson.loads(done.stdout)["rows"] == {"ok": 2}, done.stderr


def test_remote_files_and_one_that_is_missing(tmp_path: Path, weights: Path, server: str) -> None:
    archive(tmp_path / "web" / "a.warc.gz", range(4))
    (tmp_path / "list.txt").write_text("a.warc.gz\nnone.warc.gz\n")
    options = ("--out", "out", "--weights", str(weights), "--format", "jsonl.zst")
    status, summary, errors = run(tmp_path, "list.txt", "--prefix", server, *options)
    assert status == 1 and f"{server}none.warc.gz" in errors and "Traceback" not in errors
    assert list(summary["files"]["failed"]) == [f"{server}none.warc.gz"]  # type: ignore[index]
    assert summary["rows"] == {"ok": 4}
    assert (tmp_path / "out" / "a.warc.gz.jsonl.zst").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("none.warc.gz", "--out", "out"), 2, "none.warc.gz: no such file"),
        (("a.warc.gz",), 2, "--out"),
        (("a.warc.gz", "--out", "out", "--weights", "none"), 1, "no weights"),
        (("a.warc.gz", "--out", "out", "--backend", "abacus"), 1, "abacus"),
        (("a.warc.gz", "--out", "a.warc.gz"), 1, "cannot write to"),
    ],
)
def test_wrong_use(tmp_path: Path, arguments: tuple[str, ...], status: int, said: str) -> None:
    archive(tmp_path / "a.warc.gz", range(1))
    code, _, errors = run(tmp_path, *arguments)
    assert code == status and said in errors and "Traceback" not in errors


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_one_job_a_folder_and_workers_end_with_their_parent(tmp_path: Path, weights: Path, number: int) -> None:
    (tmp_path / "a.warc.gz").write_bytes(b"".join(record(page(n, 3000).encode(), n) for n in range(200)))
    options = ("a.warc.gz", "--out", "out", "--weights", str(weights), "--workers", "1")
    job = started("warc", *options, folder=tmp_path)
    parts = tmp_path / "out" / "_parts"
    until = time.monotonic() + 30
    while not parts.exists() or not list(parts.iterdir()):
        assert time.monotonic() < until and job.poll() is None
        time.sleep(0.02)
    status, _, errors = run(tmp_path, *options)
    assert status == 1 and "another job writes to" in errors
    (worker,) = children(job.pid)
    job.send_signal(number)
    out, errors_of_job = job.communicate(timeout=20)
    if number == signal.SIGINT:
        assert job.returncode == 1 and b"Traceback" not in errors_of_job
        assert orjson.loads(out)["files"]["failed"] == {"job": "interrupted"}
    else:
        assert job.returncode == -number
    while Path(f"/proc/{worker}").exists() and Path(f"/proc/{worker}/cmdline").read_bytes():
        assert time.monotonic() < until
        time.sleep(0.02)
