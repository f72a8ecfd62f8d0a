"""Batches of pages in Arrow: the rows of `soupstate warc`, and a status for every page that fails."""

import doctest
from pathlib import Path

import pyarrow as pa
import pytest

import soupstate
import soupstate.arrow
from soupstate.app.batch.writers.parquet import SCHEMA
from soupstate.arrow import extract_batch

PAGE = "<html lang=de><title>Fähre</title><h1>Nachts</h1><p>Die <a href=/f>Fähre</a> fährt um zehn.</p></html>"


@pytest.fixture(scope="module")
def soup(weights: Path) -> soupstate.Soupstate:
    return soupstate.Soupstate(weights)


def test_columns_are_those_of_a_crawl(soup: soupstate.Soupstate) -> None:
    given = {"html": [PAGE] * 3, "url": ["https://example.org/", None, "x"], "date": ["2026-01-01", None, None]}
    rows = extract_batch(pa.RecordBatch.from_pydict(given | {"other": [1, 2, 3]}), soup)
    assert rows.schema.equals(SCHEMA)
    page = soup.extract(PAGE, "https://example.org/")
    first = rows.to_pylist()[0]
    assert (first["text"], first["markdown"], first["title"]) == (page.text, page.markdown, page.title)
    assert first["links"] == [{"href": n.href, "url": n.url, "text": n.text, "rel": n.rel} for n in page.links]
    assert (first["date"], first["declared_language"], first["characters"]) == ("2026-01-01", "de", len(PAGE))
    assert rows.column("status").to_pylist() == ["ok"] * 3 and rows.column("model_name").to_pylist() == ["tiny"] * 3


def test_a_page_that_fails_has_a_status(soup: soupstate.Soupstate) -> None:
    bodies = [PAGE.encode(), None, b" ", b"%PDF-1.7", b"x" * 300, PAGE.encode("cp1252")]
    types = [None, None, None, None, None, "text/html; charset=iso-8859-1"]
    batch = pa.RecordBatch.from_pydict({"body": bodies, "content_type": types})
    rows = extract_batch(batch, soup, max_page_bytes=250).to_pylist()
    assert [row["status"] for row in rows] == ["ok", "empty", "empty", "binary", "too large", "ok"]
    assert [row["charset"] for row in rows] == ["utf-8", None, None, None, None, "windows-1252"]
    assert rows[0]["text"] == rows[5]["text"] and rows[1]["text"] is None
    assert extract_batch(batch, soup, page_seconds=0.0).column("status").to_pylist()[0] == "timed out"


def test_the_example_in_the_docstring() -> None:
    found = doctest.testmod(soupstate.arrow)
    assert found.attempted and not found.failed


def test_odd_batches(soup: soupstate.Soupstate) -> None:
    assert extract_batch(pa.RecordBatch.from_pydict({"html": pa.array([], pa.string())}), soup).num_rows == 0
    with pytest.raises(ValueError, match="neither html nor body; its columns: text"):
        extract_batch(pa.RecordBatch.from_pydict({"text": ["x"]}), soup)
    with pytest.raises(ValueError, match="column html is of type int64, expected string"):
        extract_batch(pa.RecordBatch.from_pydict({"html": [1]}), soup)
    with pytest.raises(ValueError, match="column url is of type int64"):
        extract_batch(pa.RecordBatch.from_pydict({"html": ["x"], "url": [1]}), soup)
    many = pa.RecordBatch.from_pydict({"html": pa.array([f"<p>Page {n}</p>" for n in range(70)], pa.large_string())})
    assert extract_batch(many, soup).column("status").to_pylist() == ["ok"] * 70
