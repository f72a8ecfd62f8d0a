"""The queue of pages: its order, its memory, and how it ends."""

import threading
import time
from collections.abc import Callable

import pytest
from conftest import Running

from soupstate.app.http.memory import NoRoom, TooLarge, smallest_budget
from soupstate.app.http.queue import Full, Late, WorkQueue
from soupstate.model.page.stop import Stopped

LEAST = smallest_budget(1)  # of one thread: room for 100,000 bytes that wait


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


@pytest.mark.timed
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


@pytest.mark.slow
def test_a_page_that_is_interrupted_is_answered_as_otherwise(plain_service: Running) -> None:
    """One thread, and short pages come while it reads a long one."""
    client, page = plain_service.client, "<ul>" + "<li><a href='/x'>some words</a> more</li>\n" * 4000
    alone, short = (client.post("/extract", json={"html": html}).json() for html in (page, page[:2000]))
    beside, during = [], 0
    reading = threading.Thread(target=lambda: beside.append(client.post("/extract", json={"html": page}).json()))
    reading.start()
    while reading.is_alive():
        got = client.post("/extract", json={"html": page[:2000]}).json()
        during += reading.is_alive()
        assert {**got, "seconds": 0} == {**short, "seconds": 0}
    assert during > 1 and {**beside[0], "seconds": 0} == {**alone, "seconds": 0}
