"""Marks: what the network predicts for every byte.

FORMATS has the table of heads of each format that a network may read: HTML or JSON. HEADS is that of HTML.
"""

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

IGNORED = 255  # this head does not label the byte
# Greater depths are clamped to this value. About one page in eighty nests to 250 because its tags are never closed;
# such pages would outweigh all others.
DEEPEST = 40


class Syntax(IntEnum):
    """The kind of syntax of a byte. Every byte has one."""

    TEXT = 0  # character data of the tree, visible or not
    TAG = 1  # a start tag except its attributes
    END_TAG = 2
    ATTRIBUTE = 3  # names of attributes, =, quotes and white space around them
    VALUE = 4  # an attribute's value that is not used
    HREF = 5  # the target of a link
    SRC = 6  # the source of an image
    ALT = 7  # an image's alternative text
    REL = 8  # the rel of a link
    BASE = 9  # the href of <base>
    COMMENT = 10
    DOCTYPE = 11
    RAW = 12  # the content of script, style and the like
    TITLE = 13  # the page's title


class Event(IntEnum):
    """What a tag does to the text around it. The bytes of start and end tags have one."""

    NONE = 0
    BLOCK = 1  # a block ends or begins here
    BREAK = 2
    RULE = 3
    ITEM = 4
    ROW = 5
    CELL = 6
    HEADER_CELL = 7
    LINK = 8
    STRONG = 9
    EMPHASIS = 10
    CODE = 11
    HEADING = 12
    PREFORMATTED = 13
    QUOTE = 14
    TABLE = 15
    TABLE_END = 16
    LIST = 17
    IMAGE = 18
    LINK_END = 19


class Visible(IntEnum):
    """Whether text is visible."""

    SHOWN = 0
    HIDDEN = 1  # in the tree, but not shown: hidden, svg, template
    UNSEEN = 2  # in noscript: in the tree, but part of no text


class Block(IntEnum):
    """The kind of block that holds the text."""

    BODY = 0
    H1 = 1
    H2 = 2
    H3 = 3
    H4 = 4
    H5 = 5
    H6 = 6
    PREFORMATTED = 7


class Cell(IntEnum):
    """The kind of table cell that holds the text."""

    NONE = 0
    DATA = 1
    HEADER = 2


class JsonSyntax(IntEnum):
    """The kind of syntax of a byte of JSON (RFC 8259). Every byte has one. Quotes belong to their string."""

    STRUCTURE = 0  # brackets, braces, colons, commas and white space between values
    KEY = 1  # the name of an object's member
    STRING = 2  # a string that is a value
    NUMBER = 3
    LITERAL = 4  # true, false, null
    ESCAPE = 5  # of a character in a string, from the backslash on


@dataclass(frozen=True)
class Head:
    """One small output. It has `classes` logits (cross-entropy), or one number in units of `scale` (squared error)."""

    name: str
    classes: int
    scale: float = 1.0


@dataclass(frozen=True)
class HeadTable:
    """The heads of a network. Lessons have one column for each, in this order."""

    heads: tuple[Head, ...]

    @cached_property
    def column(self) -> dict[str, int]:
        """The column of each head in the marks of a lesson."""
        return {head.name: i for i, head in enumerate(self.heads)}

    @cached_property
    def output(self) -> dict[str, slice]:
        """The columns of each head in the outputs of a network."""
        columns, at = {}, 0
        for head in self.heads:
            columns[head.name] = slice(at, at + head.classes)
            at += head.classes
        return columns

    @property
    def outputs(self) -> int:
        """The number of columns of a network's outputs."""
        return sum(head.classes for head in self.heads)

    @property
    def syntaxes(self) -> int:
        """The number of kinds of syntax."""
        return self.heads[self.column["syntax"]].classes


LIST_DEPTHS = 7  # 0: in no list; greater depths count as 6
QUOTE_DEPTHS = 4

HEADS = (
    Head("syntax", len(Syntax)),
    Head("event", len(Event)),
    Head("visible", len(Visible)),
    Head("link", 2),
    Head("block", len(Block)),
    Head("list", LIST_DEPTHS),
    Head("ordered", 2),
    Head("quote", QUOTE_DEPTHS),
    Head("cell", len(Cell)),
    Head("strong", 2),
    Head("emphasis", 2),
    Head("code", 2),
    Head("main", 2),  # main content or not; only labelled pages have it
    Head("depth", 1, scale=10.0),  # open elements
)

FORMATS = {
    "html": HeadTable(HEADS),
    "json": HeadTable((Head("syntax", len(JsonSyntax)), Head("depth", 1, scale=10.0))),  # open objects and arrays
}
COLUMN, OUTPUT, OUTPUTS = FORMATS["html"].column, FORMATS["html"].output, FORMATS["html"].outputs
