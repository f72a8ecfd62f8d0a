"""Tells two slips that stand close together from one slip that shows at two places.

Repairs of one kind, or of tags of one name, are often alternatives: only one of them mends the page. Two slips are
different: mending both saves more bits than mending either.
"""

from collections.abc import Sequence

from soupstate.model.faults.edits import Repair
from soupstate.model.faults.judging import MINIMUM_SAVED, Candidate, Pair, reported, seem_one
from soupstate.model.faults.scoring import ScoredEdit, read_sides, score_edits
from soupstate.model.net.reader import Reader, Reading
from soupstate.model.page.stop import Stop

DOUBTED = 0.3  # least probability of a fault that a likelier one hides, for another look at it
MOST_PAIRS = 8  # of faults that are looked at again
KEPT_SHARE = 0.5  # of the bits that an edit saves alone, and must still save once the other edit is made


def two_slips(reader: Reader, reading: Reading, found: Sequence[Candidate], stop: Stop) -> frozenset[Pair]:
    """Returns the pairs of faults that `reported` takes for one slip, but that are two. Raises Stopped."""
    pairs = _hidden(reading.page, found)[:MOST_PAIRS]
    if not pairs:
        return frozenset()
    both = [_joined(reading.page, kept.edits[0].repair, hidden.edits[0].repair) for kept, hidden in pairs]
    score_edits(read_sides(reader, reading, both, stop), both, stop)
    return frozenset(
        kept.pair(hidden) for (kept, hidden), joined in zip(pairs, both, strict=True) if _are_two(kept, hidden, joined)
    )


def _hidden(page: str, found: Sequence[Candidate]) -> list[tuple[Candidate, Candidate]]:
    """Returns pairs of a fault that is reported and a likely one that it alone hides, the likeliest first."""
    shown = [c for c in reported(page, found) if c.edits]
    kept_ids = {id(c) for c in shown}
    pairs = []
    for c in sorted(found, key=lambda c: -c.fault.probability):
        if c.fault.probability < DOUBTED or not c.fault.fixes or not c.edits or id(c) in kept_ids:
            continue
        over = [kept for kept in shown if seem_one(page, kept, c)]
        if len(over) == 1 and _separate(over[0].edits[0].repair, c.edits[0].repair):
            pairs.append((over[0], c))
    return pairs


def _separate(one: Repair, other: Repair) -> bool:
    """Whether there is text between what two repairs change."""
    first, last = sorted((one, other), key=lambda r: r.key)
    return first.end < last.start


def _joined(page: str, one: Repair, other: Repair) -> ScoredEdit:
    """Returns the edit that makes both repairs."""
    first, last = sorted((one, other), key=lambda r: r.key)
    text = first.replacement + page[first.end : last.start] + last.replacement
    return ScoredEdit(first.start, Repair(first.start, last.end, text, first.kind, first.message), mismatch=True)


def _are_two(kept: Candidate, hidden: Candidate, joined: ScoredEdit) -> bool:
    """Whether the hidden fault's edit still saves enough where the other one is made."""
    second, alone = joined.gain - kept.edits[0].gain, hidden.edits[0].gain
    return second >= max(MINIMUM_SAVED, KEPT_SHARE * alone)
