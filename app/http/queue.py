"""The queue of pages that wait for one of a few threads, within a budget of memory. Short pages go before long ones."""

import asyncio
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from soupstate.app.http.memory import SHORT_BYTES, WAITING_BYTES, Memory, NoRoom, Ticket
from soupstate.model.page.stop import Stop, Stopped

T = TypeVar("T")

FIRST_SPEED = 50_000.0  # bytes per second and thread, until the speed is measured
SMOOTHING = 0.2  # weight of a new measurement
SHORTEST_MEASURED = 1000  # bytes; shorter pages do not show the speed
LONGEST_RETRY = 120
LARGE = 1_000_000  # bytes; a larger page gets more time than the limit, in proportion


class Full(Exception):
    """The budget is used up. A client should try again `retry_after` seconds later."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"the queue is full; try again in {retry_after} s")
        self.retry_after = retry_after


class Late(Exception):
    """The page took longer than its limit of seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the page takes longer than {seconds:g} s to read")


@dataclass(eq=False)
class Entry(Generic[T]):
    """The work for one page of `size` bytes. Its future raises Late past the time limit, and Stopped if dropped."""

    work: Callable[[Stop], T]
    size: int
    future: "Future[T]" = field(default_factory=Future)
    dropped: bool = False

    @property
    def short(self) -> bool:
        """Whether it goes before long ones."""
        return self.size <= SHORT_BYTES


@dataclass
class _Pauses:
    """The pauses of a long page. ended: when the last one ended; last, total: seconds."""

    ended: float
    last: float = 0.0
    total: float = 0.0


def awaitable(entry: Entry[T]) -> "asyncio.Future[T]":
    """Returns the entry's answer for the event loop.

    Its error counts as seen, so that asyncio does not report the error of a page whose client has disconnected.
    """
    answer = asyncio.wrap_future(entry.future)
    answer.add_done_callback(lambda done: None if done.cancelled() else done.exception())
    return answer


class WorkQueue:
    """Runs entries with `threads` threads: short ones first, each kind first come, first served.

    A thread that works on a long entry interrupts it for short ones, between two calls of its `stop`. The long one
    then has at least as much time as the pause took, so it keeps half its speed at worst. Short ones are not
    interrupted. A long entry starts when there is memory for it.
    """

    def __init__(self, budget: int, threads: int, page_seconds: float) -> None:
        self.memory, self.page_seconds = Memory(budget, threads), page_seconds
        self.speed = FIRST_SPEED * threads
        self._short: deque[Entry[Any]] = deque()
        self._long: deque[Entry[Any]] = deque()
        self._working: set[Entry[Any]] = set()
        self._wake = threading.Condition()
        self._closed = False
        self._threads = [threading.Thread(target=self._run, name=f"reader-{i}", daemon=True) for i in range(threads)]
        for thread in self._threads:
            thread.start()

    def ticket(self) -> Ticket:
        """Returns an empty share of the budget."""
        return Ticket(self.memory)

    def full(self, missing: NoRoom) -> Full:
        """Returns the error of a body for which there is no room, with the time that its bytes will take to be read."""
        return Full(max(1, min(LONGEST_RETRY, math.ceil(missing.over / WAITING_BYTES / self.speed))))

    def submit(self, work: Callable[[Stop], T], size: int, *, first: bool = False) -> Entry[T]:
        """Adds the work for a page of `size` bytes of UTF-8 to the end of the queue, or with `first` to its start.

        The caller holds a ticket for it until the entry's future is done. Raises Full when the queue is closed, and
        TooLarge.
        """
        self.memory.check(size)
        entry = Entry(work, size)
        with self._wake:
            if self._closed:
                raise Full(1)
            entries = self._short if entry.short else self._long
            if first:
                entries.appendleft(entry)
            else:
                entries.append(entry)
            self._wake.notify()
        return entry

    def drop(self, entry: Entry[Any]) -> None:
        """Gives up an entry. It leaves the queue, or its work ends at the next call of `stop`."""
        with self._wake:
            entry.dropped = True
            entries = self._short if entry.short else self._long
            if entry in entries:
                entries.remove(entry)
                entry.future.cancel()
                self._wake.notify_all()  # the next one may be smaller

    def close(self, seconds: float) -> None:
        """Drops all entries, and waits this many seconds at most for the threads to end."""
        with self._wake:
            self._closed = True
            for entries in (self._short, self._long):
                for entry in entries:
                    entry.future.set_exception(Stopped())
                entries.clear()
            for entry in self._working:
                entry.dropped = True
            self._wake.notify_all()
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _run(self) -> None:
        while True:
            with self._wake:
                while (entry := self._begin()) is None and not self._closed:
                    self._wake.wait()
            if entry is None:
                return
            self._work(entry)

    def _begin(self, *, short: bool = False) -> Entry[Any] | None:
        """Takes the next entry that may start, a short one only where asked for. The caller holds the lock."""
        while entries := self._short or (not short and self._long):
            if not self.memory.fits(entries[0].size):
                return None
            entry = entries.popleft()
            if entry.future.set_running_or_notify_cancel():
                self._working.add(entry)
                self.memory.begin(entry.size)
                return entry
        return None

    def _work(self, entry: Entry[Any]) -> None:
        """Does the work of an entry that has begun. Its future is done once its memory is free."""
        start = time.monotonic()
        allowed = self.page_seconds * max(1.0, entry.size / LARGE)
        pauses = _Pauses(start)

        def stop() -> bool:
            if not entry.short:
                self._pause(pauses)
            return entry.dropped or time.monotonic() > start + allowed + pauses.total

        answer: Any = None
        error: BaseException | None = None
        try:
            answer = entry.work(stop)
        except Stopped as stopped:
            error = stopped if entry.dropped else Late(round(allowed, 1))
        except BaseException as failed:  # reported by the request that waits
            error = failed
        seconds = time.monotonic() - start - pauses.total
        with self._wake:
            self._working.discard(entry)
            self.memory.end(entry.size)
            if error is None and entry.size >= SHORTEST_MEASURED:
                now = len(self._threads) * entry.size / max(seconds, 1e-4)
                self.speed += SMOOTHING * (now - self.speed)
            if not entry.short:
                self._wake.notify_all()
        if error is None:
            entry.future.set_result(answer)
        else:
            entry.future.set_exception(error)

    def _pause(self, pauses: _Pauses) -> None:
        """Works on one short entry, where one waits and the long one has had its time since its last pause."""
        now = time.monotonic()
        if not self._short or now - pauses.ended < pauses.last:
            return
        with self._wake:
            entry = self._begin(short=True)
        if entry is not None:
            self._work(entry)
            pauses.ended = time.monotonic()
            pauses.last = pauses.ended - now
            pauses.total += pauses.last
