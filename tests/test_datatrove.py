"""Soupstate as a step of datatrove's pipelines."""

import gzip
import pickle
import runpy
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from archives import archive, page
from datatrove.data import Document
from datatrove.pipeline.extractors.base import ExtractorSandbox
from datatrove.pipeline.readers.jsonl import JsonlReader

from soupstate.app.answers import Asked, extract
from soupstate.app.batch.folder import Folder
from soupstate.app.batch.integrations.datatrove import SoupstateExtractor, SoupstateWarcReader
from soupstate.app.batch.job import Attempt, Job
from soupstate.app.batch.task import Task
from soupstate.model.archive.records import read_pages
from soupstate.model.net.checkpoint import DEFAULT, load_checkpoint
from soupstate.model.net.reader import Reader

ROOT = Path(__file__).parents[1]


def documents(pages: list[str]) -> Iterator[Document]:
    return (Document(text=html, id=str(number)) for number, html in enumerate(pages))


@pytest.fixture
def weights() -> Path:
    """The shipped network: what it says of small pages is something."""
    return DEFAULT


@pytest.fixture
def expected(weights: Path) -> dict[str, str]:
    """Main text of pages 0 to 4, by page."""
    reader = Reader(load_checkpoint(weights))
    pages = [page(number) for number in range(5)]
    texts = {html: extract(reader, Asked(html, None, frozenset(["text"]), "main")).text for html in pages}
    assert all(texts.values())
    return texts


def test_documents_become_their_text(weights: Path, expected: dict[str, str]) -> None:
    step = SoupstateExtractor(weights=weights)
    found = list(step.run(documents(list(expected))))
    assert [d.text for d in found] == list(expected.values())
    assert step.stats["total"].total == 5 and step.stats["extracted"].total == 5
    every = SoupstateExtractor(weights=weights, form="markdown", scope="all")
    assert [every.extract(html) for html in expected] == [d.text for d in every.run(documents(list(expected)))]
    with pytest.raises(ValueError, match="form"):
        SoupstateExtractor(form="pdf")


def test_a_page_past_the_limit_is_left_out(weights: Path) -> None:
    step = SoupstateExtractor(weights=weights, timeout=1e-9)
    assert list(step.run(documents([page(1)]))) == []
    assert step.stats["timeout"].total == 1


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_it_works_in_the_sandbox_and_between_processes(weights: Path, expected: dict[str, str]) -> None:
    step = pickle.loads(pickle.dumps(SoupstateExtractor(weights=weights)))
    with ExtractorSandbox(timeout=30, warmup_text="") as sandbox:  # calls extract("") first
        for html, text in expected.items():
            assert sandbox.process_document(html, step.extract) == text


def test_pages_of_archives(tmp_path: Path) -> None:
    source = archive(tmp_path / "a.warc.gz", range(3))
    found = list(SoupstateWarcReader(str(tmp_path)).run())
    assert [(d.text, d.id) for d in found] == [(p.html, p.record_id) for p in read_pages(source)]
    assert found[0].metadata["url"] == "https://site.example/0" and found[0].metadata["charset"] == "utf-8"


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_the_example_runs(tmp_path: Path, weights: Path) -> None:
    example = runpy.run_path(str(ROOT / "docs" / "example_datatrove.py"))
    (tmp_path / "in").mkdir()
    archive(tmp_path / "in" / "a.warc.gz", range(3))
    archive(tmp_path / "in" / "b.warc.gz", range(3, 6))
    example["pipeline"](str(tmp_path / "in"), str(tmp_path / "out"), weights=weights, scope="all").run()
    lines = []
    for path in sorted((tmp_path / "out" / "pages").glob("*.jsonl.gz")):
        lines += [orjson.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    reader = Reader(load_checkpoint(weights))
    texts = [extract(reader, Asked(page(n), None, frozenset(["text"]))).text for n in range(6)]
    assert [line["text"] for line in lines] == texts
    assert [line["id"] for line in lines] == [f"<urn:uuid:{n}>" for n in range(6)]


def test_behind_the_reader_of_datatrove(tmp_path: Path, weights: Path, expected: dict[str, str]) -> None:
    pytest.importorskip("cchardet")
    pytest.importorskip("magic", exc_type=ImportError)  # needs a library of the system
    from datatrove.pipeline.readers.warc import WarcReader  # noqa: PLC0415

    archive(tmp_path / "a.warc.gz", range(5))
    found = SoupstateExtractor(weights=weights).run(WarcReader(str(tmp_path)).run())
    assert [d.text for d in found] == list(expected.values())


def test_rows_as_json_lines_are_documents(tmp_path: Path) -> None:
    source = archive(tmp_path / "a.warc.gz", range(3))
    job = Job(str(tmp_path / "out"), form="jsonl.gz")
    Folder(job.out).prepare()
    Task(job, Reader(load_checkpoint()), Attempt(str(source)), [0, 0, 0, 0]).run()
    found = list(JsonlReader(job.out, glob_pattern="*.jsonl.gz").run())
    assert [d.id for d in found] == [f"<urn:uuid:{n}>" for n in range(3)]
    assert all(d.text.startswith("Number ") for d in found)
    assert found[0].metadata["url"] == "https://site.example/0" and found[0].metadata["title"] == "Page 0"
