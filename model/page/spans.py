"""Spans: runs of marks. A text span is the text between two tags; a tag span is a tag with the places of its values.

Each span gets one decision from the evidence pooled over it: `decide(names, places)` returns the classes of the heads
`names` for each of places (start, end). Offsets count code points.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soupstate.model.page.marks import COLUMN, IGNORED, Block, Event, Syntax, Visible

Extent = tuple[int, int]  # start, end
Decide = Callable[[tuple[str, ...], list[Extent]], list[list[int]]]

TAG_PARTS = frozenset({Syntax.ATTRIBUTE, Syntax.VALUE, Syntax.HREF, Syntax.SRC, Syntax.ALT, Syntax.REL, Syntax.BASE})
SPACE = "\t\n\f\r "


@dataclass(slots=True)
class TextSpan:
    """page[start:end] is text. blank: it is only white space, and has the marks of the text before."""

    start: int
    end: int
    blank: bool
    visible: int = Visible.SHOWN
    link: int = 0
    block: int = Block.BODY
    list: int = 0
    ordered: int = 0
    quote: int = 0
    cell: int = 0
    strong: int = 0
    emphasis: int = 0
    code: int = 0
    main: int = 0


@dataclass(slots=True)
class TagSpan:
    """page[start:end] is a tag. The extents of its useful values are None where it has none."""

    start: int
    end: int
    event: int
    closing: bool
    href: Extent | None = None
    src: Extent | None = None
    alt: Extent | None = None
    rel: Extent | None = None
    base: Extent | None = None


@dataclass(slots=True)
class TitleSpan:
    """page[start:end] is the page's title."""

    start: int
    end: int


Span = TextSpan | TagSpan | TitleSpan

# Events that leave the text around a tag in one block. A line break does so too, but it ends a line.
INLINE = frozenset({Event.NONE, Event.LINK, Event.LINK_END, Event.STRONG, Event.EMPHASIS, Event.CODE, Event.IMAGE})
ONE_BLOCK = INLINE | {Event.BREAK}
TEXT_HEADS = ("visible", "link", "block", "list", "ordered", "quote", "cell", "strong", "emphasis", "code", "main")
VALUES = {int(kind): kind.name.lower() for kind in (Syntax.HREF, Syntax.SRC, Syntax.ALT, Syntax.REL, Syntax.BASE)}


def runs(page: str, syntax: NDArray[np.uint8]) -> list[tuple[int, int, int]]:
    """Returns (syntax, start, end) of maximal runs. Every tag begins a run of its own."""
    if not page:
        return []
    cut = np.flatnonzero(syntax[1:] != syntax[:-1]) + 1
    opens = np.array(find_all(page, "<"), np.int64)
    opens = opens[np.isin(syntax[opens], (Syntax.TAG, Syntax.END_TAG))]
    edges = np.unique(np.concatenate([[0], cut, opens, [len(page)]]))
    return list(zip(syntax[edges[:-1]].tolist(), edges[:-1].tolist(), edges[1:].tolist(), strict=True))


def find_all(page: str, what: str) -> list[int]:
    """Returns every place where a one-character string occurs."""
    places, at = [], page.find(what)
    while at >= 0:
        places.append(at)
        at = page.find(what, at + 1)
    return places


def assemble(page: str, syntax: NDArray[np.uint8], decide: Decide) -> list[Span]:
    """Returns the spans in the order of the page. Comments, doctypes, scripts and styles have no spans."""
    spans = _undecided(page, syntax)
    tags = [span for span in spans if isinstance(span, TagSpan)]
    for tag, (event,) in zip(tags, decide(("event",), [(s.start, s.end) for s in tags]), strict=True):
        tag.event = event
    texts = [(s.start, s.end) for s in spans if isinstance(s, TextSpan) and not s.blank]
    decided = iter(decide(TEXT_HEADS, texts))
    marks = [0] * len(TEXT_HEADS)
    preformatted = False  # after such a tag all text up to the next block is preformatted, whatever its own marks
    for i, span in enumerate(spans):
        if isinstance(span, TagSpan):
            if span.event not in ONE_BLOCK:
                preformatted = span.event == Event.PREFORMATTED
        elif isinstance(span, TextSpan):
            marks = marks if span.blank else next(decided)
            spans[i] = span = TextSpan(span.start, span.end, span.blank, *marks)
            if preformatted:
                span.block = Block.PREFORMATTED
    return spans


def _undecided(page: str, syntax: NDArray[np.uint8]) -> list[Span]:
    """Returns the spans without their marks."""
    spans: list[Span] = []
    tag: TagSpan | None = None
    for kind, start, end in runs(page, syntax):
        if kind in (Syntax.TAG, Syntax.END_TAG) and (tag is None or page[start] == "<"):
            tag = TagSpan(start, end, Event.NONE, kind == Syntax.END_TAG)
            spans.append(tag)
        elif tag is not None and (kind in (Syntax.TAG, Syntax.END_TAG) or kind in TAG_PARTS):
            tag.end = end
            name = VALUES.get(kind)
            if name and getattr(tag, name) is None:
                setattr(tag, name, (start, end))
        else:
            tag = None
            if kind == Syntax.TEXT:
                spans.append(TextSpan(start, end, not page[start:end].strip(SPACE)))
            elif kind == Syntax.TITLE:
                spans.append(TitleSpan(start, end))
    return spans


def spans_of_marks(page: str, marks: NDArray[np.uint8]) -> list[Span]:
    """Returns the spans of a page whose marks (len(page), heads) are known, as those of a lesson are."""

    def most(name: str, place: Extent) -> int:
        column = marks[slice(*place), COLUMN[name]]
        known = column[column != IGNORED]
        return int(np.bincount(known).argmax()) if len(known) else 0

    def decide(names: tuple[str, ...], places: list[Extent]) -> list[list[int]]:
        return [[most(name, place) for name in names] for place in places]

    return assemble(page, marks[:, COLUMN["syntax"]], decide)
