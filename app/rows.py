"""Rows: what a crawl writes for every record that may be a page."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from soupstate.app.answers import Extraction, MainParts, Model
from soupstate.model.archive.records import WarcRecord
from soupstate.model.archive.status import Status
from soupstate.model.page.language import declared_language
from soupstate.model.page.render.links import Link


def _column(kind: str, text: str) -> Any:
    return field(metadata={"kind": kind, "help": text})


@dataclass(slots=True)
class Row:
    """The table of columns: name, Parquet type and meaning. A value that is not known is None."""

    url: str = _column("string", "Address of the page.")
    date: str = _column("string", "Date of the capture, as the record gives it (ISO 8601).")
    warc_file: str = _column("string", "Name of the file that holds the record.")
    offset: int = _column("int64", "Byte offset in that file of the record, or of the gzip member that holds it.")
    record_id: str = _column("string", "The record's WARC-Record-ID; an ARC file has none.")
    digest: str | None = _column("string", "SHA-1 of the body with its encodings undone, in base 32, as `sha1:...`.")
    http_status: int | None = _column("int16", "Status of the response.")
    truncated: str | None = _column("string", "Why the crawler cut the body off, if it did (WARC-Truncated).")
    charset: str | None = _column("string", "Charset, by its WHATWG name.")
    charset_source: str | None = _column("string", "Source of the charset: bom, header, meta or detected.")
    language: str | None = _column("string", "Language of the visible text (BCP 47); none if it is too short to tell.")
    declared_language: str | None = _column("string", "Language tag of `<html lang>`, else of Content-Language.")
    title: str | None = _column("string", "Title.")
    links: list[dict[str, str | None]] | None = _column("links", "Links: href, url (absolute), text, rel.")
    text: str | None = _column("string", "Visible text.")
    markdown: str | None = _column("string", "The page in Markdown.")
    main_text: str | None = _column("string", "Text of the main content.")
    main_markdown: str | None = _column("string", "The main content in Markdown.")
    main_confidence: float | None = _column("float32", "F1 of words to expect of the main content, 0 to 1.")
    page_type: str | None = _column("string", "Type of the page: article, forum, product and others.")
    fields: list[dict[str, Any]] | None = _column("fields", "What heads found: name, value, start, end, probability.")
    characters: int | None = _column("int32", "Characters of the page.")
    bits_per_character: float | None = _column("float32", "Surprisal per character; an estimate for a long page.")
    model_name: str = _column("string", "Name of the network that read the page.")
    model_version: str = _column("string", "Version of the network.")
    status: str = _column("string", "ok, or why the page was not read.")


COLUMNS = fields(Row)
READ = (  # columns that a page has once it was read
    *("language", "title", "links", "text", "markdown", "main_text", "main_markdown"),
    *("main_confidence", "page_type", "fields", "bits_per_character"),
)
FIELD_FIELDS = {"name": "string", "value": "string", "start": "int64", "end": "int64", "probability": "float32"}
LINK_FIELDS = tuple(name.name for name in fields(Link) if name.name not in ("start", "end", "alt"))


def described(record: WarcRecord) -> dict[str, Any]:
    """Returns what the record itself tells, by the names of columns."""
    page = record.page
    return {
        "url": record.url,
        "date": record.date,
        "offset": record.offset,
        "record_id": record.record_id,
        "digest": record.digest,
        "http_status": record.http_status,
        "truncated": record.truncated,
        "charset": page.charset if page else None,
        "charset_source": page.source if page else None,
        "declared_language": declared_language(page.text if page else "", record.language),
        "characters": len(page.text) if page else None,
        "status": record.reason or Status.OK,
    }


def row_of(record: WarcRecord, warc_file: str, model: Model) -> Row:
    """Returns the row of a record whose page was not read."""
    read: dict[str, Any] = dict.fromkeys(READ)
    return Row(**described(record), **read, warc_file=warc_file, model_name=model.name, model_version=model.version)


def fill(row: Row, answer: Extraction, main: MainParts) -> None:
    """Puts an extraction of the page and its main content into a row."""
    row.language, row.title, row.text, row.markdown = answer.language, answer.title, answer.text, answer.markdown
    row.links = [{name: getattr(link, name) for name in LINK_FIELDS} for link in answer.links or ()]
    row.main_text, row.main_markdown = main.text, main.markdown
    row.main_confidence, row.page_type = main.confidence, main.page_type
    if answer.fields is not None:
        row.fields = [{"name": name} | asdict(value) for name, some in answer.fields.items() for value in some]
    row.bits_per_character = answer.bits_per_character


def size(row: Row) -> int:
    """Returns about how many characters the row's long columns have."""
    links = sum(len(link["url"] or "") + len(link["href"] or "") + len(link["text"] or "") for link in row.links or ())
    return (
        500
        + sum(len(part or "") for part in (row.text, row.markdown, row.main_text, row.main_markdown, row.url))
        + links
    )


def as_dict(row: Row) -> dict[str, Any]:
    """Returns the row's values by the names of its columns."""
    return asdict(row)
