"""Spans: runs of marks. A text span is the text between two tags; a tag span is a tag with the places of its values.

Each span gets one decision from the evidence pooled over it. Offsets count code points. A page may have as many spans
as characters, so `Spans` holds them in arrays and makes the objects when they are asked for.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import overload

import numpy as np
from numpy.typing import NDArray

from soupstate.model.page.cuts import CLOSING, TAG, TEXT, TITLE, Cut, Cutter
from soupstate.model.page.marks import COLUMN, IGNORED, Block, Event, Visible

Extent = tuple[int, int]  # start, end
Marks = NDArray[np.uint8]


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
ENDS_LINE = np.array([event not in INLINE for event in Event])
ENDS_BLOCK = ENDS_LINE & np.array([event != Event.BREAK for event in Event])
TEXT_HEADS = ("visible", "link", "block", "list", "ordered", "quote", "cell", "strong", "emphasis", "code", "main")
BLOCK_COLUMN = TEXT_HEADS.index("block")
TYPEFACE_COLUMNS = [TEXT_HEADS.index(name) for name in ("strong", "emphasis", "code")]  # of letters within a word, too
AT_ONCE = 1024  # spans whose objects are made together
# A page keeps its objects, of about 200 bytes each, if it has at most KEPT spans and one more per SPARSE characters.
KEPT, SPARSE = 8192, 8


class Spans(Sequence[Span]):
    """The spans of a page, or some of them, in its order. Comments, doctypes, scripts and styles have none.

    cut: where they are. event (spans,): of tags. marks (spans, TEXT_HEADS): of texts.
    """

    def __init__(self, cut: Cut, event: Marks, marks: Marks) -> None:
        self.cut, self.event, self.marks = cut, event, marks
        self._kept: list[Span] | None = None

    @classmethod
    def decided(cls, cut: Cut, event: Marks, marks: Marks) -> "Spans":
        """Returns the spans of a page of which each was decided alone: some texts take marks from what is before."""
        event = np.where(cut.is_tag, event, np.uint8(Event.NONE))
        return cls(cut, event, _completed(cut, event, marks))

    @classmethod
    def none(cls) -> "Spans":
        """Returns the spans of an empty page."""
        cut = Cutter().feed(np.zeros(0, np.uint8), np.zeros(0, np.uint8), last=True)
        return cls(cut, np.zeros(0, np.uint8), np.zeros((0, len(TEXT_HEADS)), np.uint8))

    @property
    def solid(self) -> NDArray[np.bool_]:
        """Which of the spans are text that is not blank: (spans,)."""
        found: NDArray[np.bool_] = (self.cut.kind == TEXT) & ~self.cut.blank
        return found

    @property
    def base(self) -> Extent | None:
        """The value of the first `<base href>`."""
        _, starts, ends = self.cut.values["base"]
        return (int(starts[0]), int(ends[0])) if len(starts) else None

    def mark(self, name: str) -> Marks:
        """Returns a mark (spans,) of texts, one of TEXT_HEADS."""
        return self.marks[:, TEXT_HEADS.index(name)]

    def some(self, keep: NDArray[np.bool_]) -> "Spans":
        """Returns those spans that are to be kept. keep (spans,)."""
        return Spans(self.cut.some(keep), self.event[keep], self.marks[keep])

    def objects(self, keep: NDArray[np.bool_]) -> Iterator[Span]:
        """Yields the objects of those spans that are to be kept. keep (spans,)."""
        return iter(self.some(keep)) if self._kept is None else compress(self._kept, keep.tolist())

    def __len__(self) -> int:
        return len(self.cut.kind)

    def __iter__(self) -> Iterator[Span]:
        if len(self) > KEPT + int(self.cut.end.max(initial=0)) // SPARSE:
            return (span for first in range(0, len(self), AT_ONCE) for span in self._made(first))
        if self._kept is None:
            self._kept = [span for first in range(0, len(self), AT_ONCE) for span in self._made(first)]
        return iter(self._kept)

    @overload
    def __getitem__(self, index: int) -> Span: ...

    @overload
    def __getitem__(self, index: slice) -> list[Span]: ...

    def __getitem__(self, index: int | slice) -> Span | list[Span]:
        if isinstance(index, slice):
            return list(self)[index]
        at = range(len(self))[index]
        return self._made(at - at % AT_ONCE)[at % AT_ONCE]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Spans) and list(self) == list(other)

    def _made(self, first: int) -> list[Span]:
        """Makes the objects of spans first .. first + AT_ONCE - 1."""
        cut, some = self.cut, slice(first, first + AT_ONCE)
        kind, start, end = cut.kind[some], cut.start[some], cut.end[some]
        made = np.empty(len(kind), object)

        def make(which: NDArray[np.bool_], span: type[Span], *columns: NDArray[np.generic]) -> None:
            made[which] = list(map(span, *(column[which].tolist() for column in (start, end, *columns))))

        make(kind == TEXT, TextSpan, cut.blank[some], *self.marks[some].T)
        make(cut.is_tag[some], TagSpan, self.event[some], kind == CLOSING)
        make(kind == TITLE, TitleSpan)
        for name, (owners, starts, ends) in cut.values.items():
            part = slice(*np.searchsorted(owners, [first, first + AT_ONCE]))
            for owner, *extent in zip(owners[part].tolist(), starts[part].tolist(), ends[part].tolist(), strict=True):
                setattr(made[owner - first], name, tuple(extent))
        spans: list[Span] = made.tolist()
        return spans


def _completed(cut: Cut, event: Marks, marks: Marks) -> Marks:
    """Returns marks (spans, TEXT_HEADS) with those that a span takes from the spans before it.

    Blank text takes the marks of the text before. After a preformatted tag all text up to the next block is
    preformatted, whatever its own marks.
    """
    marks = marks.copy()
    texts = np.flatnonzero(cut.kind == TEXT)
    if len(texts):
        before = np.maximum.accumulate(np.where(cut.blank[texts], -1, np.arange(len(texts))))
        blank = texts[cut.blank[texts]]
        source = before[cut.blank[texts]]
        marks[blank] = np.where((source >= 0)[:, None], marks[texts[source]], np.uint8(0))
    blocks = np.flatnonzero(cut.is_tag & ENDS_BLOCK[event])
    if len(blocks) and len(texts):
        last = np.searchsorted(blocks, texts) - 1
        preformatted = (last >= 0) & (event[blocks[last]] == Event.PREFORMATTED)
        marks[texts[preformatted], BLOCK_COLUMN] = Block.PREFORMATTED
    return marks


def spans_of_marks(page: str, marks: Marks) -> Spans:
    """Returns the spans of a page whose marks (len(page), heads) are known, as those of a lesson are."""
    points = np.frombuffer(page.encode("utf-32-le", "surrogatepass"), np.uint32)
    cut = Cutter().feed(points, marks[:, COLUMN["syntax"]], last=True)

    def most(name: str, start: int, end: int) -> int:
        column = marks[start:end, COLUMN[name]]
        known = column[column != IGNORED]
        return int(np.bincount(known).argmax()) if len(known) else 0

    event = np.zeros(len(cut.kind), np.uint8)
    decided = np.zeros((len(cut.kind), len(TEXT_HEADS)), np.uint8)
    for i, (kind, start, end) in enumerate(zip(cut.kind.tolist(), cut.start.tolist(), cut.end.tolist(), strict=True)):
        if kind == TEXT and not cut.blank[i]:
            decided[i] = [most(name, start, end) for name in TEXT_HEADS]
        elif kind in (TAG, CLOSING):
            event[i] = most("event", start, end)
    return Spans.decided(cut, event, decided)
