"""Workers that die or hang: the file is read again, and the page that does it is left out."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest
from archives import archive, page, record, rows

from soupstate.app.batch import supervisor
from soupstate.app.batch.folder import Folder
from soupstate.app.batch.job import Job, JobError
from soupstate.app.batch.supervisor import JobEnded, Supervisor

# Python runs a file of this name as it starts: the worker's reader gets a weakness there that real pages may find.
WEAK = """
import os, signal, sys, time
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "soupstate.app.batch.task":
            sys.meta_path.remove(self)
            from soupstate.model.net.reader import Reader
            def weak(whole):
                def read(self, pages, *stop):
                    text = " ".join([pages] if isinstance(pages, str) else pages)
                    if "ABORT" in text: os.abort()
                    if "KILLED" in text: os.kill(os.getpid(), signal.SIGKILL)
                    if "HANG" in text: time.sleep(1000)
                    return whole(self, pages, *stop)
                return read
            Reader.mark, Reader.mark_many = weak(Reader.mark), weak(Reader.mark_many)
            from soupstate.model.archive import records
            whole_decode = records.decode
            def decode(body, content_type=None):
                if b"FETCH" in body: os.abort()
                return whole_decode(body, content_type)
            records.decode = decode
sys.meta_path.insert(0, Finder())
"""


@pytest.fixture
def job(tmp_path: Path, weights: Path) -> Job:
    made = Job(str(tmp_path / "out"), weights=weights)
    Folder(made.out).prepare()
    return made


@pytest.fixture
def weak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(WEAK)
    monkeypatch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{Path(__file__).parents[1]}")


def statuses(folder: Path) -> list[object]:
    return [row["status"] for row in rows(folder)]


@pytest.mark.parametrize(("word", "deaths"), [("ABORT", 3), pytest.param("KILLED", 6, marks=pytest.mark.slow)])
@pytest.mark.usefixtures("weak")
def test_a_page_that_ends_its_reader_is_left_out(job: Job, tmp_path: Path, word: str, deaths: int) -> None:
    source = tmp_path / "a.warc.gz"
    pages = [page(0), page(1).replace("Number", word), page(2)]
    source.write_bytes(b"".join(record(html.encode(), n) for n, html in enumerate(pages)))
    keeper = Supervisor(job)
    try:
        outcome = keeper.run(str(source))
    finally:
        keeper.close()
    assert outcome.counts and outcome.deaths == deaths and not outcome.error
    assert statuses(tmp_path / "out") == ["ok", "ended its reader", "ok"]


@pytest.mark.usefixtures("weak")
@pytest.mark.slow
def test_a_record_that_ends_its_reader_ends_its_file(job: Job, tmp_path: Path) -> None:
    source = tmp_path / "a.warc.gz"
    source.write_bytes(record(page(0).encode()) + record(b"<p>FETCH", 1) + record(page(2).encode(), 2))
    keeper = Supervisor(job)
    try:
        outcome = keeper.run(str(source))
    finally:
        keeper.close()
    assert outcome.counts and outcome.counts.skipped == {"rest of a file whose reader ended": 1}
    assert statuses(tmp_path / "out") == ["ok"]


@pytest.mark.usefixtures("weak")
def test_a_page_that_hangs_is_left_out(job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "HANG_SECONDS", 0.5)
    source = tmp_path / "a.warc.gz"
    source.write_bytes(record(b"<p>HANG") + record(page(1).encode(), 1))
    keeper = Supervisor(Job(job.out, weights=job.weights, page_seconds=0.3))
    try:
        outcome = keeper.run(str(source))
    finally:
        keeper.close()
    assert outcome.deaths == 3
    assert statuses(tmp_path / "out") == ["ended its reader", "ok"]


@pytest.mark.slow
def test_a_worker_that_is_killed_now_and_then_loses_nothing(job: Job, tmp_path: Path) -> None:
    source = archive(tmp_path / "a.warc.gz", range(40))
    keeper, over = Supervisor(job), threading.Event()

    def kill_now_and_then() -> None:
        for _ in range(3):
            until = time.monotonic() + 20
            while not (keeper.pid and keeper.board[0] > 2) and time.monotonic() < until:
                time.sleep(0.01)
            if keeper.pid and not over.is_set():
                os.kill(keeper.pid, signal.SIGKILL)
            time.sleep(0.5)

    killer = threading.Thread(target=kill_now_and_then)
    killer.start()
    try:
        outcome = keeper.run(str(source))
    finally:
        over.set()
        keeper.close()
        killer.join()
    assert outcome.deaths >= 1
    assert statuses(tmp_path / "out") == ["ok"] * 40


def test_a_file_that_cannot_be_read_fails_alone(job: Job, tmp_path: Path) -> None:
    keeper = Supervisor(job)
    try:
        assert keeper.run(str(tmp_path / "none.warc.gz")).error == "No such file or directory"
        assert keeper.run(str(archive(tmp_path / "a.warc.gz", range(1)))).counts
    finally:
        keeper.close()


def test_weights_that_are_not_there_end_the_job(tmp_path: Path) -> None:
    keeper = Supervisor(Job(str(tmp_path / "out"), weights=tmp_path / "none"))
    with pytest.raises(JobError, match="no weights"):
        keeper.run("a.warc.gz")
    keeper.close()


def test_a_worker_ends_when_it_is_told_to(job: Job, tmp_path: Path) -> None:
    keeper = Supervisor(job, lambda: True)
    with pytest.raises(JobEnded):
        keeper.run(str(archive(tmp_path / "a.warc.gz", range(1))))
    assert keeper.pid is None
    keeper.close()
