"""Repairs on trial: the bits that a page saves by an edit, as networks see it that come from its two ends.

A network that reads from the beginning is surprised at a fault or after it, one from the end at it or before it: an
edit that mends the page saves bits on both sides (Santos et al. 2018, "Syntax and Sensibility", used two such models).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kernels import Piece, State
from kernels.backends import Packed
from kernels.copy import advance_copies, copy_state, peek_copies
from model.net.reader import CHUNK, Reader, Reading, Stopped, character_starts, per_character
from model.net.repairs import Repair

SHORT, LONG = 24, 96  # characters beyond a place over which bits are compared: for every edit, and for the best few
FINALISTS = 4  # edits of a place compared over LONG
CREDIT = 1.0  # bits: what the deleted characters' own surprisal counts at most, or every rare character would go
ASKED = 100  # trials between two looks at the clock

Floats = NDArray[np.float32]
Stop = Callable[[], bool]


@dataclass(eq=False, slots=True)
class Trial:
    """A repair tried at a place, and the bits it saves, seen from each side: over SHORT, then over LONG."""

    at: int
    repair: Repair
    mismatch: bool = False  # markup that does not fit together is there, whatever the network says
    indented: float = 0.0  # 1 / number of places where the page's indentation asks for an edit, if this is one
    short: list[float] = field(default_factory=list)
    long: list[float] = field(default_factory=list)

    @property
    def saved(self) -> float:
        """Bits over LONG, the mean of the sides."""
        return sum(self.long) / max(1, len(self.long))

    @property
    def saved_short(self) -> float:
        """Bits over SHORT, the mean of the sides."""
        return sum(self.short) / max(1, len(self.short))


class Side:
    """A page as one network reads it, from its beginning or, `backward`, from its end. Offsets in characters."""

    def __init__(self, packed: Packed, page: str, *, backward: bool = False) -> None:
        self.packed, self.page, self.backward = packed, page, backward
        ids = np.frombuffer(page.encode("utf-8"), np.uint8)
        self.starts = np.append(character_starts(ids), len(ids))
        self.ids = np.ascontiguousarray(ids[::-1]) if backward else ids
        self.history, self.state = copy_state(), State.zeros(packed.weights.units)
        self.read = 0  # bytes
        self.pieces: dict[Trial, Piece] = {}  # the page after each edit, to LONG beyond the place
        self.bits: list[Floats] = []
        self.surprisal: Floats = np.zeros(0, np.float32)  # (characters,)

    def prepare(self, trials: list[Trial], stop: Stop, surprisal: Floats | None = None) -> None:
        """Gives every trial the bytes after its edit, their copy input and the state before: one walk along the page.

        The page's surprisal is measured on the way where it is not given. Raises Stopped.
        """
        for trial in _asking(sorted(trials, key=self._begin), stop):
            self._advance(self._begin(trial), surprisal is None, stop)
            ids = self._edited(trial, LONG)
            self.pieces[trial] = Piece(ids, peek_copies(ids, self.history), self.state)
        if surprisal is None:
            self._advance(len(self.ids), True, stop)
            bits = np.concatenate([np.zeros(0, np.float32), *self.bits])
            surprisal = per_character(bits[::-1] if self.backward else bits, self.starts[:-1])
        self.surprisal = surprisal

    def saved(self, trial: Trial, horizon: int) -> float:
        """Bits of the page from the edit to `horizon` characters beyond the place, less those of the edited page."""
        r = trial.repair
        start, end = self._beyond(trial, horizon)
        own = float(self.surprisal[r.start : r.end].sum())
        rest = float(self.surprisal[start:end].sum())
        credit = own if r.replacement else min(own, CREDIT)
        piece, size = self.pieces[trial], len(self._edited(trial, horizon))
        return credit + rest - self.packed.bits_only(piece.ids[:size], piece.found[:size], piece.state)

    def _begin(self, trial: Trial) -> int:
        """Bytes read before the edit."""
        r = trial.repair
        return len(self.ids) - int(self.starts[r.end]) if self.backward else int(self.starts[r.start])

    def _beyond(self, trial: Trial, horizon: int) -> tuple[int, int]:
        """The part of the page that is compared, behind the edit in the direction of reading."""
        r = trial.repair
        if self.backward:
            return max(0, min(trial.at, r.start) - horizon), r.start
        return r.end, max(trial.at, r.end) + horizon

    def _edited(self, trial: Trial, horizon: int) -> NDArray[np.uint8]:
        """What is read from the edit on once it is made."""
        start, end = self._beyond(trial, horizon)
        rest, new = self.page[start:end], trial.repair.replacement
        ids = np.frombuffer((rest + new if self.backward else new + rest).encode("utf-8"), np.uint8)
        return np.ascontiguousarray(ids[::-1]) if self.backward else ids

    def _advance(self, to: int, measured: bool, stop: Stop) -> None:
        """Reads on up to byte `to`."""
        for k in range(self.read, to, CHUNK):
            if stop():
                raise Stopped
            ids = self.ids[k : min(k + CHUNK, to)]
            piece = Piece(ids, advance_copies(ids, self.history), self.state)
            if measured:
                chunk = self.packed.read_many([piece])[0]
                self.bits.append(chunk.bits)
                self.state = chunk.state
            else:
                self.state = self.packed.read_states([piece])[0]
        self.read = max(self.read, to)


def read_sides(reader: Reader, reading: Reading, trials: list[Trial], stop: Stop) -> list[Side]:
    """The page from its beginning and, where there is such a network, from its end, with the trials prepared."""
    ahead = Side(reader.packed, reading.page)
    ahead.prepare(trials, stop, reading.surprisal)
    if reader.behind is None:
        return [ahead]
    behind = Side(reader.behind.packed, reading.page, backward=True)
    behind.prepare(trials, stop)
    return [ahead, behind]


def try_out(sides: list[Side], trials: list[Trial], stop: Stop) -> dict[int, list[Trial]]:
    """Fills in what each trial saves; by place, the few that are worth LONG. Raises Stopped."""
    for trial in _asking(trials, stop):
        trial.short = [side.saved(trial, SHORT) for side in sides]
    by_place: dict[int, list[Trial]] = {trial.at: [] for trial in trials}
    for trial in sorted(trials, key=lambda t: -t.saved_short):
        if (trial.saved_short > 0 or trial.mismatch) and len(by_place[trial.at]) < FINALISTS:
            by_place[trial.at].append(trial)
    for trial in _asking([t for few in by_place.values() for t in few], stop):
        trial.long = [side.saved(trial, LONG) for side in sides]
    return by_place


def _asking(trials: list[Trial], stop: Stop) -> Iterator[Trial]:
    """The trials; raises Stopped between them."""
    for n, trial in enumerate(trials):
        if n % ASKED == 0 and stop():
            raise Stopped
        yield trial
