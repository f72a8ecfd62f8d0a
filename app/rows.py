"""Rows: what is written of every record that may be a page."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from soupstate.app.answers import Extraction, Model
from soupstate.model.archive.records import WarcRecord
from soupstate.model.archive.status import Status
from soupstate.model.page.language import language
from soupstate.model.page.render.links import Link


def _column(kind: str, text: str) -> Any:
    return field(metadata={"kind": kind, "help": text})


@dataclass(slots=True)
class Row:
    """The table of columns: name, type (of Parquet) and what it is; None where it is not known."""

    url: str = _column("string", "Address of the page.")
    date: str = _column("string", "When it was fetched, as the record says it (ISO 8601).")
    warc_file: str = _column("string", "Name of the file that it is from.")
    offset: int = _column("int64", "Where its record, or the gzip member that holds it, starts in that file.")
    record_id: str = _column("string", "The record's WARC-Record-ID; an ARC file has none.")
    digest: str | None = _column("string", "SHA-1 of the body, encodings undone, in base 32, as `sha1:...`.")
    http_status: int | None = _column("int16", "Status of the response.")
    truncated: str | None = _column("string", "Why the crawler cut the body off, where it did (WARC-Truncated).")
    charset: str | None = _column("string", "Charset, by its WHATWG name.")
    charset_source: str | None = _column("string", "Where it was found: bom, header, meta or detected.")
    language: str | None = _column("string", "Language tag of `<html lang>`, else of Content-Language.")
    title: str | None = _column("string", "Title.")
    links: list[dict[str, str | None]] | None = _column("links", "Links: href, url (absolute), text, rel.")
    text: str | None = _column("string", "Visible text.")
    markdown: str | None = _column("string", "The page in Markdown.")
    main_text: str | None = _column("string", "Text of the main content.")
    characters: int | None = _column("int32", "Characters of the page.")
    bits_per_character: float | None = _column("float32", "How surprising the page was; of a long one an estimate.")
    model_name: str = _column("string", "Network that read it.")
    model_version: str = _column("string", "Its version.")
    status: str = _column("string", "ok, or why the page was not read.")


COLUMNS = fields(Row)
LINK_FIELDS = tuple(name.name for name in fields(Link) if name.name not in ("start", "end"))


def described(record: WarcRecord) -> dict[str, Any]:
    """What a record itself says, by the names of columns."""
    page = record.page
    return {
        "url": record.url,
        "date": record.date,
        "offset": record.offset,
        "record_id": record.record_id,
        "digest": record.digest,
        "http_status": record.status,
        "truncated": record.truncated,
        "charset": page.charset if page else None,
        "charset_source": page.source if page else None,
        "language": language(page.text if page else "", record.language),
        "characters": len(page.text) if page else None,
        "status": record.reason or Status.OK,
    }


def row_of(record: WarcRecord, warc_file: str, model: Model) -> Row:
    """The row of a record whose page was not read."""
    read: dict[str, Any] = dict.fromkeys(("title", "links", "text", "markdown", "main_text", "bits_per_character"))
    return Row(
        **described(record), **read, warc_file=warc_file, model_name=model.name, model_version=model.version
    )


def fill(row: Row, answer: Extraction, main_text: str) -> None:
    """Puts into the row what was read."""
    row.title, row.text, row.markdown = answer.title, answer.text, answer.markdown
    row.links = [{name: getattr(link, name) for name in LINK_FIELDS} for link in answer.links or ()]
    row.main_text = main_text
    row.bits_per_character = answer.bits_per_character


def size(row: Row) -> int:
    """Characters of the row's long columns, about."""
    links = sum(len(link["url"] or "") + len(link["href"] or "") + len(link["text"] or "") for link in row.links or ())
    return 500 + sum(len(part or "") for part in (row.text, row.markdown, row.main_text, row.url)) + links


def as_dict(row: Row) -> dict[str, Any]:
    """The row by the names of its columns."""
    return asdict(row)
