"""Settles which texts are strong, emphasised or code, by the tags of such elements where they pair; and which tags
leave the text around them in one line.

The network finds the tags, but undercounts inside others: in `<code>a<em>b</em>c</code>` it saw no code. Where a start
tag has its end tag, and the blocks in between open and close in between too, the two decide for the text between them.
Where one has no partner, because it was lost, the network's marks stay from there to the end of the block.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from soupstate.model.page.cuts import TEXT, Cut
from soupstate.model.page.elements import CODE, EMPHASIS, STRONG
from soupstate.model.page.marks import Event
from soupstate.model.page.named_tags import NamedTags
from soupstate.model.page.stop import Watch

GROUPS = (STRONG, EMPHASIS, CODE)
BLOCKS = (
    "p div li td th tr table ul ol dl dt dd h1 h2 h3 h4 h5 h6 blockquote pre section article header footer nav aside "
    "main form fieldset figure figcaption center address details body"
).split()
# Elements within a line, which have no event of their own (WHATWG HTML, 3.2.5.2.5 and 16.2), and the line break.
WITHIN = (
    "abbr acronym bdi bdo big blink data del dfn font ins label mark meter nobr output progress q rb rp rt rtc ruby s "
    "slot small span strike sub sup time u var wbr"
).split()
LONGEST = 10_000  # bytes between two tags that pair; where there are more, the end tag was lost

NAMES = (*BLOCKS, *WITHIN, "br", *(name for names in GROUPS for name in sorted(names)))

Marks = NDArray[np.uint8]


def settle_inline(page: memoryview, cut: Cut, event: Marks, marks: tuple[Marks, Marks, Marks], watch: Watch) -> None:
    """Corrects the events (spans,) of tags within a line, and which texts (spans,) are strong, emphasised and code.

    Offsets of `cut` are those of the page's bytes. It takes time in proportion to the page. Raises Stopped.
    """
    tags = NamedTags.found(page, cut, NAMES, watch)
    event[tags.of(WITHIN).spans] = Event.NONE
    event[tags.of(["br"]).spans] = Event.BREAK
    blocks = tags.of(BLOCKS)
    for names, own, mark in zip(GROUPS, (Event.STRONG, Event.EMPHASIS, Event.CODE), marks, strict=True):
        found = tags.of(names)
        event[found.spans] = np.where(found.closing, Event.NONE, own)
        if len(found.spans):
            _settle(cut, found, blocks, mark, watch)
        else:
            mark[:] = 0


def settle_links(page: memoryview, cut: Cut, link: Marks, watch: Watch) -> None:
    """Marks as a link (spans,) the text that stands alone between an `a` with an address and `</a>`. Raises Stopped.

    The network misses some where the start tag has lost its `>`, as in `<a href="/x"here</a>`.
    """
    addressed = set(cut.values["href"][0].tolist())
    found = NamedTags.found(page, cut, ("a",), watch)
    ends = zip(found.spans.tolist(), found.closing.tolist(), strict=True)
    for (first, closes), (last, ended) in pairwise(ends):
        if ended and not closes and last == first + 2 and cut.kind[first + 1] == TEXT and first in addressed:
            link[first + 1] = 1


def _settle(cut: Cut, tags: NamedTags, blocks: NamedTags, mark: Marks, watch: Watch) -> None:
    """Writes a mark (spans,) for the texts between tags that pair, and removes it elsewhere, where all tags pair."""
    count = np.zeros(len(mark) + 1, np.int32)
    unsure = np.zeros(len(mark) + 1, np.int32)
    places = blocks.spans
    level = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.where(blocks.closing, -1, 1))])

    def closes_block(first: int, last: int) -> int:
        """Returns where the block ends that is open at span `first`, if that is before span `last`; else `last`."""
        low, high = (int(np.searchsorted(places, span)) for span in (first, last))
        below = np.flatnonzero(level[low + 1 : high + 1] < level[low])
        return int(places[low + int(below[0])]) if len(below) else last

    def near(first: int) -> int:
        """Returns the first span that is too far from span `first` to pair with it."""
        return int(np.searchsorted(cut.start, int(cut.end[first]) + LONGEST))

    opened: list[tuple[int, int]] = []
    for span, name, closes in zip(tags.spans.tolist(), tags.names.tolist(), tags.closing.tolist(), strict=True):
        watch()
        if not closes:
            opened.append((span, name))
            continue
        if opened and opened[-1][1] == name:
            first, _ = opened.pop()
            end = closes_block(first, min(span, near(first)))
            if end == span:
                count[first] += 1
                count[span] -= 1
                continue
            unsure[first] += 1
            unsure[end] -= 1
        before = int(np.searchsorted(places, span)) - 1
        begin = int(places[before]) if before >= 0 else 0
        unsure[min(begin, span)] += 1
        unsure[span] -= 1
    for first, _ in opened:
        end = closes_block(first, near(first))
        unsure[first] += 1
        unsure[end] -= 1
    inside = np.cumsum(count[:-1]) > 0
    mark[:] = np.where(np.cumsum(unsure[:-1]) > 0, mark, inside)
