"""Indentation that tells which tag was forgotten: where it is kept well, an element ends as far in as it began.

Once a tag is lost, every end tag after it closes the wrong element, and only the layout still shows whose it was.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from soupstate.model.faults.checks.mismatches import Tag
from soupstate.model.faults.edits import Repair, missing_end, missing_start
from soupstate.model.page.elements import MULTILINE, VOID

LINE = re.compile(r"^([ \t]*)(\S?)", re.M)
TAB = 4  # columns
# An indented page: it has so many elements over several lines at least, such a share of which end as they began.
PAIRS, AGREED = 4, 0.5
LINES = 400  # looked through for where a tag was lost


@dataclass(frozen=True)
class Line:
    """A line: where its text begins, how far in, and whether it has any."""

    at: int
    indent: int
    blank: bool


class Indentation:
    """The lines of a page with its tags, and the elements that end elsewhere than they began."""

    def __init__(self, page: str, tags: list[Tag], usual: dict[str, str]) -> None:
        """usual: the start tag of an element as it is written on the page."""
        self.page, self.usual = page, usual
        found = ((m.end(1), len(m[1].expandtabs(TAB)), not m[2]) for m in LINE.finditer(page))
        self.lines = [Line(*f) for f in found]
        self.line_of = {line.at: number for number, line in enumerate(self.lines) if not line.blank}
        pairs = ((start, end) for start, end in _pairs(tags) if start.name in MULTILINE)
        self.pairs = [(s, e) for s, e in pairs if self._first(s) and (not e or self._first(e))]

    def __iter__(self) -> Iterator[tuple[int, list[Repair]]]:
        """(place, repairs) where a tag is perhaps missing, in the order in which elements end."""
        closed = [(start, end) for start, end in self.pairs if end]
        agreed = sum(self._indent(start) == self._indent(end) for start, end in closed)
        if len(closed) < PAIRS or agreed < AGREED * len(closed):
            return
        blamed = -1  # where such an element begins: those around it end wrong for its sake, up to one that ends right
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
        """Whether a tag is the first on its line."""
        return tag.start in self.line_of

    def _indent(self, tag: Tag) -> int:
        return self.lines[self.line_of[tag.start]].indent

    def _lost_end(self, tag: Tag) -> Iterator[Repair]:
        """Before the next line that is no further in than the element's start tag, or behind the text before that."""
        first = self.line_of[tag.start]
        limit = self._indent(tag)
        for line in self.lines[first + 1 : first + LINES]:
            if line.indent <= limit and (line.indent or not line.blank):
                yield missing_end(line.at, tag.name)
                yield missing_end(len(self.page[: line.at].rstrip()), tag.name)
                return

    def _lost_start(self, tag: Tag) -> Iterator[Repair]:
        """After the last line before the end tag that is no further in than it is."""
        last = self.line_of[tag.start]
        limit = self._indent(tag)
        for number in range(last - 1, max(-1, last - LINES), -1):
            line = self.lines[number]
            if line.indent <= limit and (line.indent or not line.blank):
                if line.blank and line.indent == limit:
                    yield missing_start(line.at, tag.name, self.usual)
                yield missing_start(self.lines[number + 1].at, tag.name, self.usual)
                return


def _pairs(tags: list[Tag]) -> Iterator[tuple[Tag, Tag | None]]:
    """Elements by their start and end tags, in the order in which they end; without an end tag where there is none."""
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
