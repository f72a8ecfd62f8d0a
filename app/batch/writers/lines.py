"""Writes the rows of pages that were read, as JSON lines or as a WARC file like Common Crawl's WET files."""

import gzip
import io
import uuid
from pathlib import Path
from typing import Any

import orjson
import zstandard
from warcio.warcwriter import WARCWriter

from soupstate.app.rows import Row, as_dict
from soupstate.model.archive.status import Status

# Namespace of the ids of WET records, which are derived from the ids of the pages.
NAMESPACE = uuid.UUID("6f1c9f0e-2c1d-5d0b-8d53-3f0f5c3f7d11")


def name_of(row: Row) -> str:
    """Returns the id of a page: that of its record, else its file and offset."""
    return row.record_id or f"{row.warc_file}/{row.offset}"


class JsonLines:
    """Writes a line for each page that was read, with gzip or zstd.

    A line is {"text", "id", "url", "date", "metadata"}, the names that datatrove uses.
    """

    def __init__(self, path: Path) -> None:
        self._file = open(path, "wb")  # noqa: SIM115 (closed by close)
        if path.name.endswith(".zst"):
            self._packed: Any = zstandard.ZstdCompressor(level=3).stream_writer(self._file, closefd=False)
        else:
            self._packed = gzip.GzipFile("", "wb", 6, self._file, mtime=0)

    def add(self, row: Row) -> None:
        if row.status != Status.OK:
            return
        columns = as_dict(row)
        line = {"text": columns.pop("text"), "id": name_of(row), "url": columns.pop("url"), "date": columns.pop("date")}
        self._packed.write(orjson.dumps(line | {"metadata": columns}, option=orjson.OPT_APPEND_NEWLINE))

    def close(self) -> None:
        self._packed.close()
        self._file.close()


class WetRecords:
    """Writes a `warcinfo` record, then a `conversion` record (WARC 1.0, text/plain) for each page that was read."""

    def __init__(self, path: Path) -> None:
        self._file = open(path, "wb")  # noqa: SIM115 (closed by close)
        self._writer = WARCWriter(self._file, gzip=True)
        self._begun = False

    def add(self, row: Row) -> None:
        if row.status != Status.OK:
            return
        if not self._begun:
            self._info(row)
        text = (row.text or "").encode()
        headers = {
            "WARC-Date": row.date or "1970-01-01T00:00:00Z",
            "WARC-Record-ID": _derived(f"{name_of(row)} text"),
            "WARC-Refers-To": name_of(row),
        }
        self._write(row.url, "conversion", text, "text/plain", headers)

    def _info(self, row: Row) -> None:
        self._begun = True
        text = f"software: soupstate, model {row.model_name} {row.model_version}\r\nisPartOf: {row.warc_file}\r\n"
        headers = {
            "WARC-Date": row.date or "1970-01-01T00:00:00Z",
            "WARC-Record-ID": _derived(f"{name_of(row)} and what follows"),
            "WARC-Filename": row.warc_file,
        }
        self._write("", "warcinfo", text.encode(), "application/warc-fields", headers)

    def _write(self, url: str, kind: str, body: bytes, content_type: str, headers: dict[str, str]) -> None:
        record = self._writer.create_warc_record(
            url,
            kind,
            payload=io.BytesIO(body),
            length=len(body),
            warc_content_type=content_type,
            warc_headers_dict=headers,
        )
        self._writer.write_record(record)

    def close(self) -> None:
        self._file.close()


def _derived(name: str) -> str:
    return f"<urn:uuid:{uuid.uuid5(NAMESPACE, name)}>"
