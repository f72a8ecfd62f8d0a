"""Reads the HTML pages of WARC and ARC files, however broken the files are."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from warcio.limitreader import LimitReader
from warcio.recordloader import ARC2WARCHeadersParser, ArcWarcRecordLoader
from warcio.statusandheaders import StatusAndHeadersParser, StatusAndHeadersParserException

from soupstate.model.archive.gzip_members import READ_BYTES, Members, Readable
from soupstate.model.archive.payload import BadPayload, payload
from soupstate.model.archive.status import DECODING, Status
from soupstate.model.page.decode import Decoded, Source, decode

MAX_BODY = 16 * 1024 * 1024
MAX_HEADER = 1024 * 1024  # bytes of a record's or response's header; servers stop at 8 to 64 KiB
LONGEST_LINE = 64 * 1024  # bytes of the longest line
LONGEST_VALUE = 2048  # characters used of a header's value
HTML_TYPES = ("text/html", "application/xhtml+xml")
RECORD_TYPES = frozenset("warcinfo response resource request metadata revisit conversion continuation".split())
ARC_RECORD = re.compile(rb"(filedesc|https?|dns|ftp):\S* \S+ \d{12,14} .*\d\s*$")
HTML_START = re.compile(rb"\s*(?:<!doctype\s+html|<html\b)", re.IGNORECASE)
BAD_HEADER = (StatusAndHeadersParserException, EOFError, ValueError, TypeError, AttributeError)


@dataclass(frozen=True, slots=True)
class WarcPage:
    """A page of an archive. http_status: None when it came without HTTP, in a resource record."""

    url: str
    date: str
    record_id: str
    html: str
    charset: str
    charset_source: Source
    http_status: int | None


@dataclass(slots=True)
class WarcRecord:
    """A record that may be a page: a response or a resource. page: None when it is left out, for `reason`.

    offset: of the record in the file; in a gzip file, of the gzip member that holds it; in an xz file, of the record in
    the decompressed data. record_id: "" in an ARC file. truncated: why the crawler cut the body off, None if it did
    not. language: Content-Language. digest: SHA-1 of the body without its encodings, as WARC writes it; None when the
    body was not needed.
    """

    offset: int
    record_id: str
    url: str
    date: str
    truncated: str | None = None
    http_status: int | None = None
    language: str | None = None
    digest: str | None = None
    page: Decoded | None = None
    reason: str = ""


@dataclass(slots=True)
class Tally:
    """Counts a file's records: pages, records that are not HTML pages, and what was lost.

    records: those whose header could be read. consumed: bytes of the file that were read.
    """

    pages: int = 0
    other: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    records: int = field(default=0, compare=False)
    consumed: int = field(default=0, compare=False)

    @property
    def problem(self) -> str:
        """Why a file that was read to its end is no archive; "" where it holds a record."""
        if self.records:
            return ""
        if not self.consumed:
            return "the file is empty, so it is no WARC or ARC file"
        lost = ", ".join(f"{number} {reason}" for reason, number in self.skipped.most_common())
        return f"no record can be read, so it is no WARC or ARC file ({lost or 'nothing but white space'})"

    def report(self) -> str:
        """Returns one line, such as `80 pages; other records: 80 request; skipped: 1 truncated record`."""
        parts = [f"{self.pages} pages"]
        for title, counts in (("other records", self.other), ("skipped", self.skipped)):
            if counts:
                listed = ", ".join(f"{number} {reason}" for reason, number in counts.most_common())
                parts.append(f"{title}: {listed}")
        return "; ".join(parts)


class NotAnArchive(ValueError):
    """A file holds no record of WARC or ARC. The message is `Tally.problem`."""


class _Skip(Exception):
    """A page is left out. The message is the reason that is counted."""


class _NotHtml(Exception):
    """A record is not an HTML page. The message is its kind."""


class _BadHeader(Exception):
    """A record's header cannot be read."""


@dataclass(slots=True)
class _Block:
    """A record's header, and its block, which has not been read."""

    kind: str
    headers: Any
    stream: Any
    record_id: str


class _Unpacked(io.RawIOBase):
    """The decompressed bytes of a member, as a raw stream for io.BufferedReader."""

    def __init__(self, members: Members) -> None:
        self._members = members
        self._at = 0

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        data = self._members.read(len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def read_pages(
    source: Readable | Path | str, *, tally: Tally | None = None, max_body: int = MAX_BODY
) -> Iterator[WarcPage]:
    """Yields the HTML pages of a WARC or ARC file: uncompressed, gzip (record by record or as a whole) or xz.

    Pages are HTTP responses of any status, and resource records, whose type is HTML. Nothing in the file is fatal: a
    record that is broken, cut off, binary, undecodable, empty, or decompresses to more than `max_body` bytes is left
    out and counted in `tally`. After a broken stretch, reading goes on at the next record.
    """
    for record in read_records(source, tally=tally, max_body=max_body):
        if record.page is not None:
            yield WarcPage(
                url=record.url,
                date=record.date,
                record_id=record.record_id,
                html=record.page.text,
                charset=record.page.charset,
                charset_source=record.page.source,
                http_status=record.http_status,
            )


def read_html(files: Iterable[Path], limit: int | None = None) -> Iterator[str]:
    """Yields the HTML of the pages of several files, of each file no more than `limit`.

    Raises OSError, and NotAnArchive for a file without any record.
    """
    for file in files:
        tally, count = Tally(), 0
        for page in islice(read_pages(file, tally=tally), limit):
            count += 1
            yield page.html
        if not count and tally.problem:
            raise NotAnArchive(f"{file}: {tally.problem}")


def read_records(
    source: Readable | Path | str, *, tally: Tally | None = None, max_body: int = MAX_BODY
) -> Iterator[WarcRecord]:
    """Yields all records of a file that may be pages; those that are not have a reason. See `read_pages`.

    It streams: besides one body of at most `max_body` bytes, only a few blocks of 64 KiB are in memory. Records whose
    header cannot be read, and records of other kinds, are only counted in `tally`.
    """
    tally = Tally() if tally is None else tally
    if isinstance(source, (str, Path)):
        with open(source, "rb") as file:
            yield from _read_members(Members(file, tally.skipped), tally, max_body)
    else:
        yield from _read_members(Members(source, tally.skipped), tally, max_body)


def _read_members(members: Members, tally: Tally, max_body: int) -> Iterator[WarcRecord]:
    while members.next_member():
        reader = io.BufferedReader(_Unpacked(members), READ_BYTES)
        lost = False
        while True:
            at = members.offset if members.packed else reader.tell()
            line = reader.readline(LONGEST_LINE)
            tally.consumed = members.consumed
            if not line:
                break
            if not line.strip():
                continue
            if not _starts_record(line):
                if not lost:
                    tally.skipped[Status.BROKEN_RECORD] += 1
                lost = True
                continue
            try:
                block = _block(reader, line)
            except _BadHeader:
                tally.skipped[Status.BROKEN_RECORD] += 1
                lost = True
                continue
            lost = False
            tally.records += 1
            record = _record(block, at, tally, max_body)
            if record is not None:
                yield record
    tally.consumed = members.consumed


def _starts_record(line: bytes) -> bool:
    return line.startswith(b"WARC/") or ARC_RECORD.match(line) is not None


def _block(reader: Any, line: bytes) -> _Block:
    """Returns the record that begins with this line. Raises _BadHeader."""
    try:
        if line.startswith(b"WARC/"):
            headers = StatusAndHeadersParser(ArcWarcRecordLoader.WARC_TYPES).parse(_head(reader, line))
            own, record_id = 0, _shown(headers, "WARC-Record-ID") or ""
        else:
            version = (
                b"".join(reader.readline(LONGEST_LINE) for _ in range(2)) if line.startswith(b"filedesc:") else b""
            )
            headers = ARC2WARCHeadersParser().parse(io.BytesIO(version), line)
            own, record_id = len(version), ""  # warcio makes one up
        length = int(headers.get_header("Content-Length")) - own
    except BAD_HEADER:
        raise _BadHeader from None
    if length < 0:
        raise _BadHeader
    kind = headers.get_header("WARC-Type") or "record without a type"
    return _Block(kind, headers, LimitReader(reader, length), record_id)


def _head(stream: Any, line: bytes) -> io.BytesIO:
    """Returns the header that begins with this line, up to its blank line. Raises _BadHeader when it is too large."""
    lines = [line]
    left = MAX_HEADER - len(line)
    while line.strip() and left > 0:
        line = stream.readline(LONGEST_LINE)
        lines.append(line)
        left -= len(line)
    if left <= 0:
        raise _BadHeader
    return io.BytesIO(b"".join(lines))


def _record(block: _Block, offset: int, tally: Tally, max_body: int) -> WarcRecord | None:
    """Reads a record to its end and returns it; returns None for a kind of record that is never a page."""
    headers = block.headers
    url = (headers.get_header("WARC-Target-URI") or "").removeprefix("<").removesuffix(">")  # <>: wget 1.19
    record = WarcRecord(
        offset=offset,
        record_id=block.record_id,
        url=url.replace(" ", "%20"),
        date=_shown(headers, "WARC-Date") or "",
        truncated=_shown(headers, "WARC-Truncated"),
    )
    other = ""
    try:
        _read_block(block, record, max_body)
    except _NotHtml as kind:
        other, record.reason = str(kind), Status.NOT_HTML
    except (_Skip, BadPayload) as why:
        record.reason = str(why)
    while block.stream.read(READ_BYTES):
        pass
    if block.stream.limit > 0:
        record.page, record.reason, other = None, Status.TRUNCATED_RECORD, ""
    if other:
        tally.other[other] += 1
    elif record.reason:
        tally.skipped[record.reason] += 1
    else:
        tally.pages += 1
    return record if block.kind in ("response", "resource") else None


def _shown(headers: Any, name: str) -> str | None:
    value = headers.get_header(name) if headers else None
    return value[:LONGEST_VALUE] if value else None


def _read_block(block: _Block, record: WarcRecord, max_body: int) -> None:
    """Fills in what the record's block holds. Raises _Skip, _NotHtml or BadPayload."""
    kind = block.kind
    if kind == "resource":
        http, content_type = None, _shown(block.headers, "Content-Type")
    elif kind == "response" and record.url.lower().startswith(("http:", "https:")):
        try:
            http = StatusAndHeadersParser(["HTTP/"]).parse(_head(block.stream, block.stream.readline(LONGEST_LINE)))
        except (*BAD_HEADER, _BadHeader):
            raise _Skip(Status.BROKEN_HTTP_HEADER) from None
        record.http_status, content_type = _status(http), _shown(http, "Content-Type")
        record.language = _shown(http, "Content-Language")
    elif kind == "response":
        raise _NotHtml("response without HTTP")
    else:
        raise _NotHtml(kind if kind in RECORD_TYPES else "unknown kind")

    declared = (content_type or "").partition(";")[0].strip().lower()
    if declared and declared not in HTML_TYPES:
        raise _NotHtml(f"{kind} of another type")
    body = payload(block.stream, http, max_body)
    if len(body) > max_body:
        raise _Skip(Status.TOO_LARGE)
    record.digest = "sha1:" + base64.b32encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode()
    if body and not declared and not HTML_START.match(body[:1024]):
        raise _NotHtml(f"{kind} without a type")
    try:
        record.page = decode(body, content_type)
    except tuple(DECODING) as error:
        raise _Skip(DECODING[type(error)]) from None


def _status(http: Any) -> int | None:
    found = re.search(r"\b[1-5]\d\d\b", http.statusline)
    return int(found[0]) if found else None
