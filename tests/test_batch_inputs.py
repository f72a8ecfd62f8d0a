"""The files of a job, and a job's folder."""

import gzip
import io
import os
from pathlib import Path

import fsspec
import pytest

from soupstate.app.batch.folder import Folder
from soupstate.app.batch.inputs import BadInput, sources
from soupstate.app.batch.job import JobError
from soupstate.app.batch.names import identity


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("a.warc.gz", "b.warc.gz", "deep/c.warc.gz"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("files")
def test_paths_globs_and_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sources(("b.warc.gz", "*.warc.gz", "b.warc.gz")) == ["b.warc.gz", "a.warc.gz"]
    assert sources(("**/*.warc.gz",)) == ["a.warc.gz", "b.warc.gz", "deep/c.warc.gz"]
    Path("list.txt").write_text("# a list\n\n a.warc.gz \nb.warc.gz\n")
    Path("warc.paths.gz").write_bytes(gzip.compress(b"x/1.warc.gz\nx/2.warc.gz\n"))
    assert sources(("list.txt", "deep/c.warc.gz")) == ["a.warc.gz", "b.warc.gz", "deep/c.warc.gz"]
    assert sources(("warc.paths.gz",), "https://data.example/") == [
        "https://data.example/x/1.warc.gz",
        "https://data.example/x/2.warc.gz",
    ]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a.warc.gz\nb\xff.warc.gz\n")))
    assert sources(("-",)) == ["a.warc.gz", os.fsdecode(b"b\xff.warc.gz")]  # names need not be UTF-8


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("none.warc.gz",), "none.warc.gz: no such file"),
        (("none*.gz",), "no such file"),
        (("deep",), "is a folder; give its files, such as deep/"),
        (("a.warc.gz", "./deep/../a.warc.gz"), "have the same name"),
        (("none.txt",), "No such file"),
        (("nosuch://x/a.warc.gz*",), "nosuch"),
    ],
)
def test_arguments_that_name_no_files(arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        sources(arguments)


def test_remote_globs() -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe({"/crawl/a.warc.gz": b"", "/crawl/b.warc.gz": b"", "/crawl/c.txt": b""})
    try:
        assert sources(("memory://crawl/*.warc.gz",)) == ["memory:///crawl/a.warc.gz", "memory:///crawl/b.warc.gz"]
        with pytest.raises(BadInput, match="no such file"):
            sources(("memory://crawl/*.arc",))
    finally:
        memory.rm("/crawl", recursive=True)


@pytest.mark.parametrize("remote", [False, True])
def test_a_file_appears_whole_and_then_its_marker(tmp_path: Path, remote: bool) -> None:
    folder = Folder("memory://rows" if remote else str(tmp_path / "rows"))
    folder.prepare()
    try:
        assert folder.done() == {}
        part = folder.part("a.warc.gz.parquet")
        part.write_bytes(b"rows")
        assert not folder.fs.exists(f"{folder.root}/a.warc.gz.parquet")
        folder.publish(part, "a.warc.gz.parquet")
        assert folder.fs.cat_file(f"{folder.root}/a.warc.gz.parquet") == b"rows" and not part.exists()
        assert folder.done() == {}
        folder.mark("a.warc.gz.parquet", "0123abcd", "89abcdef", {"rows": 1})
        (marker,) = folder.done().values()
        assert marker[1:] == ("a.warc.gz.parquet", "0123abcd", "89abcdef") and folder.noted(marker) == {"rows": 1}
        old = "_done/c.warc.gz.parquet.0123abcd.json"  # as versions before 0.2 named it
        folder.fs.pipe_file(f"{folder.root}/{old}", b"{}")
        assert folder.done()["c.warc.gz.parquet"][2:] == ("0123abcd", "")
        folder.mark_part("d.warc.gz.parquet.0123abcd.89abcdef.5000", 0, {})
        assert folder.unfinished() == {"d.warc.gz.parquet"}
        folder.forget("d.warc.gz.parquet", but="d.warc.gz.parquet.0123abcd.89abcdef.5000")
        assert folder.begun("d.warc.gz.parquet.0123abcd.89abcdef.5000") == [{}]
        folder.forget("d.warc.gz.parquet")
        assert not folder.unfinished()
        folder.unmark(folder.done()["c.warc.gz.parquet"])
        assert set(folder.done()) == {"a.warc.gz.parquet"}
        left = folder.part("b.warc.gz.parquet")
        folder.prepare()  # clears away what was begun, in a folder of this machine
        assert left.exists() is remote and folder.done()
        left.unlink(missing_ok=True)
    finally:
        if remote:
            folder.fs.rm(folder.root, recursive=True)


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JobError, match="cannot write to"):
        Folder(str(tmp_path / "file")).prepare()
    with pytest.raises(JobError):
        Folder("nosuch://rows")


def test_a_file_is_known_again_after_it_was_moved(tmp_path: Path) -> None:
    path = tmp_path / "a.warc.gz"
    path.write_bytes(b"abc")
    before = identity(str(path))
    assert identity(str(path.rename(tmp_path / "b.warc.gz"))) == before
    (tmp_path / "b.warc.gz").write_bytes(b"abcd")
    assert identity(str(tmp_path / "b.warc.gz")) != before
    assert identity("https://a.example/x") != identity("https://b.example/x")
    assert identity("https://a.example/x?signed=1") == identity("https://a.example/x?signed=2")
