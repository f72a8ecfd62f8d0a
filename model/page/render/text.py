"""Renders a page's spans as visible text, as a browser's `innerText` has it (WHATWG HTML, 3.2.7)."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from soupstate.model.page.entities import text_of
from soupstate.model.page.marks import Block, Event, Visible
from soupstate.model.page.render.folding import folded
from soupstate.model.page.spans import INLINE, Span, TagSpan, TextSpan
from soupstate.model.page.stop import Stop, Watch, never, watched
from soupstate.model.page.tags import name_of

LINE, PARAGRAPH = 1, 2  # line ends: a paragraph has an empty line before and after
CELLS = frozenset({"td", "th"})


def text(page: str, spans: Iterable[Span], stop: Stop = never) -> str:
    """Returns the visible text. Raises Stopped.

    Blocks and line breaks begin a line. Paragraphs have an empty line before and after, and two line breaks make one.
    Cells of a row are separated by tabs. Other tags leave no trace: `H<sub>2</sub>O` is one word.
    """
    watch = Watch(stop)
    lines = _Lines(watch)
    for span in watched(spans, watch):
        if isinstance(span, TagSpan):
            if span.event not in INLINE:
                _boundary(lines, page, span)
        elif isinstance(span, TextSpan) and span.visible == Visible.SHOWN:
            lines.parts.extend(text_of(page, span.start, span.end, watch))
            lines.preformatted |= not span.blank and span.block == Block.PREFORMATTED
    lines.end(LINE)
    return "\n".join(lines.out)


def _boundary(lines: "_Lines", page: str, span: TagSpan) -> None:
    name = name_of(page, span) if span.event == Event.BLOCK else ""
    if span.event == Event.BREAK:
        lines.line_break()
    elif span.event in (Event.CELL, Event.HEADER_CELL):
        lines.cell()
    elif name not in CELLS:
        lines.end(PARAGRAPH if name == "p" else LINE)
        if span.event in (Event.ROW, Event.TABLE, Event.TABLE_END):
            lines.begin()


@dataclass(slots=True)
class _Lines:
    """The lines so far, and the line under way: its finished cells, and the parts of the text after them."""

    watch: Watch
    out: list[str] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    filled: bool = False  # a finished cell has text
    in_row: bool = False  # the line is that of a row with a cell
    preformatted: bool = False
    gap: int = 0  # line ends between the lines so far and the next

    def end(self, gap: int) -> None:
        """Ends the line; one without text stays open."""
        last = self._last()
        if self.filled or last.strip():
            if self.out and self.gap == PARAGRAPH:
                self.out.append("")
            self.out.append("\t".join([*self.cells, last]).rstrip("\t \n"))
            self.begin()
            self.gap = 0
        self.parts.clear()
        self.preformatted = False
        self.gap = max(self.gap, gap)

    def begin(self) -> None:
        """Begins a line outside of any row."""
        self.cells.clear()
        self.filled = self.in_row = False

    def line_break(self) -> None:
        """Ends the line; without text in it, the next line has an empty line before it."""
        if self.preformatted:
            self.parts.append("\n")
        else:
            before = len(self.out)
            self.end(LINE)
            if len(self.out) == before:
                self.gap = PARAGRAPH

    def cell(self) -> None:
        """Begins a cell, with a tab before it unless it begins the line."""
        last = self._last()
        if self.in_row or last:
            self.cells.append(last)
            self.filled = self.filled or bool(last.strip())
        self.parts.clear()
        self.preformatted = False
        self.in_row = True

    def _last(self) -> str:
        """Returns the text since the last cell began."""
        return "".join(self.parts).strip("\n") if self.preformatted else folded(self.parts, self.watch)
