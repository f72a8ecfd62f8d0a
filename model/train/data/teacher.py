"""The teacher: reads a page's marks off Lexbor's tree.

Lexbor keeps no places in the source. So before parsing, every start tag gets its number as an attribute, and every run
of text gets a marker character and its number before its first letter. The tree then tells where each of them ended up,
after all of the standard's error recovery.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from selectolax.lexbor import LexborHTMLParser, LexborNode

from soupstate.model.page.elements import BLOCKS, CODE, EMPHASIS, FOREIGN, HEADINGS, HIDING, LISTS, STRONG, UNSEEN
from soupstate.model.page.marks import (
    COLUMN,
    HEADS,
    IGNORED,
    LIST_DEPTHS,
    QUOTE_DEPTHS,
    Block,
    Cell,
    Event,
    Syntax,
    Visible,
)
from soupstate.model.train.data.tokens import SPACE, Token, tokens

STAMP = "data-soupstate-n"
NUMBER_START, NUMBER_END = "\U0010fff0", "\U0010fff1"  # around the number of a run of text; private use, plane 16
DEEPEST_TREE = 254  # the greatest depth that a mark can hold
BYTE_ORDER_MARK = "\ufeff"

Marks = NDArray[np.uint8]

EVENTS = {
    **dict.fromkeys(BLOCKS, Event.BLOCK),
    **dict.fromkeys(HEADINGS, Event.HEADING),
    **dict.fromkeys(STRONG, Event.STRONG),
    **dict.fromkeys(EMPHASIS, Event.EMPHASIS),
    **dict.fromkeys(CODE, Event.CODE),
    **dict.fromkeys(LISTS, Event.LIST),
    "br": Event.BREAK,
    "hr": Event.RULE,
    "li": Event.ITEM,
    "tr": Event.ROW,
    "td": Event.CELL,
    "th": Event.HEADER_CELL,
    "pre": Event.PREFORMATTED,
    "blockquote": Event.QUOTE,
    "table": Event.TABLE,
}
INLINE = {Event.STRONG, Event.EMPHASIS, Event.CODE, Event.NONE}


@dataclass(frozen=True, slots=True)
class Standing:
    """What an element's ancestors in the tree determine for its content."""

    depth: int = 0
    visible: int = Visible.HIDDEN
    link: int = 0
    block: int = Block.BODY
    list: int = 0
    ordered: int = 0
    quote: int = 0
    cell: int = Cell.NONE
    strong: int = 0
    emphasis: int = 0
    code: int = 0
    foreign: bool = False
    title: bool = False


@dataclass(slots=True)
class Placed:
    """An element of the tree that has a start tag in the source."""

    tag: str
    standing: Standing
    parent: int  # number of the nearest stamped ancestor, -1: none
    attributes: frozenset[str]


def teach(page: str) -> Marks:
    """Returns the marks (len(page), len(HEADS)) uint8, one row per character; IGNORED where a head has no label."""
    if page.startswith(BYTE_ORDER_MARK):  # it is not part of the document
        mark = np.full((1, len(HEADS)), IGNORED, np.uint8)
        mark[0, [COLUMN["syntax"], COLUMN["visible"], COLUMN["depth"]]] = Syntax.TEXT, Visible.UNSEEN, 0
        return np.concatenate([mark, teach(page[1:])])
    found = list(tokens(page))
    placed, texts = _tree(_stamped(page, found))
    marks = np.full((len(page), len(HEADS)), IGNORED, np.uint8)
    teacher = _Teacher(page, marks, placed, texts)
    for number, token in enumerate(found):
        teacher.mark(number, token)
    return marks


def placed_tags(page: str) -> tuple[list[Token], dict[int, Placed]]:
    """Returns a page's tokens, and by their numbers the elements that have a start tag."""
    found = list(tokens(page))
    return found, _tree(_stamped(page, found))[0]


def _stamped(page: str, found: list[Token]) -> str:
    parts = []
    for number, t in enumerate(found):
        if t.kind == "start":
            parts += [page[t.start : t.name_end], f" {STAMP}={number} ", page[t.name_end : t.end]]
        elif t.kind == "text" and (lead := page[t.start : t.end].lstrip(SPACE)):
            parts += [page[t.start : t.end - len(lead)], f"{NUMBER_START}{number}{NUMBER_END}", lead]
        else:
            parts.append(page[t.start : t.end])
    return "".join(parts)


def _tree(stamped: str) -> tuple[dict[int, Placed], dict[int, Standing]]:
    """Returns the stamped elements and the standing of the stamped runs of text, by number."""
    placed: dict[int, Placed] = {}
    texts: dict[int, Standing] = {}
    root = LexborHTMLParser(stamped).root
    todo: list[tuple[LexborNode, Standing, int]] = [(root, Standing(), -1)] if root is not None else []
    while todo:
        node, above, parent = todo.pop()
        if node.next is not None:
            todo.append((node.next, above, parent))
        if node.tag == "-text":
            _number_texts(node.text_content or "", above, texts)
            continue
        if (node.tag or "-").startswith(("-", "!")):
            continue
        attributes = node.attributes
        number = attributes.get(STAMP)
        here = _stand(node.tag or "", attributes, above)
        if number is not None and number.isdigit():
            placed.setdefault(int(number), Placed(node.tag or "", here, parent, frozenset(attributes)))
            parent = int(number)
        if node.child is not None:
            todo.append((node.child, here, parent))
    return placed, texts


def _number_texts(text: str, standing: Standing, texts: dict[int, Standing]) -> None:
    at = text.find(NUMBER_START)
    while at >= 0:
        end = text.find(NUMBER_END, at)
        number = text[at + 1 : end]
        if number.isdigit():
            texts[int(number)] = standing
        at = text.find(NUMBER_START, at + 1)


def _stand(tag: str, attributes: dict[str, str | None], up: Standing) -> Standing:
    """Returns the standing of an element's content, given that of the element."""
    change: dict[str, int | bool] = {"depth": min(up.depth + 1, DEEPEST_TREE)}
    if tag == "body" and up.visible == Visible.HIDDEN and up.depth <= 1:
        change["visible"] = Visible.SHOWN
    if tag in UNSEEN:
        change["visible"] = Visible.UNSEEN
    elif (tag in HIDING or "hidden" in attributes) and up.visible == Visible.SHOWN:
        change["visible"] = Visible.HIDDEN
    if tag in FOREIGN:
        change["foreign"] = True
    elif tag == "foreignobject":
        change["foreign"] = False
    event = EVENTS.get(tag, Event.NONE)
    if tag == "a" and "href" in attributes and not up.foreign:
        change["link"] = 1
    elif tag == "title" and not up.foreign:
        change["title"] = True
    elif event == Event.HEADING:
        change["block"] = int(tag[1])
    elif event == Event.PREFORMATTED:
        change["block"] = Block.PREFORMATTED
    elif event == Event.ITEM:
        change["list"] = min(up.list + 1, LIST_DEPTHS - 1)
    elif event == Event.LIST:
        change["ordered"] = int(tag == "ol")
    elif event == Event.QUOTE:
        change["quote"] = min(up.quote + 1, QUOTE_DEPTHS - 1)
    elif event in (Event.CELL, Event.HEADER_CELL):
        change["cell"] = Cell.HEADER if tag == "th" else Cell.DATA
    elif event == Event.STRONG:
        change["strong"] = 1
    elif event == Event.EMPHASIS:
        change["emphasis"] = 1
    elif event == Event.CODE:
        change["code"] = 1
    return replace(up, **change)  # type: ignore[arg-type]


class _Teacher:
    """Writes the marks of one token after another. It follows the last open element, for the depth."""

    def __init__(self, page: str, marks: Marks, placed: dict[int, Placed], texts: dict[int, Standing]) -> None:
        self.page, self.marks, self.placed, self.texts = page, marks, placed, texts
        self.depth = 0
        self.current = -1  # number of the last open element: opened by a start tag, or left open by an end tag
        self.titled = self.based = False

    def mark(self, number: int, token: Token) -> None:
        rows = self.marks[token.start : token.end]
        if token.kind == "text":
            self._text(rows, token, self.texts.get(number))
        elif token.kind == "start":
            self._start(rows, number, token)
        elif token.kind == "end":
            self._end(rows, token)
        else:
            kinds = {"comment": Syntax.COMMENT, "doctype": Syntax.DOCTYPE, "raw": Syntax.RAW, "void": Syntax.TAG}
            rows[:, COLUMN["syntax"]] = kinds[token.kind]
        rows[:, COLUMN["depth"]] = self.depth

    def _text(self, rows: Marks, token: Token, standing: Standing | None) -> None:
        rows[:, COLUMN["syntax"]] = Syntax.TEXT
        if standing is None:
            if self.page[token.start : token.end].strip(SPACE):
                rows[:, COLUMN["visible"]] = Visible.UNSEEN
            return
        self.depth = standing.depth
        if standing.title:
            first, self.titled = not self.titled, True
            if first:
                rows[:, COLUMN["syntax"]] = Syntax.TITLE
                return
        for name in ("visible", "link", "block", "list", "ordered", "quote", "cell", "strong", "emphasis", "code"):
            if name != "ordered" or standing.list:
                rows[:, COLUMN[name]] = getattr(standing, name)

    def _start(self, rows: Marks, number: int, token: Token) -> None:
        element = self.placed.get(number)
        event = Event.NONE
        uses: dict[str, Syntax] = {}
        if element is not None:
            self.depth, self.current = element.standing.depth, number
            event, uses = self._uses(element, number)
        syntax = rows[:, COLUMN["syntax"]]
        syntax[:] = Syntax.TAG
        rows[:, COLUMN["event"]] = event
        seen = set()
        for k, (name, _, end, value, value_end) in enumerate(token.attributes):
            before = token.attributes[k - 1][2] if k else token.name_end
            syntax[before - token.start : end - token.start] = Syntax.ATTRIBUTE
            use = uses.get(name, Syntax.VALUE) if name not in seen else Syntax.VALUE
            if value >= 0:
                syntax[value - token.start : value_end - token.start] = use
            seen.add(name)

    def _uses(self, element: Placed, number: int) -> tuple[Event, dict[str, Syntax]]:
        """Returns the event of a start tag, and the syntax of the attribute values that are used."""
        tag, standing = element.tag, element.standing
        if standing.foreign:
            return Event.NONE, {}
        if tag == "a" and "href" in element.attributes:
            return Event.LINK, {"href": Syntax.HREF, "rel": Syntax.REL}
        if tag == "img" and "src" in element.attributes and standing.visible == Visible.SHOWN:
            return Event.IMAGE, {"src": Syntax.SRC, "alt": Syntax.ALT}
        if tag == "base" and "href" in element.attributes and not self.based:
            self.based = True
            return Event.NONE, {"href": Syntax.BASE}
        return EVENTS.get(tag, Event.NONE), {}

    def _end(self, rows: Marks, token: Token) -> None:
        """Marks an end tag. The tree has no trace of it: its event comes from its name, its depth from the element."""
        rows[:, COLUMN["syntax"]] = Syntax.END_TAG
        event = EVENTS.get(token.name, Event.NONE)
        if event == Event.TABLE:
            event = Event.TABLE_END
        elif token.name == "a":
            event = Event.LINK_END
        else:
            event = Event.NONE if event in INLINE else Event.BLOCK
        rows[:, COLUMN["event"]] = event
        at = self.current
        while at >= 0 and self.placed[at].tag != token.name:
            at = self.placed[at].parent
        if at >= 0:
            self.depth = self.placed[at].standing.depth - 1
            self.current = self.placed[at].parent
