"""HTML pages out of WARC and ARC files, whatever state the files are in."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from warcio.bufferedreaders import BufferedReader, ChunkedDataReader
from warcio.exceptions import ArchiveLoadFailed
from warcio.recordloader import ArcWarcRecordLoader
from warcio.statusandheaders import StatusAndHeadersParser, StatusAndHeadersParserException

from model.page.decode import EmptyPage, NotText, Source, Undecodable, decode
from model.page.members import BLOCK, Members, Readable

try:
    import brotli
except ImportError:
    brotli = None

MAX_BODY = 16 * 1024 * 1024
LINE = 64 * 1024
HTML_TYPES = ("text/html", "application/xhtml+xml")
ARC_RECORD = re.compile(rb"(filedesc|https?|dns|ftp):\S* \S+ \d{12,14} .*\d+\s*$")
HTML_START = re.compile(rb"\s*(?:<!doctype\s+html|<html\b)", re.IGNORECASE)
MARKUP_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*<")
BAD_RECORD = (ArchiveLoadFailed, StatusAndHeadersParserException, EOFError, ValueError)


@dataclass(frozen=True, slots=True)
class WarcPage:
    """A page of an archive; `status` is None where it came without HTTP (a resource record)."""

    url: str
    date: str
    record_id: str
    html: str
    charset: str
    charset_source: Source
    status: int | None


@dataclass(slots=True)
class Tally:
    """What came of a file's records: pages, records that are no HTML page, and what was lost."""

    pages: int = 0
    other: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)

    def report(self) -> str:
        """One line, as `80 pages; other records: 80 request; skipped: 1 truncated record`."""
        parts = [f"{self.pages} pages"]
        for title, counts in (("other records", self.other), ("skipped", self.skipped)):
            if counts:
                listed = ", ".join(f"{number} {reason}" for reason, number in counts.most_common())
                parts.append(f"{title}: {listed}")
        return "; ".join(parts)


class _Skip(Exception):
    """A page that is given up, with the reason that is counted."""


class _NotHtml(Exception):
    """A record that is no HTML page, with its kind."""


def read_pages(
    source: Readable | Path | str, *, tally: Tally | None = None, max_body: int = MAX_BODY
) -> Iterator[WarcPage]:
    """The HTML pages of a WARC or ARC file: plain, gzip (record by record or whole) or xz.

    Pages are HTTP responses of any status, and resource records, of type HTML. Nothing in the
    file is fatal: what is broken, cut off, binary, undecodable, empty or (unpacked) larger than
    `max_body` bytes is left out and counted in `tally`. After a broken stretch reading goes on at
    the next record.
    """
    tally = Tally() if tally is None else tally
    if isinstance(source, (str, Path)):
        with open(source, "rb") as file:
            yield from _read_members(Members(file, tally.skipped), tally, max_body)
    else:
        yield from _read_members(Members(source, tally.skipped), tally, max_body)


def _read_members(members: Members, tally: Tally, max_body: int) -> Iterator[WarcPage]:
    loader = ArcWarcRecordLoader(arc2warc=True)
    while members.next_member():
        reader = BufferedReader(members)
        lost = False
        while line := reader.readline(LINE):
            if not line.strip():
                continue
            if not _starts_record(line):
                if not lost:
                    tally.skipped["broken record"] += 1
                lost = True
                continue
            lost = False
            try:
                record = loader.parse_record_stream(reader, line, no_record_parse=True)
            except BAD_RECORD:
                record = None
            if record is None or record.length is None:
                tally.skipped["broken record"] += 1
                lost = True
                continue
            page = _page(record, tally, max_body)
            if page is not None:
                tally.pages += 1
                yield page


def _starts_record(line: bytes) -> bool:
    return line.startswith(b"WARC/") or ARC_RECORD.match(line) is not None


def _page(record: Any, tally: Tally, max_body: int) -> WarcPage | None:
    """The record's page, the record read to its end."""
    page = None
    reason = other = None
    try:
        page = _read_record(record, max_body)
    except _NotHtml as kind:
        other = str(kind)
    except _Skip as why:
        reason = str(why)
    while record.raw_stream.read(BLOCK):
        pass
    if getattr(record.raw_stream, "limit", 0) > 0:
        page, reason = None, "truncated record"
    if reason:
        tally.skipped[reason] += 1
    elif other:
        tally.other[other] += 1
    return page


def _read_record(record: Any, max_body: int) -> WarcPage:
    kind = record.rec_type or "record without a type"
    url = record.rec_headers.get_header("WARC-Target-URI", "")
    if kind == "resource":
        http, status, content_type = None, None, record.content_type
    elif kind == "response" and url.lower().startswith(("http:", "https:")):
        try:
            http = StatusAndHeadersParser(["HTTP/"]).parse(record.raw_stream)
        except (StatusAndHeadersParserException, EOFError, ValueError):
            raise _Skip("broken HTTP header") from None
        status, content_type = _status(http), http.get_header("Content-Type")
    else:
        raise _NotHtml("response without HTTP" if kind == "response" else kind)

    declared = (content_type or "").partition(";")[0].strip().lower()
    if declared and declared not in HTML_TYPES:
        raise _NotHtml(f"{kind} of another type")
    body = _body(record.raw_stream, http, max_body)
    if len(body) > max_body:
        raise _Skip("too large")
    if body and not declared and not HTML_START.match(body[:1024]):
        raise _NotHtml(f"{kind} without a type")
    try:
        text = decode(body, content_type)
    except EmptyPage:
        raise _Skip("empty") from None
    except NotText:
        raise _Skip("binary") from None
    except Undecodable:
        raise _Skip("undecodable") from None
    headers = record.rec_headers
    return WarcPage(
        url=url,
        date=headers.get_header("WARC-Date", ""),
        record_id=headers.get_header("WARC-Record-ID", ""),
        html=text.text,
        charset=text.charset,
        charset_source=text.source,
        status=status,
    )


def _status(http: Any) -> int | None:
    found = re.search(r"\b[1-5]\d\d\b", http.statusline)
    return int(found[0]) if found else None


def _body(stream: Any, http: Any, max_body: int) -> bytes:
    """The payload, transfer and content encoding undone; longer than the limit means more."""
    if http and "chunked" in (http.get_header("Transfer-Encoding") or "").lower():
        stream = ChunkedDataReader(stream)
    body: bytes = stream.read(max_body + 1)
    encodings = (http.get_header("Content-Encoding") or "").lower() if http else ""
    for encoding in reversed(encodings.split(",")):
        if body and len(body) <= max_body:
            body = _unpack(body, encoding.strip(), max_body)
    return body


def _unpack(body: bytes, encoding: str, max_body: int) -> bytes:
    """Crawlers may keep the header of a body that they unpacked: markup is left as it is."""
    if encoding in ("", "identity", "none", "utf-8") or MARKUP_START.match(body):
        return body
    if encoding in ("gzip", "x-gzip") and body.startswith(b"\x1f\x8b"):
        return _inflate(body, 31, max_body)
    if encoding in ("gzip", "x-gzip"):
        return body
    if encoding == "deflate":
        try:
            return _inflate(body, 15, max_body)
        except _Skip:
            return _inflate(body, -15, max_body)
    if encoding == "br" and brotli is not None:
        return _unpack_brotli(body, max_body)
    raise _Skip(f"content encoding {encoding[:20]}")


def _inflate(body: bytes, wbits: int, max_body: int) -> bytes:
    unpacked = b""
    while body and len(unpacked) <= max_body:
        inflate = zlib.decompressobj(wbits)
        try:
            unpacked += inflate.decompress(body, max_body + 1 - len(unpacked))
        except zlib.error:
            raise _Skip("broken body") from None
        if not inflate.eof and len(unpacked) <= max_body:
            raise _Skip("broken body")
        # a gzip body may be several members; what follows them is no matter
        body = inflate.unused_data if inflate.unused_data.startswith(b"\x1f\x8b") else b""
    return unpacked


def _unpack_brotli(body: bytes, max_body: int) -> bytes:
    decompressor = brotli.Decompressor()
    unpacked = bytearray()
    try:
        for start in range(0, len(body), 4096):
            unpacked += decompressor.process(body[start : start + 4096])
            if len(unpacked) > max_body:
                return bytes(unpacked)
    except brotli.error:
        raise _Skip("broken body") from None
    if not decompressor.is_finished():
        raise _Skip("broken body")
    return bytes(unpacked)
