"""Fetching from a server on this machine that answers as Common Crawl's do, bad days included."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from soupstate.app.common_crawl import Fetched, FetchError, Manners, _retry_after, fetch
from soupstate.model.archive.records import read_pages

CRAWL = "CC-MAIN-2026-17"
FILENAME = f"crawl-data/{CRAWL}/segments/1/warc/a.warc.gz"
HASTY = Manners(delay=0.001, attempts=3, longest_wait=2)


def record(number: int) -> bytes:
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>page %d</p>" % number
    head = (
        "WARC/1.0\r\nWARC-Type: response\r\nWARC-Date: 2026-04-05T06:07:08Z\r\n"
        f"WARC-Record-ID: <urn:uuid:{number}>\r\nWARC-Target-URI: https://a.example/{number}\r\n"
        f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(http)}\r\n\r\n"
    )
    return gzip.compress(head.encode() + http + b"\r\n\r\n", mtime=0)


RECORDS = [record(number) for number in range(6)]


class Server(ThreadingHTTPServer):
    """Holds the records in one file; `moods[path]` says how to treat the next requests for it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.file = b"".join(RECORDS)
        self.moods: list[str] = []
        self.requests: list[tuple[float, str, str]] = []
        self.agents: set[str] = set()
        self.url = f"http://127.0.0.1:{self.server_port}"

    def ranges(self) -> list[str]:
        return [asked for _, kind, asked in self.requests if kind == "range"]

    def entries(self, url: str) -> list[dict[str, str]]:
        listed = []
        for number, data in enumerate(RECORDS):
            page = f"https://a.example/{number}"
            if url in (page, "a.example/*"):
                offset = self.file.index(data)
                listed.append({
                    "urlkey": f"example,a)/{number}", "timestamp": "20260405060708", "url": page,
                    "mime": "text/html", "mime-detected": "text/html", "status": "200",
                    "offset": str(offset), "length": str(len(data)), "filename": FILENAME,
                })  # fmt: skip
        return listed


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        self.server.agents.add(self.headers["User-Agent"])
        if asked.path == f"/{CRAWL}-index":
            query = parse_qs(asked.query)
            assert query["output"] == ["json"]
            self.server.requests.append((time.monotonic(), "index", query["url"][0]))
            self.answer_index(query["url"][0])
        else:
            assert asked.path == f"/{FILENAME}"
            wanted = self.headers["Range"].removeprefix("bytes=")
            self.server.requests.append((time.monotonic(), "range", wanted))
            self.answer_range(*map(int, wanted.split("-")))

    def mood(self) -> str:
        return self.server.moods.pop(0) if self.server.moods else ""

    def answer_index(self, url: str) -> None:
        mood = self.mood()
        if mood.startswith("busy"):
            return self.send(503, b"", {"Retry-After": mood.split()[1]})
        listed = self.server.entries(url)
        if not listed:
            return self.send(404, b'{"message": "No Captures found for: x"}')
        others = [
            dict(listed[0], status="301"),
            dict(listed[0], mime="image/png") | {"mime-detected": "image/png"},
        ]
        lines = [json.dumps(entry) + "\n" for entry in others + listed]
        return self.send(200, "".join(lines).encode(), {"Content-Type": "text/x-ndjson"})

    def answer_range(self, first: int, last: int) -> None:
        mood = self.mood()
        data = self.server.file[first : last + 1]
        if mood.startswith("busy"):
            return self.send(503, b"", {"Retry-After": mood.split()[1]})
        if mood == "stall":
            time.sleep(30)
        if mood == "whole":
            return self.send(200, self.server.file)
        if mood == "cut":
            self.send(206, data, {}, write=len(data) // 2)
            self.close_connection = True
            return None
        span = f"bytes {first}-{last}/{len(self.server.file)}"
        return self.send(206, data, {"Content-Range": span})

    def send(self, status: int, body: bytes, headers: dict[str, str] | None = None, write: int = -1) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if write < 0 else body[:write])


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def run(server: Server, out: Path, *urls: str, manners: Manners = HASTY) -> Fetched:
    return fetch(
        urls or ["a.example/*"], CRAWL, out,
        index_server=server.url, data_server=server.url, manners=manners,
    )  # fmt: skip


def test_fetches_each_record_once(server: Server, tmp_path: Path) -> None:
    out = tmp_path / "pages.warc.gz"
    urls = ["https://a.example/4", "https://nowhere.example/", "a.example/*", "https://a.example/1"]
    done = run(server, out, *urls)
    order = [4, 0, 1, 2, 3, 5]
    assert out.read_bytes() == b"".join(RECORDS[number] for number in order)
    assert done == Fetched(6, out.stat().st_size, ["https://nowhere.example/"], 0)
    assert [page.html for page in read_pages(out)] == [f"<p>page {number}</p>" for number in order]
    assert [path.name for path in tmp_path.iterdir()] == ["pages.warc.gz"]
    assert all(agent.startswith("soupstate/") for agent in server.agents)
    with pytest.raises(FileExistsError):
        run(server, out, *urls)


def test_waits_between_requests(server: Server, tmp_path: Path) -> None:
    run(server, tmp_path / "out", manners=Manners(delay=0.03))
    times = [at for at, _, _ in server.requests]
    assert len(times) == 7
    assert min(after - before for before, after in zip(times, times[1:], strict=False)) >= 0.03


def test_bad_days(server: Server, tmp_path: Path) -> None:
    out = tmp_path / "out.warc.gz"
    server.moods = ["busy 0", "", "cut", "busy 1", "", "cut", "cut"]
    assert run(server, out).records == 6
    assert out.read_bytes() == server.file
    asked = [at for at, kind, _ in server.requests if kind == "range"]
    assert asked[2] - asked[1] >= 1  # Retry-After


def test_stops_and_resumes(server: Server, tmp_path: Path) -> None:
    out = tmp_path / "out.warc.gz"
    server.moods = ["", "", "", "busy 0", "cut", "busy 0"]
    with pytest.raises(FetchError, match="3 times"):
        run(server, out)
    assert not out.exists()
    before = len(server.requests)
    with pytest.raises(FetchError, match="other URLs"):
        run(server, out, "https://a.example/1")
    server.moods = ["whole"]
    with pytest.raises(FetchError, match="status 200, not a range"):
        run(server, out)
    assert run(server, out).records == 6
    assert out.read_bytes() == server.file
    later = [kind for _, kind, _ in server.requests[before:]]
    assert later == ["range"] * 5  # the index is not asked again, nor are the first two


def test_server_that_asks_for_too_long(server: Server, tmp_path: Path) -> None:
    server.moods = ["busy 3600"]
    with pytest.raises(FetchError, match="wait 3600 s"):
        run(server, tmp_path / "out")
    assert len(server.requests) == 1


def test_broken_record_is_left_out(server: Server, tmp_path: Path) -> None:
    spoilt = bytearray(server.file)
    at = server.file.index(RECORDS[2]) + 60
    spoilt[at] ^= 0xFF
    entries = server.entries("a.example/*")
    server.entries = lambda url: entries  # type: ignore[method-assign]
    server.file = bytes(spoilt)
    out = tmp_path / "out.warc.gz"
    done = run(server, out)
    assert (done.records, done.broken) == (5, 1)
    assert out.read_bytes() == b"".join(RECORDS[:2] + RECORDS[3:])
    assert "5 records" in done.report()


KILLED = """
import sys
from pathlib import Path
from soupstate.app.common_crawl import Manners, fetch
fetch(["a.example/*"], sys.argv[1], Path(sys.argv[3]), index_server=sys.argv[2],
      data_server=sys.argv[2], manners=Manners(delay=0.001))
"""


def test_killed_and_resumed(server: Server, tmp_path: Path) -> None:
    out = tmp_path / "out.warc.gz"
    server.moods = ["", "", "", "", "stall"]
    command = [sys.executable, "-c", KILLED, CRAWL, server.url, str(out)]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[1])
    deadline = time.monotonic() + 20
    while len(server.ranges()) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.wait()
    part, journal = Path(f"{out}.part"), Path(f"{out}.journal")
    assert part.read_bytes() == b"".join(RECORDS[:3])
    # killed in the middle of writing, too
    part.write_bytes(part.read_bytes() + RECORDS[3][:50])
    journal.write_bytes(journal.read_bytes() + b'{"filename": "crawl-da')
    assert run(server, out).records == 6
    assert out.read_bytes() == server.file
    assert len(server.ranges()) == 7
    assert [path.name for path in tmp_path.iterdir()] == ["out.warc.gz"]


def test_killed_after_the_rename(server: Server, tmp_path: Path) -> None:
    out = tmp_path / "out.warc.gz"
    run(server, out)
    Path(f"{out}.journal").write_text(json.dumps({"crawl": CRAWL, "urls": ["a.example/*"]}) + "\n")
    run(server, out)
    assert [path.name for path in tmp_path.iterdir()] == ["out.warc.gz"]


def test_retry_after() -> None:
    assert _retry_after("7") == 7
    assert _retry_after(None) == _retry_after("soon") == 0
    assert _retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert _retry_after("Wed, 21 Oct 2139 07:28:00 GMT") > 1e9
