"""Suspects: places where a page's markup does not fit together: brackets and quotes that have no other, end tags that
close something else, elements never closed. Most are harmless; which are not is the network's to say (faults.py).
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soupstate.model.faults.edits import MISSING, Repair, missing_end, missing_start, unexpected_end
from soupstate.model.page.elements import OPTIONAL_END, PARENT, PARENTS, VOID
from soupstate.model.page.marks import Syntax
from soupstate.model.page.spans import Span, TagSpan

PIECE = re.compile(r"<[^<>]*>?|[^<>]*>|[^<>]+")  # a tag, whole or not, or the end of one; or text, to pass it quickly
NAME = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]*)")
CLOSED_MOSTLY = 0.8  # share of an element's start tags that have end tags, for a missing one to be a slip
WINDOW = 300  # characters in which a lost tag is looked for
PLACES = 3  # most surprising places of a window
QUIET = (Syntax.RAW, Syntax.COMMENT, Syntax.DOCTYPE)
ATTRIBUTE_TEXT = 300  # characters: a longer piece is no tag


def pieces(page: str, syntax: NDArray[np.uint8]) -> Iterator[tuple[int, int]]:
    """(start, end) of what should be a tag and is not: a bracket or a quote has no other."""
    for m in PIECE.finditer(page):
        piece, start = m[0], m.start()
        if piece[0] != "<" and piece[-1] != ">":
            continue
        if int(syntax[start]) in QUIET and int(syntax[m.end() - 1]) in QUIET:
            continue
        broken = not (piece.startswith("<") and piece.endswith(">"))
        odd = piece.startswith("<") and (piece.count('"') % 2 == 1 or (piece.count("'") % 2 == 1 and '"' not in piece))
        if broken or odd:
            yield max(start, m.end() - ATTRIBUTE_TEXT), m.end()


@dataclass(frozen=True)
class Tag:
    """A whole tag: its element's name in small letters, and where it stands."""

    name: str
    start: int
    end: int
    closes: bool


class Mismatches:
    """Walks through the tags of a page with a stack of open elements, and proposes repairs where they do not fit."""

    def __init__(self, page: str, spans: list[Span], excess: NDArray[np.float32]) -> None:
        """excess (characters,): how much more a character surprised than was expected; it tells where to look first."""
        self.page, self.excess = page, excess
        self.tags = [tag for span in spans if isinstance(span, TagSpan) and (tag := _tag(page, span))]
        opening = Counter(tag.name for tag in self.tags if not tag.closes)
        closing = Counter(tag.name for tag in self.tags if tag.closes)
        self.closed = {name: closing[name] >= CLOSED_MOSTLY * count for name, count in opening.items()}
        texts = Counter(page[tag.start : tag.end] for tag in self.tags if not tag.closes)
        self.usual: dict[str, str] = {}  # the start tag of an element that is written most often
        for tag in self.tags:
            text = page[tag.start : tag.end]
            if not tag.closes and texts[text] > max(1, texts[self.usual.get(tag.name, "")]):
                self.usual[tag.name] = text
        self.opened: list[Tag] = []
        self.open: Counter[str] = Counter()  # how many of each name are among them
        self.last = 0  # where the last tag ended

    def __iter__(self) -> Iterator[tuple[int, list[Repair]]]:
        """(place, repairs) in the order of the page; a repair may be made well before its place."""
        for tag in self.tags:
            yield from self._closing(tag) if tag.closes else self._opening(tag)
            self.last = tag.end
        for left in [tag for tag in self.opened if tag.name not in OPTIONAL_END][-PLACES:]:
            yield left.end, list(self._unclosed(left, min(left.end + WINDOW, len(self.page))))

    def _opening(self, tag: Tag) -> Iterator[tuple[int, list[Repair]]]:
        parent = PARENT.get(tag.name)
        around = [t.name for t in self.opened[-4:]]
        if parent and not PARENTS[parent].intersection(around):
            yield tag.start, [missing_start(tag.start, parent, self.usual)]
        if tag.name not in VOID and self.page[tag.end - 2 : tag.end] != "/>":
            self.opened.append(tag)
            self.open[tag.name] += 1

    def _closing(self, tag: Tag) -> Iterator[tuple[int, list[Repair]]]:
        while self.open[tag.name] and self.opened[-1].name in OPTIONAL_END and self.opened[-1].name != tag.name:
            left = self._pop()
            if self.closed[left.name]:
                yield tag.start, list(self._unclosed(left, tag.start))
        if self.opened and self.opened[-1].name == tag.name:
            self._pop()
        elif tag.name not in VOID:
            known = self.open[tag.name] > 0
            yield tag.start, [*self._wrong_end(tag), *(self._unclosed(self.opened[-1], tag.start) if known else ())]
            if not known:
                yield tag.start, list(self._unopened(tag))
            while known and self._pop().name != tag.name:
                continue

    def _pop(self) -> Tag:
        last = self.opened.pop()
        self.open[last.name] -= 1
        return last

    def _wrong_end(self, tag: Tag) -> Iterator[Repair]:
        """What would make an end tag close what was opened last."""
        page, (start, end) = self.page, (tag.start, tag.end)
        yield unexpected_end(start, end, tag.name)
        if not self.opened:
            return
        top = self.opened[-1]
        if len(self.opened) > 1 and self.opened[-2].name == top.name:
            yield Repair(top.start + 1, top.start + 1, "/", *MISSING["/"])
        following = re.compile(rf"(\s*)(</{top.name}\s*>)", re.I).match(page, end)
        if following:
            swapped = following[2] + following[1] + page[start:end]
            message = f"end tags in the wrong order: </{tag.name}></{top.name}>"
            yield Repair(start, following.end(), swapped, "misordered-end-tags", message)

    def _unclosed(self, tag: Tag, until: int) -> Iterator[Repair]:
        """Where the end tag of an element may have stood: before `until`, and at what surprised after it was opened."""
        text = len(self.page[:until].rstrip())
        following = self.page.find("<", tag.end)
        first = [following] if 0 <= following < until else []
        for at in dict.fromkeys([until, max(text, tag.end), *first, *self._surprises(tag.end, until)]):
            yield missing_end(at, tag.name)

    def _unopened(self, tag: Tag) -> Iterator[Repair]:
        """Where the start tag of an end tag may have stood: after the tag before, and at what surprised before it."""
        begin = max(tag.start - WINDOW, self.opened[-1].end if self.opened else 0)
        text = self.last + len(self.page[self.last : tag.start]) - len(self.page[self.last : tag.start].lstrip())
        for at in dict.fromkeys([min(text, tag.start), *self._surprises(begin, tag.start)]):
            yield missing_start(at, tag.name, self.usual)

    def _surprises(self, begin: int, end: int) -> list[int]:
        end = min(end, begin + WINDOW)
        if end - begin < 2:
            return []
        first: list[int] = (begin + 1 + np.argsort(-self.excess[begin + 1 : end])[:PLACES]).tolist()
        return first


def _tag(page: str, span: TagSpan) -> Tag | None:
    m = NAME.match(page, span.start)
    return Tag(m[1].lower(), span.start, span.end, page[span.start + 1] == "/") if m else None
