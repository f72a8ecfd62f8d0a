"""Renders a page's spans as Markdown: CommonMark with tables, strikethrough and definition lists."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from soupstate.model.page.elements import CODE, EMPHASIS, STRONG
from soupstate.model.page.entities import attribute_of, text_of
from soupstate.model.page.marks import Block, Event, Visible
from soupstate.model.page.render.addresses import Addresses, base_url, is_safe
from soupstate.model.page.render.code import HINT, fence, language_of
from soupstate.model.page.render.containers import Containers, Placed, number_of
from soupstate.model.page.render.inline import Piece, escape_line_start, inline
from soupstate.model.page.render.references import Target, Targets
from soupstate.model.page.render.tables import Table, covered, data_tables
from soupstate.model.page.spans import Extent, Spans, TagSpan, TextSpan
from soupstate.model.page.stop import SPAN, Stop, Watch, never, watched
from soupstate.model.page.tags import LONGEST_TAG, attributes_of, name_of

# A block with more runs of text than this is divided, so that the memory of a page that is one block is bounded.
MOST_PIECES = 10_000
# Tags that change how letters look, and have no event of their own.
LOOKS = re.compile(r"<(/?)(del|strike|s|sub|sup|mark|q|cite|strong|b|em|i|code|tt|kbd|samp|img)(?=[\s/>])", re.I)
KINDS = {"strike": "del", "s": "del"}
NUMBERED = {
    **dict.fromkeys(STRONG, "strong"),
    **dict.fromkeys(EMPHASIS, "emphasis"),
    **dict.fromkeys(CODE, "code"),
}
OPTION_BEGINS = frozenset({"op", "OP", "Op", "oP"})
TITLE = re.compile(r"\stitle\s*=", re.I)
# Where pages keep an image's address until it is loaded, or have several for windows of several widths.
DATA_SOURCES = ("data-src", "data-lazy-src", "data-original")
SOURCE_SETS = ("srcset", "data-srcset", "data-lazy-srcset")
FIRST_SOURCE = re.compile(r"[\s,]*([^\s,](?:\S*[^\s,])?)")
PLACEHOLDER = re.compile(r"placeholder|blank|spacer|transparent|loading|lazy|1x1|pixel", re.I)  # in a file's name
LONGEST_NAME = 128  # characters of a file's name that are looked at


@dataclass(slots=True)
class _Block:
    """A finished block. gap: the line before it; None: it has none. part: "dt" or "dd" of a description."""

    text: str
    gap: str | None
    part: str = ""


def markdown(page: str, spans: Spans, url: str | None = None, stop: Stop = never, *, references: bool = False) -> str:
    """Renders the visible page as Markdown. Addresses become absolute when `url` is given.

    A link whose address may hold a script becomes its text, and such an image is left out. references: whether links
    and images are written as references, which are listed at the end. Raises Stopped.
    """
    watch = Watch(stop)
    base = base_url(page, spans, url, watch) if url is not None else None
    renderer = _Renderer(page, Addresses(page, base), watch, Targets(references))
    data = data_tables(page, spans, watch)
    for i, span in enumerate(watched(spans, watch)):
        if isinstance(span, TagSpan):
            renderer.tag(span, i in data)
        elif isinstance(span, TextSpan):
            renderer.in_view = span.visible == Visible.SHOWN
            if renderer.in_view and not renderer.unset:
                renderer.text(span)
    renderer.end()
    body = _joined(renderer.blocks, watch)
    return "\n".join([body, "", *watched(renderer.targets.definitions(), watch)]) if renderer.targets.numbers else body


def _is_placeholder(source: str) -> bool:
    """Whether an image's source stands in for one that is loaded later."""
    name = source[-LONGEST_NAME:].rpartition("/")[2].partition("?")[0]
    return not source or source[:5].lower() == "data:" or bool(PLACEHOLDER.search(name))


def _later_source(attributes: dict[str, str]) -> str:
    """Returns the address of an image without a `src` of its own, the first of several; "" where there is none."""
    for name in DATA_SOURCES:
        if found := attributes.get(name, "").strip():
            return found
    sets = (FIRST_SOURCE.match(attributes.get(name, "")) for name in SOURCE_SETS)
    return next((found[1] for found in sets if found), "")


def _joined(blocks: list[_Block], watch: Watch) -> str:
    """Joins blocks with the lines between them."""
    out: list[str] = []
    for block in blocks:
        watch(SPAN + len(block.text))
        if out and block.gap is not None:
            out.append(block.gap)
        out.append(block.text)
    return "\n".join(out)


@dataclass(slots=True)
class _Renderer:
    page: str
    addresses: Addresses
    watch: Watch
    targets: Targets
    blocks: list[_Block] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    in_view: bool = True  # the last text was shown
    unset: bool = False  # in an option that is not selected
    inside: bool = False  # any of `within` may be open
    solid: bool = False  # the pieces hold more than white space
    shown: bool = False  # they do, or hold an image
    first: TextSpan | None = None  # the block's first text that is not blank
    links: dict[int, Target | None] = field(default_factory=dict)  # of the block, by number; None: unknown or not safe
    last_link: int = 0  # number of the last link
    link: int = 0  # number of the open link; 0: none
    numbers: dict[str, int] = field(default_factory=lambda: {"strong": 0, "emphasis": 0, "code": 0})
    within: dict[str, int] = field(default_factory=lambda: {"strong": 0, "emphasis": 0, "code": 0})  # elements open
    looks: dict[str, int] = field(default_factory=dict)  # what of LOOKS is open, with a number
    last_look: int = 0
    containers: Containers = field(default_factory=Containers)
    part: str = ""  # "dt" or "dd" inside such an element
    begun: bool = False  # the next block begins a term or a description
    language: str = ""  # of the code that may come next
    heading: str = ""  # the first heading of level 1
    table: Table | None = None
    table_first: TextSpan | None = None  # its first text that is not blank

    def tag(self, span: TagSpan, is_data_table: bool) -> None:
        event = Event(span.event)
        if event == Event.LINK:
            if not self.pieces:
                self.links.clear()  # only the links of the block under way are needed
            self.link = self.last_link = self.last_link + 1
            address = self._address(span.href) if span.href else None
            self.links[self.link] = None if address is None else Target(address, self._title(span))
        elif event == Event.LINK_END:
            self.link = 0
        elif event == Event.IMAGE:
            self._image(span)
        elif event in (Event.STRONG, Event.EMPHASIS, Event.CODE):
            kind = event.name.lower()
            self.numbers[kind] += not self.within[kind]  # one inside another changes nothing
            self.within[kind] += 1
            self.inside = True
            if event == Event.CODE:
                self._find_language(span, own=True)
        elif event == Event.BREAK:
            self._add(Piece("\n", self.link, line_break=True))
        elif event == Event.NONE:
            self._look(span)
        else:
            self.unset = event == Event.BLOCK and self._is_unset(span)
            if self.table is not None:
                self._in_table(event, span)
            else:
                self._boundary(event, span, is_data_table)

    def text(self, span: TextSpan) -> None:
        if not span.blank:
            self.first = self.first or span
            if not span.link:
                self.link = 0
        pre = span.block == Block.PREFORMATTED
        open_ = {k: n if getattr(span, k) and not (pre and k == "code") else 0 for k, n in self.numbers.items()}
        if self.inside:
            for kind in self.within:
                if not getattr(span, kind):
                    self.within[kind] = 0
            self.inside = any(self.within.values())
        link = self.link if span.link else 0
        for text in text_of(self.page, span.start, span.end, self.watch):
            others = self._looks(span) if self.looks and not pre else ()
            if pre and self.table:
                self._code_in_cell(text, link)
            else:
                self._add(Piece(text, link, open_["strong"], open_["emphasis"], open_["code"], others))

    def _code_in_cell(self, text: str, link: int) -> None:
        """Adds the lines of preformatted text to a cell, where no block can be."""
        self.numbers["code"] += 1
        for i, line in enumerate(text.split("\n")):
            if i:
                self._add(Piece("\n", line_break=True))
            if line.strip():
                self._add(Piece(line, link, code=self.numbers["code"]))

    def _looks(self, span: TextSpan) -> tuple[tuple[str, int], ...]:
        """Returns what of LOOKS is open at a text. A `cite` in emphasis looks the same as the rest."""
        return tuple(look for look in self.looks.items() if look[0] != "cite" or not span.emphasis)

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
        if self.table and self.table.in_cell():
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
        self.looks.clear()
        return pieces

    def _address(self, place: Extent | None) -> str | None:
        """Returns the address written at a place, absolute where that is possible; None where it is not safe."""
        return self._safe(attribute_of(self.page, place, self.watch))

    def _safe(self, written: str) -> str | None:
        address = written if self.addresses.base is None else self.addresses.absolute(written) or written
        return address if is_safe(address) else None

    def _title(self, span: TagSpan) -> str:
        end = min(span.end, span.start + LONGEST_TAG)
        return attributes_of(self.page, span).get("title", "") if TITLE.search(self.page, span.start, end) else ""

    def _image(self, span: TagSpan) -> None:
        written = attribute_of(self.page, span.src, self.watch)
        alt = attribute_of(self.page, span.alt, self.watch)
        if _is_placeholder(written):
            attributes = attributes_of(self.page, span)
            written = _later_source(attributes) or written
            alt = alt or attributes.get("alt", "")
        source = self._safe(written) if written else ""
        if source or (source == "" and alt):
            strong, emphasis, others = self._around()
            target = Target(source, self._title(span))
            self._add(Piece(alt, self.link, strong, emphasis, others=others, image=target))

    def _around(self) -> tuple[int, int, tuple[tuple[str, int], ...]]:
        """Returns the strong, emphasis and looks that a tag inside a line goes on with: those of the text before it."""
        if not self.pieces:
            return 0, 0, ()
        before, within = self.pieces[-1], self.within
        others = tuple((kind, number) for kind, number in before.others if self.looks.get(kind) == number)
        return before.strong if within["strong"] else 0, before.emphasis if within["emphasis"] else 0, others

    def _look(self, span: TagSpan) -> None:
        """Opens or closes what a tag without an event changes, or adds an image."""
        found = LOOKS.match(self.page, span.start, min(span.end, span.start + LONGEST_TAG))
        if not found:
            return
        name = found[2].lower()
        if name == "img":  # the marks know only images with a `src`
            if self.in_view and _later_source(attributes_of(self.page, span)):
                self._image(span)
            return
        kind = KINDS.get(name, name)
        if numbered := NUMBERED.get(name):
            self.within[numbered] = max(0, self.within[numbered] - bool(found[1]))
        elif found[1]:
            self.looks.pop(kind, None)
        else:
            self.last_look += 1
            self.looks[kind] = self.last_look

    def _is_unset(self, span: TagSpan) -> bool:
        """Whether a tag begins an option that is not selected, which a closed list does not show."""
        begins = self.page[span.start + 1 : span.start + 3]  # most tags are told from it
        if begins not in OPTION_BEGINS or name_of(self.page, span) != "option" or span.closing:
            return False
        return "selected" not in attributes_of(self.page, span)

    def _find_language(self, span: TagSpan, *, own: bool) -> None:
        if HINT.search(self.page, span.start, min(span.end, span.start + LONGEST_TAG)):
            self.language = language_of(attributes_of(self.page, span), own=own) or self.language

    def _boundary(self, event: Event, span: TagSpan, is_data_table: bool) -> None:
        self._flush()
        if event == Event.BLOCK:
            self._block(span)
        elif event == Event.ITEM:
            plain = span.end - span.start <= len("<li>")
            self.containers.begin_item(None if plain else number_of(attributes_of(self.page, span).get("value")))
        elif event == Event.QUOTE:
            self.containers.begin_quote()
        elif event == Event.LIST:
            start = number_of(attributes_of(self.page, span).get("start"))
            self.containers.begin_list(ordered=name_of(self.page, span) == "ol", start=start)
        elif event == Event.PREFORMATTED:
            self._find_language(span, own=True)
        elif event == Event.RULE:
            if not self.containers.begins_item():  # after a marker, Markdown would take it for more of the marker
                self._put(self.containers.placed_by_tags(["---"]))
        elif event == Event.TABLE and is_data_table:
            self.table = Table()

    def _block(self, span: TagSpan) -> None:
        name = name_of(self.page, span)
        if span.closing:
            if name == "li":
                self.containers.end_item()
            elif name in ("ul", "ol", "blockquote"):
                self.containers.end(is_list=name != "blockquote")
            elif name in ("dt", "dd", "dl"):
                self.part = ""
        elif name in ("dt", "dd"):
            self.part, self.begun = name, True
        elif name == "dl":
            self.part = ""
        else:
            self._find_language(span, own=False)

    def _in_table(self, event: Event, span: TagSpan) -> None:
        assert self.table is not None
        if event == Event.TABLE_END:
            self._table_end()
        elif event == Event.ROW:
            self._cell_end()
            self.table.row()
        elif event in (Event.CELL, Event.HEADER_CELL):
            self._cell_end()
            self.table.cell(*covered(self.page, span))
        elif self.solid and not self.pieces[-1].line_break:
            self._add(Piece("\n", line_break=True))

    def _cell_end(self) -> None:
        """Puts the pieces since the last boundary into the last cell; without a cell they are a block (a caption)."""
        if self.table and self.table.in_cell():
            self.table_first = self.table_first or self.first
            self.table.add(inline(self._taken(), self.links, self.targets, self.watch, in_cell=True, one_line=True))
        else:
            self._flush()

    def _table_end(self) -> None:
        self._cell_end()
        text = self.table.markdown(self.watch) if self.table else ""
        first, self.table, self.table_first = self.table_first, None, None
        if text:
            self._put(self._placed(text, first))

    def _flush(self) -> None:
        """Ends the block: writes its pieces as Markdown, after the markers of its list and quotation."""
        shown, written, span = self.shown, self.first, self.first or TextSpan(0, 0, True)
        pieces = self._taken()
        text = self._content(pieces, span) if shown else ""
        if not text:
            return
        if span.block == Block.H1:
            if text == self.heading:
                return  # a page repeats its heading for other widths of the window
            self.heading = self.heading or text
        part = "" if span.list else self.part
        if part == "dd" and not span.quote:
            first, *others = self._lines(text)
            text = "\n".join([(": " if self.begun else "  ") + first, *("  " + line for line in others)])
        self._put(self._placed(text, written), part)
        self.begun = False
        self.language = ""

    def _placed(self, text: str, span: TextSpan | None) -> Placed:
        """Returns a block in its place. span: its first text."""
        lines = self._lines(text)
        if span is None:
            return self.containers.placed_by_tags(lines)
        return self.containers.placed(lines, depth=span.list, quote=span.quote, ordered=bool(span.ordered))

    def _put(self, placed: Placed, part: str = "") -> None:
        """Adds a block. Nothing is between the terms of a description, and between them and it."""
        above = self.blocks[-1].part if self.blocks else ""
        joined = placed.same and self.begun and (above == "dt" if part == "dt" else part == "dd" and above)
        self.blocks.append(_Block(placed.text, None if joined else placed.gap, part))

    def _content(self, pieces: list[Piece], span: TextSpan) -> str:
        if span.block == Block.PREFORMATTED:
            code = "".join(p.text for p in pieces if p.image is None).strip("\n")
            return fence(code, [line.rstrip() for line in self._lines(code)], self.language)
        if span.block != Block.BODY:
            text = inline(pieces, self.links, self.targets, self.watch, one_line=True)
            end = text.rstrip("#")  # Markdown would take # at the end for the heading's end
            return "#" * span.block + " " + end + "\\#" * (len(text) - len(end)) if text else ""
        text = inline(pieces, self.links, self.targets, self.watch)
        return "\n".join(escape_line_start(line) for line in self._lines(text))

    def _lines(self, text: str) -> Iterator[str]:
        for line in text.split("\n"):
            self.watch(SPAN + len(line))
            yield line
