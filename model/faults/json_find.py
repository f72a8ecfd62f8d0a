"""Finds faults in JSON: places where a text breaks the grammar, ranked by how likely they are, with their fixes.

The grammar says that a text is broken, and which edits mend it. Two networks say which of these edits is meant: one
that reads the text from its beginning, one from its end (see `soupstate.model.faults.scoring`). The chance of an edit
is its share in a softmax over all of them, and over the case that none is right.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from soupstate.model.faults.apply import LIKELY
from soupstate.model.faults.edits import Repair
from soupstate.model.faults.fault import Fault, Fix
from soupstate.model.faults.json_repairs import BROKEN, JSON_KINDS, JsonRepair, proposed
from soupstate.model.faults.json_scan import DEEPEST, END, Scan, is_json, scan
from soupstate.model.faults.judging import FIXES, REPORTED
from soupstate.model.faults.scoring import LONG, SHORT, ScoredEdit, Side
from soupstate.model.net.checkpoint import Logistic
from soupstate.model.net.json_reader import EDGE, JsonReader
from soupstate.model.page.line_index import LineIndex
from soupstate.model.page.stop import Stop, Watch, never

SEVERAL = "json-several-documents"
TOO_DEEP_WORDS = f"more than {DEEPEST:,} brackets are open here: too many to look any further"
SEVERAL_WORDS = "another document begins here: check lines of JSON (NDJSON) one by one"
FIGURES = (
    "saved",  # bits that the edit saves, the mean of both directions, between -MOST_BITS and MOST_BITS, in units of 10
    "short",  # the same over few characters
    "forward",  # log(1 + bits) saved for the network that reads from the beginning; negative where bits are lost
    "backward",  # the same for the network that reads from the end
    "both",  # the lesser of the two
    "bits",  # log(1 + bits) of surprisal at the edit
    "whole",  # 1 where nothing is wrong any more after it
    "reached",  # log(1 + characters) that the text is JSON beyond the place where it stopped being so
    "distance",  # log(1 + characters) between the edit and that place
    "layout",  # of a closing bracket: 1 where the lines have it there, -1 where they do not; 0 without lines
    "deletes",  # 1 for an edit that deletes
)
JSON_COLUMNS = len(FIGURES) + len(JSON_KINDS)
MOST_BITS = 60.0
# Before a ranking is fitted: what saves most bits is likeliest.
UNFITTED = Logistic((4.0, *(0.0,) * (JSON_COLUMNS - 1)), 0.0)
READ_AGAIN = 1_000_000  # characters that are read at most to look for further faults
TOO_OFTEN = 0.9  # least chance of the deletion of a closing bracket after a whole document; chosen, not fitted
CERTAIN = 1.0  # that a text which is no JSON is broken somewhere
Origin = Callable[[int], int]  # from a place in the mended text to the same place in the given one


@dataclass(frozen=True)
class Choice:
    """An edit that may mend a text, and what is known of it. row (JSON_COLUMNS,): see FIGURES."""

    repair: Repair
    saved: float
    bits: float
    row: NDArray[np.float64]


def find_json_faults(reader: JsonReader, text: str, stop: Stop = never) -> list[Fault]:
    """Returns the faults of a text, the likeliest first. A text that is JSON has none.

    After a likely fault the search goes on in the mended text. A byte order mark before the text is passed over
    (RFC 8259, section 8.1). Raises Stopped, and ValueError for a ranking that cannot be used.
    """
    mark = len(text) - len(text.removeprefix("\ufeff"))
    faults: list[Fault] = []
    applied: list[Repair] = []  # in the text that each was found in
    now, lines, watch = text[mark:], LineIndex(text), Watch(stop)
    for number in range(REPORTED):
        if is_json(now) or (number and (number + 1) * len(now) > READ_AGAIN):
            break
        done = scan(now, watch)
        if done.at is None:
            break
        origin, several = partial(_origin, applied=tuple(applied), mark=mark), _several(done)
        if several or done.too_deep:
            place = origin(done.at)
            kind, message = (SEVERAL, SEVERAL_WORDS) if several else (BROKEN, TOO_DEEP_WORDS)
            faults.append(_fault(lines, Repair(place, place, "", kind, message), CERTAIN, 0.0, ()))
            break
        choices = choices_of(reader, done, stop)
        chances = _closed_once_too_often(done, choices, chances_of(reader, choices))
        places = _by_place(choices, chances)
        shares = [float(chances[numbers].sum()) for numbers in places]
        if not places or shares[0] < LIKELY:
            faults.append(_unlikely(lines, done, origin))
        faults += [
            _placed(lines, [choices[k] for k in numbers], share, origin)
            for numbers, share in zip(places, shares, strict=True)
        ]
        if not places or shares[0] < LIKELY:
            break
        applied.append(choices[places[0][0]].repair)
        now = _edited(now, applied[-1])
    return sorted(faults, key=lambda fault: -fault.probability)[:REPORTED]


def choices_of(reader: JsonReader, done: Scan, stop: Stop) -> list[Choice]:
    """Returns the edits that may mend a text, with what the networks say of each. Raises Stopped."""
    framed = f"{EDGE}{done.text}{EDGE}"
    first = Side(reader.packed, framed)
    first.prepare([], stop)
    surprisal = first.surprisal
    repairs = proposed(done, surprisal[1:-1], Watch(stop))
    edits = [ScoredEdit(r.repair.start + 1, _moved(r.repair, 1), True) for r in repairs]
    sides = [Side(reader.packed, framed)]
    sides[0].prepare(edits, stop, surprisal)
    if reader.backward:
        sides.append(Side(reader.backward.packed, framed, backward=True))
        sides[1].prepare(edits, stop)
    watch = Watch(stop)
    found = []
    for repair, edit in zip(repairs, edits, strict=True):
        watch(LONG * 2)
        edit.short, edit.long = ([s.saved([edit], horizon)[0] for s in sides] for horizon in (SHORT, LONG))
        bits = float(surprisal[edit.at : edit.at + 4].sum())
        found.append(Choice(repair.repair, edit.saved, bits, _row(repair, edit, bits)))
    return found


def _row(found: JsonRepair, edit: ScoredEdit, bits: float) -> NDArray[np.float64]:
    figures = {
        "saved": float(np.clip(edit.saved, -MOST_BITS, MOST_BITS)) / 10,
        "short": float(np.clip(edit.saved_short, -MOST_BITS, MOST_BITS)) / 10,
        "forward": _signed_log(edit.long[0]),
        "backward": _signed_log(edit.long[-1]),
        "both": _signed_log(min(edit.long)),
        "bits": math.log1p(bits),
        "whole": float(found.whole),
        "reached": math.log1p(found.reached),
        "distance": math.log1p(found.distance),
        "layout": float(found.layout),
        "deletes": float(not found.repair.replacement),
    }
    kinds = [float(found.repair.kind == kind) for kind in JSON_KINDS]
    return np.array([*(figures[name] for name in FIGURES), *kinds])


def _signed_log(bits: float) -> float:
    """Returns log(1 + bits), and -log(1 - bits) for bits that were lost."""
    return math.copysign(math.log1p(abs(bits)), bits)


def chances_of(reader: JsonReader, choices: list[Choice]) -> NDArray[np.float64]:
    """Returns the chance of each edit that it is the right one. Raises ValueError for a ranking of other columns."""
    checkpoint = (reader.backward or reader).checkpoint
    ranking = checkpoint.ranking or UNFITTED
    if len(ranking.weights) != JSON_COLUMNS:
        raise ValueError(f"ranking: {len(ranking.weights)} weights, expected {JSON_COLUMNS}")
    rows = np.array([choice.row for choice in choices]).reshape(-1, JSON_COLUMNS)
    scores = rows @ np.array(ranking.weights) + ranking.bias
    most = max(0.0, float(scores.max(initial=0.0)))
    shares = np.exp(scores - most)
    chances: NDArray[np.float64] = shares / (shares.sum() + math.exp(-most))  # 0 is the score of "none of them"
    return chances


def _closed_once_too_often(done: Scan, choices: list[Choice], chances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the chances, where nothing but closing brackets follows a whole document, mostly for their deletion.

    Made faults of training have hardly any of these, so the networks would rather open a bracket at the beginning.
    """
    text, at = done.text, done.at or 0
    if done.place.expects != END or not text[at:].strip() or text[at:].strip(" \t\n\r}]"):
        return chances
    mended = text[:at] + text[at + 1 :]
    right = np.array([_edited(text, choice.repair) == mended for choice in choices], np.bool_)
    if not right.any() or chances[right].sum() >= TOO_OFTEN:
        return chances
    changed: NDArray[np.float64] = chances * ((1 - TOO_OFTEN) / (1 - chances[right].sum()))
    changed[right] = TOO_OFTEN / right.sum()
    return changed


def _by_place(choices: list[Choice], chances: NDArray[np.float64]) -> list[list[int]]:
    """Returns the numbers of the edits of each place, both in the order of their chances."""
    places: dict[int, list[int]] = {}
    for k in np.argsort(-chances, kind="stable").tolist():
        places.setdefault(choices[k].repair.start, []).append(k)
    return sorted(places.values(), key=lambda numbers: -float(chances[numbers].sum()))


def _placed(lines: LineIndex, found: list[Choice], chance: float, origin: Origin) -> Fault:
    """Returns the fault of a place with these edits, of which one is right with this chance."""
    best = found[0].repair
    fixes = tuple(
        Fix(origin(c.repair.start), origin(c.repair.end), c.repair.replacement, round(c.saved, 2))
        for c in found[:FIXES]
    )
    moved = Repair(origin(best.start), origin(best.end), "", best.kind, best.message)
    return _fault(lines, moved, chance, found[0].bits, fixes)


def _unlikely(lines: LineIndex, done: Scan, origin: Origin) -> Fault:
    """Returns the fault of a text that no edit is likely to mend: where it stops being JSON, which is certain."""
    assert done.at is not None
    at, here = origin(done.at), done.text[done.at : done.at + 1]
    message = f"this is not JSON from here on: unexpected {here!r}" if here else "the JSON ends too early"
    return _fault(lines, Repair(at, at, "", BROKEN, message), CERTAIN, 0.0, ())


def _fault(lines: LineIndex, repair: Repair, chance: float, bits: float, fixes: tuple[Fix, ...]) -> Fault:
    line, column = lines.line_column(repair.start)
    return Fault(
        start=repair.start,
        end=repair.end,
        line=line,
        column=column,
        bits=round(bits, 2),
        probability=round(chance, 4),
        kind=repair.kind,
        message=repair.message,
        excerpt=lines.excerpt(repair.start, repair.end),
        fixes=fixes,
    )


def _several(done: Scan) -> bool:
    """Whether the text is several documents: a line begins another one where the first has ended."""
    text, at = done.text, done.at or 0
    begins = done.place.expects == END and text[at : at + 1] in ("{", "[")
    return begins and text[text.rfind("\n", 0, at) + 1 : at].strip() == ""


def _moved(repair: Repair, by: int) -> Repair:
    return replace(repair, start=repair.start + by, end=repair.end + by)


def _edited(text: str, repair: Repair) -> str:
    return text[: repair.start] + repair.replacement + text[repair.end :]


def _origin(at: int, applied: tuple[Repair, ...], mark: int) -> int:
    """Returns where a place of a text was before these repairs were applied, one after another.

    mark: characters before the text that were passed over.
    """
    for repair in reversed(applied):
        added = repair.start + len(repair.replacement)
        if at >= added:
            at += repair.end - added
        else:
            at = min(at, repair.start)
    return mark + at
