"""Faults: places where a page breaks, ranked by the bits that a repair there would save.

Raw surprise ranks names, ids and addresses above a lost quote. So only structural places are looked at (next to
characters of markup, or where the network sees markup), a few structural edits are tried at each, and the place comes
first whose best edit makes the text around it least surprising (Santos et al. 2018, "Syntax and Sensibility", rank
repairs of programs by a language model likewise).
"""

import math
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from kernels import Piece, State
from kernels.copy import advance_copies, copy_state, peek_copies
from model.net.ranking import Ranking, row
from model.net.reader import CHUNK, Reader, Reading, Stopped, character_starts
from model.net.repairs import Repair, repairs
from model.net.suspects import Mismatches, pieces, references
from model.page.marks import Syntax

PLACES = 60  # structural places looked at, the most surprising first
SUSPECTS = 60  # places of each kind whose markup does not fit together
APART = 5  # characters between two places
SHORT, LONG = 24, 96  # characters after a place over which bits are compared: for every edit, and for the best few
FINALISTS = 4  # edits of a place compared over LONG
CREDIT = 1.0  # bits: what the deleted characters' own surprisal counts at most, or every rare character would go
MINIMUM = 4.0  # bits that a fix saves, at least
UNFIT = -10.0  # where markup does not fit together already without the network
REPORTED = 20  # faults, at most
FIXES = 5  # of a fault, at most

Bytes = NDArray[np.uint8]
START_TAG = re.compile(r"<([a-zA-Z][a-zA-Z0-9]*)")
UNKNOWN = "unexpected-character"  # the kind of a place without a repair
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
    """A place where the page breaks. Offsets in code points.

    bits: surprisal at the place; probability: that something is wrong there; kind: one of `repairs.KINDS`; fixes: best
    first.
    """

    start: int
    end: int
    bits: float
    probability: float
    kind: str
    message: str
    fixes: tuple[Fix, ...]


@dataclass(slots=True)
class _Trial:
    """A repair tried at a place, and the bits it saves: over SHORT, then over LONG."""

    at: int
    repair: Repair
    mismatch: bool = False
    piece: Piece | None = None  # the page after the edit, to LONG past the place
    short: float = 0.0
    saved: float = 0.0


@dataclass(frozen=True)
class Candidate:
    """A fault, and what is known of its place: a row of `ranking`."""

    fault: Fault
    row: NDArray[np.float64]


def find_faults(reader: Reader, reading: Reading, stop: Callable[[], bool] = lambda: False) -> list[Fault]:
    """Faults of a page that has been read, most suspicious first. Raises Stopped when `stop` says so."""
    return [c.fault for c in find_candidates(reader, reading, stop)]


def find_candidates(reader: Reader, reading: Reading, stop: Callable[[], bool] = lambda: False) -> list[Candidate]:
    """As `find_faults`, each with its row."""
    tried = _trials(reading)
    _prepare(reader, reading, tried, stop)
    by_place: dict[int, list[_Trial]] = {trial.at: [] for trial in tried}
    for trial in _measured(reader, reading, tried, SHORT, stop):
        trial.short = trial.saved
    for trial in sorted(tried, key=lambda t: -t.short):
        if (trial.short > 0 or trial.mismatch) and len(by_place[trial.at]) < FINALISTS:
            by_place[trial.at].append(trial)
    for _ in _measured(reader, reading, [t for trials in by_place.values() for t in trials], LONG, stop):
        pass
    return _ranked(reader.checkpoint.ranking, reading, by_place)


def _trials(reading: Reading) -> list[_Trial]:
    """Every repair to be tried: at surprising places, and at those whose markup does not fit together."""
    page, surprisal = reading.page, reading.surprisal
    places = set(structural_places(reading))
    broken: set[int] = set()
    for start, end in islice(pieces(page, reading.syntax), SUSPECTS):
        broken.update((start + np.argsort(-surprisal[start:end])[:2]).tolist())
        broken.update(k for k in (end, start) if k < len(page))
    found = [(m.start(), m[1].lower()) for m in START_TAG.finditer(page)]
    starts, names = [place for place, _ in found], [name for _, name in found]
    trials: dict[tuple[int, int, int, str], _Trial] = {}
    for at in sorted(places | broken):
        k = bisect_left(starts, at)
        for r in repairs(page, at, names[max(0, k - 12) : k][::-1]):
            trials[at, r.start, r.end, r.replacement] = _Trial(at, r, at in broken)
    mismatches = Mismatches(page, reading.spans, _excess(reading))
    for at, proposed in [*islice(mismatches, SUSPECTS), *islice(references(page, reading.syntax), SUSPECTS)]:
        for r in proposed:
            trials[at, r.start, r.end, r.replacement] = _Trial(at, r, True)
    return list(trials.values())


def _ranked(ranking: Ranking, reading: Reading, by_place: dict[int, list[_Trial]]) -> list[Candidate]:
    """Faults by their probability; an edit is proposed once, at the place where it saves most.

    Of several of one kind within LONG characters, likely one slip seen from several places, the likeliest stays.
    """
    best = {
        at: sorted((t for t in trials if t.saved >= (UNFIT if t.mismatch else MINIMUM)), key=lambda t: -t.saved)[:FIXES]
        for at, trials in by_place.items()
    }
    seen: set[tuple[int, int, str]] = set()
    chosen: dict[int, list[_Trial]] = {}
    for at, trials in sorted(best.items(), key=lambda pair: -pair[1][0].saved if pair[1] else 0.0):
        edit = (trials[0].repair.start, trials[0].repair.end, trials[0].repair.replacement) if trials else None
        if edit is None or edit not in seen:
            chosen[at] = trials
        if edit:
            seen.add(edit)
    most = max([1.0, *(trials[0].saved for trials in chosen.values() if trials)])
    same = Counter((t[0].repair.kind, t[0].repair.replacement) for t in chosen.values() if t)
    found = [_candidate(ranking, reading, at, trials, most, same) for at, trials in chosen.items()]
    kept: list[Candidate] = []
    for c in sorted(found, key=lambda c: (not c.fault.fixes, -c.fault.probability, -c.fault.bits)):
        same_kind = (k.fault.start for k in kept if k.fault.kind == c.fault.kind)
        if not c.fault.fixes or all(abs(start - c.fault.start) > LONG for start in same_kind):
            kept.append(c)
        if len(kept) == REPORTED:
            break
    return kept


def _candidate(
    ranking: Ranking, reading: Reading, at: int, trials: list[_Trial], most: float, same: Counter[tuple[str, str]]
) -> Candidate:
    """A place with its best repairs; one without a repair is as unlikely a fault as one whose repair saves nothing."""
    bits = float(reading.surprisal[at : at + 4].sum())
    here = reading.page[at : at + 1]
    unknown = f"unexpected {here!r}" if here else "unexpected end"
    repair = trials[0].repair if trials else Repair(at, at + len(here), "", UNKNOWN, unknown)
    saved = [t.saved for t in trials] or [0.0]
    figures = {
        "saved": math.log1p(max(0.0, saved[0])),
        "short": math.log1p(max(0.0, trials[0].short)) if trials else 0.0,
        "share": max(0.0, saved[0]) / most,
        "margin": math.log1p(max(0.0, saved[0] - (saved[1] if len(saved) > 1 else 0.0))),
        "bits": math.log1p(bits),
        "page": reading.bits_per_character,
        "size": math.log(len(reading.page)),
        "repeats": math.log(max(1, same[repair.kind, repair.replacement])),
        "mismatch": float(any(t.mismatch for t in trials)),
    }
    known = row(repair.kind, figures)
    fixes = tuple(Fix(t.repair.start, t.repair.end, t.repair.replacement, round(t.saved, 2)) for t in trials)
    probability = round(ranking.probability(known), 4)
    fault = Fault(repair.start, repair.end, round(bits, 2), probability, repair.kind, repair.message, fixes)
    return Candidate(fault, known)


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
    excess = np.where(near, _excess(reading), -np.inf)
    places: list[int] = []
    taken = np.zeros(n, np.bool_)
    for at in np.argsort(-excess, kind="stable")[: PLACES * 4].tolist():
        if excess[at] <= 0 or len(places) == PLACES:
            break
        if not taken[at]:
            places.append(at)
            taken[max(0, at - APART) : at + APART] = True
    return places


def _excess(reading: Reading) -> NDArray[np.float32]:
    """Surprisal beyond what was expected (characters,)."""
    excess: NDArray[np.float32] = reading.surprisal - np.float32(0.5) * reading.entropy
    return excess


def _prepare(reader: Reader, reading: Reading, trials: list[_Trial], stop: Callable[[], bool]) -> None:
    """Gives every trial the bytes after its edit, their copy input and the state before: one walk through the page."""
    walker = _Walker(reader, reading.page)
    for n, trial in enumerate(sorted(trials, key=lambda t: t.repair.start)):
        if n % 100 == 0 and stop():
            raise Stopped
        walker.advance(trial.repair.start)
        trial.piece = walker.followed_by(_edited(reading.page, trial, LONG))


def _edited(page: str, trial: _Trial, horizon: int) -> str:
    """What follows the edit's beginning once it is made, to `horizon` characters past the place."""
    r = trial.repair
    return r.replacement + page[r.end : max(trial.at, r.end) + horizon]


def _measured(
    reader: Reader, reading: Reading, trials: list[_Trial], horizon: int, stop: Callable[[], bool]
) -> Iterator[_Trial]:
    """Trials with `saved` filled in: the bits of the page from the edit to `horizon` characters past the place, less
    those of the edited page there.
    """
    for n, trial in enumerate(trials):
        if n % 100 == 0 and stop():
            raise Stopped
        r, piece = trial.repair, trial.piece
        assert piece is not None
        own = float(reading.surprisal[r.start : r.end].sum())
        rest = float(reading.surprisal[r.end : max(trial.at, r.end) + horizon].sum())
        credit = own if r.replacement else min(own, CREDIT)
        size = len(_edited(reading.page, trial, horizon).encode("utf-8"))
        bits = reader.packed.bits_only(piece.ids[:size], piece.found[:size], piece.state)
        trial.saved = credit + rest - bits
        yield trial


class _Walker:
    """Walks through a page, never back, and tells how the network stands there before a text."""

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
            found = advance_copies(piece, self.history)
            self.state = self.packed.read_states([Piece(piece, found, self.state)])[0]
        self.at = max(self.at, to)

    def followed_by(self, text: str) -> Piece:
        """A text as it would be read if it followed here."""
        ids = np.frombuffer(text.encode("utf-8"), np.uint8)
        return Piece(ids, peek_copies(ids, self.history), self.state)
