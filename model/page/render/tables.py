"""Finds the tables of a page that hold data, and writes them as Markdown (GitHub Flavored Markdown, 4.10)."""

import re
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from soupstate.model.page.marks import Event, Visible
from soupstate.model.page.spans import Spans, TagSpan, TextSpan
from soupstate.model.page.stop import SPAN, Watch, watched
from soupstate.model.page.tags import LONGEST_TAG, name_of

# Rows are filled up with empty cells to the width of the table, unless that makes it this many times as large. Markdown
# fills shorter rows itself.
SPARSE = 4
PARTS = frozenset({"tbody", "thead", "tfoot", "tr", "td", "th", "caption", "colgroup"})  # tags that only make a table
SMALL_BLOCKS = frozenset({"p", "div", "center"})  # cells of data may hold these, if their text is short
SHORT = 80  # characters of the text of such a cell
COVERS = re.compile(r"""\s(col|row)span\s*=\s*["']?([0-9]{1,4})""", re.I)
MOST_COLUMNS = 1000  # that a cell covers (WHATWG HTML, 4.9.11)
# Events that a cell of data does not have, besides blocks.
LAYOUT = frozenset({Event.HEADING, Event.PREFORMATTED, Event.QUOTE, Event.LIST, Event.ITEM, Event.RULE, Event.IMAGE})


def covered(page: str, span: TagSpan) -> tuple[int, int]:
    """Returns how many columns and rows a cell covers, from its tag.

    >>> covered('<td colspan="2">', TagSpan(0, 16, Event.CELL, False))
    (2, 1)
    """
    found = COVERS.findall(page, span.start, min(span.end, span.start + LONGEST_TAG))
    named = {name.lower(): max(1, int(number)) for name, number in reversed(found)}
    return min(named.get("col", 1), MOST_COLUMNS), named.get("row", 1)


@dataclass(slots=True)
class _Open:
    """A table whose end has not come. first, width: columns of its first row and of the row under way."""

    index: int
    header: bool = False
    nested: bool = False
    layout: bool = False
    blocks: bool = False  # its cells hold small blocks
    filled: int = 0  # cells of the row under way that have text
    full: int = 0  # rows with two such cells or more
    length: int = 0  # of the text of the cell under way
    longest: int = 0  # of all its cells
    first: int = 0
    width: int = 0
    rows: int = 0
    even: bool = True
    down: int = 0  # columns that cells of rows above cover
    ending: Counter[int] = field(default_factory=Counter)  # how many of these end before a row, by its number

    def row(self) -> None:
        """Ends the row under way."""
        if self.width:
            width = self.width + self.down
            self.rows += 1
            self.first = self.first or width
            self.even = self.even and width == self.first
            self.full += self.filled > 1
            self.down -= self.ending.pop(self.rows, 0)
        self.width = self.filled = self.length = 0

    def cell(self, columns: int, rows: int) -> None:
        """Begins a cell."""
        self.length = 0
        self.width += columns
        if rows > 1:
            self.ending[self.rows + 1] -= columns
            self.ending[self.rows + rows] += columns

    def text(self, length: int) -> None:
        self.filled += not self.length
        self.length += length
        self.longest = max(self.longest, self.length)

    def is_data(self) -> bool:
        """Whether it has a header cell; or rows of one width, two of them with two texts at least, and no block inside.

        Short cells may have small blocks.
        """
        self.row()
        shaped = self.even and self.full > 1
        plain = not self.layout and (not self.blocks or self.longest <= SHORT)
        return not self.nested and (self.header or (shaped and plain))


def data_tables(page: str, spans: Spans, watch: Watch) -> set[int]:
    """Returns the indices of the TABLE tags of tables that hold data. Raises Stopped."""
    data: set[int] = set()
    opened: list[_Open] = []
    inside = _in_tables(spans)
    for i, span in zip(np.flatnonzero(inside).tolist(), watched(spans.objects(inside), watch), strict=True):
        if not isinstance(span, TagSpan):
            if opened and isinstance(span, TextSpan) and span.visible == Visible.SHOWN and not span.blank:
                opened[-1].text(span.end - span.start)
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


def _in_tables(spans: Spans) -> NDArray[np.bool_]:
    """Returns which spans (spans,) stand in a table, or are its tags."""
    steps = (spans.event == Event.TABLE).astype(np.int32) - (spans.event == Event.TABLE_END)
    depth = np.cumsum(steps)
    depth -= np.minimum(0, np.minimum.accumulate(depth)) if len(depth) else 0  # an end without a table ends nothing
    inside = depth > 0
    inside[1:] |= inside[:-1]
    return inside


def _note(table: _Open, page: str, span: TagSpan) -> None:
    if span.event == Event.ROW:
        table.row()
    elif span.event in (Event.CELL, Event.HEADER_CELL):
        table.cell(*covered(page, span))
        table.header = table.header or span.event == Event.HEADER_CELL
    elif span.event in LAYOUT:
        table.layout = True
    elif span.event == Event.BLOCK and not table.layout and (name := name_of(page, span)) not in PARTS:
        table.blocks = table.blocks or name in SMALL_BLOCKS
        table.layout = name not in SMALL_BLOCKS


@dataclass(slots=True)
class Table:
    """A table under way. covers: the columns and rows of the cells that cover more than one, by row and cell."""

    rows: list[list[str]] = field(default_factory=list)
    covers: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)

    def row(self) -> None:
        """Begins a row."""
        self.rows.append([])

    def cell(self, columns: int = 1, rows: int = 1) -> None:
        """Begins a cell."""
        if not self.rows:
            self.row()
        self.rows[-1].append("")
        if columns > 1 or rows > 1:
            self.covers[len(self.rows) - 1, len(self.rows[-1]) - 1] = columns, rows

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
        rows = [row for row in (self._spread(watch) if self.covers else self.rows) if any(row)]
        width = max(map(len, rows))
        cells = sum(map(len, rows))
        for row in rows if width * len(rows) <= SPARSE * cells else rows[:1]:
            row += [""] * (width - len(row))
        rows.insert(1, ["---"] * width)
        lines = []
        for row in rows:
            watch(SPAN * len(row))
            lines.append("| " + " | ".join(row) + " |")
        return "\n".join(lines)

    def _spread(self, watch: Watch) -> list[list[str]]:
        """Returns the rows with empty cells where a cell covers more. Columns in which no cell begins are left out.

        A table that would become SPARSE times as large stays as it is. Raises Stopped.
        """
        columns = self._columns(watch)
        used = sorted({column for row in columns for column in row})
        place = {column: i for i, column in enumerate(used)}
        if sum(place[row[-1]] + 1 for row in columns if row) > SPARSE * sum(map(len, self.rows)):
            return self.rows
        spread = []
        for row, texts in zip(columns, self.rows, strict=True):
            watch(SPAN * len(row))
            filled = [""] * (place[row[-1]] + 1 if row else 0)
            for column, text in zip(row, texts, strict=True):
                filled[place[column]] = text
            spread.append(filled)
        return spread

    def _columns(self, watch: Watch) -> list[list[int]]:
        """Returns the column where each cell begins. It takes time in proportion to the cells. Raises Stopped."""
        found: list[list[int]] = []
        covered: dict[int, int] = {}  # by column, the first row that a cell above no longer covers
        left = SPARSE * sum(map(len, self.rows))  # steps over covered columns; beyond, none is covered
        for number, row in enumerate(self.rows):
            watch(SPAN * len(row))
            column, begins = 0, list[int]()
            for cell in range(len(row)):
                while left > 0 and covered.get(column, 0) > number:
                    column, left = column + 1, left - 1
                begins.append(column)
                columns, rows = self.covers.get((number, cell), (1, 1))
                if rows > 1 and left > 0:
                    covered.update(dict.fromkeys(range(column, column + columns), number + rows))
                    left -= columns
                column += columns
            found.append(begins)
        return found
