"""Cuts a page into spans along the syntax of its characters, part by part, as the syntax becomes known."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from soupstate.model.page.marks import Syntax

TEXT, TAG, CLOSING, TITLE, NOTHING = range(5)  # kinds of spans; NOTHING: a comment, a script and the like
VALUES = {int(kind): kind.name.lower() for kind in (Syntax.HREF, Syntax.SRC, Syntax.ALT, Syntax.REL, Syntax.BASE)}
BEGINS_TAG = np.zeros(len(Syntax), np.bool_)
BEGINS_TAG[[Syntax.TAG, Syntax.END_TAG]] = True
KIND_OF = np.full(len(Syntax), NOTHING, np.uint8)  # the kind of a span that begins with a syntax
KIND_OF[[Syntax.TEXT, Syntax.TAG, Syntax.END_TAG, Syntax.TITLE]] = TEXT, TAG, CLOSING, TITLE
IN_TAG = np.zeros(len(Syntax), np.bool_)  # a syntax that may go on with a tag
IN_TAG[[Syntax.ATTRIBUTE, Syntax.VALUE, *VALUES]] = True
SPACE = np.zeros(128, np.bool_)
SPACE[[ord(c) for c in "\t\n\f\r "]] = True
LT = ord("<")
# A tag ends after so many runs of syntax: attributes beyond belong to nothing. It bounds the time of a page that is one
# endless tag.
MOST_RUNS = 20_000

Extents = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]  # indices of spans, starts, ends
Units = NDArray[np.uint8] | NDArray[np.uint32]
Offsets = NDArray[np.int32]


@dataclass(frozen=True)
class Cut:
    """Spans in order, without marks. kind, start, end, blank: (spans,). values: the extents of tags' values, by name.

    blank: a text that is only white space. Offsets count units of the page, which are bytes or code points.
    """

    kind: NDArray[np.uint8]
    start: Offsets
    end: Offsets
    blank: NDArray[np.bool_]
    values: dict[str, Extents]

    @property
    def is_tag(self) -> NDArray[np.bool_]:
        """Which of the spans are tags: (spans,)."""
        found: NDArray[np.bool_] = (self.kind == TAG) | (self.kind == CLOSING)
        return found

    def moved(self, begins: Callable[[Offsets], Offsets], ends: Callable[[Offsets], Offsets]) -> "Cut":
        """Returns the same spans with other offsets: begins(starts) and ends(ends)."""
        values = {name: (owners, begins(start), ends(end)) for name, (owners, start, end) in self.values.items()}
        return replace(self, start=begins(self.start), end=ends(self.end), values=values)

    def some(self, keep: NDArray[np.bool_]) -> "Cut":
        """Returns those spans that are to be kept. keep (spans,)."""
        number = np.cumsum(keep, dtype=np.int32) - 1
        values = dict[str, Extents]()
        for name, (owners, starts, ends) in self.values.items():
            kept = keep[owners]
            values[name] = number[owners[kept]], starts[kept], ends[kept]
        return Cut(self.kind[keep], self.start[keep], self.end[keep], self.blank[keep], values)


def joined(cuts: list[Cut]) -> Cut:
    """Joins the cuts of consecutive parts of a page."""
    first = np.cumsum([0, *(len(cut.kind) for cut in cuts)], dtype=np.int32)
    values: dict[str, Extents] = {}
    for name in VALUES.values():
        found = [
            (owners + at, *rest) for cut, at in zip(cuts, first, strict=False) for owners, *rest in [cut.values[name]]
        ]
        owners, starts, ends = (np.concatenate(column) for column in zip(*found, strict=True))
        values[name] = owners, starts, ends
    kind, start, end, blank = (
        np.concatenate([getattr(cut, name) for cut in cuts]) for name in ("kind", "start", "end", "blank")
    )
    return Cut(kind, start, end, blank, values)


class Cutter:
    """Cuts one page. A span is given out when what follows shows that it has ended.

    A run is a stretch of one syntax. A tag begins at each `<` that has the syntax of a tag, and is made of the runs of
    tags and attributes that follow.
    """

    def __init__(self) -> None:
        self.at = 0  # units that were fed
        # The runs of the span that has not ended: where they begin, their syntax, whether they begin with `<`, and
        # whether anything in them is not white space. The last one has not ended either.
        self.start = np.zeros(0, np.int32)
        self.syntax = np.zeros(0, np.uint8)
        self.opens = np.zeros(0, np.bool_)
        self.solid = np.zeros(0, np.bool_)

    @property
    def pending(self) -> int:
        """Where the span begins that has not ended."""
        return int(self.start[0]) if len(self.start) else self.at

    def feed(self, units: Units, syntax: NDArray[np.uint8], *, last: bool = False) -> Cut:
        """Takes the next units (n,) of the page with their syntax (n,). Returns the spans that have ended.

        last: the page ends with them.
        """
        self._take(units, syntax)
        runs = len(self.start)
        begins = self._begins()
        if not last and runs > MOST_RUNS:
            begins[-1] = True
        ends = np.append(self.start[1:], np.int32(self.at))
        first = np.flatnonzero(begins)
        if not last:
            runs = int(first[-1]) if len(first) else 0
            first = first[:-1]
        cut = self._cut(first, runs, ends)
        self.start, self.syntax = self.start[runs:], self.syntax[runs:]
        self.opens, self.solid = self.opens[runs:], self.solid[runs:]
        return cut

    def _take(self, units: Units, syntax: NDArray[np.uint8]) -> None:
        """Adds the runs of further units."""
        if not len(units):
            return
        opens = (units == LT) & BEGINS_TAG[syntax]
        edge = opens.copy()
        edge[1:] |= syntax[1:] != syntax[:-1]
        edge[0] |= not len(self.syntax) or syntax[0] != self.syntax[-1]
        at = np.flatnonzero(edge)
        solid = ~SPACE[np.minimum(units, len(SPACE) - 1)]
        before = int(at[0]) if len(at) else len(units)
        if before:
            self.solid[-1] |= solid[:before].any()
        if len(at):
            self.start = np.concatenate([self.start, (at + self.at).astype(np.int32)])
            self.syntax = np.concatenate([self.syntax, syntax[at]])
            self.opens = np.concatenate([self.opens, opens[at]])
            self.solid = np.concatenate([self.solid, np.logical_or.reduceat(solid, at)])
        self.at += len(units)

    def _begins(self) -> NDArray[np.bool_]:
        """Returns which runs begin a span."""
        may_go_on = IN_TAG[self.syntax]
        named = BEGINS_TAG[self.syntax]
        index = np.arange(len(self.syntax))
        decides = np.maximum.accumulate(np.where(may_go_on, -1, index))  # the last run that began a tag or ended it
        before = np.concatenate([[-1], decides[:-1]])[: len(index)]
        in_tag = (before >= 0) & named[before]
        begins: NDArray[np.bool_] = self.opens | ~((may_go_on | named) & in_tag)
        return begins

    def _cut(self, first: NDArray[np.int64], runs: int, ends: Offsets) -> Cut:
        """Returns the spans whose first runs are `first`; they end before run `runs`."""
        last = np.append(first[1:], runs)[: len(first)] - 1
        kind = KIND_OF[self.syntax[first]]
        some = kind != NOTHING
        number = np.cumsum(some, dtype=np.int32) - 1  # of each group among the spans
        group = np.repeat(np.arange(len(first)), last - first + 1) if len(first) else np.zeros(0, np.int64)
        values: dict[str, Extents] = {}
        for syntax, name in VALUES.items():
            found = np.flatnonzero((self.syntax[:runs] == syntax) & (kind == TAG)[group])
            owners, once = np.unique(group[found], return_index=True)  # of several, the first counts
            values[name] = number[owners], self.start[found[once]], ends[found[once]]
        blank = (kind == TEXT) & ~self.solid[first]
        return Cut(kind[some], self.start[first[some]], ends[last[some]], blank[some], values)
