"""POST /extract with a page per line: order, wrong lines, both ways at once, memory, slow clients."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from conftest import Running, Taught

from soupstate.app.http.memory import smallest_budget

Serve = Callable[..., Running]
LINES = {"Content-Type": "application/x-ndjson"}
QUEUE = 'soupstate_memory_bytes{state="waiting"}'
HEAD = b"POST /extract HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def answers(running: Running, body: Any) -> list[dict[str, Any]]:
    got = running.client.post("/extract", content=body, headers=LINES)
    assert got.status_code == 200 and got.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in got.text.splitlines()]


def test_a_line_for_each_line(service: Running) -> None:
    asked = [{"html": f"<h1>Tea {n}</h1>", "include": ["text"], "url": "https://a.example/"} for n in range(50)]
    rows = answers(service, "\n".join(map(json.dumps, asked)))
    assert [row["line"] for row in rows] == list(range(1, 51))
    assert [row["text"] for row in rows] == [f"Tea {n}" for n in range(50)]
    alone = service.client.post("/extract", json=asked[7]).json()
    assert {name: value for name, value in rows[7].items() if name not in ("line", "seconds")} == {
        name: value for name, value in alone.items() if name != "seconds"
    }
    assert answers(service, b"") == []
    assert service.metric(QUEUE) == 0


def test_wrong_lines_get_errors_and_the_others_answers(service: Running) -> None:
    good = b'{"html": "<p>Tea", "include": ["text"]}'
    wrong = [b"{", b"[]", b'{"html": ""}', b'{"html": "x", "scope": "half"}', b"\xff", b'{"html": "BROKEN"}']
    long = b'{"html": "' + b"x" * 250_000 + b'"}'  # the service of these tests takes 200,000 bytes
    rows = answers(service, b"\r\n".join([good, *wrong, b"", long, good]))
    assert [row["line"] for row in rows] == [1, 2, 3, 4, 5, 6, 7, 9, 10]
    assert rows[0]["text"] == rows[-1]["text"] == "Tea"
    assert [row["error"]["status"] for row in rows[1:-1]] == [400, 422, 422, 422, 400, 500, 413]
    assert rows[3]["error"]["field"] == "html" and rows[4]["error"]["field"] == "scope"
    assert service.metric(QUEUE) == 0


def test_options_stand_in_the_lines(service: Running) -> None:
    got = service.client.post("/extract?scope=main", content=b"", headers=LINES)
    assert got.status_code == 422 and got.json()["field"] == "scope"
    got = service.client.post("/extract", content=b"", headers={**LINES, "Content-Encoding": "gzip"})
    assert got.status_code == 415
    assert service.client.post("/entropy", content=b"{}", headers=LINES).status_code == 415


def test_answers_come_while_the_request_still_comes(service: Running) -> None:
    url = service.client.base_url
    with socket.create_connection((url.host, url.port or 0), timeout=10) as connection:
        connection.sendall(HEAD)
        for n in range(3):
            line = json.dumps({"html": f"<p>Cup {n}", "include": ["text"]}).encode() + b"\n"
            connection.sendall(chunk(line[:9]))
            connection.sendall(chunk(line[9:]))
            data = b""
            while f'"text":"Cup {n}"'.encode() not in data:
                more = connection.recv(1 << 16)
                assert more, data
                data += more
        connection.sendall(b"0\r\n\r\n")
        data = b""
        while not data.endswith(b"0\r\n\r\n"):
            data += connection.recv(1 << 16)
    service.wait(QUEUE, 0)


def test_memory_is_bounded_and_all_lines_are_answered(serve: Serve) -> None:
    """Several clients send lines that together are far more than there is room for."""
    running = serve(max_memory_bytes=smallest_budget(2) + 120_000_000, warc_streams=4)
    budget, most = running.app.state.service.queue.memory, [0]
    pages = [json.dumps({"html": f"<p>Cup {n}" + "x" * 110_000, "include": ["text"]}) for n in range(5)]
    found: list[int] = []

    def body() -> Iterator[bytes]:
        for page in pages:
            yield page.encode() + b"\n"

    def ask() -> None:
        found.append(len([row for row in answers(running, body()) if row["text"].startswith("Cup")]))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        most[0] = max(most[0], budget.large)
        time.sleep(0.001)
    assert found == [5] * 4
    assert 0 < most[0] <= budget.large_limit
    running.wait(QUEUE, 0)


def test_too_many_streams_and_slow_lines(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("soupstate.app.http.page_stream.GRACE_SECONDS", 1.0)
    running = serve(warc_streams=1)
    url = running.client.base_url
    with socket.create_connection((url.host, url.port or 0), timeout=10) as connection:
        connection.sendall(HEAD + chunk(b'{"html"'))
        running.wait(QUEUE, 600_000)
        busy = running.client.post("/extract", content=b"{}", headers=LINES)
        assert busy.status_code == 503 and "batches" in busy.json()["detail"] and "retry-after" in busy.headers
        data = b""
        while not data.endswith(b"0\r\n\r\n"):
            data += connection.recv(1 << 16)
    assert b'{"error":{"detail":"line 1 did not come in time"}}' in data
    running.wait(QUEUE, 0)


def test_a_client_that_leaves(serve: Serve) -> None:
    running = serve()
    url = running.client.base_url
    with socket.create_connection((url.host, url.port or 0), timeout=10) as connection:
        connection.sendall(HEAD + chunk(b'{"html": "SLOW"}\n{"html": "x'))
        assert Taught.started.wait(10)
    running.wait("soupstate_dropped_total", 1)
    running.wait(QUEUE, 0)
