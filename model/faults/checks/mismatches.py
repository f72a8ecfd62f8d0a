"""Finds places where a page's markup does not fit together: brackets and quotes without a partner, end tags that close
the wrong element, elements that are never closed. Most are harmless. The network decides which are not; see
`soupstate.model.faults.find`.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from sys import intern

import numpy as np
from numpy.typing import NDArray

from soupstate.model.faults.edits import (
    MISSING,
    Repair,
    missing_end,
    missing_start,
    renamed,
    unexpected_end,
    unexpected_start,
)
from soupstate.model.page.elements import (
    ESCAPABLE_RAW_TEXT,
    LISTS,
    OPTIONAL_END,
    PARENT,
    PARENTS,
    RAW_TEXT,
    STANDARD,
    VOID,
)
from soupstate.model.page.marks import Syntax
from soupstate.model.page.spans import Span, TagSpan
from soupstate.model.page.stop import Watch, watched

PIECE = re.compile(r"<[^<>]*>?|[^<>]*>|[^<>]+")  # a tag or a part of one; or text, to skip it quickly
NAME = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]*)")
CLOSED_SHARE = 0.8  # a missing end tag is a slip when at least this share of the element's start tags have end tags
WINDOW = 300  # characters searched for the place of a lost tag
WINDOW_PLACES = 3  # most surprising places of a window
RAW = RAW_TEXT | ESCAPABLE_RAW_TEXT  # elements whose text is not markup: the networks decide where these end
QUIET = (Syntax.RAW, Syntax.COMMENT, Syntax.DOCTYPE)
LONGEST_TAG = 300  # characters; a longer piece is not a tag
CHILDREN_TAGS = 100  # tags behind a start tag that are looked at for where its element may end
FEW = 3  # first and last children behind which it may end
# Elements whose end tag may be left out and which people confuse: by the end tag, the open element that may be meant.
ALIKE = {"td": ("th",), "th": ("td",), "dt": ("dd",), "dd": ("dt",)}


def pieces(page: str, syntax: NDArray[np.uint8]) -> Iterator[tuple[int, int]]:
    """Yields (start, end) of what should be a tag but is not, because a bracket or a quote has no partner."""
    for m in PIECE.finditer(page):
        piece, start = m[0], m.start()
        if piece[0] != "<" and piece[-1] != ">":
            continue
        if int(syntax[start]) in QUIET and int(syntax[m.end() - 1]) in QUIET:
            continue
        broken = not (piece.startswith("<") and piece.endswith(">"))
        odd = piece.startswith("<") and (piece.count('"') % 2 == 1 or (piece.count("'") % 2 == 1 and '"' not in piece))
        if broken or odd:
            yield max(start, m.end() - LONGEST_TAG), m.end()


@dataclass(frozen=True, slots=True)
class Tag:
    """A complete tag: its element's name in lower case, and its place."""

    name: str
    start: int
    end: int
    closes: bool


class Mismatches:
    """Walks through the tags of a page with a stack of open elements, and proposes repairs where they do not fit."""

    def __init__(
        self,
        page: str,
        spans: Iterable[Span],
        excess: NDArray[np.float32],
        watch: Watch | None = None,
        written: str | None = None,
    ) -> None:
        """excess (characters,): the surprisal beyond what was expected. Places with a great excess come first.

        written: the page before it was masked, from which start tags are copied.
        """
        self.page, self.excess = page, excess
        self.watch = watch or Watch()
        self.tags = list(_tags(page, spans, self.watch))
        self.starts = [tag.start for tag in self.tags]
        opening = Counter(tag.name for tag in self.tags if not tag.closes)
        closing = Counter(tag.name for tag in self.tags if tag.closes)
        self.closed = {name: closing[name] >= CLOSED_SHARE * count for name, count in opening.items()}
        self.unclosed_names = {name for name, count in opening.items() if count > closing[name]}
        self.unopened_names = {name for name, count in closing.items() if count > opening[name]}
        self.usual = _usual(written or page, self.tags, self.watch)
        self.opened: list[Tag] = []
        self.open: Counter[str] = Counter()  # number of open elements, by name
        self.last = 0  # end of the last tag

    def __iter__(self) -> Iterator[tuple[int, list[Repair]]]:
        """Yields (place, repairs) in the order of the page. A repair may be well before its place."""
        for tag in watched(self.tags, self.watch):
            yield from self._closing(tag) if tag.closes else self._opening(tag)
            self.last = tag.end
        for left in [tag for tag in self.opened if tag.name not in OPTIONAL_END][-WINDOW_PLACES:]:
            yield left.end, list(self.unclosed_until_end(left))

    def _opening(self, tag: Tag) -> Iterator[tuple[int, list[Repair]]]:
        parent = PARENT.get(tag.name)
        around = [t.name for t in self.opened[-4:]]
        if parent and not PARENTS[parent].intersection(around):
            yield tag.start, [missing_start(tag.start, parent, self.usual)]
        if tag.name not in VOID and self.page[tag.end - 2 : tag.end] != "/>":
            self.opened.append(tag)
            self.open[tag.name] += 1

    def _closing(self, tag: Tag) -> Iterator[tuple[int, list[Repair]]]:
        if self.opened and self.opened[-1].name in ALIKE.get(tag.name, ()):
            yield tag.start, list(self.renamings(self.opened[-1], tag))
        while self.open[tag.name] and self.opened[-1].name in OPTIONAL_END and self.opened[-1].name != tag.name:
            left = self._pop()
            if self.closed[left.name]:
                yield tag.start, list(self.unclosed(left, tag.start))
        if self.opened and self.opened[-1].name == tag.name:
            self._pop()
        elif tag.name not in VOID:
            known = self.open[tag.name] > 0
            yield tag.start, [*self._wrong_end(tag), *(self.unclosed(self.opened[-1], tag.start) if known else ())]
            if not known:
                yield tag.start, list(self._unopened(tag))
            while known and self._pop().name != tag.name:
                continue

    def _pop(self) -> Tag:
        last = self.opened.pop()
        self.open[last.name] -= 1
        return last

    def _wrong_end(self, tag: Tag) -> Iterator[Repair]:
        """Proposes edits after which an end tag closes the element that was opened last."""
        page, (start, end) = self.page, (tag.start, tag.end)
        yield unexpected_end(start, end, tag.name)
        if not self.opened:
            return
        top = self.opened[-1]
        if top.name in self.unclosed_names:
            if tag.name in self.unopened_names and top.name not in RAW:
                yield from self.renamings(top, tag)
            if top.name in STANDARD:
                yield unexpected_start(top.start, top.end, top.name)
        if len(self.opened) > 1 and self.opened[-2].name == top.name:
            yield Repair(top.start + 1, top.start + 1, "/", *MISSING["/"])
        following = re.compile(rf"(\s*)(</{top.name}\s*>)", re.I).match(page, end)
        if following:
            swapped = following[2] + following[1] + page[start:end]
            message = f"end tags in the wrong order: </{tag.name}></{top.name}>"
            yield Repair(start, following.end(), swapped, "misordered-end-tags", message)

    def renamings(self, start: Tag, end: Tag) -> Iterator[Repair]:
        """Proposes to give one of a start tag and an end tag the name of the other, as it is written."""
        first, last = start.start + 1, end.start + 2
        started, ended = self.page[first : first + len(start.name)], self.page[last : last + len(end.name)]
        if start.name in STANDARD or len(start.name) - len(end.name) < 2 or not start.name.startswith(end.name):
            yield renamed(last, ended, started)
            yield renamed(first, started, ended)  # <h2Prices</h2> lost its >: another name would remove a word

    def unclosed_until_end(self, tag: Tag) -> Iterator[Repair]:
        """Proposes to delete the start tag of an element that is open at the end of the page, or places for its end."""
        if tag.name in STANDARD:
            yield unexpected_start(tag.start, tag.end, tag.name)
        yield from self.unclosed(tag, min(tag.end + WINDOW, len(self.page)))

    def unclosed(self, tag: Tag, until: int) -> Iterator[Repair]:
        """Proposes places for an element's end tag: before `until`, and at surprising places after its start tag."""
        text = len(self.page[:until].rstrip())
        following = self.page.find("<", tag.end)
        first = [following] if 0 <= following < until else []
        if tag.name in LISTS:
            first.append(max(tag.end, self.page.rfind("</li>", tag.end, until) + len("</li>")))
        first += self._between_children(tag, until)
        for at in dict.fromkeys([until, max(text, tag.end), *first, *self._surprises(tag.end, until)]):
            yield missing_end(at, tag.name)

    def _between_children(self, tag: Tag, until: int) -> list[int]:
        """Returns where an element may end whose children follow: before the next start tag of its name, and behind the
        first and the last few of its children.
        """
        ends: list[int] = []
        siblings: list[int] = []
        inside: list[str] = []
        first = bisect_right(self.starts, tag.start)
        for child in self.tags[first : first + CHILDREN_TAGS]:
            if child.start >= until:
                break
            if not child.closes and child.name == tag.name and not siblings:
                siblings.append(len(self.page[: child.start].rstrip()))
            if not child.closes and child.name not in VOID and self.page[child.end - 2 : child.end] != "/>":
                inside.append(child.name)
            elif child.closes and child.name in inside:
                while inside.pop() != child.name:
                    continue
                if not inside:
                    ends.append(child.end)
        return [*siblings, *dict.fromkeys(ends[:FEW] + ends[-FEW:])]

    def _unopened(self, tag: Tag) -> Iterator[Repair]:
        """Proposes places for the start tag of an end tag: after the last tag, and at surprising places before it."""
        begin = max(tag.start - WINDOW, self.opened[-1].end if self.opened else 0)
        text = self.last + len(self.page[self.last : tag.start]) - len(self.page[self.last : tag.start].lstrip())
        for at in dict.fromkeys([min(text, tag.start), *self._surprises(begin, tag.start)]):
            yield missing_start(at, tag.name, self.usual)

    def _surprises(self, begin: int, end: int) -> list[int]:
        end = min(end, begin + WINDOW)
        if end - begin < 2:
            return []
        first: list[int] = (begin + 1 + np.argsort(-self.excess[begin + 1 : end])[:WINDOW_PLACES]).tolist()
        return first


def _tags(page: str, spans: Iterable[Span], watch: Watch) -> Iterator[Tag]:
    for span in watched(spans, watch):
        m = NAME.match(page, span.start) if isinstance(span, TagSpan) else None
        if m:
            yield Tag(intern(m[1].lower()), span.start, span.end, page[span.start + 1] == "/")


def _usual(page: str, tags: list[Tag], watch: Watch) -> dict[str, str]:
    """Returns the most frequent start tag of each element. A start tag that occurs once only is not usual."""
    texts: Counter[str] = Counter()
    for tag in watched(tags, watch):
        if not tag.closes:
            texts[page[tag.start : tag.end]] += 1
    usual: dict[str, str] = {}
    for text, number in texts.items():
        name = NAME.match(text)
        if name and number > max(1, texts[usual.get(name[1].lower(), "")]):
            usual[name[1].lower()] = text
    return usual
