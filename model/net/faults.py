"""Faults: places where a page breaks, ranked by the bits that a repair there would save.

Raw surprise ranks names, ids and addresses above a lost quote. So only structural places are looked at (next to
characters of markup, or where the network sees markup), a few structural edits are tried at each, and the place comes
first whose best edit makes the text around it least surprising (Santos et al. 2018, "Syntax and Sensibility", rank
repairs of programs by a language model likewise).
"""

import re
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from kernels import State
from kernels.copy import copies, copy_state, peek_copies
from model.net.reader import CHUNK, Reader, Reading, Stopped, character_starts
from model.net.repairs import Repair, repairs
from model.net.suspects import mismatches, pieces
from model.page.marks import Syntax

PLACES = 60  # structural places looked at, the most surprising first
SUSPECTS = 60  # places of each kind whose markup does not fit together
APART = 5  # characters between two places
SHORT, LONG = 24, 96  # characters after a place over which bits are compared: for every edit, and for the best few
FINALISTS = 4  # edits of a place compared over LONG
CREDIT = 1.0  # bits: what the deleted characters' own surprisal counts at most, or every rare character would go
MINIMUM = 4.0  # bits that a fix saves, at least
REPORTED = 20  # faults, at most
FIXES = 5  # of a fault, at most

Bytes = NDArray[np.uint8]
START_TAG = re.compile(r"<([a-zA-Z][a-zA-Z0-9]*)")
MARKS = "<>\"'=/&;!-"
MARKUP = (Syntax.TAG, Syntax.END_TAG, Syntax.ATTRIBUTE)


@dataclass(frozen=True)
class Fix:
    """page[start:end] becomes `replacement`; bits_saved: of the text around it, the edit's own bits paid."""

    start: int
    end: int
    replacement: str
    bits_saved: float


@dataclass(frozen=True)
class Fault:
    """A place where the page breaks. bits: surprisal at the place; fixes: best first. Offsets in code points."""

    start: int
    end: int
    bits: float
    message: str
    fixes: tuple[Fix, ...]


@dataclass(slots=True)
class _Trial:
    """A repair tried at a place, and the bits it saves."""

    at: int
    repair: Repair
    saved: float = 0.0


def find_faults(reader: Reader, reading: Reading, stop: Callable[[], bool] = lambda: False) -> list[Fault]:
    """Faults of a page that has been read, most suspicious first. Raises Stopped when `stop` says so."""
    tried = _trials(reading)
    _save(reader, reading, tried, SHORT, stop)
    by_place: dict[int, list[_Trial]] = {trial.at: [] for trial in tried}
    for trial in sorted(tried, key=lambda t: -t.saved):
        if trial.saved > 0 and len(by_place[trial.at]) < FINALISTS:
            by_place[trial.at].append(trial)
    _save(reader, reading, [t for trials in by_place.values() for t in trials], LONG, stop)
    return _ranked([_fault(reading, at, trials) for at, trials in by_place.items()])


def _trials(reading: Reading) -> list[_Trial]:
    """Every repair to be tried: at surprising places, and at those whose markup does not fit together."""
    page, surprisal = reading.page, reading.surprisal
    places = set(structural_places(reading))
    for start, end in islice(pieces(page, reading.syntax), SUSPECTS):
        places.update((start + np.argsort(-surprisal[start:end])[:2]).tolist())
        places.update(k for k in (end, start) if k < len(page))
    found = [(m.start(), m[1].lower()) for m in START_TAG.finditer(page)]
    starts, names = [place for place, _ in found], [name for _, name in found]
    trials: dict[tuple[int, int, int, str], _Trial] = {}
    for at in sorted(places):
        k = bisect_left(starts, at)
        for r in repairs(page, at, names[max(0, k - 12) : k][::-1]):
            trials[at, r.start, r.end, r.replacement] = _Trial(at, r)
    for at, proposed in islice(mismatches(page, reading.spans), SUSPECTS):
        for r in proposed:
            trials[at, r.start, r.end, r.replacement] = _Trial(at, r)
    return list(trials.values())


def _fault(reading: Reading, at: int, trials: list[_Trial]) -> Fault:
    best = sorted((t for t in trials if t.saved >= MINIMUM), key=lambda t: -t.saved)[:FIXES]
    fixes = tuple(Fix(t.repair.start, t.repair.end, t.repair.replacement, round(t.saved, 2)) for t in best)
    bits = round(float(reading.surprisal[at : at + 4].sum()), 2)
    if not best:
        return Fault(at, at + 1, bits, f"unexpected {reading.page[at]!r}", ())
    return Fault(fixes[0].start, fixes[0].end, bits, best[0].repair.message, fixes)


def _ranked(faults: list[Fault]) -> list[Fault]:
    """Those with a fix by the bits it saves, then the others by their own; an edit is proposed once."""
    kept: list[Fault] = []
    edits: set[tuple[int, int, str]] = set()
    for fault in sorted(faults, key=lambda f: (not f.fixes, -(f.fixes[0].bits_saved if f.fixes else f.bits))):
        key = (fault.fixes[0].start, fault.fixes[0].end, fault.fixes[0].replacement) if fault.fixes else None
        if key is None or key not in edits:
            kept.append(fault)
        if key:
            edits.add(key)
    return kept[:REPORTED]


def structural_places(reading: Reading) -> list[int]:
    """Characters next to markup that came most unexpected: more bits than were expected there."""
    page, n = reading.page, len(reading.page)
    if not n:
        return []
    mark = np.isin(np.frombuffer(page.encode("utf-32-le", "replace"), np.uint32), [ord(c) for c in MARKS])
    near = mark.copy()
    near[1:] |= mark[:-1]
    near |= np.isin(reading.syntax, MARKUP)
    near &= reading.syntax != Syntax.RAW  # faults of scripts and styles are not this tool's
    excess = np.where(near, reading.surprisal - 0.5 * reading.entropy, -np.inf)
    places: list[int] = []
    taken = np.zeros(n, np.bool_)
    for at in np.argsort(-excess, kind="stable")[: PLACES * 4].tolist():
        if excess[at] <= 0 or len(places) == PLACES:
            break
        if not taken[at]:
            places.append(at)
            taken[max(0, at - APART) : at + APART] = True
    return places


def _save(reader: Reader, reading: Reading, trials: list[_Trial], horizon: int, stop: Callable[[], bool]) -> None:
    """Fills in `saved`: the bits of the page from the edit to `horizon` characters past the place, less those of the
    edited page there. One walk through the page, the edits in order of their beginnings.
    """
    page = reading.page
    walker = _Walker(reader, page)
    for n, trial in enumerate(sorted(trials, key=lambda t: t.repair.start)):
        if n % 100 == 0 and stop():
            raise Stopped
        r = trial.repair
        end = max(trial.at, r.end) + horizon
        walker.advance(r.start)
        own = float(reading.surprisal[r.start : r.end].sum())
        rest = float(reading.surprisal[r.end : end].sum())
        credit = own if r.replacement else min(own, CREDIT)
        trial.saved = credit + rest - walker.bits(r.replacement + page[r.end : end])


class _Walker:
    """Walks through a page, never back, and tells the bits of texts that might follow where it stands."""

    def __init__(self, reader: Reader, page: str) -> None:
        self.packed = reader.packed
        self.ids = np.frombuffer(page.encode("utf-8"), np.uint8)
        self.starts = np.append(character_starts(self.ids), len(self.ids))
        self.at = 0  # characters
        self.history, self.state = copy_state(), State.zeros(reader.checkpoint.weights.units)

    def advance(self, to: int) -> None:
        """Reads on up to character `to`."""
        first, last = int(self.starts[self.at]), int(self.starts[to])
        for k in range(first, last, CHUNK):
            piece = self.ids[k : min(k + CHUNK, last)]
            found, self.history = copies(piece, self.history)
            self.state = self.packed.read(piece, found, self.state).state
        self.at = max(self.at, to)

    def bits(self, text: str) -> float:
        """Bits of a text if it followed here."""
        ids = np.frombuffer(text.encode("utf-8"), np.uint8)
        return self.packed.bits_only(ids, peek_copies(ids, self.history), self.state)
