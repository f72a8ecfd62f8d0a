"""Units: the parts of a page that may hold a field's value: blocks of text, the title, and values of attributes.

A unit is read as tokens, and a value is a run of them. Offsets of tokens are those of the whole page, character
references are undone, and white space is only noted. No parser takes part: the spans are the network's.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from soupstate.kernels.words import CJK
from soupstate.model.page import cuts
from soupstate.model.page.blocks import Blocks
from soupstate.model.page.entities import unescape_attribute, unescape_text
from soupstate.model.page.marks import Visible
from soupstate.model.page.skim import Skimmed
from soupstate.model.page.spans import Extent, Span, Spans, TagSpan, TextSpan
from soupstate.model.page.stop import Watch, watched
from soupstate.model.page.tags import ATTRIBUTE, LONGEST_TAG, name_of

TEXT, HIDDEN, TITLE = "text", "hidden", "title"  # places that are no attribute
# Attributes whose values say how a page looks or works, and nothing of what it is about.
NO_VALUES = re.compile("(?:class|style|id|width|height|sizes|srcset|role|type|tabindex|target|rel|name|property|on.*)$")
MOST_ATTRIBUTES = 20_000  # units that are attributes' values; those beyond are left out
MOST_TOKENS = 1000  # of a unit; a value that stands further on is not found
LONGEST_UNIT = 20_000  # characters of a unit that become tokens
# A run of letters, a run of digits, a character of Chinese or Japanese, any other character, or a reference. Two
# letters that a reference separates are two tokens.
TOKEN = re.compile(rf"\s+|&(?:#[xX]?[0-9A-Fa-f]+|[A-Za-z][A-Za-z0-9]*);?|[{CJK}]|[^\W\d_{CJK}]+|\d+|.", re.S)


@dataclass(slots=True)
class Token:
    """A token. text: without white space. start, end: in the whole page. spaced: white space stands before it.

    tags: those between it and the token before, as the network saw them.
    """

    text: str
    start: int
    end: int
    spaced: bool
    tags: list[TagSpan]


@dataclass(slots=True)
class Unit:
    """A unit. place: TEXT, HIDDEN, TITLE, or an element and its attribute, such as `meta content`.

    pieces: the extents of its text in the page that was read. tags: those before each piece; of an attribute, its own
    tag. block: its number among the blocks, -1 for other units.
    """

    place: str
    pieces: list[Extent]
    tags: list[list[TagSpan]]
    block: int = -1

    @property
    def is_attribute(self) -> bool:
        """Whether it is an attribute's value."""
        return " " in self.place


def text_units(spans: Spans, blocks: Blocks, watch: Watch) -> list[Unit]:
    """Returns the units that are texts: titles, and blocks in their order. Raises Stopped."""
    titles = spans.objects(spans.cut.kind == cuts.TITLE)
    units = [Unit(TITLE, [(span.start, span.end)], [[]]) for span in titles]
    made = list(islice(watched(spans, watch), blocks.window.stop))
    columns = (blocks.mark("visible"), blocks.after, blocks.first, blocks.end)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    for number, (visible, after, first, end) in enumerate(rows):
        unit = Unit(TEXT if visible == Visible.SHOWN else HIDDEN, [], [], number)
        tags = [span for span in made[after:first] if isinstance(span, TagSpan)]
        for span in made[first:end]:
            if isinstance(span, TagSpan):
                tags.append(span)
            elif isinstance(span, TextSpan):
                unit.pieces.append((span.start, span.end))
                unit.tags.append(tags)
                tags = []
        units.append(unit)
    return units


def attribute_units(
    page: str, spans: Sequence[Span], watch: Watch, places: frozenset[str] | None = None
) -> Iterator[Unit]:
    """Yields the units that are values of attributes, MOST_ATTRIBUTES at most. Raises Stopped.

    places: those that are wanted; None: all but the values of NO_VALUES.
    """
    elements = None if places is None else {place.partition(" ")[0] for place in places if " " in place}
    if elements == set():
        return
    left = MOST_ATTRIBUTES
    for span in watched(spans, watch):
        if not isinstance(span, TagSpan) or span.closing:
            continue
        name = name_of(page, span)
        if not name or (elements is not None and name not in elements):
            continue
        for attribute, extent in _attributes(page, span, name):
            place = f"{name} {attribute}"
            if place in places if places is not None else not NO_VALUES.match(attribute):
                yield Unit(place, [extent], [[span]])
                left -= 1
                if not left:
                    return


def _attributes(page: str, span: TagSpan, name: str) -> Iterator[tuple[str, Extent]]:
    """Yields the attributes of a tag that have a value, the first of each name, and where the values are."""
    seen: set[str] = set()
    for m in ATTRIBUTE.finditer(page, span.start + 1 + len(name), min(span.end, span.start + LONGEST_TAG)):
        group = next((k for k in (2, 3, 4) if m[k]), None)
        if group and m[1].lower() not in seen:
            seen.add(m[1].lower())
            yield m[1].lower(), m.span(group)


def tokens_of(unit: Unit, skimmed: Skimmed) -> list[Token]:
    """Returns the tokens of a unit, MOST_TOKENS at most, with the offsets of the whole page."""
    unescape = unescape_attribute if unit.is_attribute else unescape_text
    tokens: list[Token] = []
    spaced, tags, left = False, list[TagSpan](), LONGEST_UNIT
    for piece, before in zip(unit.pieces, unit.tags, strict=True):
        start, end = skimmed.extent(*piece)
        tags = tags + before
        for m in TOKEN.finditer(skimmed.whole, start, min(end, start + left)):
            text = unescape(m[0]) if m[0][0] == "&" else m[0]
            if text.isspace():
                spaced = True
                continue
            tokens.append(Token(text, m.start(), m.end(), spaced, tags))
            spaced, tags = False, []
            if len(tokens) == MOST_TOKENS:
                return tokens
        left -= min(end - start, left)
    return tokens


def joined(tokens: Sequence[Token]) -> str:
    """Returns the text of some tokens that follow each other, white space folded."""
    return "".join(f" {token.text}" if token.spaced and i else token.text for i, token in enumerate(tokens))
