"""Settles how deep in lists a text is, by counting: lists that are open, of which each has an item open or not.

The network finds the tags, nearly all of them, and undercounts where lists are deep. So where the tags of a list nest,
from its start tag to its end tag, their count decides the depth and the kind of list of the text between. Where they do
not, because an end tag is missing, closes another list or closes what was opened before the list, the depth layer
counts where the network sees a list, too (`soupstate.model.page.counted`).
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from soupstate.model.page.cuts import CLOSING, TAG, TEXT, Cut
from soupstate.model.page.elements import LISTS
from soupstate.model.page.marks import LIST_DEPTHS, Event
from soupstate.model.page.named_tags import NamedTags
from soupstate.model.page.stop import COUNTED, SPAN, Watch

ITEM = "li"
# Elements whose end tag also closes a list that was opened inside them. Those that are often left open do not count.
BLOCKS = frozenset(
    "div section article nav aside header footer main form fieldset figure details table blockquote dl center".split()
)
NAMES = (*sorted(LISTS), ITEM, *sorted(BLOCKS))  # that count
AGREEMENT = 0.5  # share of a list's texts that the network, too, must take for text in a list


class _Lists:
    """The lists that are open. Each has its name, whether an item is open, and the number of blocks open in it."""

    def __init__(self) -> None:
        self.open: list[tuple[str, bool, int]] = []
        self.items = 0  # that are open
        self.nests = True  # whether all tags since the outermost list began have nested

    def start(self, name: str) -> None:
        if name in LISTS:
            self.open.append((name, False, 0))
        elif name == ITEM:
            self._change(item=True, blocks=0)
        elif name in BLOCKS:
            self._change(item=self.open[-1][1], blocks=self.open[-1][2] + 1)

    def end(self, name: str) -> None:
        last, item, blocks = self.open[-1]
        if name in LISTS:
            self.nests = last == name
            self._change(item=False, blocks=0)
            self.open.pop()
        elif name == ITEM:
            self._change(item=False, blocks=0)
        elif name in BLOCKS:
            self.nests = blocks > 0
            self._change(item=item, blocks=blocks - 1)

    def _change(self, *, item: bool, blocks: int) -> None:
        """Changes the innermost list."""
        name, before, _ = self.open[-1]
        self.items += item - before
        self.open[-1] = name, item, blocks


def settle_lists(
    page: memoryview,
    cut: Cut,
    event: NDArray[np.uint8],
    depth: NDArray[np.uint8],
    ordered: NDArray[np.uint8],
    watch: Watch,
) -> NDArray[np.bool_]:
    """Corrects the depth in lists (spans,) of a page's texts, and whether their list is ordered (spans,).

    Returns which spans were settled (spans,): those in a list whose tags nest. Offsets of `cut` are those of the bytes
    of the page. It takes time in proportion to the page. Raises Stopped.
    """
    found = NamedTags.found(page, cut, NAMES, watch)
    spans = found.spans
    begins = (cut.kind[spans] == TAG) & (event[spans] == Event.LIST) & (found.names < len(LISTS))
    names = [NAMES[name] for name in found.names.tolist()]
    tags = list(zip(spans.tolist(), names, (cut.kind[spans] == CLOSING).tolist(), strict=True))
    until = 0
    settled = np.zeros(len(depth), np.bool_)
    for first in np.flatnonzero(begins).tolist():
        if first >= until:
            counted, until = _counted(tags, first, watch)
            if counted:
                _settle(counted, cut, depth, ordered, settled)
    return settled


def _counted(tags: list[tuple[int, str, bool]], first: int, watch: Watch) -> tuple[list[tuple[int, int, bool]], int]:
    """Counts in the list that a tag begins, and in all lists in it. Returns the counts and the first tag not looked at.

    tags: the span of each, its name, and whether it is an end tag. A count is the first span for which it holds, the
    depth, and whether the list is ordered. There are none where tags do not nest.
    """
    lists = _Lists()
    counted: list[tuple[int, int, bool]] = []
    for k in range(first, len(tags)):
        if k % COUNTED == 0 or k == first:
            watch(COUNTED * SPAN)
        span, name, closes = tags[k]
        (lists.end if closes else lists.start)(name)
        if not lists.nests:
            return [], k + 1
        if not lists.open:
            return [*counted, (span, 0, False)], k + 1
        counted.append((span, min(lists.items, LIST_DEPTHS - 1), lists.open[-1][0] == "ol"))
    return [], len(tags)  # the list does not end


def _settle(
    counted: list[tuple[int, int, bool]],
    cut: Cut,
    depth: NDArray[np.uint8],
    ordered: NDArray[np.uint8],
    settled: NDArray[np.bool_],
) -> None:
    """Writes what was counted from one tag to the next, if the network saw a list there, too."""
    whole = slice(counted[0][0], counted[-1][0])
    text = (cut.kind[whole] == TEXT) & ~cut.blank[whole]
    if np.count_nonzero(depth[whole][text]) < AGREEMENT * np.count_nonzero(text):
        return
    settled[whole] = True
    for (start, deep, kind), (end, _, _) in pairwise(counted):
        depth[start:end], ordered[start:end] = deep, kind
