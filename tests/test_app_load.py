"""The service when it is busy, slow, left alone or told to stop."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from conftest import Running, Taught

from soupstate.app.http.memory import reading_bytes, smallest_budget

HTML = {"Content-Type": "text/html"}
SLOW = b"<p>SLOW" + b"x" * 39_993
LEAST = smallest_budget(1)  # of one thread: room for two pages like SLOW, or for 100,000 bytes
SHARE = 6 * len(SLOW)
HEAD = "POST /extract HTTP/1.1\r\nHost: x\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n"
QUEUE = 'soupstate_memory_bytes{state="waiting"}'
READING = 'soupstate_memory_bytes{state="reading"}'
Serve = Callable[..., Running]


class Posting(threading.Thread):
    """A request under way."""

    def __init__(self, running: Running, content: bytes = SLOW) -> None:
        super().__init__()
        self.client = httpx.Client(base_url=running.client.base_url, timeout=20)
        self.content = content
        self.answer: httpx.Response | None = None
        self.start()

    def run(self) -> None:
        with self.client:
            self.answer = self.client.post("/extract", content=self.content, headers=HTML)

    def status(self) -> int:
        self.join(20)
        assert self.answer is not None
        return self.answer.status_code


def leave(running: Running, content: bytes, when: Callable[[], None]) -> None:
    """Posts a page, and hangs up."""
    address = running.client.base_url.host, running.client.base_url.port
    assert address[1]
    with socket.create_connection(address) as connection:
        connection.sendall(HEAD.format(len(content)).encode() + content)
        when()


def test_a_full_queue_refuses_at_the_door(serve: Serve) -> None:
    running = serve(workers=1, max_memory_bytes=LEAST)
    first = Posting(running)
    running.wait(READING, reading_bytes(len(SLOW)))
    second = Posting(running)
    running.wait(QUEUE, 2 * SHARE)
    answer = running.client.post("/extract", content=SLOW, headers=HTML)
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert 1 <= int(answer.headers["retry-after"]) <= 120
    # one that still fits is taken, and waits behind the others
    third = Posting(running, b"<p>small")
    running.wait(QUEUE, 2 * SHARE + 6 * 8)
    assert running.client.get("/readyz").status_code == 200
    Taught.go_on.set()
    assert [first.status(), second.status(), third.status()] == [200, 200, 200]
    running.wait(QUEUE, 0)
    running.wait(READING, 0)
    assert running.client.post("/extract", content=SLOW, headers=HTML).status_code == 200


def test_a_full_queue_refuses_chunked_bodies(serve: Serve) -> None:
    running = serve(workers=1, max_memory_bytes=LEAST)
    first = Posting(running)
    running.wait(QUEUE, SHARE)
    answer = running.client.post("/extract", content=iter([b"<p>" * 5000] * 5), headers=HTML)
    assert answer.status_code == 503 and answer.headers["retry-after"]
    running.wait(QUEUE, SHARE)
    Taught.go_on.set()
    assert first.status() == 200


def test_a_page_larger_than_the_whole_budget(serve: Serve) -> None:
    running = serve(workers=1, max_memory_bytes=LEAST)
    page = b"<p>" + b"x" * 100_000
    for content in (page, iter([page])):
        answer = running.client.post("/extract", content=content, headers=HTML)
        assert answer.status_code == 413 and answer.json()["field"] == "body"
        assert "memory for pages of 100000 bytes" in answer.json()["detail"]
    answer = running.client.post("/extract", json={"html": page.decode()})
    assert answer.status_code == 413 and answer.json()["field"] == "html"
    latin = {"Content-Type": "text/html; charset=latin-1"}  # it is larger as UTF-8
    answer = running.client.post("/extract", content=b"<p>" + b"\xe9" * 60_000, headers=latin)
    assert answer.status_code == 413 and answer.json()["field"] == "body"
    running.wait(QUEUE, 0)


def test_a_page_that_takes_too_long(serve: Serve) -> None:
    running = serve(page_seconds=0.2)
    answer = running.client.post("/extract", content=SLOW, headers=HTML)
    assert answer.status_code == 504
    assert "0.2 s" in answer.json()["detail"]
    running.wait(QUEUE, 0)


def test_a_body_that_does_not_arrive(serve: Serve) -> None:
    running = serve(body_seconds=0.2)
    address = running.client.base_url.host, running.client.base_url.port
    assert address[1]
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(HEAD.format(9).encode() + b"<p>")
        answer = b"".join(iter(lambda: connection.recv(1000), b""))
    assert answer.startswith(b"HTTP/1.1 408 ") and b'"field":"body"' in answer
    running.wait(QUEUE, 0)


def test_a_client_that_goes_ends_its_work(serve: Serve) -> None:
    running = serve(workers=1)
    leave(running, SLOW, lambda: Taught.started.wait(5) or None)
    running.wait("soupstate_dropped_total", 1)
    running.wait(QUEUE, 0)
    # and the worker is free again
    assert running.client.post("/extract", content=b"<p>next", headers=HTML).status_code == 200
    assert running.metric('soupstate_requests_total{route="/extract",status="499"}') == 1


def test_a_client_that_goes_while_waiting_is_not_worked_for(serve: Serve) -> None:
    running = serve(workers=1)
    first = Posting(running)
    running.wait(QUEUE, SHARE)
    leave(running, b"<p>" + b"y" * 997, lambda: running.wait(QUEUE, SHARE + 6000))
    running.wait(QUEUE, SHARE)
    Taught.go_on.set()
    assert first.status() == 200
    assert running.metric("soupstate_characters_read_total") == len(SLOW)


def test_a_client_that_goes_while_sending(serve: Serve) -> None:
    running = serve()
    address = running.client.base_url.host, running.client.base_url.port
    assert address[1]
    with socket.create_connection(address) as connection:
        connection.sendall(HEAD.format(9).encode() + b"<p>")
        running.wait(QUEUE, 6 * 9)
    running.wait(QUEUE, 0)


def test_the_event_loop_goes_on_while_pages_are_read(serve: Serve) -> None:
    running = serve(workers=1)
    first = Posting(running)
    Taught.started.wait(5)
    assert running.client.get("/healthz").status_code == 200
    Taught.go_on.set()
    assert first.status() == 200


def started(weights: Path, *options: str) -> tuple["subprocess.Popen[str]", str]:
    """`soupstate serve` as a process of its own, and its address."""
    command = [sys.executable, "-m", "soupstate"]
    command += ["serve", "--port", "0", "--weights", str(weights)]
    environ = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [*command, *options], stderr=subprocess.PIPE, text=True, env=environ, cwd=Path(__file__).parents[1]
    )
    assert process.stderr
    lines = [json.loads(process.stderr.readline()) for _ in range(2)]
    assert [line["message"] for line in lines] == ["listening", "ready"]
    return process, lines[0]["url"]


def ready(url: str) -> int:
    """Status of /readyz; 0 where nobody answers."""
    try:
        return httpx.get(f"{url}/readyz").status_code
    except httpx.TransportError:
        return 0


def wait_ready(url: str, status: int) -> None:
    until = time.monotonic() + 10
    while ready(url) != status:
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_graceful_stop_finishes_what_was_begun(weights: Path) -> None:
    process, url = started(weights, "--backend", "reference", "--drain-seconds", "0.5")
    wait_ready(url, 200)
    page = "<p>" + "some words " * 1000  # a second or so for the plain version
    answers: list[httpx.Response] = []

    def post() -> None:
        answers.append(httpx.post(f"{url}/extract?include=text", content=page, headers=HTML, timeout=30))

    posting = threading.Thread(target=post)
    posting.start()
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    wait_ready(url, 503)
    posting.join(30)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert [answer.status_code for answer in answers] == [200]
    lines = [json.loads(line) for line in errors.splitlines()]
    assert lines[-1]["message"] == "stopped"
    (posted,) = [line for line in lines if line.get("route") == "/extract"]
    assert posted["status"] == 200 and posted["characters"] == len(page)
    assert posted["id"] == answers[0].headers["x-request-id"]


def test_a_page_that_outlasts_the_stop_is_told_to_come_again(serve: Serve) -> None:
    running = serve(workers=1, stop_seconds=0.1)
    page = Posting(running)
    assert Taught.started.wait(5)
    running.server.should_exit = True
    assert page.status() == 503
    assert page.answer and page.answer.headers["retry-after"] and "stopping" in page.answer.json()["detail"]


@pytest.mark.timed
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_idle_service_stops_at_once(weights: Path, number: signal.Signals) -> None:
    process, url = started(weights)
    wait_ready(url, 200)
    start = time.monotonic()
    process.send_signal(number)
    process.communicate(timeout=10)
    assert process.returncode == 0
    assert time.monotonic() - start < 5
