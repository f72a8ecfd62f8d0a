"""`soupstate warc` as it is called."""

import functools
import http.server
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from archives import archive, children, page, record, rows, started
from conftest import tiny_checkpoint

from soupstate.model.net.checkpoint import save_checkpoint


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
    status, _, errors = run(tmp_path, "*.warc.gz", *options, "--format", "wet")  # a folder has one format
    assert status == 1 and "out holds rows in another format (0.warc.gz.parquet)" in errors
    archive(tmp_path / "0.warc.gz", range(20))  # another file of the same name
    status, _, errors = run(tmp_path, "*.warc.gz", *options)
    assert status == 1 and "rows of another file named 0.warc.gz" in errors


@pytest.mark.slow
def test_rows_of_other_weights_or_settings_are_not_taken_for_these(tmp_path: Path, weights: Path) -> None:
    for number in range(2):
        archive(tmp_path / f"{number}.warc.gz", range(3 * number, 3 * number + 3))
    other = tmp_path / "other.safetensors"
    save_checkpoint(replace(tiny_checkpoint(), version="8"), other)
    options = ("*.warc.gz", "--out", "out", "--workers", "1")
    status, _, errors = run(tmp_path, *options, "--weights", str(weights), "--part-records", "2")
    assert status == 0, errors
    before = list(rows(tmp_path / "out"))
    done = {path.name for path in (tmp_path / "out" / "_done").iterdir()}
    status, _, errors = run(
        tmp_path, *options, "--weights", str(other), "--page-seconds", "7", "--max-page-bytes", "99"
    )
    assert status == 1 and "--overwrite" in errors and "1 more files" in errors, errors
    assert "model was tiny test and is tiny 8, weights was " in errors
    assert "max_page_bytes was 2000000 and is 99, page_seconds was 60.0 and is 7.0" in errors
    assert errors.count("\n") == 1 and list(rows(tmp_path / "out")) == before
    status, summary, _ = run(tmp_path, *options, "--weights", str(weights), "--part-records", "9")  # the same rows
    assert status == 0 and summary["files"] == {"done": 0, "already": 2, "failed": {}}
    status, summary, _ = run(tmp_path, *options, "--weights", str(other), "--overwrite")
    assert status == 0 and summary["files"] == {"done": 2, "already": 0, "failed": {}}
    assert {row["model_version"] for row in rows(tmp_path / "out")} == {"8"} and len(list(rows(tmp_path / "out"))) == 6
    assert len(list((tmp_path / "out" / "_done").iterdir())) == 2
    for path in (tmp_path / "out" / "_done").iterdir():  # as a version before this one left it
        old = orjson.loads(path.read_bytes())
        del old["made_with"]
        path.with_name(path.name.rsplit(".", 2)[0] + ".json").write_bytes(orjson.dumps(old))
        path.unlink()
    status, _, errors = run(tmp_path, *options, "--weights", str(other))
    assert status == 1 and "did not note its settings" in errors and "--overwrite" in errors
    status, summary, _ = run(tmp_path, *options, "--weights", str(weights), "--overwrite")
    assert status == 0 and {path.name for path in (tmp_path / "out" / "_done").iterdir()} == done


@pytest.mark.slow
def test_a_file_that_is_no_archive_fails_and_the_others_are_read(tmp_path: Path, weights: Path) -> None:
    archive(tmp_path / "a.warc.gz", range(2))
    (tmp_path / "page.html").write_text(page(1))
    (tmp_path / "none.warc").write_bytes(b"")
    options = ("--out", "out", "--weights", str(weights), "--workers", "1")
    status, summary, errors = run(tmp_path, "page.html", "none.warc", "a.warc.gz", *options)
    assert status == 1 and summary["rows"] == {"ok": 2} and "Traceback" not in errors
    assert summary["files"]["failed"] == {  # type: ignore[index]
        "page.html": "no record can be read, so it is no WARC or ARC file (1 broken record)",
        "none.warc": "the file is empty, so it is no WARC or ARC file",
    }
    assert [path.name for path in (tmp_path / "out").glob("*.parquet")] == ["a.warc.gz.parquet"]
    status, summary, _ = run(tmp_path, "page.html", "none.warc", "a.warc.gz", *options)  # they are tried again
    assert status == 1 and len(summary["files"]["failed"]) == 2  # type: ignore[index]


def test_a_name_that_is_not_utf_8(tmp_path: Path, weights: Path) -> None:
    name = os.fsdecode(b"\xe4\xff.warc.gz")
    archive(tmp_path / name, range(2))
    (tmp_path / os.fsdecode(b"\xff.html")).write_text(page(1))
    options = ("--out", "out", "--weights", str(weights), "--workers", "1")
    status, summary, errors = run(tmp_path, name, os.fsdecode(b"\xff.html"), *options)
    assert status == 1 and list(summary["files"]["failed"]) == ["\\xff.html"], errors  # type: ignore[index]
    assert "Traceback" not in errors and "\\xff.html: no record can be read" in errors
    assert [row["warc_file"] for row in rows(tmp_path / "out")] == ["\\xe4\\xff.warc.gz"] * 2
    assert run(tmp_path, name, *options)[1]["files"] == {"done": 0, "already": 1, "failed": {}}


def test_workers_use_this_package_whatever_the_working_folder_holds(tmp_path: Path, weights: Path) -> None:
    source = archive(tmp_path / "a.warc.gz", range(2))
    (tmp_path / "soupstate").mkdir()
    (tmp_path / "soupstate" / "__init__.py").write_text("raise RuntimeError('another package')\n")
    command = [sys.executable, "-P", "-m", "soupstate", "warc", str(source), "--out", "out", "--weights", str(weights)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and orjson.loads(done.stdout)["rows"] == {"ok": 2}, done.stderr


@pytest.mark.slow
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


@pytest.mark.parametrize(
    "number",
    [signal.SIGKILL, *(pytest.param(number, marks=pytest.mark.slow) for number in (signal.SIGINT, signal.SIGTERM))],
)
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


@pytest.mark.timed
def test_a_page_that_takes_too_long_is_a_row_and_no_dead_worker(tmp_path: Path, weights: Path) -> None:
    pages = [b"<p>a" * 250_000, page(1).encode()]
    (tmp_path / "a.warc").write_bytes(b"".join(record(html, n) for n, html in enumerate(pages)))
    start = time.monotonic()
    options = ("--weights", str(weights), "--workers", "1", "--page-seconds", "0.5")
    status, summary, errors = run(tmp_path, "a.warc", "--out", "out", *options)
    assert status == 0 and summary["worker_deaths"] == 0, errors
    assert [row["status"] for row in rows(tmp_path / "out")] == ["timed out", "ok"]
    assert time.monotonic() - start < 20
