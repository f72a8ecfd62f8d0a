"""Settles marks of texts by the elements that the depth layer counts: quotes, and lists whose tags do not nest."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soupstate.model.page.cuts import TEXT, Cut
from soupstate.model.page.elements import COUNTED_KINDS, LI_KIND, OL_KIND, QUOTE_KIND, UL_KIND
from soupstate.model.page.marks import LIST_DEPTHS, QUOTE_DEPTHS
from soupstate.model.page.stop import COUNTED, SPAN, Watch

Marks = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class OpenElements:
    """places (k,): bytes at which elements open or close, in order. cells (k, kinds): those open after each."""

    places: NDArray[np.int64]
    cells: NDArray[np.uint8]

    def at(self, values: NDArray[np.uint8], starts: NDArray[np.int32]) -> NDArray[np.uint8]:
        """Returns which of values (k,), one for each place, hold before bytes starts (n,). None before the first: 0."""
        held: NDArray[np.uint8] = np.append(np.uint8(0), values)[np.searchsorted(self.places, starts, "left")]
        return held

    def in_ordered(self, watch: Watch) -> NDArray[np.uint8]:
        """Returns whether the innermost list is ordered after each place (k,). Raises Stopped."""
        lists = np.concatenate([np.zeros((1, len(COUNTED_KINDS)), np.uint8), self.cells])[:, [UL_KIND, OL_KIND]]
        changes = np.flatnonzero((lists[1:] != lists[:-1]).any(1))
        ordered = np.zeros(len(lists), np.uint8)  # at changes; before the first one, too
        now = [0, 0]  # open lists that are not ordered, and that are
        open_lists: list[int] = []
        for k, change in enumerate(changes.tolist()):
            if k % COUNTED == 0:
                watch(COUNTED * SPAN)
            for kind, count in enumerate(lists[change + 1].tolist()):
                for _ in range(now[kind] - count):
                    del open_lists[len(open_lists) - 1 - open_lists[::-1].index(kind)]
                open_lists += [kind] * (count - now[kind])
                now[kind] = count
            ordered[change + 1] = open_lists[-1] if open_lists else 0
        last = np.zeros(len(lists), np.int64)
        last[changes + 1] = changes + 1
        held: NDArray[np.uint8] = ordered[np.maximum.accumulate(last)][1:]
        return held


def settle_counted(
    cut: Cut, counted: OpenElements, settled: NDArray[np.bool_], lists: tuple[Marks, Marks], quote: Marks, watch: Watch
) -> None:
    """Corrects the depth in quotes (spans,) of texts, and where tags have not settled them, depth and kind of lists.

    settled (spans,): whether tags have settled the list. lists: depth in lists (spans,), and whether they are ordered
    (spans,). They count where the network, too, sees a list. Offsets of `cut` are those of bytes. Raises Stopped.
    """
    text = cut.kind == TEXT
    starts = cut.start[text]
    quote[text] = np.minimum(counted.at(counted.cells[:, QUOTE_KIND], starts), QUOTE_DEPTHS - 1)
    depth, ordered = lists
    items = counted.at(counted.cells[:, LI_KIND], starts)
    unsettled = ~settled[text] & (items > 0) & (depth[text] > 0)
    if not unsettled.any():
        return
    at = np.flatnonzero(text)[unsettled]
    depth[at] = np.minimum(items[unsettled], LIST_DEPTHS - 1)
    ordered[at] = counted.at(counted.in_ordered(watch), starts)[unsettled]
