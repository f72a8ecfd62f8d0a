"""Finds the tables of a page that hold data, and writes them as Markdown (GitHub Flavored Markdown, 4.10)."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from soupstate.model.page.marks import Event
from soupstate.model.page.spans import Span, TagSpan
from soupstate.model.page.stop import SPAN, Watch, watched
from soupstate.model.page.tags import name_of

# Rows are filled up with empty cells to the width of the table, unless that makes it this many times as large. Markdown
# fills shorter rows itself.
SPARSE = 4
PARTS = frozenset({"tbody", "thead", "tfoot", "tr", "td", "th", "caption", "colgroup"})  # tags that only make a table
# Events that a cell of data does not have, besides blocks.
LAYOUT = frozenset({Event.HEADING, Event.PREFORMATTED, Event.QUOTE, Event.LIST, Event.ITEM, Event.RULE, Event.IMAGE})


@dataclass(slots=True)
class _Open:
    """A table whose end has not come. first, width: cells of its first row and of the row under way."""

    index: int
    header: bool = False
    nested: bool = False
    layout: bool = False
    first: int = 0
    width: int = 0
    rows: int = 0
    even: bool = True

    def row(self) -> None:
        """Ends the row under way."""
        if self.width:
            self.rows += 1
            self.first = self.first or self.width
            self.even = self.even and self.width == self.first
        self.width = 0

    def is_data(self) -> bool:
        """Whether it has a header cell; or rows of one width, two rows and columns at least, and no block inside."""
        self.row()
        return not self.nested and (self.header or (not self.layout and self.even and self.rows > 1 and self.first > 1))


def data_tables(page: str, spans: Iterable[Span], watch: Watch) -> set[int]:
    """Returns the indices of the TABLE tags of tables that hold data. Raises Stopped."""
    data: set[int] = set()
    opened: list[_Open] = []
    for i, span in enumerate(watched(spans, watch)):
        if not isinstance(span, TagSpan):
            continue
        if span.event == Event.TABLE:
            if opened:
                opened[-1].nested = True
            opened.append(_Open(i))
        elif not opened:
            continue
        elif span.event == Event.TABLE_END:
            table = opened.pop()
            if table.is_data():
                data.add(table.index)
        else:
            _note(opened[-1], page, span)
    return data | {table.index for table in opened if table.is_data()}


def _note(table: _Open, page: str, span: TagSpan) -> None:
    if span.event == Event.ROW:
        table.row()
    elif span.event in (Event.CELL, Event.HEADER_CELL):
        table.width += 1
        table.header = table.header or span.event == Event.HEADER_CELL
    elif not table.layout:
        table.layout = span.event in LAYOUT or (span.event == Event.BLOCK and name_of(page, span) not in PARTS)


@dataclass(slots=True)
class Table:
    """A table under way. wide: columns of the cells that take more than one, by row and column."""

    rows: list[list[str]] = field(default_factory=list)
    wide: dict[int, dict[int, int]] = field(default_factory=dict)

    def row(self) -> None:
        """Begins a row."""
        self.rows.append([])

    def cell(self, columns: int = 1) -> None:
        """Begins a cell."""
        if not self.rows:
            self.row()
        self.rows[-1].append("")
        if columns > 1:
            self.wide.setdefault(len(self.rows) - 1, {})[len(self.rows[-1]) - 1] = columns

    def add(self, text: str) -> None:
        """Adds text to the last cell."""
        row = self.rows[-1]
        row[-1] = f"{row[-1]} {text}" if row[-1] else text

    def in_cell(self) -> bool:
        """Whether the last row has a cell."""
        return bool(self.rows and self.rows[-1])

    def markdown(self, watch: Watch) -> str:
        """Returns the table, whose first row is its header; "" where it has no text. Raises Stopped."""
        if not any(any(row) for row in self.rows):
            return ""
        width = max(map(len, self.rows))
        rows = [self._widened(i, row, width) for i, row in enumerate(self.rows) if row]
        cells = sum(map(len, rows))
        for row in rows if width * len(rows) <= SPARSE * cells else rows[:1]:
            row += [""] * (width - len(row))
        rows.insert(1, ["---"] * width)
        lines = []
        for row in rows:
            watch(SPAN * len(row))
            lines.append("| " + " | ".join(row) + " |")
        return "\n".join(lines)

    def _widened(self, number: int, row: list[str], width: int) -> list[str]:
        """Returns a row with empty cells after its wide ones, as far as the width allows."""
        wide = self.wide.get(number)
        if not wide:
            return row
        left, out = width - len(row), list[str]()
        for column, text in enumerate(row):
            more = min(left, wide.get(column, 1) - 1)
            out += [text, *[""] * more]
            left -= more
        return out
