"""Renders a page's spans as Markdown: CommonMark with tables."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from soupstate.model.page.entities import attribute_of, text_of
from soupstate.model.page.marks import Block, Event, Visible
from soupstate.model.page.render.addresses import Addresses, base_url, is_safe
from soupstate.model.page.render.inline import Piece, escape_line_start, inline
from soupstate.model.page.spans import INLINE, Span, TagSpan, TextSpan
from soupstate.model.page.stop import SPAN, Stop, Watch, never, watched

# A block with more runs of text than this is divided, so that the memory of a page that is one block is bounded.
MOST_PIECES = 10_000
# Rows are filled up with empty cells to the width of the table, unless that makes it this many times as large. Markdown
# fills shorter rows itself (GitHub Flavored Markdown, 4.10).
SPARSE = 4


@dataclass(slots=True)
class _Block:
    """A finished block. quote: the number of its outermost quotation; 0: none."""

    text: str
    quote: int = 0
    depth: int = 0  # of quotations
    list: int = 0
    item: bool = False


def markdown(page: str, spans: Iterable[Span], url: str | None = None, stop: Stop = never) -> str:
    """Renders the visible page as Markdown. Addresses become absolute when `url` is given.

    A link whose address may hold a script becomes its text, and such an image is left out. Raises Stopped.
    """
    watch = Watch(stop)
    base = base_url(page, spans, url, watch) if url is not None else None
    renderer = _Renderer(page, Addresses(page, base), watch)
    data = _data_tables(spans, watch)
    for i, span in enumerate(watched(spans, watch)):
        if isinstance(span, TagSpan):
            renderer.tag(span, i in data)
        elif isinstance(span, TextSpan) and span.visible == Visible.SHOWN:
            renderer.text(span)
    renderer.end()
    return _joined(renderer.blocks, watch)


def _data_tables(spans: Iterable[Span], watch: Watch) -> set[int]:
    """Returns the indices of the TABLE tags of tables that have a header cell and no table inside."""
    data: set[int] = set()
    opened: list[int] = []
    nested: set[int] = set()  # tables with a table inside
    for i, span in enumerate(watched(spans, watch)):
        if not isinstance(span, TagSpan):
            continue
        if span.event == Event.TABLE:
            nested.update(opened[-1:])
            opened.append(i)
        elif span.event == Event.TABLE_END and opened:
            opened.pop()
        elif span.event == Event.HEADER_CELL and opened:
            data.add(opened[-1])
    return data - nested


def _joined(blocks: list[_Block], watch: Watch) -> str:
    """Joins blocks with an empty line between them, except between the items of a list."""
    out: list[str] = []
    before: _Block | None = None
    for block in blocks:
        same_quote = before is not None and before.quote == block.quote > 0
        if before and not (before.list and block.list and block.item and before.quote == block.quote):
            out.append(">" * min(before.depth, block.depth) if same_quote else "")
        for line in block.text.split("\n"):
            watch(SPAN + len(line))
            out.append(("> " * block.depth + line).rstrip(" "))
        before = block
    return "\n".join(out)


@dataclass(slots=True)
class _Renderer:
    page: str
    addresses: Addresses
    watch: Watch
    blocks: list[_Block] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    solid: bool = False  # the pieces hold more than white space
    shown: bool = False  # they do, or hold an image
    first: TextSpan | None = None  # the block's first text that is not blank
    targets: dict[int, str | None] = field(default_factory=dict)  # None: not known, or not safe
    links: int = 0  # number of the last link
    link: int = 0  # number of the open link; 0: none
    numbers: dict[str, int] = field(default_factory=lambda: {"strong": 0, "emphasis": 0, "code": 0})
    item: bool = False  # the next block begins a list item
    quoted: bool = False  # a quotation has begun since the last block
    quote: int = 0  # number of the last outermost quotation
    indents: dict[int, int] = field(default_factory=dict)  # list depth -> column of its content
    counters: dict[int, int] = field(default_factory=dict)  # list depth -> number of its last item
    fresh_list: bool = False  # a list has begun since the last block
    table: list[list[str]] | None = None  # rows of cells

    def tag(self, span: TagSpan, is_data_table: bool) -> None:
        event = Event(span.event)
        if event == Event.LINK:
            if not self.pieces:
                self.targets.clear()  # only the links of the block under way are needed
            self.link = self.links = self.links + 1
            self.targets[self.link] = self._address(span.href) if span.href else None
        elif event == Event.LINK_END:
            self.link = 0
        elif event == Event.IMAGE:
            source = self._address(span.src)
            if source is not None:
                self._add(Piece(attribute_of(self.page, span.alt, self.watch), self.link, image=source))
        elif event in (Event.STRONG, Event.EMPHASIS, Event.CODE):
            self.numbers[event.name.lower()] += 1
        elif event == Event.BREAK:
            self._add(Piece("\n", self.link, line_break=True))
        elif self.table is not None:
            self._in_table(event)
        elif event not in INLINE:
            self._boundary(event, is_data_table)

    def text(self, span: TextSpan) -> None:
        if not span.blank:
            self.first = self.first or span
            if not span.link:
                self.link = 0
        pre = span.block == Block.PREFORMATTED
        open_ = {k: n if getattr(span, k) and not (pre and k == "code") else 0 for k, n in self.numbers.items()}
        link = self.link if span.link else 0
        for text in text_of(self.page, span.start, span.end, self.watch):
            self._add(Piece(text, link, open_["strong"], open_["emphasis"], open_["code"]))

    def end(self) -> None:
        if self.table is not None:
            self._table_end()
        self._flush()

    def _add(self, piece: Piece) -> None:
        """Adds a piece to the block. A block with very many pieces ends, or becomes fewer pieces."""
        self.pieces.append(piece)
        self.solid = self.solid or bool(piece.text.strip())
        self.shown = self.shown or self.solid or piece.image is not None
        if len(self.pieces) < MOST_PIECES:
            return
        if self.table and self.table[-1]:
            self._cell_end()
        elif self.first and self.first.block == Block.PREFORMATTED:
            self.pieces = [Piece("".join(p.text for p in self.pieces if p.image is None))]
        else:
            first = self.first
            self._flush()
            self.first = first

    def _taken(self) -> list[Piece]:
        """Returns the pieces since the last boundary, and begins anew."""
        pieces, self.pieces, self.solid, self.shown, self.first = self.pieces, [], False, False, None
        return pieces

    def _address(self, place: tuple[int, int] | None) -> str | None:
        """Returns the address written at a place, absolute where that is possible; None where it is not safe."""
        written = attribute_of(self.page, place, self.watch)
        address = written if self.addresses.base is None else self.addresses.absolute(written) or written
        return address if is_safe(address) else None

    def _boundary(self, event: Event, is_data_table: bool) -> None:
        self._flush()
        if event == Event.ITEM:
            self.item = True
        elif event == Event.QUOTE:
            self.quoted = True
        elif event == Event.LIST:
            self.fresh_list = True
        elif event == Event.RULE:
            self.blocks.append(_Block("---"))
        elif event == Event.TABLE and is_data_table:
            self.table = []

    def _in_table(self, event: Event) -> None:
        assert self.table is not None
        if event == Event.TABLE_END:
            self._table_end()
        elif event == Event.ROW:
            self._cell_end()
            self.table.append([])
        elif event in (Event.CELL, Event.HEADER_CELL):
            self._cell_end()
            if not self.table:
                self.table.append([])
            self.table[-1].append("")
        elif self.solid and not self.pieces[-1].line_break:
            self._add(Piece("\n", line_break=True))

    def _cell_end(self) -> None:
        """Puts the pieces since the last boundary into the last cell; without a cell they are a block (a caption)."""
        if self.table and self.table[-1]:
            row, pieces = self.table[-1], self._taken()
            text = inline(pieces, self.targets, self.watch, in_cell=True, one_line=True)
            row[-1] = f"{row[-1]} {text}" if row[-1] else text
        else:
            self._flush()

    def _table_end(self) -> None:
        self._cell_end()
        rows = [row for row in self.table or [] if row]
        self.table = None
        if not any(any(row) for row in rows):
            return
        width, cells = max(map(len, rows)), sum(map(len, rows))
        filled = rows if width * len(rows) <= SPARSE * cells else rows[:1]
        for row in filled:
            row += [""] * (width - len(row))
        rows.insert(1, ["---"] * width)
        lines = []
        for row in rows:
            self.watch(SPAN * len(row))
            lines.append("| " + " | ".join(row) + " |")
        self.blocks.append(_Block("\n".join(lines)))

    def _flush(self) -> None:
        """Ends the block: writes its pieces as Markdown, after the markers of its list and quotation."""
        shown, span = self.shown, self.first or TextSpan(0, 0, True)
        pieces = self._taken()
        text = self._content(pieces, span) if shown else ""
        if not text:
            return
        depth = max(span.list, 1) if self.item else span.list
        above = self.blocks[-1].depth if self.blocks else 0
        if span.quote and (not above or (self.quoted and span.quote <= above)):
            self.quote += 1
        quote = self.quote if span.quote else 0
        block = _Block(self._listed(text, depth, span.ordered), quote, span.quote, depth, self.item)
        self.blocks.append(block)
        self.item = self.quoted = False

    def _content(self, pieces: list[Piece], span: TextSpan) -> str:
        if span.block == Block.PREFORMATTED:
            code = "".join(p.text for p in pieces if p.image is None).strip("\n")
            fence = "`" * max(3, 1 + max((len(m) for m in re.findall("`+", code)), default=0))
            return "\n".join([fence, *(line.rstrip() for line in self._lines(code)), fence])
        if span.block != Block.BODY:
            text = inline(pieces, self.targets, self.watch, one_line=True)
            end = text.rstrip("#")  # Markdown would take # at the end for the heading's end
            return "#" * span.block + " " + end + "\\#" * (len(text) - len(end)) if text else ""
        text = inline(pieces, self.targets, self.watch)
        return "\n".join(escape_line_start(line) for line in self._lines(text))

    def _lines(self, text: str) -> Iterator[str]:
        for line in text.split("\n"):
            self.watch(SPAN + len(line))
            yield line

    def _listed(self, text: str, depth: int, ordered: int) -> str:
        """Returns the text after its item's marker, or indented below it."""
        if not depth:
            self.indents.clear()
            self.counters.clear()
            self.fresh_list = False
            return text
        for deeper in [d for d in self.indents if d > depth or (self.item and d == depth)]:
            del self.indents[deeper]
        for deeper in [d for d in self.counters if d > depth]:
            del self.counters[deeper]
        column = max((c for d, c in self.indents.items() if d <= depth), default=0)
        marker = ""
        if self.fresh_list:
            self.counters.pop(depth, None)
            self.fresh_list = False
        if self.item:
            self.counters[depth] = self.counters.get(depth, 0) + 1
            marker = f"{self.counters[depth]}. " if ordered else "- "
            self.indents[depth] = column + len(marker)
        first, *others = self._lines(text)
        rest = " " * (column + len(marker))
        return "\n".join([" " * column + marker + first, *(rest + line if line else "" for line in others)])
