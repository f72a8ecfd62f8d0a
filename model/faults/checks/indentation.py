"""Finds missing tags by indentation: on a well indented page, an element ends at the indentation where it began.

After a lost tag every end tag closes the wrong element, and only the layout still shows which one it belongs to.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from soupstate.model.faults.checks.mismatches import Tag
from soupstate.model.faults.edits import Repair, missing_end, missing_start
from soupstate.model.page.elements import MULTILINE, VOID

LINE = re.compile(r"^([ \t]*)(\S?)", re.M)
TAB = 4  # columns
# An indented page has at least this many elements over several lines, and at least this share end as they began.
FEWEST_PAIRS, AGREED_SHARE = 4, 0.5
SEARCHED_LINES = 400  # lines searched for the place of a lost tag


@dataclass(frozen=True)
class Line:
    """A line: where its text begins, its indentation in columns, and whether it is blank."""

    at: int
    indent: int
    blank: bool


class Indentation:
    """The lines and tags of a page, and the elements whose start and end tags are first on their lines."""

    def __init__(self, page: str, tags: list[Tag], usual: dict[str, str]) -> None:
        """usual: how the page writes the start tags, by name."""
        self.page, self.usual = page, usual
        found = ((m.end(1), len(m[1].expandtabs(TAB)), not m[2]) for m in LINE.finditer(page))
        self.lines = [Line(*f) for f in found]
        self.line_of = {line.at: number for number, line in enumerate(self.lines) if not line.blank}
        pairs = ((start, end) for start, end in _pairs(tags) if start.name in MULTILINE)
        self.pairs = [(s, e) for s, e in pairs if self._first(s) and (not e or self._first(e))]

    def __iter__(self) -> Iterator[tuple[int, list[Repair]]]:
        """Yields (place, repairs) where a tag may be missing, in the order in which elements end."""
        closed = [(start, end) for start, end in self.pairs if end]
        agreed = sum(self._indent(start) == self._indent(end) for start, end in closed)
        if len(closed) < FEWEST_PAIRS or agreed < AGREED_SHARE * len(closed):
            return
        blamed = -1  # start of the faulty element; elements around it end wrongly because of it, until one ends right
        for start, end in self.pairs:
            difference = self._indent(start) - (self._indent(end) if end else 0)
            if end and difference == 0:
                blamed = -1 if start.start < blamed else blamed
            elif start.start >= blamed:
                blamed = start.start
                found = list(self._lost_start(end) if end and difference < 0 else self._lost_end(start))
                if found:
                    yield found[0].start, found

    def _first(self, tag: Tag) -> bool:
        """Whether a tag is the first text on its line."""
        return tag.start in self.line_of

    def _indent(self, tag: Tag) -> int:
        return self.lines[self.line_of[tag.start]].indent

    def _lost_end(self, tag: Tag) -> Iterator[Repair]:
        """Proposes an end tag before the next line that is not indented further than the start tag, or earlier."""
        first = self.line_of[tag.start]
        limit = self._indent(tag)
        for line in self.lines[first + 1 : first + SEARCHED_LINES]:
            if line.indent <= limit and (line.indent or not line.blank):
                yield missing_end(line.at, tag.name)
                yield missing_end(len(self.page[: line.at].rstrip()), tag.name)
                return

    def _lost_start(self, tag: Tag) -> Iterator[Repair]:
        """Proposes a start tag after the last line above that is not indented further than the end tag."""
        last = self.line_of[tag.start]
        limit = self._indent(tag)
        for number in range(last - 1, max(-1, last - SEARCHED_LINES), -1):
            line = self.lines[number]
            if line.indent <= limit and (line.indent or not line.blank):
                if line.blank and line.indent == limit:
                    yield missing_start(line.at, tag.name, self.usual)
                yield missing_start(self.lines[number + 1].at, tag.name, self.usual)
                return


def _pairs(tags: list[Tag]) -> Iterator[tuple[Tag, Tag | None]]:
    """Yields elements as start and end tag, in the order in which they end; the end tag is None when it is missing."""
    opened: list[Tag] = []
    names: dict[str, int] = {}
    for tag in tags:
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
