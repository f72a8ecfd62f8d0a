"""The characters that the network expects next: its distribution of the next byte, completed to whole characters."""

from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np

from soupstate.model.net.reading_loop import ReadingLoop

LIKELIEST = 5  # characters listed at a place
# Beginnings of characters of several bytes that are read on from at one place. Each costs one step of the network.
MOST_PREFIXES = 64
FIRST_BYTES = (*range(0x80), *range(0xC2, 0xF5))
LATER_BYTES = range(0x80, 0xC0)
SECOND_BYTES = {  # of well-formed UTF-8 (Unicode Standard, table 3-7); LATER_BYTES after other first bytes
    0xE0: range(0xA0, 0xC0),
    0xED: range(0x80, 0xA0),
    0xF0: range(0x90, 0xC0),
    0xF4: range(0x80, 0x90),
}


@dataclass(frozen=True, slots=True)
class Alternative:
    """A character that may come next. probability: what the network gives it, 0 to 1."""

    text: str
    probability: float


def likeliest(loop: ReadingLoop, count: int = LIKELIEST) -> tuple[Alternative, ...]:
    """Returns the characters that the network expects most where `loop` stands, the likeliest first.

    The probability of a character is the product of those of its bytes. The search takes the likeliest beginning first
    and no continuation is likelier than its beginning, so the list is exact. It is shorter than `count` where
    MOST_PREFIXES beginnings were read on from.
    """
    found: list[Alternative] = []
    waiting: list[tuple[float, bytes]] = [(-1.0, b"")]
    prefixes = 0
    while waiting and len(found) < count:
        chance, prefix = heappop(waiting)
        if prefix and len(prefix) == _length(prefix[0]):
            found.append(Alternative(prefix.decode(), -chance))
            continue
        if prefixes > MOST_PREFIXES:
            break
        prefixes += 1
        state = loop.state
        if prefix:
            state = loop.packed.read_states([loop.peek(np.frombuffer(prefix, np.uint8))])[0]
        chances = loop.packed.next_byte(state).tolist()
        for byte in _next_bytes(prefix):
            heappush(waiting, (chance * chances[byte], prefix + bytes([byte])))
    return tuple(found)


def _length(first: int) -> int:
    """Returns the number of bytes of a character by its first byte."""
    return 1 if first < 0x80 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4


def _next_bytes(prefix: bytes) -> "tuple[int, ...] | range":
    """Returns the bytes that may follow the beginning of a character."""
    if not prefix:
        return FIRST_BYTES
    return SECOND_BYTES.get(prefix[0], LATER_BYTES) if len(prefix) == 1 else LATER_BYTES
