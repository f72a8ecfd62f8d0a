"""Renders a page's spans as Markdown: CommonMark with tables."""

import re
from dataclasses import dataclass, field

from soupstate.model.page.entities import unescape_attribute, unescape_text
from soupstate.model.page.marks import Block, Event, Visible
from soupstate.model.page.render.inline import Piece, escape_line_start, inline
from soupstate.model.page.render.links import base_url, resolve
from soupstate.model.page.spans import INLINE, Span, TagSpan, TextSpan

# Scripts put such an image where one is still to be loaded. Markdown readers refuse it.
PLACEHOLDER = "data:image/svg+xml"
TableRows = list[list[list[Piece]]]  # rows of cells of pieces


@dataclass(slots=True)
class _Block:
    """A finished block. quote: the number of its outermost quotation; 0: none."""

    text: str
    quote: int = 0
    depth: int = 0  # of quotations
    list: int = 0
    item: bool = False


def markdown(page: str, spans: list[Span], url: str | None = None) -> str:
    """Renders the visible page as Markdown. Addresses become absolute when `url` is given."""
    renderer = _Renderer(page, base_url(page, spans, url) if url is not None else None)
    data = _data_tables(spans)
    for i, span in enumerate(spans):
        if isinstance(span, TagSpan):
            renderer.tag(span, data.get(i, False))
        elif isinstance(span, TextSpan) and span.visible == Visible.SHOWN:
            renderer.text(span)
    renderer.end()
    return _joined(renderer.blocks)


def _data_tables(spans: list[Span]) -> dict[int, bool]:
    """Returns, by index, the TABLE tags of tables that have a header cell and no table inside."""
    data: dict[int, bool] = {}
    opened: list[int] = []
    nested: set[int] = set()
    for i, span in enumerate(spans):
        if not isinstance(span, TagSpan):
            continue
        if span.event == Event.TABLE:
            nested.update(opened)
            opened.append(i)
        elif span.event == Event.TABLE_END and opened:
            opened.pop()
        elif span.event == Event.HEADER_CELL and opened:
            data[opened[-1]] = True
    return {i: True for i in data if i not in nested}


def _joined(blocks: list[_Block]) -> str:
    """Joins blocks with an empty line between them, except between the items of a list."""
    out: list[str] = []
    before: _Block | None = None
    for block in blocks:
        same_quote = before is not None and before.quote == block.quote > 0
        if before and not (before.list and block.list and block.item and before.quote == block.quote):
            out.append(">" * min(before.depth, block.depth) if same_quote else "")
        out += [("> " * block.depth + line).rstrip(" ") for line in block.text.split("\n")]
        before = block
    return "\n".join(out)


@dataclass(slots=True)
class _Renderer:
    page: str
    base: str | None  # None: addresses stay as written
    blocks: list[_Block] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    first: TextSpan | None = None  # the block's first text that is not blank
    last: TextSpan | None = None  # the page's last text that is not blank
    targets: dict[int, str] = field(default_factory=dict)
    link: int = 0
    numbers: dict[str, int] = field(default_factory=lambda: {"strong": 0, "emphasis": 0, "code": 0})
    item: bool = False  # the next block begins a list item
    quoted: bool = False  # a quotation has begun since the last block
    quote: int = 0  # number of the last outermost quotation
    indents: dict[int, int] = field(default_factory=dict)  # list depth -> column of its content
    counters: dict[int, int] = field(default_factory=dict)  # list depth -> number of its last item
    fresh_list: bool = False  # a list has begun since the last block
    table: TableRows | None = None

    def tag(self, span: TagSpan, is_data_table: bool) -> None:
        event = Event(span.event)
        if event == Event.LINK:
            self.link = len(self.targets) + 1
            self.targets[self.link] = self._address(span.href)
        elif event == Event.LINK_END:
            self.link = 0
        elif event == Event.IMAGE:
            alt = unescape_attribute(self.page[slice(*span.alt)]) if span.alt else ""
            source = self._address(span.src)
            if not source.startswith(PLACEHOLDER):
                self.pieces.append(Piece(alt, self.link, image=source))
        elif event in (Event.STRONG, Event.EMPHASIS, Event.CODE):
            self.numbers[event.name.lower()] += 1
        elif event == Event.BREAK:
            self.pieces.append(Piece("\n", self.link, line_break=True))
        elif self.table is not None:
            self._in_table(event)
        elif event not in INLINE:
            self._boundary(event, is_data_table)

    def text(self, span: TextSpan) -> None:
        if not span.blank:
            self.first = self.first or span
            self.last = span
            if not span.link:
                self.link = 0
        pre = span.block == Block.PREFORMATTED
        open_ = {k: n if getattr(span, k) and not (pre and k == "code") else 0 for k, n in self.numbers.items()}
        text = unescape_text(self.page[span.start : span.end])
        link = self.link if span.link else 0
        self.pieces.append(Piece(text, link, open_["strong"], open_["emphasis"], open_["code"]))

    def end(self) -> None:
        if self.table is not None:
            self._table_end()
        self._flush()

    def _address(self, place: tuple[int, int] | None) -> str:
        written = unescape_attribute(self.page[slice(*place)]).strip() if place else ""
        return written if self.base is None else resolve(written, self.base) or written

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
            self.table[-1].append([])
        elif any(p.text.strip() for p in self.pieces) and not self.pieces[-1].line_break:
            self.pieces.append(Piece("\n", line_break=True))

    def _cell_end(self) -> None:
        """Puts the pieces since the last boundary into the last cell; without a cell they are a block (a caption)."""
        if self.table and self.table[-1]:
            self.table[-1][-1] += self.pieces
            self.pieces, self.first = [], None
        else:
            self._flush()

    def _table_end(self) -> None:
        self._cell_end()
        rows = [row for row in self.table or [] if row]
        self.table = None
        lines = [[inline(cell, self.targets, in_cell=True, one_line=True) for cell in row] for row in rows]
        if not any(any(line) for line in lines):
            return
        width = max(map(len, lines))
        lines = [line + [""] * (width - len(line)) for line in lines]
        lines.insert(1, ["---"] * width)
        self.blocks.append(_Block("\n".join("| " + " | ".join(line) + " |" for line in lines)))

    def _flush(self) -> None:
        """Ends the block: writes its pieces as Markdown, after the markers of its list and quotation."""
        pieces, span = self.pieces, self.first or TextSpan(0, 0, True)
        self.pieces, self.first = [], None
        if not any(p.text.strip() or p.image is not None for p in pieces):
            return
        text = self._content(pieces, span)
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
            code = "".join(p.text for p in pieces if p.image is None)
            code = "\n".join(line.rstrip() for line in code.strip("\n").split("\n"))
            fence = "`" * max(3, 1 + max((len(m) for m in re.findall("`+", code)), default=0))
            return f"{fence}\n{code}\n{fence}"
        if span.block != Block.BODY:
            text = inline(pieces, self.targets, one_line=True)
            return "#" * span.block + " " + re.sub(r"#(?=#*$)", r"\\#", text) if text else ""
        text = inline(pieces, self.targets)
        return "\n".join(escape_line_start(line) for line in text.split("\n"))

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
        lines = text.split("\n")
        rest = " " * (column + len(marker))
        return "\n".join([" " * column + marker + lines[0], *(rest + line if line else "" for line in lines[1:])])
