"""The queue: pages that wait for one of a few threads, within a budget of characters."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from soupstate.model.net.reading_loop import Stop, Stopped

Work = Callable[[Stop], bytes]

FIRST_SPEED = 50_000.0  # characters a thread reads in a second, until it is measured
SMOOTHING = 0.2  # weight of a new measurement
MEASURED = 1000  # shorter pages tell nothing of the speed
LONGEST_RETRY = 120
LARGE = 1_000_000  # characters of a page beyond which it gets more time than the usual limit


class Full(Exception):
    """The budget is used up; worth another try `retry_after` seconds later."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"the queue is full; try again in {retry_after} s")
        self.retry_after = retry_after


class TooLarge(Exception):
    """A page larger than the whole budget: no try will help."""


class Late(Exception):
    """The page took longer than the limit, of so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the page takes longer than {seconds:g} s to read")


@dataclass(eq=False)
class Entry:
    """A page's work. Its future fails with Late past the time limit, with Stopped when it was dropped at work."""

    work: Work
    characters: int
    future: "Future[bytes]" = field(default_factory=Future)
    dropped: bool = False


class Ticket:
    """A request's share of the budget. Used on the event loop's thread alone."""

    def __init__(self, queue: "WorkQueue") -> None:
        self.queue = queue
        self.characters = 0

    def grow(self, characters: int) -> None:
        """Takes more of the budget; raises Full or TooLarge where that is not to be had."""
        self.queue.check(characters, already=self.characters)
        self.characters += characters
        self.queue.characters += characters

    def shrink(self, characters: int) -> None:
        """Gives back what the page turned out not to need: a character is one byte at least."""
        self.queue.characters -= self.characters - min(characters, self.characters)
        self.characters = min(characters, self.characters)

    def release(self) -> None:
        """Gives everything back."""
        self.shrink(0)


class WorkQueue:
    """First come, first served, by `threads` threads. Tickets bound what waits and is at work together."""

    def __init__(self, budget: int, threads: int, page_seconds: float) -> None:
        self.budget, self.page_seconds = budget, page_seconds
        self.characters = 0  # of the budget in use
        self.speed = FIRST_SPEED * threads
        self._entries: deque[Entry] = deque()
        self._working: set[Entry] = set()
        self._wake = threading.Condition()
        self._closed = False
        self._threads = [threading.Thread(target=self._run, name=f"reader-{i}", daemon=True) for i in range(threads)]
        for thread in self._threads:
            thread.start()

    def check(self, characters: int, *, already: int = 0) -> None:
        """Raises where so many characters more would not fit: TooLarge, or Full with a time to come again."""
        if already + characters > self.budget:
            raise TooLarge(f"more than the {self.budget} characters that are read at once")
        if self.characters + characters > self.budget:
            over = self.characters + characters - self.budget
            raise Full(max(1, min(LONGEST_RETRY, math.ceil(over / self.speed))))

    def ticket(self) -> Ticket:
        """An empty share of the budget."""
        return Ticket(self)

    def submit(self, work: Work, characters: int) -> Entry:
        """Puts work last in the queue. The caller holds a ticket for it until the entry's future is done."""
        entry = Entry(work, characters)
        with self._wake:
            if self._closed:
                raise Full(1)
            self._entries.append(entry)
            self._wake.notify()
        return entry

    def drop(self, entry: Entry) -> None:
        """Nobody waits for the entry: out of the queue with it; work under way ends at its next look at `stop`."""
        with self._wake:
            entry.dropped = True
            if entry in self._entries:
                self._entries.remove(entry)
                entry.future.cancel()

    def close(self, seconds: float) -> None:
        """Drops all entries and waits for the threads to end, so long at most."""
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
        except BaseException as error:  # the request that waits reports it
            entry.future.set_exception(error)
        else:
            if entry.characters >= MEASURED:
                self._measure(entry.characters, time.monotonic() - start)
            entry.future.set_result(answer)

    def _measure(self, characters: int, seconds: float) -> None:
        now = len(self._threads) * characters / max(seconds, 1e-4)
        self.speed += SMOOTHING * (now - self.speed)
