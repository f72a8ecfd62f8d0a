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
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from model.net.comments import comments, raw_elements
from model.net.indentation import Indentation
from model.net.ranking import Ranking, row
from model.net.reader import Reader, Reading
from model.net.references import references
from model.net.repairs import Repair, repairs
from model.net.suspects import Mismatches, pieces
from model.net.trials import LONG, Side, Stop, Trial, read_sides, try_out
from model.page.marks import Syntax

PLACES = 60  # structural places looked at, the most surprising first
SUSPECTS = 60  # places of each kind whose markup does not fit together
APART = 5  # characters between two places
MINIMUM = 4.0  # bits that a fix saves, at least
UNFIT = -10.0  # where markup does not fit together already without the network
REPORTED = 20  # faults, at most
FIXES = 5  # of a fault, at most

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


@dataclass(frozen=True)
class Candidate:
    """A fault, and what is known of its place: a row of `ranking`."""

    fault: Fault
    row: NDArray[np.float64]


def find_faults(reader: Reader, reading: Reading, stop: Stop = lambda: False) -> list[Fault]:
    """Faults of a page that has been read, most suspicious first. Raises Stopped when `stop` says so."""
    return [c.fault for c in find_candidates(reader, reading, stop)]


def find_candidates(reader: Reader, reading: Reading, stop: Stop = lambda: False) -> list[Candidate]:
    """As `find_faults`, each with its row."""
    tried = _trials(reading)
    sides = read_sides(reader, reading, tried, stop)
    by_place = try_out(sides, tried, stop)
    ranking = reader.checkpoint.ranking if reader.behind is None else reader.behind.checkpoint.ranking
    return _ranked(ranking, reading, sides, by_place)


def _trials(reading: Reading) -> list[Trial]:
    """Every repair to be tried, once a place: as it was proposed last, which is with most evidence."""
    proposed = {(t.at, t.repair.start, t.repair.end, t.repair.replacement): t for t in _proposed(reading)}
    return list(proposed.values())


def _proposed(reading: Reading) -> Iterator[Trial]:
    """Repairs at surprising places, and at those whose markup does not fit together."""
    page, surprisal = reading.page, reading.surprisal
    places = set(structural_places(reading))
    broken: set[int] = set()
    for start, end in islice(pieces(page, reading.syntax), SUSPECTS):
        broken.update((start + np.argsort(-surprisal[start:end])[:2]).tolist())
        broken.update(k for k in (end, start) if k < len(page))
    found = [(m.start(), m[1].lower()) for m in START_TAG.finditer(page)]
    starts, names = [place for place, _ in found], [name for _, name in found]
    for at in sorted(places | broken):
        k = bisect_left(starts, at)
        for r in repairs(page, at, names[max(0, k - 12) : k][::-1]):
            yield Trial(at, r, at in broken)
    mismatches = Mismatches(page, reading.spans, _excess(reading))
    lexical = references(page, reading.syntax), comments(page, reading.syntax), raw_elements(page)
    for at, several in [pair for found in (mismatches, *lexical) for pair in islice(found, SUSPECTS)]:
        yield from (Trial(at, r, True) for r in several)
    misplaced = list(islice(Indentation(page, mismatches.tags, mismatches.usual), SUSPECTS))
    for at, several in misplaced:
        yield from (Trial(at, r, True, 1 / len(misplaced)) for r in several)


def _ranked(ranking: Ranking, reading: Reading, sides: list[Side], by_place: dict[int, list[Trial]]) -> list[Candidate]:
    """Faults by their probability; an edit is proposed once, at the place where it saves most.

    Of several of one kind within LONG characters, likely one slip seen from several places, the likeliest stays.
    """
    best = {
        at: sorted((t for t in trials if t.saved >= (UNFIT if t.mismatch else MINIMUM)), key=lambda t: -t.saved)[:FIXES]
        for at, trials in by_place.items()
    }
    seen: set[tuple[int, int, str]] = set()
    chosen: dict[int, list[Trial]] = {}
    for at, trials in sorted(best.items(), key=lambda pair: -pair[1][0].saved if pair[1] else 0.0):
        edit = (trials[0].repair.start, trials[0].repair.end, trials[0].repair.replacement) if trials else None
        if edit is None or edit not in seen:
            chosen[at] = trials
        if edit:
            seen.add(edit)
    most = max([1.0, *(trials[0].saved for trials in chosen.values() if trials)])
    same = Counter((t[0].repair.kind, t[0].repair.replacement) for t in chosen.values() if t)
    found = [_candidate(ranking, reading, sides, at, trials, most, same) for at, trials in chosen.items()]
    kept: list[Candidate] = []
    for c in sorted(found, key=lambda c: (not c.fault.fixes, -c.fault.probability, -c.fault.bits)):
        same_kind = (k.fault.start for k in kept if k.fault.kind == c.fault.kind)
        if not c.fault.fixes or all(abs(start - c.fault.start) > LONG for start in same_kind):
            kept.append(c)
        if len(kept) == REPORTED:
            break
    return kept


def _candidate(
    ranking: Ranking,
    reading: Reading,
    sides: list[Side],
    at: int,
    trials: list[Trial],
    most: float,
    same: Counter[tuple[str, str]],
) -> Candidate:
    """A place with its best repairs; one without a repair is as unlikely a fault as one whose repair saves nothing."""
    bits = float(reading.surprisal[at : at + 4].sum())
    here = reading.page[at : at + 1]
    unknown = f"unexpected {here!r}" if here else "unexpected end"
    repair = trials[0].repair if trials else Repair(at, at + len(here), "", UNKNOWN, unknown)
    saved = [t.saved for t in trials] or [0.0]
    by_side = trials[0].long if trials else [0.0] * len(sides)
    figures = {
        "saved": math.log1p(max(0.0, saved[0])),
        "short": math.log1p(max(0.0, trials[0].saved_short)) if trials else 0.0,
        "share": max(0.0, saved[0]) / most,
        "margin": math.log1p(max(0.0, saved[0] - (saved[1] if len(saved) > 1 else 0.0))),
        "bits": math.log1p(bits),
        "page": reading.bits_per_character,
        "size": math.log(len(reading.page)),
        "repeats": math.log(max(1, same[repair.kind, repair.replacement])),
        "mismatch": float(any(t.mismatch for t in trials)),
        "indented": trials[0].indented if trials else 0.0,
        "ahead": _logarithm(by_side[0]),
        "behind": _logarithm(by_side[1]) if len(sides) > 1 else 0.0,
        "agreed": _logarithm(min(by_side)),
        "bits behind": math.log1p(float(sides[-1].surprisal[max(0, at - 4) : at + 2].sum())) if len(sides) > 1 else 0.0,
    }
    known = row(repair.kind, figures)
    fixes = tuple(Fix(t.repair.start, t.repair.end, t.repair.replacement, round(t.saved, 2)) for t in trials)
    probability = round(ranking.probability(known), 4)
    fault = Fault(repair.start, repair.end, round(bits, 2), probability, repair.kind, repair.message, fixes)
    return Candidate(fault, known)


def _logarithm(bits: float) -> float:
    """log(1 + bits), and as much below nought for bits lost."""
    return math.copysign(math.log1p(abs(bits)), bits)


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
