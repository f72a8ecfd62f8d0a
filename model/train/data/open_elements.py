"""The elements that are open after each tag of a page, by its tree. They are counted by the depth layer's kinds."""

import numpy as np
from numpy.typing import NDArray

from soupstate.model.net.depth import CELLS
from soupstate.model.net.reading_loop import character_starts
from soupstate.model.page.elements import COUNTED_KINDS, FOREIGN, FOREIGN_KIND, OBSOLETE_VOID, ONCE, VOID
from soupstate.model.page.marks import COLUMN
from soupstate.model.train.data.teacher import Placed, placed_tags, teach
from soupstate.model.train.data.tokens import Token

ENDLESS = VOID | OBSOLETE_VOID
KIND_OF = {name: kind for kind, names in enumerate(COUNTED_KINDS) for name in names}

Counts = NDArray[np.int64]


def opened(page: str) -> tuple[NDArray[np.int64], Counts]:
    """Returns the bytes (n,) at which tags take effect, and the open elements of each kind after them, (n, CELLS).

    A tag takes effect at the byte after its name. A void element opens and closes at once. An element of SVG or MathML
    that closes itself does so at its tag's end.
    """
    depth = teach(page)[:, COLUMN["depth"]].astype(np.int64)
    starts = character_starts(np.frombuffer(page.encode("utf-8"), np.uint8))
    tree = _Tree(placed_tags(page))
    found: dict[int, Counts] = {}
    before, foreign = 0, False
    for number, token in tree.tags:
        after = int(depth[token.start])
        behind = int(starts[min(token.name_end, token.end - 1)])
        if token.name in FOREIGN:
            foreign = token.kind == "start"
        if token.kind == "end":
            tree.end(token.name)
        else:
            tree.start(number)
            if foreign and page[token.end - 2] == "/":
                found[behind] = tree.counts(after)
                tree.end(token.name)
                behind, after = int(starts[token.end - 1]), after - 1
            elif token.name in ENDLESS and not foreign:
                tree.end(token.name)
                after -= 1
            elif token.name in ONCE:
                after = max(after, before)
        found[behind] = tree.counts(after)
        before = after
    return np.array([*found], np.int64), np.array([*found.values()], np.int64).reshape(-1, CELLS)


class _Tree:
    """The elements of a page that have a start tag, and the innermost open one."""

    def __init__(self, found: tuple[list[Token], dict[int, Placed]]) -> None:
        self.tags = [(number, token) for number, token in enumerate(found[0]) if token.kind in ("start", "end")]
        self.placed = found[1]
        self.current = -1
        self.known: dict[int, Counts] = {-1: np.zeros(CELLS, np.int64)}

    def start(self, number: int) -> None:
        if number in self.placed:
            self.current = number

    def end(self, name: str) -> None:
        at = self.current
        while at >= 0 and self.placed[at].tag != name:
            at = self.placed[at].parent
        if at >= 0:
            self.current = self.placed[at].parent

    def counts(self, depth: int) -> Counts:
        """Returns the counts of the open elements by kind. depth: their number."""
        line, at = [], self.current
        while at not in self.known:
            line.append(at)
            at = self.placed[at].parent
        for number in reversed(line):
            counts = self.known[at].copy()
            element = self.placed[number]
            counts[FOREIGN_KIND if element.standing.foreign else KIND_OF.get(element.tag, 0)] += 1
            self.known[number] = counts
            at = number
        found = self.known[self.current].copy()
        found[0] = max(0, found[0] + depth - int(found.sum()))
        return found
