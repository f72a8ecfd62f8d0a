"""The queue of pages that wait for one of a few threads, within a budget of characters."""

import asyncio
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from soupstate.model.page.stop import Stop, Stopped

Work = Callable[[Stop], bytes]

FIRST_SPEED = 50_000.0  # characters per second and thread, until the speed is measured
SMOOTHING = 0.2  # weight of a new measurement
SHORTEST_MEASURED = 1000  # characters; shorter pages do not show the speed
LONGEST_RETRY = 120
LARGE = 1_000_000  # characters; a larger page gets more time than the limit, in proportion


class Full(Exception):
    """The budget is used up. A client should try again `retry_after` seconds later."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"the queue is full; try again in {retry_after} s")
        self.retry_after = retry_after


class TooLarge(Exception):
    """A page is larger than the whole budget, so trying again will not help."""


class Late(Exception):
    """The page took longer than its limit of seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the page takes longer than {seconds:g} s to read")


@dataclass(eq=False)
class Entry:
    """The work for one page. Its future raises Late past the time limit, and Stopped if dropped at work."""

    work: Work
    characters: int
    future: "Future[bytes]" = field(default_factory=Future)
    dropped: bool = False


def awaitable(entry: Entry) -> "asyncio.Future[bytes]":
    """Returns the entry's answer for the event loop.

    Its error counts as seen, so that asyncio does not report the error of a page whose client has disconnected.
    """
    answer = asyncio.wrap_future(entry.future)
    answer.add_done_callback(lambda done: None if done.cancelled() else done.exception())
    return answer


class Ticket:
    """A request's share of the budget. Only the event loop's thread uses it."""

    def __init__(self, queue: "WorkQueue") -> None:
        self.queue = queue
        self.characters = 0

    def grow(self, characters: int) -> None:
        """Takes more of the budget. Raises Full or TooLarge when the budget does not allow it."""
        self.queue.check(characters, already=self.characters)
        self.characters += characters
        self.queue.characters += characters

    def shrink(self, characters: int) -> None:
        """Gives the unused share back: a page has fewer characters than bytes."""
        self.queue.characters -= self.characters - min(characters, self.characters)
        self.characters = min(characters, self.characters)

    def release(self) -> None:
        """Returns the whole share to the budget."""
        self.shrink(0)


class WorkQueue:
    """Runs entries first come, first served, with `threads` threads. Tickets bound what waits or runs."""

    def __init__(self, budget: int, threads: int, page_seconds: float) -> None:
        self.budget, self.page_seconds = budget, page_seconds
        self.characters = 0  # the part of the budget in use
        self.speed = FIRST_SPEED * threads
        self._entries: deque[Entry] = deque()
        self._working: set[Entry] = set()
        self._wake = threading.Condition()
        self._closed = False
        self._threads = [threading.Thread(target=self._run, name=f"reader-{i}", daemon=True) for i in range(threads)]
        for thread in self._threads:
            thread.start()

    def check(self, characters: int, *, already: int = 0) -> None:
        """Raises TooLarge or Full when the budget has no room for this many more characters."""
        if already + characters > self.budget:
            raise TooLarge(f"more than the {self.budget} characters that are read at once")
        if self.characters + characters > self.budget:
            over = self.characters + characters - self.budget
            raise Full(max(1, min(LONGEST_RETRY, math.ceil(over / self.speed))))

    def ticket(self) -> Ticket:
        """Returns an empty share of the budget."""
        return Ticket(self)

    def submit(self, work: Work, characters: int) -> Entry:
        """Adds work to the end of the queue. The caller holds a ticket for it until the entry's future is done."""
        entry = Entry(work, characters)
        with self._wake:
            if self._closed:
                raise Full(1)
            self._entries.append(entry)
            self._wake.notify()
        return entry

    def drop(self, entry: Entry) -> None:
        """Gives up an entry. It leaves the queue, or its work ends at the next call of `stop`."""
        with self._wake:
            entry.dropped = True
            if entry in self._entries:
                self._entries.remove(entry)
                entry.future.cancel()

    def close(self, seconds: float) -> None:
        """Drops all entries, and waits this many seconds at most for the threads to end."""
        with self._wake:
            self._closed = True
            for entry in self._entries:
                entry.future.set_exception(Stopped())
            self._entries.clear()
            for entry in self._working:
                entry.dropped = True
            self._wake.notify_all()
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._entries and not self._closed:
                    self._wake.wait()
                if self._closed:
                    return
                entry = self._entries.popleft()
                if not entry.future.set_running_or_notify_cancel():
                    continue
                self._working.add(entry)
            self._work(entry)
            with self._wake:
                self._working.discard(entry)

    def _work(self, entry: Entry) -> None:
        start = time.monotonic()
        allowed = self.page_seconds * max(1.0, entry.characters / LARGE)
        deadline = start + allowed
        try:
            answer = entry.work(lambda: entry.dropped or time.monotonic() > deadline)
        except Stopped as stopped:
            entry.future.set_exception(stopped if entry.dropped else Late(round(allowed, 1)))
        except BaseException as error:  # reported by the request that waits
            entry.future.set_exception(error)
        else:
            if entry.characters >= SHORTEST_MEASURED:
                self._measure(entry.characters, time.monotonic() - start)
            entry.future.set_result(answer)

    def _measure(self, characters: int, seconds: float) -> None:
        now = len(self._threads) * characters / max(seconds, 1e-4)
        self.speed += SMOOTHING * (now - self.speed)
