"""Settles how deep in quotes a text is, by counting: where the tags of quotes nest, to nest is to count.

The network sees the tags of quotes almost always, and forgets within a long quote that it is in one. So where a quote
has both its tags, and no end tag between them closes what was opened before, the text between is in it. What only has a
start tag, and all that follows up to an end tag of what holds it, is for the depth layer to say, or for the network
without one.
"""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from soupstate.model.page.cuts import CLOSING, TAG, TEXT, Cut
from soupstate.model.page.elements import LISTS
from soupstate.model.page.marks import QUOTE_DEPTHS, Event
from soupstate.model.page.nested_lists import BLOCKS
from soupstate.model.page.stop import COUNTED, SPAN, Watch
from soupstate.model.page.well_formed import tag_name

QUOTE = "blockquote"
HOLDERS = (BLOCKS - {QUOTE}) | LISTS | {"li", "td", "th", "tr"}  # elements whose end tag also ends the quotes in them
DEEPEST = 64  # quotes that are followed; where they are deeper, the network decides


class _Quotes:
    """The quotes that are open: the span where each begins, and the elements that are open inside it, by name.

    depth (spans + 1,): by how much it changes before each span. unsure: whether the network is to decide, likewise.
    """

    def __init__(self, spans: int) -> None:
        self.open: list[tuple[int, Counter[str]]] = []
        self.depth = np.zeros(spans + 1, np.int32)
        self.unsure = np.zeros(spans + 1, np.int32)

    def start(self, span: int, name: str) -> None:
        if name == QUOTE and len(self.open) < DEEPEST:
            self.open.append((span, Counter()))
        elif name == QUOTE:
            self.leave(0, len(self.unsure) - 1)
        elif self.open and name in HOLDERS:
            self.open[-1][1][name] += 1

    def end(self, span: int, name: str) -> None:
        if name == QUOTE:
            first, _ = self.open.pop()
            self.depth[first] += 1
            self.depth[span] -= 1
        elif name in HOLDERS:
            if self.open[-1][1][name]:
                self.open[-1][1][name] -= 1
            else:
                self.leave(len(self.open) - 1, span)

    def leave(self, index: int, span: int) -> None:
        """Leaves the open quotes from an index on to the network, up to a span."""
        for first, _ in self.open[index:]:
            self.unsure[first] += 1
            self.unsure[span] -= 1
        del self.open[index:]


def settle_quotes(page: memoryview, cut: Cut, event: NDArray[np.uint8], depth: NDArray[np.uint8], watch: Watch) -> None:
    """Corrects the depth in quotes (spans,) of a page's texts. Offsets of `cut` are those of the bytes of the page.

    It takes time in proportion to the page. Raises Stopped.
    """
    tags = np.flatnonzero(np.isin(cut.kind, (TAG, CLOSING)))
    begins = tags[(cut.kind[tags] == TAG) & (event[tags] == Event.QUOTE)]
    if not len(begins):
        return
    quotes = _Quotes(len(cut.kind))
    for k, span in enumerate(tags[np.searchsorted(tags, begins[0]) :].tolist()):
        if k % COUNTED == 0:
            watch(COUNTED * SPAN)
        closing = cut.kind[span] == CLOSING
        if not quotes.open and (closing or event[span] != Event.QUOTE):
            continue
        name = tag_name(page, int(cut.start[span]), int(cut.end[span]))
        (quotes.end if closing else quotes.start)(span, name)
    quotes.leave(0, len(cut.kind))
    sure = (cut.kind == TEXT) & ~cut.blank & (np.cumsum(quotes.unsure)[:-1] == 0)
    sure[: int(begins[0])] = False
    depth[sure] = np.minimum(np.cumsum(quotes.depth)[:-1][sure], QUOTE_DEPTHS - 1)
