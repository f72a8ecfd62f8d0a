"""Fetches pages of Common Crawl into one WARC file: it asks the index, then fetches the records."""

from __future__ import annotations

import json
import os
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, BinaryIO, TextIO, TypeVar

from tqdm import tqdm

from soupstate.model.archive.records import HTML_TYPES

try:
    import httpx
except ImportError:
    httpx = None  # type: ignore[assignment]

INDEX_SERVER = "https://index.commoncrawl.org"
DATA_SERVER = "https://data.commoncrawl.org"
USER_AGENT = "soupstate/0.1 (fetches single records for tests of an HTML reader)"
BUSY = (429, 500, 502, 503, 504)

Answer = TypeVar("Answer")


class FetchError(RuntimeError):
    """The run stopped. What was fetched is kept, and the same call resumes the run."""


@dataclass(frozen=True, slots=True)
class Manners:
    """How the run treats the servers. Times are in seconds."""

    delay: float = 1.0  # from the end of a request to the next one
    attempts: int = 6  # attempts per request before the run stops
    longest_wait: float = 600.0  # the run stops when a server asks for a longer wait
    timeout: float = 60.0  # longest wait for the next byte
    captures: int = 1000  # captures per URL or pattern
    largest: int = 32 * 1024 * 1024  # bytes of the largest compressed record that is fetched


@dataclass(frozen=True, slots=True)
class Capture:
    """The place of a record: `length` bytes from `offset` of the file."""

    url: str
    filename: str
    offset: int
    length: int


@dataclass(slots=True)
class Fetched:
    """What a run fetched, earlier runs that it resumed included."""

    records: int = 0
    size: int = 0
    not_in_index: list[str] = field(default_factory=list)
    broken: int = 0

    def report(self) -> str:
        """Returns one line, such as `12 records, 345678 bytes; not in the index: 1; broken: 0`."""
        return (
            f"{self.records} records, {self.size} bytes; "
            f"not in the index: {len(self.not_in_index)}; broken: {self.broken}"
        )


class _Again(Exception):
    """The request should be sent again, after `wait` seconds where the server named a time."""

    def __init__(self, why: str, wait: float = 0.0) -> None:
        super().__init__(why)
        self.wait = wait


def fetch(
    urls: Sequence[str],
    crawl: str,
    out: Path,
    *,
    index_server: str = INDEX_SERVER,
    data_server: str = DATA_SERVER,
    manners: Manners | None = None,
) -> Fetched:
    """Writes the HTML captures (status 200) of the URLs in a crawl to `out`, a .warc.gz file.

    A URL may be a pattern of the index, such as `example.org/*`. `crawl` is a name such as CC-MAIN-2026-17. The run
    sends one request at a time. Until it has finished it keeps `out` + `.part` and `out` + `.journal`; `out` appears
    when everything is in it. After a kill or a FetchError the same call resumes the run: no record is lost, and none is
    written twice.
    """
    if httpx is None:
        raise FetchError("httpx is not installed: pip install 'soupstate[fetch]'")
    manners = manners or Manners()
    journal_path = out.with_name(out.name + ".journal")
    part_path = out.with_name(out.name + ".part")
    if out.exists() and not journal_path.exists():
        raise FileExistsError(f"{out} exists already")
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
    with (
        httpx.Client(headers=headers, timeout=manners.timeout, follow_redirects=True) as client,
        open(journal_path, "a+", encoding="utf-8") as journal_file,
    ):
        journal = _Journal(journal_file, list(urls), crawl)
        if not out.exists():
            web = _Web(client, manners)
            captures = _ask_index(web, journal, f"{index_server.rstrip('/')}/{crawl}-index")
            with open(part_path, "ab") as part:
                _fetch_records(web, journal, captures, data_server.rstrip("/"), part)
            os.replace(part_path, out)
    journal_path.unlink()
    return journal.fetched


class _Journal:
    """What is done, one JSON object per line. A line that a kill cut short does not count."""

    def __init__(self, file: TextIO, urls: list[str], crawl: str) -> None:
        self.file = file
        self.urls = urls
        self.asked: dict[str, list[Capture]] = {}
        self.done: set[tuple[str, int]] = set()
        self.fetched = Fetched()
        run = {"crawl": crawl, "urls": urls}
        file.seek(0)
        text = file.read()
        complete = text[: text.rfind("\n") + 1]
        file.truncate(len(complete.encode()))
        lines = [json.loads(line) for line in complete.splitlines()]
        if not lines:
            self._write(run)
        elif lines[0] != run:
            raise FetchError(f"{file.name} belongs to a run with other URLs or another crawl: remove it")
        for line in lines[1:]:
            self._apply(line)

    def add(self, line: dict[str, Any]) -> None:
        self._write(line)
        self._apply(line)

    def _write(self, line: dict[str, Any]) -> None:
        self.file.seek(0, os.SEEK_END)
        self.file.write(json.dumps(line) + "\n")
        self.file.flush()
        os.fsync(self.file.fileno())

    def _apply(self, line: dict[str, Any]) -> None:
        if "asked" in line:
            self.asked[line["asked"]] = [Capture(**capture) for capture in line["captures"]]
            if not line["captures"]:
                self.fetched.not_in_index.append(line["asked"])
        else:
            self.done.add((line["filename"], line["offset"]))
            self.fetched.records += not line["broken"]
            self.fetched.broken += line["broken"]
            self.fetched.size = line["size"]


class _Web:
    """Sends one request at a time, with pauses, and repeats it when the server or the connection failed."""

    def __init__(self, client: httpx.Client, manners: Manners) -> None:
        self.client = client
        self.manners = manners
        self.ready_at = 0.0

    def get(
        self,
        url: str,
        read: Callable[[httpx.Response], Answer],
        *,
        params: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Sends a request and returns what `read` makes of the answer. `read` may raise `_Again`."""
        for attempt in range(1, self.manners.attempts + 1):
            time.sleep(max(0.0, self.ready_at - time.monotonic()))
            back_off = self.manners.delay * 2**attempt
            try:
                with self.client.stream("GET", url, params=params, headers=headers) as answer:
                    if answer.status_code in BUSY:
                        wait = _retry_after(answer.headers.get("Retry-After"))
                        raise _Again(f"status {answer.status_code}", wait)
                    return read(answer)
            except (httpx.TransportError, _Again) as failure:
                why = failure
                back_off = max(back_off, getattr(failure, "wait", 0.0))
            finally:
                self.ready_at = time.monotonic() + self.manners.delay
            if back_off > self.manners.longest_wait:
                raise FetchError(f"{url}: {why}; asked to wait {back_off:.0f} s") from why
            self.ready_at = time.monotonic() + back_off
        raise FetchError(f"{url}: {why}, {self.manners.attempts} times") from why


def _retry_after(value: str | None) -> float:
    """Returns the seconds of a Retry-After header, which holds a number or a date."""
    if not value:
        return 0.0
    if value.strip().isdigit():
        return float(value)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    return max(0.0, (until - datetime.now(UTC)).total_seconds())


def _ask_index(web: _Web, journal: _Journal, index: str) -> list[Capture]:
    """Returns the captures of all URLs, each once, in the order of the URLs."""
    for url in dict.fromkeys(journal.urls):
        if url not in journal.asked:
            query = {"url": url, "output": "json"}
            found = web.get(index, lambda answer: _captures(answer, web.manners.captures), params=query)
            journal.add({"asked": url, "captures": [asdict(capture) for capture in found]})
    captures = (capture for found in journal.asked.values() for capture in found)
    return list({(capture.filename, capture.offset): capture for capture in captures}.values())


def _captures(answer: httpx.Response, most: int) -> list[Capture]:
    if answer.status_code == 404:
        return []
    if answer.status_code != 200:
        raise FetchError(f"{answer.url}: status {answer.status_code}")
    found = []
    for line in answer.iter_lines():
        try:
            entry = json.loads(line) if line.strip() else {}
        except json.JSONDecodeError:
            raise _Again("an index line is not JSON") from None
        if entry.get("status", "200") != "200" or "filename" not in entry:
            continue
        if entry.get("mime-detected", entry.get("mime", HTML_TYPES[0])) not in HTML_TYPES:
            continue
        offset, length = int(entry["offset"]), int(entry["length"])
        found.append(Capture(entry.get("url", ""), entry["filename"], offset, length))
        if len(found) == most:
            break
    return found


def _fetch_records(web: _Web, journal: _Journal, captures: list[Capture], server: str, part: BinaryIO) -> None:
    part.truncate(journal.fetched.size)  # drops what was written after the last line of the journal
    left = [c for c in captures if (c.filename, c.offset) not in journal.done]
    progress = tqdm(captures, initial=len(captures) - len(left), unit="record", disable=None)
    with progress:
        for capture in left:
            data = b""
            if 0 < capture.length <= web.manners.largest:
                data = _record(web, capture, server)
            broken = not _is_record(data)
            if not broken:
                part.write(data)
                part.flush()
                os.fsync(part.fileno())
            size = journal.fetched.size + (0 if broken else len(data))
            done = {"filename": capture.filename, "offset": capture.offset, "broken": broken, "size": size}
            journal.add(done)
            progress.update()


def _record(web: _Web, capture: Capture, server: str) -> bytes:
    last = capture.offset + capture.length - 1

    def read(answer: httpx.Response) -> bytes:
        if answer.status_code != 206:  # the server would send the whole file, about a gigabyte
            raise FetchError(f"{answer.url}: status {answer.status_code}, not a range")
        data = b"".join(_at_most(answer.iter_raw(), capture.length))
        if len(data) != capture.length:
            raise _Again(f"{len(data)} bytes instead of {capture.length}")
        return data

    headers = {"Range": f"bytes={capture.offset}-{last}"}
    return web.get(f"{server}/{capture.filename}", read, headers=headers)


def _at_most(chunks: Iterator[bytes], size: int) -> Iterator[bytes]:
    for chunk in chunks:
        yield chunk
        size -= len(chunk)
        if size < 0:
            return


def _is_record(data: bytes) -> bool:
    """Whether the data is exactly one complete gzip member that holds a WARC record."""
    inflate = zlib.decompressobj(31)
    try:
        start = inflate.decompress(data, 5)
        while inflate.unconsumed_tail:
            inflate.decompress(inflate.unconsumed_tail, 1 << 20)
        inflate.flush()
    except zlib.error:
        return False
    return start == b"WARC/" and inflate.eof and not inflate.unused_data
