"""The memory that pages may take, and how it is divided among those that wait and those that are read."""

import os
from pathlib import Path

LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
SHORT_BYTES = 100_000  # a page of at most so many bytes is short
# What a page takes while it is read: READING_FIXED_BYTES, and READING_BYTES for each of its bytes of UTF-8. None of 25
# hostile shapes took more than 97 bytes per byte (docs/benchmarks.md); the answer in JSON comes on top.
READING_FIXED_BYTES = 12_000_000
READING_BYTES = 130
# What a page takes while it arrives or waits, for each byte of its body: the body while it grows and is copied, then
# the text, whose characters take up to four bytes each.
WAITING_BYTES = 6
# Parts of what is left beside the short pages that are read: see Memory.
SMALL_PART, LARGE_PART = 1 / 16, 3 / 16
SMALLEST_REST = 16 * WAITING_BYTES * SHORT_BYTES  # the least of it that has room for a short page that waits


def machine_bytes() -> int:
    """Returns the memory of the machine, or of the container where that has a limit (cgroup v2, then v1)."""
    sizes = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in LIMITS:
        try:
            text = path.read_text("ascii").strip()
        except OSError:
            continue
        if text.isdecimal():  # v2 says "max" where there is none
            sizes.append(int(text))
    return min(sizes)


class NoRoom(Exception):
    """The memory is used up. over: bytes that are missing."""

    def __init__(self, over: int) -> None:
        super().__init__(f"{over} bytes of memory are missing")
        self.over = over


class TooLarge(Exception):
    """A page needs more than all of the memory, so trying again will not help."""


def reading_bytes(size: int) -> int:
    """Returns the memory in bytes that a page of `size` bytes takes while it is read."""
    return READING_FIXED_BYTES + READING_BYTES * size


def smallest_budget(threads: int) -> int:
    """Returns the least memory in bytes that a service with so many threads works with."""
    return threads * reading_bytes(SHORT_BYTES) + SMALLEST_REST


class Memory:
    """Divides `total` bytes. Each thread has what a short page needs, so that these are read at any time.

    Of the rest, small bodies have 1/16 for themselves, larger ones 3/16, and long pages that are read 12/16. So each
    kind has room whatever the others take, the sum stays within the total, and none waits for a share while it holds
    one that the other needs. Waiting shares belong to the event loop's thread, reading shares to the queue's lock.
    """

    def __init__(self, total: int, threads: int) -> None:
        rest = max(0, total - threads * reading_bytes(SHORT_BYTES))
        self.small_limit, self.large_limit = int(rest * SMALL_PART), int(rest * LARGE_PART)
        self.reading_limit = rest - self.small_limit - self.large_limit
        self.small = self.large = 0  # used by tickets
        self.long_read = self.short_read = 0  # used by pages that are read

    @property
    def waiting(self) -> int:
        """Bytes that bodies, pages that wait, and answers that are being sent take."""
        return self.small + self.large

    @property
    def reading(self) -> int:
        """Bytes that pages take that are being read."""
        return self.long_read + self.short_read

    @property
    def largest(self) -> int:
        """The largest page, in bytes, that there is memory for."""
        by_reading = (self.reading_limit - READING_FIXED_BYTES) // READING_BYTES
        return max(SHORT_BYTES, min(by_reading, self.large_limit // WAITING_BYTES))

    def check(self, size: int) -> None:
        """Raises TooLarge for a page of more bytes than `largest`."""
        if size > self.largest:
            raise TooLarge(f"there is memory for pages of {self.largest} bytes at most")

    def fits(self, size: int) -> bool:
        """Returns whether a page of `size` bytes may be read now. Answers beyond the waiting share count too."""
        over = max(0, self.small - self.small_limit) + max(0, self.large - self.large_limit)
        need = reading_bytes(size)
        return size <= SHORT_BYTES or not self.long_read or self.long_read + need + over <= self.reading_limit

    def begin(self, size: int) -> None:
        """Takes what a page of `size` bytes needs while it is read."""
        self._read(size, reading_bytes(size))

    def end(self, size: int) -> None:
        """Gives it back."""
        self._read(size, -reading_bytes(size))

    def _read(self, size: int, change: int) -> None:
        if size > SHORT_BYTES:
            self.long_read += change
        else:
            self.short_read += change


class Ticket:
    """The share of a body that arrives, of a page that waits, or of an answer that is sent."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.size = 0  # bytes of body
        self.held = 0  # bytes of memory
        self.large = False

    def reserve(self, size: int) -> None:
        """Takes the share of a body of `size` bytes, where it has not taken as much. Raises NoRoom or TooLarge."""
        if size <= self.size:
            return
        memory, need, large = self.memory, WAITING_BYTES * size, size > SHORT_BYTES
        memory.check(size)
        used, limit = (memory.large, memory.large_limit) if large else (memory.small, memory.small_limit)
        over = used + need - (self.held if large == self.large else 0) - limit
        if over > 0:
            raise NoRoom(over)
        self._hold(need, large)
        self.size = size

    def hold(self, held: int) -> None:
        """Takes this many bytes of memory in place of the share, whether there is room or not."""
        self._hold(held, self.large)

    def release(self) -> None:
        """Gives everything back."""
        self._hold(0, False)
        self.size = 0

    def _hold(self, held: int, large: bool) -> None:
        for kind, change in ((self.large, -self.held), (large, held)):
            if kind:
                self.memory.large += change
            else:
                self.memory.small += change
        self.held, self.large = held, large
