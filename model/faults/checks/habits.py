"""Finds tags that are missing by a page's own habits: where two tags follow each other between which it has a third one
elsewhere.

Pages are made from templates, and repeat themselves. If <div class="card"> stands between </div> and <h3> in all cards
but one, it is probably missing there. The page tells how it is written, with its attributes.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from soupstate.model.faults.checks.mismatches import Tag
from soupstate.model.faults.edits import Repair, inserted
from soupstate.model.page.stop import Watch, watched

CLASS = re.compile(r"""\sclass\s*=\s*("[^"]*"|'[^']*'|[^\s>]+)""", re.I)
LEAST = 2  # times that the page has the third tag between the two
FARTHEST = 200  # characters between two tags that follow each other
MOST = 2  # tags that are proposed between two


class Usual(NamedTuple):
    """A tag that may be missing at a place, and how often the page has it between two such tags elsewhere."""

    at: int
    repair: Repair
    times: int


def habits(page: str, tags: list[Tag], unclosed: set[str], unopened: set[str], watch: Watch) -> Iterator[Usual]:
    """Yields tags that may be missing, those first that the page has most often elsewhere.

    tags: of the page, in order. unclosed: names of which the page has more start tags than end tags; unopened: the
    other way round. Tags of other names are not missing.
    """
    alike = [_alike(page, tag) for tag in watched(tags, watch)]
    between: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    example: dict[tuple[str, str, str], int] = {}
    for k in range(1, len(tags) - 1):
        if tags[k].name in (unclosed if tags[k].closes else unopened):
            between[alike[k - 1], alike[k + 1]][alike[k]] += 1
            example[alike[k - 1], alike[k], alike[k + 1]] = k
    pairs = Counter(zip(alike, alike[1:], strict=False))
    found: list[Usual] = []
    for i, two in enumerate(zip(alike, alike[1:], strict=False)):
        if two not in between or tags[i + 1].start - tags[i].end > FARTHEST:
            continue
        for name, times in between[two].most_common(MOST):
            if times < max(LEAST, pairs[two]):
                break
            k = example[two[0], name, two[1]]
            text = page[tags[k].start : tags[k].end]
            for place in _places(page, tags, i, k):
                found.append(Usual(tags[i].end, inserted(place, text, tags[k].name), times))
    yield from sorted(found, key=lambda usual: (-usual.times, usual.at))


def _alike(page: str, tag: Tag) -> str:
    """Returns what tags have in common that the page uses alike: the name, and the class."""
    found = CLASS.search(page, tag.start, tag.end)
    return ("/" if tag.closes else "") + tag.name + (found[1] if found else "")


def _places(page: str, tags: list[Tag], i: int, k: int) -> list[int]:
    """Returns where the tag `k` may stand between the tag `i` and the next: as far from one of them as it is elsewhere,
    if the text on the way is the same, or else beside it."""
    first, last = tags[i].end, tags[i + 1].start
    before, after = page[tags[k - 1].end : tags[k].start], page[tags[k].end : tags[k + 1].start]
    between = page[first:last]
    behind = first + (len(before) if between.startswith(before) else 0)
    ahead = last - (len(after) if between.endswith(after) else 0)
    return list(dict.fromkeys((behind, ahead)))
