"""Finds faults: places where a page breaks, ranked by how likely they are.

Raw surprisal ranks names, ids and addresses above a lost quote. So the search looks at structural places only: next to
characters of markup, and where the network sees markup. It tries a few structural edits at each, and asks how many bits
the text around saves by the best one (Santos et al. 2018, "Syntax and Sensibility", rank repairs of programs by a
language model in this way). A logistic regression turns that into a probability.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from soupstate.model.faults.checks.comments import comments, raw_elements
from soupstate.model.faults.checks.habits import habits
from soupstate.model.faults.checks.indentation import Indentation
from soupstate.model.faults.checks.json_scripts import json_scripts
from soupstate.model.faults.checks.masking import Masked, mask
from soupstate.model.faults.checks.mismatches import Mismatches, pieces
from soupstate.model.faults.checks.pairing import pair
from soupstate.model.faults.checks.proofs import JSON, disproved, is_of_fragment, may_be_left_out, proofs
from soupstate.model.faults.checks.references import references
from soupstate.model.faults.edits import (
    ABOUT_TAGS,
    MISSING,
    UNEXPECTED,
    Repair,
    evened,
    missing_start,
    names_of,
    repairs,
)
from soupstate.model.faults.fault import Fault, Fix
from soupstate.model.faults.ranking import probability, ranking_of, row
from soupstate.model.faults.scoring import LONG, ScoredEdit, Side, read_sides, score_edits
from soupstate.model.net.checkpoint import Logistic
from soupstate.model.net.reader import Reader, Reading
from soupstate.model.page.line_index import LineIndex
from soupstate.model.page.marks import Syntax
from soupstate.model.page.stop import Stop, Watch, never

SURPRISING = 60  # structural places to look at, the most surprising first
MISMATCHED = 60  # places of each check whose markup does not fit together
PLACES_APART = 5  # characters between two places
MINIMUM_SAVED = 4.0  # bits that a fix saves at least
# Most probable that an end tag is missing which may be left out, or that tags do not pair in a page with template code.
LEFT_OUT = 0.45
UNFIT = -10.0  # minimum saved where a check found a mismatch
REPORTED = 20  # faults reported at most
FIXES = 5  # fixes of a fault at most
UNOPENED = 3  # names of elements whose start tag may be missing at a surprising place
STARTS_BEFORE = 12  # start tags before a place whose end tag may be missing
BRACKETS_BEFORE = 1000  # at most so many brackets before a place are looked at for them
PLACE_WORK = 8192  # characters whose handling takes as long as proposing the repairs of a place

# Kinds of which one slip in a tag may show several: a lost quote may also look like a lost >.
OF_ONE_TAG = frozenset({*(MISSING[c][0] for c in '<>"=/'), *UNEXPECTED.values(), "missing-start-tag"})

START_TAG = re.compile(r"<([a-zA-Z][a-zA-Z0-9]*)")
UNKNOWN = "unexpected-character"  # the kind of a place without a repair
MARKS = "<>\"'=/&;!-"
MARKUP = (Syntax.TAG, Syntax.END_TAG, Syntax.ATTRIBUTE)


@dataclass(frozen=True)
class Candidate:
    """A fault and what is known of its place. row (COLUMNS,): see `soupstate.model.faults.ranking`.

    about: its kind, and the names of the tags that its first fix changes.
    """

    fault: Fault
    row: NDArray[np.float64]
    about: frozenset[str]


def find_faults(reader: Reader, reading: Reading, stop: Stop = never) -> list[Fault]:
    """Returns the faults of a page that was read, the likeliest first; those without a fix come last.

    Raises Stopped when `stop` returns True, and ValueError for a backward network or a ranking that cannot be used.
    """
    return [c.fault for c in find_candidates(reader, reading, stop)]


def find_candidates(reader: Reader, reading: Reading, stop: Stop = never) -> list[Candidate]:
    """Returns what `find_faults` returns, each fault with its row."""
    ranking = ranking_of((reader.backward or reader).checkpoint)
    watch = Watch(stop)
    masked = mask(reading.page, watch)
    edits = _edits(reading, masked, watch)
    sides = read_sides(reader, reading, edits, stop)
    by_place = score_edits(sides, edits, stop)
    return _Judge(ranking, reading, sides, edits, templated=bool(masked.code.any())).ranked(by_place)


def _edits(reading: Reading, masked: Masked, watch: Watch) -> list[ScoredEdit]:
    """Returns every edit to score, once for each place. The last proposal counts, because it has most evidence."""
    proposed: dict[tuple[int, int, int, str], ScoredEdit] = {}
    for edit in _proposed(reading, masked, watch):
        key = (edit.at, *_key(edit))
        if key in proposed:
            known = proposed[key]
            edit.proof, edit.first = max(edit.proof, known.proof), edit.first or known.first
            edit.habit = max(edit.habit, known.habit)
        proposed[key] = edit
    return list(proposed.values())


def _key(edit: ScoredEdit) -> tuple[int, int, str]:
    return edit.repair.start, edit.repair.end, edit.repair.replacement


def _proposed(reading: Reading, masked: Masked, watch: Watch) -> Iterator[ScoredEdit]:
    """Yields repairs at surprising places, and at places whose markup does not fit together."""
    mismatches = Mismatches(masked.page, reading.spans, _excess(reading), watch, reading.page)
    pairing = pair(masked.page, mismatches.tags, watch)
    names = frozenset(tag.name for tag in mismatches.tags)
    settled: dict[int, Repair] = {}  # by character of the page, the repair after which it is right
    for at, several in json_scripts(reading.page, watch):
        yield from (ScoredEdit(at, r, True, 0.0, JSON, True) for r in several)
    for proof in proofs(mismatches, pairing, reading.syntax):
        for r in (r for r in proof.repairs if settled.get(r.start, r) == r):
            even = evened(masked.page, r, pairing.surplus)
            yield ScoredEdit(proof.at, r, True, 0.0, proof.probability, bool(proof.settles), evened=even)
        if proof.settles:
            settled |= dict.fromkeys(range(*proof.settles), proof.repairs[0])
    for edit in _suspected(reading, masked, mismatches, watch):
        r = edit.repair
        if (
            masked.inside(r.start, r.end)
            or masked.holds_code(r.start, r.end)
            or disproved(masked.page, r, pairing, names)
        ):
            continue
        if settled.get(r.start, r) == r:
            edit.evened = evened(masked.page, r, pairing.surplus)
            yield edit


def _suspected(reading: Reading, masked: Masked, mismatches: Mismatches, watch: Watch) -> Iterator[ScoredEdit]:
    """Yields the repairs of `_proposed` that no rule proves."""
    page, surprisal = masked.page, reading.surprisal
    places = {at for at in structural_places(reading) if not masked.inside(at, at)}
    broken: set[int] = set()
    for start, end in islice(pieces(page, reading.syntax), MISMATCHED):
        broken.update((start + np.argsort(-surprisal[start:end])[:2]).tolist())
        broken.update(k for k in (end, start) if k < len(page))
    unopened = sorted(mismatches.unopened_names)[:UNOPENED]
    for at in sorted(places | broken):
        watch(PLACE_WORK)
        for r in repairs(page, at, _names_before(page, at)):
            yield ScoredEdit(at, r, at in broken)
        between = page.find("<", max(0, at - 1), at + 1)
        if between >= 0:
            yield from (ScoredEdit(at, missing_start(between, n, mismatches.usual), True) for n in unopened)
    lexical = references(page, reading.syntax), comments(page, reading.syntax), raw_elements(page)
    for at, several in [some for found in (mismatches, *lexical) for some in islice(found, MISMATCHED)]:
        yield from (ScoredEdit(at, r, True) for r in several)
    usual = habits(page, mismatches.tags, mismatches.unclosed_names, mismatches.unopened_names, watch)
    yield from (ScoredEdit(u.at, u.repair, True, habit=u.times) for u in islice(usual, MISMATCHED))
    misplaced = list(islice(Indentation(page, mismatches.tags, mismatches.usual, watch), MISMATCHED))
    for at, several in misplaced:
        yield from (ScoredEdit(at, r, True, 1 / len(misplaced)) for r in several)


def _names_before(page: str, at: int) -> list[str]:
    """Returns the names of the start tags before page[at], the nearest first."""
    names: list[str] = []
    for _ in range(BRACKETS_BEFORE):
        at = page.rfind("<", 0, max(0, at))
        tag = START_TAG.match(page, at) if at >= 0 else None
        if tag:
            names.append(tag[1].lower())
        if at < 0 or len(names) == STARTS_BEFORE:
            break
    return names


class _Judge:
    """Turns the edits of one page into faults with probabilities."""

    def __init__(
        self, ranking: Logistic, reading: Reading, sides: list[Side], edits: list[ScoredEdit], *, templated: bool
    ) -> None:
        """templated: the page holds code of a template, so its tags need not pair."""
        self.templated = templated
        self.ranking, self.reading, self.sides = ranking, reading, sides
        self.proof_at = {e.at: e.proof for e in sorted(edits, key=lambda e: e.proof)}
        self.proof_of = {_key(e): e.proof for e in sorted(edits, key=lambda e: e.proof)}
        self.evened = {_key(e): float(np.sign(e.evened)) for e in edits}
        self.habit_of = {_key(e): e.habit for e in sorted(edits, key=lambda e: e.habit)}
        self.lines = LineIndex(reading.page)

    def ranked(self, by_place: dict[int, list[ScoredEdit]]) -> list[Candidate]:
        """Returns the faults by their probability. An edit is proposed once, at the place where it saves most.

        Of several faults of one kind, or about tags of one name, within LONG characters the likeliest stays, and so it
        does of several that mend one tag: they are probably one slip seen from several places.
        """
        chosen = _chosen(by_place)
        most = max([1.0, *(edits[0].saved for edits in chosen.values() if edits)])
        same = Counter((e[0].repair.kind, e[0].repair.replacement) for e in chosen.values() if e)
        found = [self._candidate(at, edits, most, same) for at, edits in chosen.items()]
        kept: list[Candidate] = []
        for c in sorted(found, key=lambda c: (not c.fault.fixes, -c.fault.probability, -c.fault.bits)):
            if not c.fault.fixes or not any(_alike(k, c) or self._in_one_tag(k, c) for k in kept):
                kept.append(c)
            if len(kept) == REPORTED:
                break
        return kept

    def _in_one_tag(self, one: Candidate, other: Candidate) -> bool:
        """Whether both faults say where the same tag begins or ends: no bracket lies between them."""
        first, last = sorted((one.fault, other.fault), key=lambda fault: (fault.start, fault.end))
        between = self.reading.page[first.end : last.start]
        return (
            first.kind in OF_ONE_TAG
            and last.kind in OF_ONE_TAG
            and last.start - first.end <= LONG
            and not ("<" in between or ">" in between)
        )

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
            fixes=tuple(_fix(e) for e in edits if e.repair.replacement or e.repair.end > e.repair.start),
        )
        return Candidate(fault, known, frozenset({repair.kind, *names_of(page, repair)}))

    def _probability(self, at: int, edits: list[ScoredEdit], known: NDArray[np.float64]) -> float:
        """Returns what the ranking says, and at least what a rule of the standard proves."""
        fitted = probability(self.ranking, known)
        if edits and may_be_left_out(edits[0].repair):
            fitted = min(fitted, LEFT_OUT)
        if edits:
            fitted = max(fitted, self.proof_at[at], self.proof_of[_key(edits[0])])
        if edits and (
            (self.templated and edits[0].repair.kind in ABOUT_TAGS)
            or is_of_fragment(self.reading.page, edits[0].repair)
        ):
            fitted = min(fitted, LEFT_OUT)
        return fitted

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
            "habit": math.log1p(self.habit_of[_key(edits[0])]) if edits else 0.0,
            "evened": self.evened[_key(edits[0])] if edits else 0.0,
            "forward": _signed_log(by_side[0]),
            "backward": _signed_log(by_side[1]) if backward else 0.0,
            "both": _signed_log(min(by_side)),
            "backward bits": math.log1p(float(backward.surprisal[backward.near(at)].sum())) if backward else 0.0,
        }


def _fix(edit: ScoredEdit) -> Fix:
    return Fix(edit.repair.start, edit.repair.end, edit.repair.replacement, round(edit.saved, 2))


def _alike(one: Candidate, other: Candidate) -> bool:
    """Whether two faults are probably the same slip."""
    return abs(one.fault.start - other.fault.start) <= LONG and not one.about.isdisjoint(other.about)


def _fits(edit: ScoredEdit) -> bool:
    return edit.first or edit.saved >= (UNFIT if edit.mismatch or edit.proof else MINIMUM_SAVED)


def _chosen(by_place: dict[int, list[ScoredEdit]]) -> dict[int, list[ScoredEdit]]:
    """Returns the best edits of each place, without places whose best edit saves more elsewhere."""
    best = {at: _best(edits) for at, edits in by_place.items()}
    seen: set[tuple[int, int, str]] = set()
    chosen: dict[int, list[ScoredEdit]] = {}
    for at, edits in sorted(best.items(), key=lambda pair: -pair[1][0].saved if pair[1] else 0.0):
        edit = (edits[0].repair.start, edits[0].repair.end, edits[0].repair.replacement) if edits else None
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


def structural_places(reading: Reading) -> list[int]:
    """Returns offsets of the characters next to markup that surprised most, beyond what was expected there."""
    page, n = reading.page, len(reading.page)
    if not n:
        return []
    mark = np.isin(np.frombuffer(page.encode("utf-32-le", "replace"), np.uint32), [ord(c) for c in MARKS])
    near = mark.copy()
    near[1:] |= mark[:-1]
    near |= np.isin(reading.syntax, MARKUP)
    near &= reading.syntax != Syntax.RAW  # this tool does not judge scripts and styles
    excess = np.where(near, _excess(reading), -np.inf)
    places: list[int] = []
    taken = np.zeros(n, np.bool_)
    for at in np.argsort(-excess, kind="stable")[: SURPRISING * 4].tolist():
        if excess[at] <= 0 or len(places) == SURPRISING:
            break
        if not taken[at]:
            places.append(at)
            taken[max(0, at - PLACES_APART) : at + PLACES_APART] = True
    return places


def _excess(reading: Reading) -> NDArray[np.float32]:
    """Returns the surprisal beyond what was expected (characters,)."""
    excess: NDArray[np.float32] = reading.surprisal - np.float32(0.5) * reading.entropy
    return excess
