"""Connections that say nothing, say half a request, or take nothing of an answer."""

import socket
import time
from collections.abc import Callable
from contextlib import ExitStack

import httpx
import pytest
from conftest import Running, Taught

HTML = {"Content-Type": "text/html"}
HALF = b"POST /extract HTTP/1.1\r\nHost: x\r\nX-Half: "
POST = b"POST /extract HTTP/1.1\r\nHost: x\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%b"
Serve = Callable[..., Running]


def connect(running: Running, sent: bytes = b"") -> socket.socket:
    url = running.client.base_url
    connection = socket.create_connection((url.host, url.port or 0), timeout=10)
    connection.sendall(sent)
    return connection


def closed(connection: socket.socket) -> bool:
    """Reads to the end of the connection; False where it stays open for ten seconds."""
    try:
        while connection.recv(1 << 16):
            pass
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
    return True


@pytest.mark.timed
@pytest.mark.parametrize(
    "sent",
    [
        b"",
        HALF,
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" + HALF,
        b"POST /extract HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n<p>",
        b"nonsense\r\n\r\n",
    ],
)
def test_silence_is_bounded(serve: Serve, sent: bytes) -> None:
    """Also after an answer, and where the rest of a refused body does not come."""
    running = serve(header_seconds=0.3)
    with connect(running, sent) as connection:
        start = time.monotonic()
        assert closed(connection)
        assert time.monotonic() - start < 3


@pytest.mark.timed
def test_headers_that_trickle_in_are_bounded(serve: Serve) -> None:
    running = serve(header_seconds=0.5)
    with connect(running, HALF) as connection:
        start = time.monotonic()
        with pytest.raises(OSError):  # a reset or a broken pipe
            while time.monotonic() - start < 5:
                connection.sendall(b"x")
                time.sleep(0.05)
        assert time.monotonic() - start < 2


def test_a_request_under_way_is_not_silence(serve: Serve) -> None:
    running = serve(header_seconds=0.2)
    with connect(running, POST % (7, b"<p>SLOW")) as connection:
        assert Taught.started.wait(5)
        time.sleep(0.5)
        Taught.go_on.set()
        assert connection.recv(100).startswith(b"HTTP/1.1 200 ")


def test_an_answer_that_is_not_taken_is_given_up(serve: Serve) -> None:
    """Its memory stays counted until then, and no more than a piece of it waits in the connection."""
    running = serve(stream_seconds=0.5)
    waiting = 'soupstate_memory_bytes{state="waiting"}'
    page = b"<p>" + b"some words " * 60_000
    with connect(running) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall((POST % (len(page), page)).replace(b"/extract", b"/entropy?include=surprisal,entropy"))
        until = time.monotonic() + 20
        while running.metric(waiting) in (0, 6 * len(page)) and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.1)
        assert running.metric(waiting) > 6 * len(page)
        running.wait(waiting, 0)
    assert running.client.post("/extract", content=b"<p>next", headers=HTML).status_code == 200


def test_a_new_connection_closes_the_one_that_is_silent_longest(serve: Serve) -> None:
    running = serve(workers=1, max_connections=5, header_seconds=20.0)
    with ExitStack() as stack:
        slow = stack.enter_context(connect(running, POST % (7, b"<p>SLOW")))
        assert Taught.started.wait(5)
        half = stack.enter_context(connect(running, HALF))
        idle = [stack.enter_context(connect(running)) for _ in range(2)]
        assert running.client.get("/healthz").status_code == 200  # the fifth
        more = stack.enter_context(connect(running))
        assert closed(half)
        assert running.client.get("/healthz").status_code == 200
        for connection in (*idle, more):
            connection.settimeout(0.05)
            with pytest.raises(TimeoutError):
                connection.recv(1)
        Taught.go_on.set()
        assert slow.recv(100).startswith(b"HTTP/1.1 200 ")


def test_requests_leave_connections_for_health(serve: Serve) -> None:
    """Of eight, two are never taken by pages; a page beyond is told to come again."""
    running = serve(workers=1, max_connections=8)
    with ExitStack() as stack:
        pages = [stack.enter_context(connect(running, POST % (7, b"<p>SLOW"))) for _ in range(10)]
        assert Taught.started.wait(5)
        waiting, refused = 0, []
        for page in pages:
            page.settimeout(0.2)
            try:
                refused.append(page.recv(1000))
            except TimeoutError:
                waiting += 1
            except ConnectionResetError:  # when it came, no connection was silent
                continue
        assert waiting == 6
        told = [answer for answer in refused if answer]
        assert told and all(answer.startswith(b"HTTP/1.1 503 ") for answer in told)
        assert all(b"retry-after: 1\r\n" in answer for answer in told)
        for _ in range(20):
            assert httpx.get(f"{running.client.base_url}/healthz", timeout=5).status_code == 200
        Taught.go_on.set()


@pytest.mark.parametrize(
    ("headers", "field"),
    [
        (b"Content-Type: text/html\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"Content-Length"),
        (b"Content-Type: text/html\r\nContent-Type: application/json\r\nContent-Length: 5\r\n", b"Content-Type"),
    ],
)
def test_a_request_that_can_be_read_in_two_ways_is_refused(serve: Serve, headers: bytes, field: bytes) -> None:
    request = (
        b"POST /extract HTTP/1.1\r\nHost: x\r\n"
        + headers
        + b"\r\n5\r\n<p>ab\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    )
    with connect(serve(), request) as connection:
        found = b""
        while part := connection.recv(65536):
            found += part
    assert found.startswith(b"HTTP/1.1 400 ") and b'"field":"%b"' % field in found
    assert found.count(b"HTTP/1.1 ") == 1  # what follows is not taken for another request
