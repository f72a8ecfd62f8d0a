"""Settles which texts are strong, emphasised or code, by the tags of such elements where they pair; and which tags
leave the text around them in one line.

The network finds the tags, but undercounts inside others: in `<code>a<em>b</em>c</code>` it saw no code. Where a start
tag has its end tag, and the blocks in between open and close in between too, the two decide for the text between them.
Where one has no partner, because it was lost, the network's marks stay from there to the end of the block.
"""

import re
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from soupstate.model.page.cuts import TEXT, Cut
from soupstate.model.page.elements import CODE, EMPHASIS, STRONG
from soupstate.model.page.marks import Event
from soupstate.model.page.stop import SPAN, Watch

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


def _tags(names: frozenset[str] | list[str]) -> re.Pattern[bytes]:
    return re.compile(rb"<(/?)(%s)(?=[\s/>])" % "|".join(names).encode(), re.I)


INLINE_TAGS, BLOCK_TAGS = [_tags(names) for names in GROUPS], _tags(BLOCKS)
WITHIN_TAGS, BREAKS, LINK_TAGS = _tags(WITHIN), _tags(["br"]), _tags(["a"])

Marks = NDArray[np.uint8]


def settle_inline(page: memoryview, cut: Cut, event: Marks, marks: tuple[Marks, Marks, Marks], watch: Watch) -> None:
    """Corrects the events (spans,) of tags within a line, and which texts (spans,) are strong, emphasised and code.

    Offsets of `cut` are those of the page's bytes. It takes time in proportion to the page. Raises Stopped.
    """
    event[[span for span, _, _ in _found(page, cut, WITHIN_TAGS, watch)]] = Event.NONE
    event[[span for span, _, _ in _found(page, cut, BREAKS, watch)]] = Event.BREAK
    blocks: tuple[list[int], list[int]] | None = None
    for pattern, own, mark in zip(INLINE_TAGS, (Event.STRONG, Event.EMPHASIS, Event.CODE), marks, strict=True):
        tags = _found(page, cut, pattern, watch)
        if not tags:
            mark[:] = 0
            continue
        event[[span for span, closes, _ in tags if closes]] = Event.NONE
        event[[span for span, closes, _ in tags if not closes]] = own
        if blocks is None:
            found = _found(page, cut, BLOCK_TAGS, watch)
            blocks = [span for span, _, _ in found], [-1 if closes else 1 for _, closes, _ in found]
        _settle(cut, tags, blocks, mark, watch)


def settle_links(page: memoryview, cut: Cut, link: Marks, watch: Watch) -> None:
    """Marks as a link (spans,) the text that stands alone between an `a` with an address and `</a>`. Raises Stopped.

    The network misses some where the start tag has lost its `>`, as in `<a href="/x"here</a>`.
    """
    addressed = set(cut.values["href"][0].tolist())
    for (first, closes, _), (last, ends, _) in pairwise(_found(page, cut, LINK_TAGS, watch)):
        if ends and not closes and last == first + 2 and cut.kind[first + 1] == TEXT and first in addressed:
            link[first + 1] = 1


def _found(page: memoryview, cut: Cut, pattern: re.Pattern[bytes], watch: Watch) -> list[tuple[int, bool, bytes]]:
    """Returns the tags of these names: the span of each, whether it is an end tag, and its name in lower case."""
    matches = list(pattern.finditer(page))
    watch(SPAN * len(matches))
    at = np.array([m.start() for m in matches], np.int64)
    spans = np.searchsorted(cut.start, at)
    is_tag = (np.append(cut.start, -1)[spans] == at) & np.append(cut.is_tag, False)[spans]
    return [
        (span, bool(m[1]), m[2].lower())
        for m, span, tag in zip(matches, spans.tolist(), is_tag.tolist(), strict=True)
        if tag
    ]


def _settle(
    cut: Cut, tags: list[tuple[int, bool, bytes]], blocks: tuple[list[int], list[int]], mark: Marks, watch: Watch
) -> None:
    """Writes a mark (spans,) for the texts between tags that pair, and removes it elsewhere, where all tags pair."""
    count = np.zeros(len(mark) + 1, np.int32)
    unsure = np.zeros(len(mark) + 1, np.int32)
    places = np.array(blocks[0], np.int64)
    level = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.array(blocks[1], np.int64))])

    def closes_block(first: int, last: int) -> int:
        """Returns where the block ends that is open at span `first`, if that is before span `last`; else `last`."""
        low, high = (int(np.searchsorted(places, span)) for span in (first, last))
        below = np.flatnonzero(level[low + 1 : high + 1] < level[low])
        return int(places[low + int(below[0])]) if len(below) else last

    def near(first: int) -> int:
        """Returns the first span that is too far from span `first` to pair with it."""
        return int(np.searchsorted(cut.start, int(cut.end[first]) + LONGEST))

    opened: list[tuple[int, bytes]] = []
    for span, closes, name in tags:
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
