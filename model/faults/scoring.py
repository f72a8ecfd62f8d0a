"""Scores edits: the bits that a page saves by an edit, for the networks that read it from its two ends.

A network that reads from the beginning is surprised at a fault or after it, one that reads from the end at it or before
it. An edit that mends the page saves bits on both sides (Santos et al. 2018, "Syntax and Sensibility", use two such
models).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from soupstate.kernels import Piece
from soupstate.kernels.backends import Packed
from soupstate.model.faults.edits import Repair
from soupstate.model.net.reader import Reader, Reading
from soupstate.model.net.reading_loop import Kept, ReadingLoop, character_starts, per_character
from soupstate.model.page.stop import Stop, Stopped

SHORT, LONG = 24, 96  # characters beyond a place over which bits are compared: of every edit, and of the best few
FINALISTS = 4  # edits of a place compared over LONG
# Bits against the repairs of a kind. A start tag without its end is more often one whose end tag is missing (21% of the
# repairs of people) than one too many (6%). On 110 training pages with one of each, weighted so, 7 restored most pages:
# 0, 4, 7 and 12 gave .418, .427, .431 and .419.
PRICES = {"unexpected-start-tag": 7.0}
CREDIT = 1.0  # most bits a deletion earns; otherwise every rare character would be deleted
# Bytes that the network from the end reads before the surprisal around an edit is measured; it skips what is farther.
# On 8 training pages of 62,000 characters no probability moved by more than .004; with 128 bytes, by .037. With 512,
# one page of 144 with a slip got another first fix.
WARM_UP = 1024
EDITS_AT_ONCE = 100  # edits between two looks at the clock

Floats = NDArray[np.float32]


@dataclass(eq=False, slots=True)
class ScoredEdit:
    """A repair proposed at a place, and the bits that it saves on each side.

    mismatch: the markup there does not fit together, whatever the network says. indented: 1 / number of places where
    the page's indentation asks for an edit, if this is one of them. proof: the least probability of a fault there, as
    a rule of the standard proves it. first: the rule knows the repair, which then comes before all others. habit: how
    often the page has the same tag between the same two, see `checks.habits`. evened: see `edits.evened`. short, long:
    bits over SHORT and LONG by side.
    """

    at: int
    repair: Repair
    mismatch: bool = False
    indented: float = 0.0
    proof: float = 0.0
    first: bool = False
    habit: int = 0
    evened: int = 0
    short: list[float] = field(default_factory=list)
    long: list[float] = field(default_factory=list)

    @property
    def key(self) -> tuple[int, int, str]:
        """What the edit does: start, end and replacement."""
        return self.repair.key

    @property
    def gain(self) -> float:
        """Bits saved over LONG, the mean of the sides."""
        return sum(self.long) / max(1, len(self.long))

    @property
    def saved(self) -> float:
        """The gain less the price of the kind."""
        return self.gain - PRICES.get(self.repair.kind, 0.0)

    @property
    def saved_short(self) -> float:
        """Bits saved over SHORT, the mean of the sides, less the price of the kind."""
        return sum(self.short) / max(1, len(self.short)) - PRICES.get(self.repair.kind, 0.0)


@dataclass(slots=True)
class _Edited:
    """What follows once an edit is made. piece: the bytes still to be read. passed, bits: those that were read."""

    piece: Piece
    passed: int = 0
    bits: float = 0.0


class Side:
    """A page as one network reads it: from its beginning, or from its end with `backward`. Offsets in characters.

    surprisal (characters,): known once `prepare` is done.
    """

    def __init__(self, packed: Packed, page: str, *, backward: bool = False) -> None:
        self.packed, self.page, self.backward = packed, page, backward
        ids = np.frombuffer(page.encode("utf-8"), np.uint8)
        self.starts = np.append(character_starts(ids), len(ids))
        self.loop = ReadingLoop(packed, np.ascontiguousarray(ids[::-1]) if backward else ids)
        self.edited: dict[ScoredEdit, _Edited] = {}  # the page after each edit, to LONG beyond the place
        self.stretches = [(0, len(ids))]  # of bytes that are read where the surprisal is measured
        self.bits: list[Floats] = []
        self.surprisal: Floats = np.zeros(0, np.float32)

    def prepare(
        self,
        edits: list[ScoredEdit],
        stop: Stop,
        surprisal: Floats | None = None,
        *,
        kept: Kept = (),
        everywhere: bool = True,
    ) -> None:
        """Finds for every edit the bytes after it, their copy input and the state before, in one walk along the page.

        The walk measures the page's surprisal where it is not given: everywhere, or around the edits alone and NaN
        elsewhere. kept: states of the same page that an earlier reading kept. Raises Stopped.
        """
        if not everywhere:
            asked = np.repeat(self._around(edits), np.diff(self.starts))
            self.loop.asked = np.ascontiguousarray(asked[::-1]) if self.backward else asked
            self.stretches = _stretches(self.loop.asked)
        for edit in _watching(sorted(edits, key=self._begin), stop):
            self._advance(self._begin(edit), surprisal is None, stop, kept)
            self.edited[edit] = _Edited(self.loop.peek(self._read_after(edit, LONG)))
        if surprisal is None:
            self._advance(len(self.loop.ids), True, stop)
            bits = np.concatenate([np.zeros(0, np.float32), *self.bits])
            surprisal = per_character(bits[::-1] if self.backward else bits, self.starts[:-1])
        self.surprisal = surprisal

    def saved(self, edits: list[ScoredEdit], horizon: int) -> list[float]:
        """Returns the bits from each edit to `horizon` characters beyond its place, less those of the edited page.

        What was read for an edit is not read again, so its horizon must not be shorter than the last time.
        """
        pieces = []
        for edit in edits:
            beyond = self.edited[edit]
            size, piece = len(self._read_after(edit, horizon)) - beyond.passed, beyond.piece
            pieces.append(Piece(piece.ids[:size], piece.found[:size], piece.state))
        for edit, read, (bits, state) in zip(edits, pieces, self.packed.read_bits(pieces), strict=True):
            beyond, size = self.edited[edit], len(read.ids)
            beyond.piece = Piece(beyond.piece.ids[size:], beyond.piece.found[size:], state)
            beyond.passed += size
            beyond.bits += float(bits.sum(dtype=np.float64))
        return [self._unedited(edit, horizon) - self.edited[edit].bits for edit in edits]

    def _unedited(self, edit: ScoredEdit, horizon: int) -> float:
        """Returns the bits of the page as it is: of what the edit removes, as far as it counts, and beyond."""
        r = edit.repair
        start, end = self._beyond(edit, horizon)
        own = float(self.surprisal[r.start : r.end].sum())
        return (own if r.replacement else min(own, CREDIT)) + float(self.surprisal[start:end].sum())

    def _around(self, edits: list[ScoredEdit]) -> NDArray[np.bool_]:
        """Returns the characters whose surprisal is needed to judge the edits (characters,)."""
        around = np.zeros(len(self.page), np.bool_)
        for edit in edits:
            start, end = self._beyond(edit, LONG)
            around[min(start, edit.repair.start) : max(end, edit.repair.end) + 1] = True
            around[self.near(edit.at)] = True
        return around

    @staticmethod
    def near(at: int) -> slice:
        """Returns the characters whose surprisal from the end tells of a fault at this place."""
        return slice(max(0, at - 4), at + 2)

    def _begin(self, edit: ScoredEdit) -> int:
        """Returns the number of bytes read before the edit."""
        r = edit.repair
        return len(self.loop.ids) - int(self.starts[r.end]) if self.backward else int(self.starts[r.start])

    def _beyond(self, edit: ScoredEdit, horizon: int) -> tuple[int, int]:
        """Returns the part of the page that is compared, behind the edit in the direction of reading."""
        r = edit.repair
        if self.backward:
            return max(0, min(edit.at, r.start) - horizon), r.start
        return r.end, max(edit.at, r.end) + horizon

    def _read_after(self, edit: ScoredEdit, horizon: int) -> NDArray[np.uint8]:
        """Returns the bytes that follow once the edit is made."""
        start, end = self._beyond(edit, horizon)
        rest, new = self.page[start:end], edit.repair.replacement
        ids = np.frombuffer((rest + new if self.backward else new + rest).encode("utf-8"), np.uint8)
        return np.ascontiguousarray(ids[::-1]) if self.backward else ids

    def _advance(self, to: int, measured: bool, stop: Stop, kept: Kept = ()) -> None:
        """Reads on up to byte `to`."""
        if not measured:
            self.loop.skip(stop, to, kept)
        while measured and self.loop.at < to:
            at = self.loop.at
            begin, end = next(((b, e) for b, e in self.stretches if e > at), (to, to))
            if begin <= at:
                self.bits += self.loop.measure(stop, min(end, to))
            else:
                self.loop.pass_over(stop, min(begin, to))
                self.bits.append(np.full(self.loop.at - at, np.nan, np.float32))


def _stretches(asked: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Returns the (start, end) of the bytes to read so that the network knows those of asked (bytes,)."""
    at = np.flatnonzero(asked)
    if not len(at):
        return []
    cuts = np.flatnonzero(np.diff(at) > WARM_UP)
    starts, ends = at[np.append(0, cuts + 1)], at[np.append(cuts, -1)] + 1
    return list(zip(np.maximum(starts - WARM_UP, 0).tolist(), ends.tolist(), strict=True))


def read_sides(reader: Reader, reading: Reading, edits: list[ScoredEdit], stop: Stop) -> list[Side]:
    """Returns the page from its beginning and, where there is such a network, from its end, with the edits prepared."""
    forward = Side(reader.packed, reading.page)
    forward.prepare(edits, stop, reading.surprisal, kept=reading.states)
    if reader.backward is None:
        return [forward]
    backward = Side(reader.backward.packed, reading.page, backward=True)
    backward.prepare(edits, stop, everywhere=False)
    return [forward, backward]


def score_edits(sides: list[Side], edits: list[ScoredEdit], stop: Stop) -> dict[int, list[ScoredEdit]]:
    """Fills in what each edit saves. Returns by place the few that were compared over LONG. Raises Stopped."""
    for some in _together(edits, stop):
        for edit, *saved in zip(some, *(side.saved(some, SHORT) for side in sides), strict=True):
            edit.short = saved
    by_place: dict[int, list[ScoredEdit]] = {edit.at: [] for edit in edits}
    for edit in sorted(edits, key=lambda e: (not e.first, -e.saved_short)):
        if (edit.saved_short > 0 or edit.mismatch or edit.first) and len(by_place[edit.at]) < FINALISTS:
            by_place[edit.at].append(edit)
    for some in _together([e for few in by_place.values() for e in few], stop):
        for edit, *saved in zip(some, *(side.saved(some, LONG) for side in sides), strict=True):
            edit.long = saved
    return by_place


def _together(edits: list[ScoredEdit], stop: Stop) -> Iterator[list[ScoredEdit]]:
    """Yields the edits, some at a time. Raises Stopped between them when `stop` returns True."""
    for start in range(0, len(edits), EDITS_AT_ONCE):
        if stop():
            raise Stopped
        yield edits[start : start + EDITS_AT_ONCE]


def _watching(edits: list[ScoredEdit], stop: Stop) -> Iterator[ScoredEdit]:
    """Yields the edits. Raises Stopped between them when `stop` returns True."""
    for n, edit in enumerate(edits):
        if n % EDITS_AT_ONCE == 0 and stop():
            raise Stopped
        yield edit
