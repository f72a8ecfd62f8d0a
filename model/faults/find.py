"""Finds faults: places where a page breaks, ranked by how likely they are.

Raw surprisal ranks names, ids and addresses above a lost quote. So the search looks at structural places only: next to
characters of markup, and where the network sees markup. It tries a few structural edits at each, and asks how many bits
the text around saves by the best one (Santos et al. 2018, "Syntax and Sensibility", rank repairs of programs by a
language model in this way). A logistic regression turns that into a probability.
"""

import re
from collections.abc import Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from soupstate.model.faults.apart import two_slips
from soupstate.model.faults.checks.comments import comments, raw_elements
from soupstate.model.faults.checks.habits import habits
from soupstate.model.faults.checks.indentation import Indentation
from soupstate.model.faults.checks.json_scripts import json_scripts
from soupstate.model.faults.checks.masking import Masked, mask
from soupstate.model.faults.checks.mismatches import Mismatches, pieces
from soupstate.model.faults.checks.pairing import pair
from soupstate.model.faults.checks.proofs import JSON, disproved, proofs
from soupstate.model.faults.checks.references import references
from soupstate.model.faults.edits import Repair, evened, missing_start, repairs
from soupstate.model.faults.fault import Fault
from soupstate.model.faults.judging import Candidate, Judge, reported
from soupstate.model.faults.ranking import ranking_of
from soupstate.model.faults.scoring import ScoredEdit, read_sides, score_edits
from soupstate.model.faults.taught import Searched, corrected, tried_again
from soupstate.model.net.reader import Reader, Reading
from soupstate.model.page.marks import Syntax
from soupstate.model.page.stop import Stop, Watch, never

SURPRISING = 60  # structural places to look at, the most surprising first
MISMATCHED = 60  # places of each check whose markup does not fit together
PLACES_APART = 5  # characters between two places
UNOPENED = 3  # names of elements whose start tag may be missing at a surprising place
STARTS_BEFORE = 12  # start tags before a place whose end tag may be missing
BRACKETS_BEFORE = 1000  # at most so many brackets before a place are looked at for them
PLACE_WORK = 8192  # characters whose handling takes as long as proposing the repairs of a place

START_TAG = re.compile(r"<([a-zA-Z][a-zA-Z0-9]*)")
MARKS = "<>\"'=/&;!-"
MARKUP = (Syntax.TAG, Syntax.END_TAG, Syntax.ATTRIBUTE)


def find_faults(reader: Reader, reading: Reading, stop: Stop = never) -> list[Fault]:
    """Returns the faults of a page that was read, the likeliest first; those without a fix come last.

    Raises Stopped when `stop` returns True, and ValueError for a backward network or a ranking that cannot be used.
    """
    return [c.fault for c in find_candidates(reader, reading, stop)]


def find_candidates(reader: Reader, reading: Reading, stop: Stop = never) -> list[Candidate]:
    """Returns what `find_faults` returns, each fault with its row."""
    taught = (reader.backward or reader).checkpoint.faults
    group = taught.group_of(reading.page) if taught else None
    if taught is None or group is None:
        found = search(reader, reading, [], stop).found
    else:
        more = tried_again(reading.page, taught, group, Watch(stop))
        found = corrected(search(reader, reading, more, stop), more, taught, group)
    return reported(reading.page, found, two_slips(reader, reading, found, stop))


def search(reader: Reader, reading: Reading, more: list[ScoredEdit], stop: Stop = never) -> Searched:
    """Searches a page, and judges what it finds as no correction had taught anything. more: other edits to score.

    Raises what `find_faults` raises.
    """
    ranking = ranking_of((reader.backward or reader).checkpoint)
    watch = Watch(stop)
    masked = mask(reading.page, watch)
    edits = _edits(reading, masked, watch)
    sides = read_sides(reader, reading, [*edits, *more], stop)
    by_place = score_edits(sides, edits, stop)
    score_edits(sides, more, stop)
    judge = Judge(ranking, reading, sides, edits, templated=bool(masked.code.any()))
    return Searched(reading.page, reading.surprisal, judge.candidates(by_place))


def _edits(reading: Reading, masked: Masked, watch: Watch) -> list[ScoredEdit]:
    """Returns every edit to score, once for each place. The last proposal counts, because it has most evidence."""
    proposed: dict[tuple[int, int, int, str], ScoredEdit] = {}
    for edit in _proposed(reading, masked, watch):
        key = (edit.at, *edit.key)
        if key in proposed:
            known = proposed[key]
            edit.proof, edit.first = max(edit.proof, known.proof), edit.first or known.first
            edit.habit = max(edit.habit, known.habit)
        proposed[key] = edit
    return list(proposed.values())


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
