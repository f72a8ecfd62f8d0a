"""Finds missing tags by indentation: on a well indented page, an element ends at the indentation where it began.

After a lost tag every end tag closes the wrong element, and only the layout still shows which one it belongs to.
"""

import re
from collections.abc import Iterator

import numpy as np

from soupstate.model.faults.checks.mismatches import Tag
from soupstate.model.faults.edits import Repair, missing_end, missing_start
from soupstate.model.page.elements import MULTILINE, VOID
from soupstate.model.page.stop import Watch, watched

LINE = re.compile(r"^([ \t]*)(\S?)", re.M)
TAB = 4  # columns
# An indented page has at least this many elements over several lines, and at least this share end as they began.
FEWEST_PAIRS, AGREED_SHARE = 4, 0.5
SEARCHED_LINES = 400  # lines searched for the place of a lost tag


class Indentation:
    """The lines and tags of a page, and the elements whose start and end tags are first on their lines.

    at, indent (lines,): where the text of each line begins, and its indentation in columns. blank (lines,).
    """

    def __init__(self, page: str, tags: list[Tag], usual: dict[str, str], watch: Watch) -> None:
        """usual: how the page writes the start tags, by name."""
        self.page, self.usual, self.watch = page, usual, watch
        numbers = np.fromiter(_lines(page, watch), np.int64).reshape(-1, 3)
        self.at, self.indent, blank = np.ascontiguousarray(numbers.T)
        self.blank = blank.astype(np.bool_)
        pairs = ((start, end) for start, end in _pairs(tags, watch) if start.name in MULTILINE)
        self.pairs = [(s, e) for s, e in pairs if self._first(s) and (not e or self._first(e))]

    def __iter__(self) -> Iterator[tuple[int, list[Repair]]]:
        """Yields (place, repairs) where a tag may be missing, in the order in which elements end."""
        closed = [(start, end) for start, end in self.pairs if end]
        agreed = sum(self._indent(start) == self._indent(end) for start, end in closed)
        if len(closed) < FEWEST_PAIRS or agreed < AGREED_SHARE * len(closed):
            return
        blamed = -1  # start of the faulty element; elements around it end wrongly because of it, until one ends right
        for start, end in watched(self.pairs, self.watch):
            difference = self._indent(start) - (self._indent(end) if end else 0)
            if end and difference == 0:
                blamed = -1 if start.start < blamed else blamed
            elif start.start >= blamed:
                blamed = start.start
                found = list(self._lost_start(end) if end and difference < 0 else self._lost_end(start))
                if found:
                    yield found[0].start, found

    def _line(self, tag: Tag) -> int:
        """Returns the number of the line whose text begins with a tag or after it."""
        return int(np.searchsorted(self.at, tag.start))

    def _first(self, tag: Tag) -> bool:
        """Whether a tag is the first text on its line."""
        line = self._line(tag)
        return line < len(self.at) and int(self.at[line]) == tag.start

    def _indent(self, tag: Tag) -> int:
        return int(self.indent[self._line(tag)])

    def _outside(self, line: int, limit: int) -> bool:
        """Whether a line is not indented further than `limit`; one without any text or indentation does not count."""
        return bool(self.indent[line] <= limit and (self.indent[line] or not self.blank[line]))

    def _lost_end(self, tag: Tag) -> Iterator[Repair]:
        """Proposes an end tag before the next line that is not indented further than the start tag, or earlier."""
        first, limit = self._line(tag), self._indent(tag)
        for line in range(first + 1, min(len(self.at), first + SEARCHED_LINES)):
            if self._outside(line, limit):
                at = int(self.at[line])
                yield missing_end(at, tag.name)
                yield missing_end(len(self.page[:at].rstrip()), tag.name)
                return

    def _lost_start(self, tag: Tag) -> Iterator[Repair]:
        """Proposes a start tag after the last line above that is not indented further than the end tag."""
        last, limit = self._line(tag), self._indent(tag)
        for line in range(last - 1, max(-1, last - SEARCHED_LINES), -1):
            if self._outside(line, limit):
                if self.blank[line] and self.indent[line] == limit:
                    yield missing_start(int(self.at[line]), tag.name, self.usual)
                yield missing_start(int(self.at[line + 1]), tag.name, self.usual)
                return


def _lines(page: str, watch: Watch) -> Iterator[int]:
    """Yields three numbers per line: where its text begins, its indentation in columns, and whether it is blank."""
    for m in watched(LINE.finditer(page), watch):
        yield from (m.end(1), len(m[1].expandtabs(TAB)), not m[2])


def _pairs(tags: list[Tag], watch: Watch) -> Iterator[tuple[Tag, Tag | None]]:
    """Yields elements as start and end tag, in the order in which they end; the end tag is None when it is missing."""
    opened: list[Tag] = []
    names: dict[str, int] = {}
    for tag in watched(tags, watch):
        if not tag.closes:
            if tag.name not in VOID:
                opened.append(tag)
                names[tag.name] = names.get(tag.name, 0) + 1
            continue
        while names.get(tag.name):
            start = opened.pop()
            names[start.name] -= 1
            yield start, tag if start.name == tag.name else None
            if start.name == tag.name:
                break
    for start in reversed(opened):
        yield start, None
