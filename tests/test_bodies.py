"""Bodies that arrive together, slowly or not at all, over real connections."""

import logging
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack

import pytest
from conftest import Running

from soupstate.app.http import bodies
from soupstate.app.http.memory import WAITING_BYTES, Memory, machine_bytes, reading_bytes, smallest_budget

HTML = {"Content-Type": "text/html"}
HEAD = b"POST /extract HTTP/1.1\r\nHost: x\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n"
QUEUE = 'soupstate_memory_bytes{state="waiting"}'
Serve = Callable[..., Running]


def connect(running: Running, size: int, sent: bytes = b"", kind: bytes = b"text/html") -> socket.socket:
    """A request that says it has `size` bytes, and has sent some of them."""
    url = running.client.base_url
    connection = socket.create_connection((url.host, url.port or 0), timeout=20)
    connection.sendall(HEAD % (kind, size) + sent)
    return connection


def answer(connection: socket.socket) -> bytes:
    data = b""
    while not data.endswith(b"}") and (more := connection.recv(1 << 16)):
        data += more
    return data


@pytest.mark.timed
def test_of_large_bodies_the_first_are_taken_and_the_others_refused_at_once(serve: Serve) -> None:
    """Room for eight bodies of 9 MB, and twelve come together: their lengths decide, not who sends faster."""
    size, budget = 9_000_000, smallest_budget(2) + 2_450_000_000
    assert 8 <= Memory(budget, 2).large_limit / (WAITING_BYTES * size) < 9
    running = serve(workers=2, max_memory_bytes=budget)
    with ExitStack() as stack:
        first = [stack.enter_context(connect(running, size, b"<p>")) for _ in range(8)]
        running.wait(QUEUE, 8 * WAITING_BYTES * size)
        for _ in range(4):
            start = time.monotonic()
            said = answer(stack.enter_context(connect(running, size)))
            assert said.startswith(b"HTTP/1.1 503 ") and b"retry-after: " in said
            assert time.monotonic() - start < 1
        assert running.metric(QUEUE) == 8 * WAITING_BYTES * size
        assert running.client.post("/extract", content=b"<p>small", headers=HTML).status_code == 200
        first[0].close()
        running.wait(QUEUE, 7 * WAITING_BYTES * size)
        stack.enter_context(connect(running, size))
        running.wait(QUEUE, 8 * WAITING_BYTES * size)


def test_a_refused_body_gives_its_share_back_before_the_rest_of_it_comes(serve: Serve) -> None:
    running = serve(max_body_bytes=90_000)
    with connect(running, 90_001, b"<p>") as late:  # refused, and still sending
        time.sleep(0.1)
        assert running.metric(QUEUE) == 0
        assert answer(late).startswith(b"HTTP/1.1 413 ")


@pytest.mark.timed
def test_stalled_bodies_make_room_after_the_grace(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "GRACE_SECONDS", 0.5)
    size, budget = 600_000, smallest_budget(1) + 200_000_000
    running = serve(workers=1, max_memory_bytes=budget)
    with ExitStack() as stack:
        html = [stack.enter_context(connect(running, size, b"<p>")) for _ in range(9)]
        json = stack.enter_context(connect(running, size, b"{", b"application/json"))
        running.wait(QUEUE, 10 * WAITING_BYTES * size)
        page = b"<p>" + b"x" * (size - 3)
        assert running.client.post("/extract", content=page, headers=HTML).status_code == 503
        start = time.monotonic()
        for connection in html:
            assert (said := answer(connection)).startswith(b"HTTP/1.1 408 ") and b'"field":"body"' in said
        assert (said := answer(json)).startswith(b"HTTP/1.1 408 ") and b'"field":"html"' in said
        assert time.monotonic() - start < 2
        running.wait(QUEUE, 0)
        assert running.client.post("/extract", content=page, headers=HTML).status_code == 200


@pytest.mark.timed
def test_a_body_must_keep_its_rate(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the grace, 10 kB a second on average: a faster body is read to its end, a slower one is not."""
    monkeypatch.setattr(bodies, "GRACE_SECONDS", 0.3)
    running = serve()
    said = {}

    def send(rate: int) -> None:
        with connect(running, 30_000) as connection:
            start = time.monotonic()
            try:
                for _ in range(30):
                    connection.sendall(b"<p>1</p>\n " * 100)
                    time.sleep(1000 / rate)
            except OSError:  # refused already
                pass
            said[rate] = answer(connection)[9:12], time.monotonic() - start

    sending = [threading.Thread(target=send, args=(rate,)) for rate in (20_000, 4_000)]
    for thread in sending:
        thread.start()
    for thread in sending:
        thread.join()
    assert said[20_000][0] == b"200"
    assert said[4_000][0] == b"408" and said[4_000][1] < 3


def test_the_parts_of_the_budget() -> None:
    for threads in (1, 2, 64):
        memory = Memory(4_000_000_000, threads)
        short = threads * reading_bytes(100_000)
        assert short + memory.small_limit + memory.large_limit + memory.reading_limit == 4_000_000_000
        assert memory.largest >= 100_000
    assert Memory(4_000_000_000, 2).largest > 10_000_000  # the largest body, by default
    assert Memory(smallest_budget(2), 2).small_limit >= WAITING_BYTES * 100_000


def test_too_little_memory_is_told_at_the_start(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)  # another test may have asked for more
    serve(workers=1)
    assert not caplog.messages
    serve(workers=1, max_memory_bytes=10**15)
    serve(workers=1, max_memory_bytes=smallest_budget(1))
    told = [message for message in caplog.messages if "memory" in message]
    assert told == [
        "max_memory_bytes is beyond the memory of the machine",
        "max_memory_bytes leaves no room for a page of max_body_bytes",
    ]
    assert 10**8 < machine_bytes() < 10**15
