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

from soupstate.app.http.memory import NoRoom, TooLarge, reading_bytes, smallest_budget
from soupstate.app.http.queue import Full, Late, WorkQueue
from soupstate.model.page.stop import Stopped

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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_idle_service_stops_at_once(weights: Path, number: signal.Signals) -> None:
    process, url = started(weights)
    wait_ready(url, 200)
    start = time.monotonic()
    process.send_signal(number)
    process.communicate(timeout=10)
    assert process.returncode == 0
    assert time.monotonic() - start < 5


def test_tickets_keep_the_budget() -> None:
    queue = WorkQueue(LEAST, 1, 1.0)
    memory, first, second = queue.memory, queue.ticket(), queue.ticket()
    first.reserve(60_000)
    first.reserve(80_000)
    first.reserve(70_000)  # never shrinks
    with pytest.raises(NoRoom) as missing:
        second.reserve(30_000)
    assert missing.value.over == 60_000 and queue.full(missing.value).retry_after == 1
    with pytest.raises(TooLarge):
        second.reserve(100_001)
    assert memory.waiting == 480_000
    first.hold(5)
    second.reserve(99_000)
    assert memory.waiting == 594_005
    for ticket in (first, first, second):
        ticket.release()
    assert memory.waiting == 0
    queue.close(1)


def test_large_bodies_leave_room_for_small_ones() -> None:
    """A body without a declared length becomes a large one as it grows; each kind has a part of the budget."""
    queue = WorkQueue(LEAST + 1_000_000_000, 1, 1.0)
    memory, tickets = queue.memory, []
    with pytest.raises(NoRoom):
        for _ in range(100):
            tickets.append(queue.ticket())
            tickets[-1].reserve(50_000)
            tickets[-1].reserve(3_000_000)
    assert memory.small == 300_000  # the last one, which may not grow
    assert 0 <= memory.large_limit - memory.large < 18_000_000
    for _ in range(90):
        tickets.append(queue.ticket())
        tickets[-1].reserve(100_000)
    for ticket in tickets:
        ticket.release()
    assert (memory.small, memory.large) == (0, 0)
    queue.close(1)


def test_long_pages_are_read_within_the_budget() -> None:
    """Four threads, and memory for two of the long pages: the others wait, and short ones go on."""
    budget = smallest_budget(4) + 2_000_000_000
    queue = WorkQueue(budget, 4, 60.0)
    size = queue.memory.largest // 2 - 60_000
    go_on, most = threading.Event(), []

    def work(stop: Callable[[], bool]) -> bytes:
        most.append(queue.memory.reading)
        while not go_on.wait(0.002):
            assert not stop()
        return b""

    long = [queue.submit(work, size) for _ in range(6)]
    while sum(entry.future.running() for entry in long) < 2:
        time.sleep(0.001)
    assert queue.submit(lambda stop: b"short", 100_000).future.result(5) == b"short"
    assert sum(entry.future.running() for entry in long) == 2
    queue.drop(long[2])
    go_on.set()
    assert [entry.future.result(5) for entry in long if entry is not long[2]] == [b""] * 5
    assert max(most) <= queue.memory.reading_limit < budget and queue.memory.reading == 0
    with pytest.raises(TooLarge):
        queue.submit(work, queue.memory.largest + 1)
    alone = queue.submit(work, queue.memory.largest)
    assert alone.future.result(5) == b""
    queue.close(1)


def test_short_pages_interrupt_a_long_one() -> None:
    """One thread: they are done while it is read; it keeps half its speed, and its time limit."""
    queue = WorkQueue(LEAST + 1_000_000_000, 1, 0.3)
    inside, nested = [0], []

    def short(stop: Callable[[], bool]) -> float:
        nested.append(inside[0])
        inside[0] += 1
        until = time.monotonic() + 0.02
        while time.monotonic() < until:
            assert not stop()
        inside[0] -= 1
        return time.monotonic()

    def long(stop: Callable[[], bool]) -> float:
        done = 0.0
        while done < 0.25:
            start = time.monotonic()
            time.sleep(0.005)
            done += time.monotonic() - start
            if stop():
                raise Stopped
        return time.monotonic()

    start = time.monotonic()
    page = queue.submit(long, 500_000)
    while not page.future.running():
        time.sleep(0.001)
    others = [queue.submit(short, 1000) for _ in range(25)]  # half a second of work
    ended = [other.future.result(5) for other in others]
    read = page.future.result(5)  # it took longer than its limit, most of which was pauses
    assert ended == sorted(ended) and ended[4] - start < 0.4
    assert ended[0] < read < ended[-1] and 0.35 < read - start < 0.8
    assert max(nested) == 0
    queue.close(1)


def test_jobs_run_in_order_fail_alone_and_can_be_dropped() -> None:
    queue = WorkQueue(LEAST + 1_000_000_000, 1, 0.2)
    gate, done = threading.Event(), []

    def slow(stop: Callable[[], bool]) -> bytes:
        while not stop():
            time.sleep(0.005)
        raise Stopped

    def fails(stop: Callable[[], bool]) -> bytes:
        raise KeyError("x")

    def note(stop: Callable[[], bool]) -> bytes:
        done.append(gate.is_set())
        return b"done"

    late, failing, waiting, last = (queue.submit(work, 1) for work in (slow, fails, note, note))
    queue.drop(waiting)
    assert waiting.future.cancelled()
    with pytest.raises(Late):
        late.future.result(5)
    with pytest.raises(KeyError):
        failing.future.result(5)
    assert last.future.result(5) == b"done"
    assert len(done) == 1
    with pytest.raises(Late, match=r"longer than 0\.4 s"):  # a page of two millions has twice the time
        queue.submit(slow, 2_000_000).future.result(5)
    dropped = queue.submit(slow, 1)
    while not dropped.future.running():
        time.sleep(0.001)
    queue.drop(dropped)
    with pytest.raises(Stopped):
        dropped.future.result(5)
    queue.close(1)
    with pytest.raises(Full):
        queue.submit(note, 1)


def test_closing_stops_what_runs_and_waits() -> None:
    queue = WorkQueue(LEAST, 1, 60.0)

    def slow(stop: Callable[[], bool]) -> bytes:
        while not stop():
            time.sleep(0.005)
        raise Stopped

    running, waiting = queue.submit(slow, 1), queue.submit(slow, 1)
    while not running.future.running():
        time.sleep(0.001)
    queue.close(5)
    for job in (running, waiting):
        with pytest.raises(Stopped):
            job.future.result(5)
