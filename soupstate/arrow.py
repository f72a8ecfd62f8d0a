"""Batches of pages as Apache Arrow has them: for Ray Data, Spark, Daft and DuckDB. It needs the extra `warc`."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from soupstate.api import Soupstate
from soupstate.app.answers import Model, model_of
from soupstate.app.batch.writers.parquet import SCHEMA
from soupstate.app.pages import MOST_CHARACTERS, MOST_PAGES, fill_row, mark_pages
from soupstate.app.rows import COLUMNS, Row, as_dict
from soupstate.model.archive.status import DECODING, Status
from soupstate.model.page.decode import Decoded, decode
from soupstate.model.page.language import declared_language
from soupstate.model.page.skim import Skimmed, skim

__all__ = ["SCHEMA", "extract_batch"]

# Columns of a batch that go into the rows as they are.
KEPT = ("url", "date", "warc_file", "offset", "record_id", "digest", "http_status", "truncated")
_SHIPPED = Soupstate()


def extract_batch(
    batch: pa.RecordBatch,
    soup: Soupstate | None = None,
    *,
    page_seconds: float = 60.0,
    max_page_bytes: int = 2_000_000,
) -> pa.RecordBatch:
    """Extracts from every page of a batch; returns a batch of SCHEMA, the columns that `soupstate warc` writes.

    batch: column `html` (string) or, without it, `body` (binary); optional columns `url`, `content_type` (the HTTP
    header, for the charset), and those of KEPT, which are copied. soup: the network; the shipped one by default.
    page_seconds: processor time per page. max_page_bytes: larger pages are left out.

    A page that fails gives a row with its `status`, and never an exception. Raises ValueError for a batch without
    such columns or with others of their names, and for weights that cannot be used.

    >>> import pyarrow as pa
    >>> batch = pa.RecordBatch.from_pydict({"html": ["<p>Tea</p>", ""], "url": ["https://example.org/", None]})
    >>> rows = extract_batch(batch)
    >>> rows.column("text").to_pylist(), rows.column("status").to_pylist()
    (['Tea', None], ['ok', 'empty'])
    """
    name = _page_column(batch)
    reader = (soup or _SHIPPED).extracting
    found = [_row(given, name, model_of(reader), max_page_bytes) for given in batch.to_pylist()]
    for group in _groups([(row, page) for row, page in found if page is not None]):
        done = mark_pages(reader, [page for _, page in group], page_seconds)
        for (row, page), read in zip(group, done, strict=True):
            fill_row(row, page, read, page_seconds)
    return pa.RecordBatch.from_pylist([as_dict(row) for row, _ in found], SCHEMA)


def _row(given: dict[str, Any], name: str, model: Model, max_page_bytes: int) -> tuple[Row, Skimmed | None]:
    """Returns the row of a page that was not read yet, and the page; None where the row's status says why not."""
    blank: dict[str, Any] = dict.fromkeys(column.name for column in COLUMNS)
    row = Row(**blank)
    row.model_name, row.model_version = model.name, model.version
    for column in KEPT:
        setattr(row, column, given.get(column))
    page = _decoded(given[name], given.get("content_type"), max_page_bytes)
    if isinstance(page, Status):
        row.status = page
        return row, None
    row.charset, row.charset_source = page.charset or None, page.source if page.charset else None
    row.declared_language = declared_language(page.text)
    row.characters, row.status = len(page.text), Status.OK
    return row, skim(page.text)


def _groups(pages: list[tuple[Row, Skimmed]]) -> Iterator[list[tuple[Row, Skimmed]]]:
    """Yields as many pages at a time as are read together."""
    group: list[tuple[Row, Skimmed]] = []
    characters = 0
    for pair in pages:
        group.append(pair)
        characters += len(pair[1].text)
        if len(group) == MOST_PAGES or characters >= MOST_CHARACTERS:
            yield group
            group, characters = [], 0
    if group:
        yield group


def _page_column(batch: pa.RecordBatch) -> str:
    """Returns the name of the column of pages. Raises ValueError for a batch whose columns cannot be used."""
    text = ("string", "large_string", "string_view", "null")
    binary = ("binary", "large_binary", "binary_view", "null")
    wanted = {"html": text, "body": binary, "url": text, "content_type": text}
    for column in batch.schema:
        if column.name in wanted and str(column.type) not in wanted[column.name]:
            raise ValueError(f"column {column.name} is of type {column.type}, expected {wanted[column.name][0]}")
    for name in ("html", "body"):
        if name in batch.schema.names:
            return name
    raise ValueError(f"the batch has neither html nor body; its columns: {', '.join(batch.schema.names)}")


def _decoded(body: Any, content_type: str | None, max_page_bytes: int) -> Decoded | Status:
    """Returns the page, or why there is none."""
    if body is None or not body.strip():
        return Status.EMPTY
    size = len(body) if isinstance(body, bytes) else len(body.encode("utf-8", "replace"))
    if size > max_page_bytes:
        return Status.TOO_LARGE
    if isinstance(body, str):
        return Decoded.of_text(body)
    try:
        return decode(body, content_type)
    except tuple(DECODING) as error:
        return DECODING[type(error)]
