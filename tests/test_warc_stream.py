"""POST /warc over real connections: both ways at once, back-pressure, bounded memory, broken files."""

import gzip
import json
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from archives import page, record
from conftest import Running, Taught

from soupstate.app.answers import EXTRACT_PARTS
from soupstate.app.http.memory import smallest_budget

Serve = Callable[..., Running]
QUEUE = 'soupstate_memory_bytes{state="waiting"}'
HEAD = b"POST /warc HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


def archive(numbers: range) -> bytes:
    return b"".join(record(page(number).encode(), number) for number in numbers)


def lines(running: Running, data: object, query: str = "") -> list[dict[str, object]]:
    answer = running.client.post(f"/warc{query}", content=data)  # type: ignore[arg-type]
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


@contextmanager
def connected(running: Running) -> Iterator[socket.socket]:
    """A connection that has sent the head of a request."""
    url = running.client.base_url
    with socket.create_connection((url.host, url.port or 0), timeout=10) as connection:
        connection.sendall(HEAD)
        yield connection


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def received(connection: socket.socket, enough: Callable[[bytes], bool]) -> bytes:
    data = b""
    while not enough(data) and (more := connection.recv(1 << 16)):
        data += more
    return data


@pytest.mark.parametrize("unpack", [False, True])
def test_a_line_a_record_as_extract_answers(service: Running, unpack: bool) -> None:
    data = archive(range(3)) + record(b"{}", 3, "application/json")
    found = lines(service, gzip.decompress(data) if unpack else data)
    assert [line["status"] for line in found] == ["ok", "ok", "ok", "not HTML"]
    for number, line in enumerate(found[:3]):
        query = {"url": f"https://site.example/{number}"}
        headers = {"Content-Type": "text/html; charset=utf-8"}
        single = service.client.post("/extract", params=query, content=page(number), headers=headers).json()
        for name in (*EXTRACT_PARTS, "title", "characters", "bits_per_character", "model"):
            assert line[name] == single[name], name
        assert line["url"] == query["url"] and line["record_id"] == f"<urn:uuid:{number}>"
        assert line["declared_language"] == "en-gb" and line["charset_source"] == "header"
    assert service.metric(QUEUE) == 0


def test_what_is_wanted(service: Running) -> None:
    (line,) = lines(service, archive(range(1)), "?include=text&scope=main")
    assert "text" in line and "links" not in line
    client = service.client
    assert client.post("/warc?include=x", content=b"").json()["field"] == "include"
    assert client.post("/warc?url=https://a.example/", content=b"").status_code == 422
    assert client.post("/warc", content=b"", headers={"Content-Encoding": "br"}).status_code == 415


def test_lines_come_while_the_file_is_sent(service: Running) -> None:
    with connected(service) as connection:
        for number in range(3):
            connection.sendall(chunk(archive(range(number, number + 1))))
            data = received(connection, lambda data: b'"status"' in data)
            assert f"<urn:uuid:{number}>".encode() in data
        connection.sendall(chunk(b""))
        assert received(connection, lambda data: data.endswith(b"0\r\n\r\n"))


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda data: data[:-40], "1 truncated gzip"),
        (lambda data: gzip.decompress(data)[:-40], "1 truncated record"),
        (lambda data: data[:200] + b"\x00\xff\x00\xff" + data[204:], "1 broken gzip"),
    ],
)
def test_a_broken_file_ends_with_an_error(service: Running, spoil: Callable[[bytes], bytes], error: str) -> None:
    found = lines(service, spoil(archive(range(3))))
    assert error in str(found[-1]["error"]) and found[-1]["skipped"]
    assert all("status" in line for line in found[:-1])


@pytest.mark.parametrize(
    "body", [b"", b"no archive", b"<!doctype html><title>T</title>" * 999, gzip.compress(b"x" * 9999, mtime=0)]
)
def test_a_body_that_is_no_archive_is_refused(service: Running, body: bytes) -> None:
    answer = service.client.post("/warc", content=body)
    assert answer.status_code == 422 and answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["field"] == "body" and "no WARC or ARC file" in answer.json()["detail"]
    assert lines(service, archive(range(1)))[0]["status"] == "ok"


def test_an_archive_without_pages_is_an_empty_answer(service: Running) -> None:
    assert lines(service, b"WARC/1.0\r\nWARC-Type: warcinfo\r\nContent-Length: 0\r\n\r\n\r\n\r\n") == []


def test_a_page_that_fails_or_takes_too_long_costs_its_line(serve: Serve) -> None:
    running = serve(page_seconds=0.2, workers=1, max_memory_bytes=smallest_budget(1))
    pages = [b"<p>BROKEN", b"<p>SLOW", page(2).encode(), b"<p>" + b"x" * 100_000]
    found = lines(running, b"".join(record(html, n) for n, html in enumerate(pages)))
    assert [line["status"] for line in found] == ["failed (RuntimeError)", "timed out", "ok", "too large"]


def test_a_client_that_stops_sending(serve: Serve) -> None:
    running = serve(stream_seconds=0.3)
    with connected(running) as connection:
        connection.sendall(chunk(archive(range(1))))
        data = received(connection, lambda data: data.endswith(b"0\r\n\r\n"))
    assert b'{"error":"nothing came for 0.3 s"' in data


def test_a_client_that_takes_no_lines_is_not_read_from(serve: Serve) -> None:
    running = serve(workers=1, stream_seconds=3.0)
    data = chunk(archive(range(200)))
    sent = 0
    with connected(running) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        Taught.go_on.clear()
        connection.sendall(chunk(record(b"<p>SLOW")))
        Taught.started.wait(5)
        connection.settimeout(0.5)
        with pytest.raises(TimeoutError):
            while sent < 100_000_000:
                sent += connection.send(data)
    assert sent < 20_000_000  # what the kernel's buffers hold
    Taught.go_on.set()  # that the client is gone shows when it is read from again
    running.wait(QUEUE, 0)


def test_a_client_that_goes_is_not_worked_for(serve: Serve) -> None:
    running = serve(workers=1)
    with connected(running) as connection:
        connection.sendall(chunk(record(b"<p>SLOW") * 3) + chunk(b""))
        Taught.started.wait(5)
    running.wait("soupstate_dropped_total", 1)
    running.wait(QUEUE, 0)
    assert lines(running, archive(range(1)))[0]["status"] == "ok"


def test_few_archives_at_once(serve: Serve) -> None:
    running = serve(warc_streams=1)
    with connected(running) as connection:
        connection.sendall(chunk(archive(range(1))))
        received(connection, lambda data: b'"status"' in data)
        answer = running.client.post("/warc", content=b"")
        assert answer.status_code == 503 and answer.headers["retry-after"]
        connection.sendall(chunk(b""))
        received(connection, lambda data: data.endswith(b"0\r\n\r\n"))
    assert lines(running, archive(range(1)))


def test_pages_wait_for_room_in_the_queue(serve: Serve) -> None:
    running = serve(workers=2, max_memory_bytes=smallest_budget(2))
    large = b"".join(record(b"<p>" + b"x" * 60_000, number) for number in range(12))
    assert [line["status"] for line in lines(running, large)] == ["ok"] * 12


def test_memory_does_not_grow_with_the_file(service: Running) -> None:
    """A record of 200 MB that is no page, one of 200 MB that says it is, and pages."""
    head = "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.example/\r\nContent-Length: {}\r\n\r\n{}"

    def body() -> Iterator[bytes]:
        for kind in ("video/mp4", "text/html"):
            http = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n\r\n"
            yield head.format(len(http) + 200_000_000, http).encode()
            for _ in range(200):
                yield bytes(1_000_000)
            yield b"\r\n\r\n"
        yield gzip.decompress(archive(range(2)))

    lines(service, archive(range(2)))
    peak, over = [0], threading.Event()
    before = resident()

    def watch() -> None:
        while not over.wait(0.02):
            peak[0] = max(peak[0], resident())

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        found = lines(service, body())
    finally:
        over.set()
        watching.join()
    assert [line["status"] for line in found] == ["not HTML", "too large", "ok", "ok"]
    assert peak[0] - before < 60_000_000


def resident() -> int:
    """Bytes of this process in memory; the service runs in it."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.timed
def test_the_service_stops_while_a_file_comes_in(serve: Serve) -> None:
    running = serve(workers=1)
    with connected(running) as connection:
        connection.sendall(chunk(record(b"<p>SLOW")))
        Taught.started.wait(5)
        running.server.should_exit = True
        start = time.monotonic()
        assert b'{"error":"the service is stopping"' in received(connection, lambda data: False)
        assert time.monotonic() - start < 10


def test_it_is_described(service: Running) -> None:
    described = service.client.get("/openapi.json").json()["paths"]["/warc"]["post"]
    assert {name["name"] for name in described["parameters"]} == {"include", "scope", "favor", "links", "front_matter"}
    assert re.search("ndjson", json.dumps(described["responses"]["200"]))
