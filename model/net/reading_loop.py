"""The one loop that reads bytes: from a place in a page to a later one, piece by piece, with the state carried along.

Reading whole pages, scoring edits and fitting the depth layer all go through it.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from soupstate.kernels import Chunk, Piece, State
from soupstate.kernels.backends import Packed
from soupstate.kernels.copy import advance_copies, copy_state, peek_copies
from soupstate.model.page.stop import Stop, Stopped

PIECE_BYTES = 8192  # bytes read between two looks at the clock
MOST_SUMS = 2048  # of outputs, in a piece
TRACED_BYTES = 2048  # the same where the units' outputs after every byte are wanted too, a kilobyte per byte

KEPT_BYTES = 128  # bytes between two states that a loop keeps; a state takes 2 kB with 264 units
MOST_KEPT = 4096  # of a page, about; in a longer one they lie farther apart

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Kept = Sequence[tuple[int, State]]  # states on the way through a page: the bytes read before each, and the state


class Summed(NamedTuple):
    """What of the heads' outputs is summed. begins (n,): the bytes with which a sum begins.

    outputs: how many, the first ones, the kernel still gives after each byte.
    """

    begins: NDArray[np.bool_]
    outputs: int


class ReadingLoop:
    """The bytes of one page, and how far they have been read.

    ids (n,): the bytes. at: the number of bytes read. state: of the recurrence at that place. history: of the copy
    model. asked (n,): bytes whose bits and entropy the kernel computes; None means all. traced (n,): bytes after which
    the units that `chunks` names are traced, likewise. begins, outputs: see `Summed`; None: the kernel sums
    nothing, and gives all outputs after each byte. every: bytes between two states that `chunks` keeps; 0: none. kept:
    these states.
    """

    def __init__(
        self,
        packed: Packed,
        ids: Bytes,
        asked: NDArray[np.bool_] | None = None,
        traced: NDArray[np.bool_] | None = None,
        summed: Summed | None = None,
        *,
        keeps: bool = False,
    ) -> None:
        """keeps: `chunks` keeps states on the way, so that another loop can begin near any place."""
        self.packed, self.ids, self.asked, self.traced = packed, ids, asked, traced
        self.begins = summed.begins if summed else None
        self.outputs = summed.outputs if summed else None
        self.every = min(max(KEPT_BYTES, -(-len(ids) // MOST_KEPT)), PIECE_BYTES) if keeps else 0
        self.kept: list[tuple[int, State]] = []
        self.at = 0
        self.history, self.state = copy_state(), State.zeros(packed.weights.units)

    @property
    def left(self) -> int:
        """The number of bytes still to read."""
        return len(self.ids) - self.at

    def piece(self, size: int, to: int | None = None) -> Piece:
        """Returns the next bytes, at most `size` and not beyond `to`. Advances the copy model past them."""
        part = slice(self.at, min(self.at + size, len(self.ids) if to is None else to))
        most = max(MOST_SUMS, self.every)  # so that each piece keeps a state: a sum has one byte or more
        if self.begins is not None and len(sums := np.flatnonzero(self.begins[part])) > most:
            part = slice(self.at, self.at + int(sums[most]))
        ids = self.ids[part]
        asked, traced, begins = (None if a is None else a[part] for a in (self.asked, self.traced, self.begins))
        return Piece(ids, advance_copies(ids, self.history), self.state, asked, traced, begins, self.outputs)

    def take(self, piece: Piece, state: State) -> None:
        """Moves on past a piece that was read; `state` is the state after it."""
        self.at += len(piece.ids)
        self.state = state

    def chunks(
        self, stop: Stop, *, to: int | None = None, units: NDArray[np.int64] | None = None
    ) -> Iterator[tuple[Bytes, Chunk]]:
        """Reads up to byte `to`, or to the end. Yields the bytes of each piece and what the kernel computes for them.

        units: the units whose output h goes into `Chunk.traces`. Raises Stopped when `stop` returns True.
        """
        to = len(self.ids) if to is None else to
        traces_all = self.traced is None and units is not None and len(units) > 0
        size = TRACED_BYTES if traces_all else PIECE_BYTES
        while self.at < to:
            if stop():
                raise Stopped
            piece = self.piece(size, to)
            chunk = self.packed.read_many([piece], units, self.every)[0]
            self._keep(piece, chunk.kept)
            self.take(piece, chunk.state)
            yield piece.ids, chunk
            del chunk  # before the next one is made: it is the largest of what a page takes

    def _keep(self, piece: Piece, kept: Floats) -> None:
        """Keeps the states on the way through a piece: kept (states, 2, H), one after every `every` bytes of it."""
        for k, (h, c) in enumerate(kept, 1):
            end = k * self.every
            self.kept.append((self.at + end, State(h, c, piece.found[end - 1 : end].copy())))

    def measure(self, stop: Stop, to: int) -> Iterator[Floats]:
        """Reads up to byte `to`. Yields the bits of each piece, NaN where not asked for. Raises Stopped."""
        while self.at < to:
            if stop():
                raise Stopped
            piece = self.piece(PIECE_BYTES, to)
            bits, state = self.packed.read_bits([piece])[0]
            self.take(piece, state)
            yield bits

    def pass_over(self, stop: Stop, to: int) -> None:
        """Goes on to byte `to` with the copy model alone. The state of the recurrence stays as it was.

        So it is the state of another place, until some bytes more have been read. Raises Stopped.
        """
        while self.at < to:
            if stop():
                raise Stopped
            piece = self.piece(PIECE_BYTES, to)
            last = piece.found[len(piece.ids) - 1 :].copy()
            self.take(piece, State(self.state.h, self.state.c, last))

    def skip(self, stop: Stop, to: int, kept: Kept = ()) -> None:
        """Reads up to byte `to` for the state alone, which takes less time. Raises Stopped as `chunks` does.

        kept: states that another loop kept of the same page. The recurrence goes on from the last one before `to`.
        """
        known = bisect_right(kept, to, key=lambda pair: pair[0]) - 1
        if known >= 0 and kept[known][0] > self.at:
            self.pass_over(stop, kept[known][0])
            self.state = kept[known][1]
        while self.at < to:
            if stop():
                raise Stopped
            piece = self.piece(PIECE_BYTES, to)
            self.take(piece, self.packed.read_states([piece])[0])

    def peek(self, ids: Bytes) -> Piece:
        """Returns other bytes to be read from this place on, and stays where it is."""
        return Piece(ids, peek_copies(ids, self.history), self.state)


def character_starts(ids: Bytes) -> NDArray[np.int64]:
    """Returns the index of the first byte of every character of UTF-8 ids (n,)."""
    return np.flatnonzero((ids & 0xC0) != 0x80)


def per_character(values: Floats, starts: NDArray[np.int64]) -> Floats:
    """Sums values (bytes,) over the bytes of each character: (characters,)."""
    if not len(values):
        return values
    return np.add.reduceat(values, starts).astype(np.float32)
