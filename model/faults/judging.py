"""Judges the edits that were tried on a page: how likely each place is a fault, and which of them are reported."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soupstate.model.faults.checks.comments import early_ends
from soupstate.model.faults.checks.proofs import is_of_fragment, may_be_left_out
from soupstate.model.faults.edits import ABOUT_TAGS, MISSING, UNEXPECTED, Repair, names_of
from soupstate.model.faults.fault import Fault, Fix
from soupstate.model.faults.ranking import probability, row
from soupstate.model.faults.scoring import LONG, ScoredEdit, Side
from soupstate.model.net.checkpoint import Logistic
from soupstate.model.net.reader import Reading
from soupstate.model.page.line_index import LineIndex

MINIMUM_SAVED = 4.0  # bits that a fix saves at least
# Most probable that an end tag is missing which may be left out, or that tags do not pair in a page with template code.
LEFT_OUT = 0.45
UNFIT = -10.0  # minimum saved where a check found a mismatch
REPORTED = 20  # faults reported at most
FIXES = 5  # fixes of a fault at most
UNKNOWN = "unexpected-character"  # the kind of a place without a repair
# Kinds of which one slip in a tag may show several: a lost quote may also look like a lost >.
OF_ONE_TAG = frozenset({*(MISSING[c][0] for c in '<>"=/'), *UNEXPECTED.values(), "missing-start-tag"})


Key = tuple[int, int, str]  # start, end and replacement of an edit
Pair = frozenset[Key]  # of two faults, by their first edits


@dataclass(frozen=True)
class Candidate:
    """A fault and what is known of its place. row (COLUMNS,): see `soupstate.model.faults.ranking`.

    about: its kind, and the names of the tags that its first fix changes. edits: of its fixes, in the same order.
    taught: corrections say that it is a fault.
    """

    fault: Fault
    row: NDArray[np.float64]
    about: frozenset[str]
    edits: tuple[ScoredEdit, ...] = ()
    taught: bool = False

    def pair(self, other: "Candidate") -> Pair:
        """Returns the pair of two faults that have edits."""
        return frozenset({self.edits[0].key, other.edits[0].key})


class Judge:
    """Turns the edits of one page into faults with probabilities."""

    def __init__(
        self, ranking: Logistic, reading: Reading, sides: list[Side], edits: list[ScoredEdit], *, templated: bool
    ) -> None:
        """templated: the page holds code of a template, so its tags need not pair."""
        self.swallowed = [(at, end) for _, _, at, end in early_ends(reading.page)]
        self.templated = templated
        self.ranking, self.reading, self.sides = ranking, reading, sides
        self.proof_at = {e.at: e.proof for e in sorted(edits, key=lambda e: e.proof)}
        self.proof_of = {e.key: e.proof for e in sorted(edits, key=lambda e: e.proof)}
        self.evened = {e.key: float(max(-1, e.evened)) for e in edits}
        self.habit_of = {e.key: e.habit for e in sorted(edits, key=lambda e: e.habit)}
        self.lines = LineIndex(reading.page)

    def candidates(self, by_place: dict[int, list[ScoredEdit]]) -> list[Candidate]:
        """Returns a fault for each place. An edit is proposed once, at the place where it saves most."""
        chosen = _chosen(by_place)
        most = max([1.0, *(edits[0].saved for edits in chosen.values() if edits)])
        same = Counter((e[0].repair.kind, e[0].repair.replacement) for e in chosen.values() if e)
        return [self._candidate(at, edits, most, same) for at, edits in chosen.items()]

    def _candidate(self, at: int, edits: list[ScoredEdit], most: float, same: Counter[tuple[str, str]]) -> Candidate:
        """Judges a place with its best edits. A place without an edit counts as one whose best edit saves nothing."""
        page = self.reading.page
        bits = float(self.reading.surprisal[at : at + 4].sum())
        here = page[at : at + 1]
        unknown = f"unexpected {here!r}" if here else "unexpected end"
        repair = edits[0].repair if edits else Repair(at, at + len(here), "", UNKNOWN, unknown)
        figures = self._figures(at, edits, bits) | {
            "share": max(0.0, edits[0].saved if edits else 0.0) / most,
            "repeats": math.log(max(1, same[repair.kind, repair.replacement])),
        }
        known = row(repair.kind, figures)
        line, column = self.lines.line_column(repair.start)
        fault = Fault(
            start=repair.start,
            end=repair.end,
            line=line,
            column=column,
            bits=round(bits, 2),
            probability=round(self._probability(at, edits, known), 4),
            kind=repair.kind,
            message=repair.message,
            excerpt=self.lines.excerpt(repair.start, repair.end),
            fixes=fixes_of(edits),
        )
        return Candidate(fault, known, frozenset({repair.kind, *names_of(page, repair)}), tuple(edits))

    def _probability(self, at: int, edits: list[ScoredEdit], known: NDArray[np.float64]) -> float:
        """Returns what the ranking says, and at least what a rule of the standard proves."""
        fitted = probability(self.ranking, known)
        if edits and may_be_left_out(edits[0].repair):
            fitted = min(fitted, LEFT_OUT)
        if edits:
            fitted = max(fitted, self.proof_at[at], self.proof_of[edits[0].key])
        if edits and (
            (self.templated and edits[0].repair.kind in ABOUT_TAGS)
            or self._follows_open_script(edits[0].repair)
            or is_of_fragment(self.reading.page, edits[0].repair)
        ):
            fitted = min(fitted, LEFT_OUT)
        return fitted

    def _follows_open_script(self, repair: Repair) -> bool:
        """Whether an end tag seems to close nothing because a script or the like before it did not end in time."""
        inside = any(start <= repair.start < end for start, end in self.swallowed)
        return inside and repair.kind == "unexpected-end-tag"

    def _figures(self, at: int, edits: list[ScoredEdit], bits: float) -> dict[str, float]:
        """Returns the figures of a place that depend on no other place."""
        saved = [e.saved for e in edits] or [0.0]
        by_side = edits[0].long if edits else [0.0] * len(self.sides)
        backward = self.sides[1] if len(self.sides) > 1 else None
        return {
            "saved": math.log1p(max(0.0, saved[0])),
            "short": math.log1p(max(0.0, edits[0].saved_short)) if edits else 0.0,
            "margin": math.log1p(max(0.0, saved[0] - (saved[1] if len(saved) > 1 else 0.0))),
            "bits": math.log1p(bits),
            "page": self.reading.bits_per_character,
            "size": math.log(len(self.reading.page)),
            "mismatch": float(any(e.mismatch for e in edits)),
            "indented": edits[0].indented if edits else 0.0,
            "forward": _signed_log(by_side[0]),
            "backward": _signed_log(by_side[1]) if backward else 0.0,
            "both": _signed_log(min(by_side)),
            "habit": math.log1p(self.habit_of[edits[0].key]) if edits else 0.0,
            "evened": self.evened[edits[0].key] if edits else 0.0,
            "backward bits": math.log1p(float(backward.surprisal[backward.near(at)].sum())) if backward else 0.0,
        }


def reported(page: str, found: Iterable[Candidate], two: frozenset[Pair] = frozenset()) -> list[Candidate]:
    """Returns at most REPORTED faults of a page, the likeliest first; those without a fix come last.

    Of several faults of one kind, or about tags of one name, within LONG characters the likeliest stays, and so it does
    of several that mend one tag: they are probably one slip seen from several places. Where corrections say that
    both are faults, they are two. two: other pairs that are, see `apart`.
    """
    kept: list[Candidate] = []
    for c in sorted(found, key=lambda c: (not c.fault.fixes, -c.fault.probability, -c.fault.bits)):
        if not c.fault.fixes or not any(seem_one(page, k, c, two) for k in kept):
            kept.append(c)
        if len(kept) == REPORTED:
            break
    return kept


def fixes_of(edits: Iterable[ScoredEdit]) -> tuple[Fix, ...]:
    """Returns the fixes that edits make; one that changes nothing makes none."""
    changes = [e for e in edits if e.repair.replacement or e.repair.end > e.repair.start]
    return tuple(Fix(*e.key, round(e.saved, 2)) for e in changes)


def seem_one(page: str, one: Candidate, other: Candidate, two: frozenset[Pair] = frozenset()) -> bool:
    """Whether two faults are taken for one slip."""
    if two and one.edits and other.edits and one.pair(other) in two:
        return False
    return alike(page, one, other) or _in_one_tag(page, one, other) or _same_insertion(page, one, other)


def alike(page: str, one: Candidate, other: Candidate) -> bool:
    """Whether two faults are probably the same slip. Two tags that each lack their > are two slips."""
    if one.taught and other.taught:
        return one.fault.start <= other.fault.end and other.fault.start <= one.fault.end
    if one.fault.kind == other.fault.kind == MISSING[">"][0]:
        first, last = sorted((one.fault.start, other.fault.start))
        return last - first <= LONG and "<" not in page[first:last]
    return abs(one.fault.start - other.fault.start) <= LONG and not one.about.isdisjoint(other.about)


def _in_one_tag(page: str, one: Candidate, other: Candidate) -> bool:
    """Whether both faults say where the same tag begins or ends: no bracket lies between them. Two that corrections
    teach are two."""
    if one.taught and other.taught:
        return False
    first, last = sorted((one.fault, other.fault), key=lambda fault: (fault.start, fault.end))
    between = page[first.end : last.start]
    return (
        first.kind in OF_ONE_TAG
        and last.kind in OF_ONE_TAG
        and last.start - first.end <= LONG
        and not ("<" in between or ">" in between)
    )


def _same_insertion(page: str, one: Candidate, other: Candidate) -> bool:
    """Whether the first fixes of both insert the same text, with only white space between the two places."""
    places = [(fix.start, fix.end, fix.replacement) for c in (one, other) for fix in c.fault.fixes[:1]]
    if len(places) < 2:
        return False
    (start, end, text), (later, until, same) = sorted(places)
    return start == end and later == until and text == same and not page[start:later].strip()


def _fits(edit: ScoredEdit) -> bool:
    return edit.first or edit.saved >= (UNFIT if edit.mismatch or edit.proof else MINIMUM_SAVED)


def _chosen(by_place: dict[int, list[ScoredEdit]]) -> dict[int, list[ScoredEdit]]:
    """Returns the best edits of each place, without places whose best edit saves more elsewhere."""
    best = {at: _best(edits) for at, edits in by_place.items()}
    seen: set[tuple[int, int, str]] = set()
    chosen: dict[int, list[ScoredEdit]] = {}
    for at, edits in sorted(best.items(), key=lambda pair: -pair[1][0].saved if pair[1] else 0.0):
        edit = edits[0].key if edits else None
        if edit is None or edit not in seen:
            chosen[at] = edits
        if edit:
            seen.add(edit)
    return chosen


def _best(edits: list[ScoredEdit]) -> list[ScoredEdit]:
    """Returns the best edits of a place. Where one is proven, an end tag that may be left out explains nothing."""
    proven = any(e.proof for e in edits)
    fit = [e for e in edits if _fits(e) and (e.proof or not proven or not may_be_left_out(e.repair))]
    return sorted(fit, key=lambda e: (not e.first, -e.saved))[:FIXES]


def _signed_log(bits: float) -> float:
    """Returns log(1 + bits), and -log(1 - bits) for bits that were lost."""
    return math.copysign(math.log1p(abs(bits)), bits)
