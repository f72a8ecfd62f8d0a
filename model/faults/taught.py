"""Faults as corrections teach them: the log-odds of the first ranking, and what an edit's features add to them.

A feature is a hash of what an edit changes and of the text and tags next to it, so that one correction speaks for the
same edit at other places of such pages. Fixes that people made are tried wherever the same text stands.
"""

import math
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from soupstate.kernels.words import told_names
from soupstate.model.faults.edits import (
    END_TAG,
    MISSING,
    NAME_OF_TAG,
    UNEXPECTED,
    Repair,
    missing_end,
    missing_start,
    names_of,
    unexpected_end,
    unexpected_start,
)
from soupstate.model.faults.fault import Fault
from soupstate.model.faults.judging import UNKNOWN, Candidate, fixes_of
from soupstate.model.faults.ranking import COLUMNS, chance
from soupstate.model.faults.scoring import ScoredEdit
from soupstate.model.net.corrected_faults import (
    EDGE,
    FEATURES,
    LONGEST_FIX,
    SPACE,
    WORD,
    CorrectedFaults,
    RightFix,
    side_of,
)
from soupstate.model.page.line_index import LineIndex
from soupstate.model.page.stop import Watch

MOST_ODDS = 9.0  # log-odds of what the first ranking is sure of: .9999
PER_RANK = 2.0  # log-odds by which a fix is less likely than the one before it
UNPROPOSED = -4.0  # log-odds of a fix that was right elsewhere, before its features count
LEAST_ODDS = -3.0  # of such a fix that is tried: .05
TAUGHT = 1.0  # least gain in log-odds of a fault that corrections teach
RECALLED = 40  # such fixes of a page at most
LEAST_PLACES, MOST_PLACES = 100, 5000  # of a page where one such fix may be tried, and where all may be
EDIT_WORK = 256  # characters whose handling takes as long as finding the features of an edit
NEAR, FAR = 4, 400  # characters about an edit that are features; within which a tag is looked for
LONGEST_FEATURE = 60  # characters
LETTER, DIGIT = re.compile(r"[^\W\d_]"), re.compile(r"\d")
WORD_BEFORE, WORD_AFTER = re.compile(r"[\w-]*$"), re.compile(r"[\w-]*")
ATTRIBUTE = re.compile(r"([^\s\"'<>/=]+)\s*=\s*[\"']?[^\"'<>]*$")
TAG_NAME = re.compile(r"</?[^\s<>/]{0,24}")
GAP = "\0"  # stands in a fix for text that it leaves as it is
GAP_TEXT = re.compile(r"[^<>\0]{1,200}")
SHORTEST_GAP = 2  # characters
SIDES = {WORD: r"\w", SPACE: r"\s"}


@dataclass(frozen=True, eq=False)
class Searched:
    """What the search found on a page, before corrections count. surprisal (characters,): in bits."""

    page: str
    surprisal: NDArray[np.float32]
    found: list[Candidate]


def trimmed(page: str, start: int, end: int, replacement: str) -> tuple[int, int, str]:
    """Returns an edit without the characters that it leaves as they are at its ends.

    >>> trimmed("<b>tea<b>", 6, 9, "</b>")
    (7, 7, '/')
    """
    most = min(end - start, len(replacement))
    first = next((k for k in range(most) if page[start + k] != replacement[k]), most)
    start, replacement, most = start + first, replacement[first:], most - first
    last = next((k for k in range(most) if page[end - 1 - k] != replacement[len(replacement) - 1 - k]), most)
    return start, end - last, replacement[: len(replacement) - last]


def same_edit(page: str, start: int, end: int, replacement: str) -> tuple[int, int, str]:
    """Returns what all edits have in common that make the same page of this one.

    >>> same_edit("<b>tea</b></b>", 10, 14, "") == same_edit("<b>tea</b></b>", 6, 10, "")
    True
    """
    start, end, replacement = trimmed(page, start, end, replacement)
    text = replacement if start == end else page[start:end]
    if not text or (replacement and start < end):
        return start, end, replacement
    moved = 0
    while moved < start and page[start - 1 - moved] == text[-1 - moved % len(text)]:
        moved += 1
    turn = moved % len(text)
    text = text[len(text) - turn :] + text[: len(text) - turn]
    return (start - moved, start - moved, text) if replacement else (start - moved, end - moved, "")


def features_of(page: str, repair: Repair, group: int) -> NDArray[np.int64]:
    """Returns the hashes (k,) of an edit's features, each once: below FEATURES. group: of pages, which learn apart."""
    begin = zlib.crc32(b"%d" % group)
    told = ("\0".join(parts).encode("utf-8", "replace") for parts in _told(page, repair))
    return np.unique([zlib.crc32(text, begin) % FEATURES for text in told])


def _told(page: str, repair: Repair) -> Iterator[tuple[str, ...]]:
    """Yields an edit's features as texts: what it does, and what stands next to it."""
    start, end, replacement = trimmed(page, repair.start, repair.end, repair.replacement)
    kind, texts = repair.kind, with_gap(page[start:end], replacement)
    change = "\0".join(text[:LONGEST_FEATURE] for text in texts)
    opened, closed = page.rfind("<", max(0, start - FAR), start), page.rfind(">", max(0, start - FAR), start)
    tag = page[opened:start] if opened >= 0 else ""
    inside = "in" if opened > closed else "out"
    opens = page.find("<", end, end + FAR)
    before, after = _name(page, opened), _name(page, opens)
    attribute = ATTRIBUTE.search(tag) if opened > closed else None
    near, next_ = page[max(0, start - NEAR) : start], page[end : end + NEAR]
    words = (WORD_BEFORE.search(page, max(0, start - FAR), start), WORD_AFTER.match(page, end))
    for what in (kind, change):
        yield "edit", what
        yield "before", what, before, inside
        yield "after", what, after
        yield "around", what, before, after, inside
        yield "attribute", what, attribute[1].lower() if attribute else ""
        yield "near before", what, _shape(near)
        yield "near after", what, _shape(next_)
    yield "near", change, near[-2:], next_[:2]
    for side, word in zip(("word before", "word after"), words, strict=True):
        yield side, change, word[0][:LONGEST_FEATURE] if word else ""
    for name in islice(told_names(tag), 8):
        yield "name before", change, name


def _name(page: str, opened: int) -> str:
    """Returns the beginning of the tag at page[opened]; "" where there is none."""
    found = TAG_NAME.match(page, opened) if opened >= 0 else None
    return found[0].lower() if found else ""


def _shape(text: str) -> str:
    """Returns a text with one letter for all letters, and one digit for all digits."""
    return DIGIT.sub("0", LETTER.sub("a", text))


def with_gap(removed: str, replacement: str) -> tuple[str, str]:
    """Returns both texts with a GAP for the words inside that stay as they are, where something else begins the first.

    >>> with_gap("“/tea”", '"/tea"') == (f"“{GAP}”", f'"{GAP}"')
    True
    """
    if min(len(removed), len(replacement)) < SHORTEST_GAP or max(len(removed), len(replacement)) > LONGEST_FIX:
        return removed, replacement
    at, to, size = SequenceMatcher(None, removed, replacement, autojunk=False).find_longest_match()
    beside = (removed[at - 1 : at], removed[at + size :][:1], replacement[to - 1 : to], replacement[to + size :][:1])
    same = removed[at : at + size]
    if (
        not at
        or size < SHORTEST_GAP
        or not GAP_TEXT.fullmatch(same)
        or any(side_of(character) == WORD for character in beside)
    ):
        return removed, replacement
    return removed[:at] + GAP + removed[at + size :], replacement[:to] + GAP + replacement[to + size :]


def right_fix(page: str, start: int, end: int, replacement: str) -> RightFix:
    """Returns how a fix is known again: with the whole word that it changes, and the kind of character on each side.

    >>> right_fix('<a herf="/tea">', 4, 6, "re")
    RightFix(removed='herf', replacement='href', before=' ', after='=')
    """
    start, end, replacement = trimmed(page, start, end, replacement)
    changed = replacement, page[start:end]
    if any(side_of(text[:1]) == WORD for text in changed):
        first = WORD_BEFORE.search(page, max(0, start - LONGEST_FEATURE), start)
        start, replacement = (first.start(), first[0] + replacement) if first else (start, replacement)
    if any(side_of(text[-1:]) == WORD for text in changed):
        rest = WORD_AFTER.match(page, end, end + LONGEST_FEATURE)
        end, replacement = (rest.end(), replacement + rest[0]) if rest else (end, replacement)
    before, after = page[max(0, start - 1) : start], page[end : end + 1]
    return RightFix(*with_gap(page[start:end], replacement), side_of(before), side_of(after))


def _pattern(fix: RightFix) -> re.Pattern[str]:
    before = rf"(?<={SIDES.get(fix.before, re.escape(fix.before))})" if fix.before != EDGE else r"\A"
    after = rf"(?={SIDES.get(fix.after, re.escape(fix.after))})" if fix.after != EDGE else r"\Z"
    removed = re.escape(fix.removed).replace(re.escape(GAP), f"({GAP_TEXT.pattern}?)", 1)
    return re.compile(before + removed + after)


def recalled(page: str, fixes: Sequence[RightFix]) -> Iterator[Repair]:
    """Yields the edits of a page that make one of the fixes again, where the same text stands.

    A fix is tried at the first places of the page: at least LEAST_PLACES, and more where there are few fixes.
    """
    for fix in fixes:
        for m in islice(_pattern(fix).finditer(page), max(LEAST_PLACES, MOST_PLACES // len(fixes))):
            replacement = fix.replacement.replace(GAP, m[1], 1) if m.lastindex else fix.replacement
            yield _repair(page, m.start(), m.end(), replacement)


def _repair(page: str, start: int, end: int, replacement: str) -> Repair:
    """Returns an edit, with the kind and the message that the search would give it."""
    at, stop, text = trimmed(page, start, end, replacement)
    removed = page[at:stop]
    if not removed and text in MISSING:
        return Repair(at, at, text, *MISSING[text])
    if not text and removed in UNEXPECTED:
        return Repair(at, stop, "", UNEXPECTED[removed], f"unexpected {removed!r}")
    tag = NAME_OF_TAG.match(text or removed)
    if tag and (text or removed).endswith(">") and not (text and removed) and (text or removed).count("<") == 1:
        return _whole_tag(at, stop, text, tag[1], closing=bool(END_TAG.match(text or removed)))
    if not page[start:end]:
        message = f"{replacement!r} is missing, as corrections of such pages say"
    elif replacement:
        message = f"{page[start:end]!r} should be {replacement!r}, as corrections of such pages say"
    else:
        message = f"unexpected {page[start:end]!r}, as corrections of such pages say"
    return Repair(start, end, replacement, UNKNOWN, message)


def _whole_tag(start: int, end: int, text: str, name: str, *, closing: bool) -> Repair:
    if text:
        return missing_end(start, name) if closing else missing_start(start, name, {name: text})
    return unexpected_end(start, end, name) if closing else unexpected_start(start, end, name)


def tried_again(page: str, taught: CorrectedFaults, group: int, watch: Watch) -> list[ScoredEdit]:
    """Returns the likeliest fixes that people made on pages like this one, for its places with the same text.

    group: of the page. Raises Stopped.
    """
    likely: list[tuple[float, Repair]] = []
    for repair in recalled(page, taught.fixes):
        watch(EDIT_WORK)
        gain = taught.gain(features_of(page, repair, group))
        if UNPROPOSED + gain >= LEAST_ODDS:
            likely.append((gain, repair))
    likely.sort(key=lambda pair: -pair[0])
    return [ScoredEdit(repair.start, repair, first=True) for _, repair in likely[:RECALLED]]


def unproposed(page: str, found: Sequence[Candidate], edits: Sequence[ScoredEdit]) -> list[ScoredEdit]:
    """Returns the edits that change a page otherwise than each fix of the candidates and each edit before."""
    seen = {same_edit(page, *edit.key) for candidate in found for edit in candidate.edits}
    new: list[ScoredEdit] = []
    for edit in edits:
        key = same_edit(page, *edit.key)
        if key not in seen:
            seen.add(key)
            new.append(edit)
    return new


def odds_of(candidate: Candidate) -> list[float]:
    """Returns the log-odds of each of a candidate's edits before corrections count; of one without edits, its own."""
    p = min(max(candidate.fault.probability, 1e-9), 1 - 1e-9)
    own = max(-MOST_ODDS, min(MOST_ODDS, math.log(p / (1 - p))))
    return [own - PER_RANK * rank for rank in range(max(1, len(candidate.edits)))]


def repairs_of(candidate: Candidate) -> list[Repair]:
    """Returns the repairs of a candidate's edits; of one without edits, a repair that stands for its place."""
    fault = candidate.fault
    own = Repair(fault.start, fault.end, "", fault.kind, fault.message)
    return [edit.repair for edit in candidate.edits] or [own]


def corrected(searched: Searched, more: Sequence[ScoredEdit], taught: CorrectedFaults, group: int) -> list[Candidate]:
    """Returns the candidates of a page, as corrections of its group teach them. more: edits of `tried_again`."""
    page, lines = searched.page, LineIndex(searched.page)
    judged: list[Candidate] = []
    for candidate in searched.found:
        gains = [taught.gain(features_of(page, repair, group)) for repair in repairs_of(candidate)]
        odds = [base + gain for base, gain in zip(odds_of(candidate), gains, strict=True)]
        order = sorted(range(len(odds)), key=lambda k: -odds[k])
        if any(gains):
            edits = tuple(candidate.edits[k] for k in order) if candidate.edits else ()
            candidate = _candidate(searched, lines, candidate, edits, chance(odds[order[0]]))
            candidate = replace(candidate, taught=gains[order[0]] >= TAUGHT)
        judged.append(candidate)
    for edit in unproposed(page, searched.found, more):
        odds_ = UNPROPOSED + taught.gain(features_of(page, edit.repair, group))
        judged.append(replace(_candidate(searched, lines, None, (edit,), chance(odds_)), taught=True))
    return judged


def _candidate(
    searched: Searched, lines: LineIndex, old: Candidate | None, edits: tuple[ScoredEdit, ...], probability: float
) -> Candidate:
    """Returns a candidate with edits in a new order. old: the same before; None for one that the search never found."""
    if old and (not edits or edits[0] is old.edits[0]):
        fault = replace(old.fault, probability=round(probability, 4), fixes=fixes_of(edits))
        return replace(old, fault=fault, edits=edits)
    repair = edits[0].repair
    line, column = lines.line_column(repair.start)
    bits = old.fault.bits if old else round(float(searched.surprisal[repair.start : repair.start + 4].sum()), 2)
    fault = Fault(
        start=repair.start,
        end=repair.end,
        line=line,
        column=column,
        bits=bits,
        probability=round(probability, 4),
        kind=repair.kind,
        message=repair.message,
        excerpt=lines.excerpt(repair.start, repair.end),
        fixes=fixes_of(edits),
    )
    row = old.row if old else np.zeros(COLUMNS)
    kind = set() if repair.kind == UNKNOWN else {repair.kind}  # two words that are wrong are two faults
    return Candidate(fault, row, frozenset({*kind, *names_of(searched.page, repair)}), edits)
