"""Checks for tags that have lost their >: text follows their last value or their name, up to the next tag.

A < within a tag is an error (WHATWG HTML, 13.2.2: unexpected-character-in-attribute-name). Where the next tag is the
end tag of the same element, as in <h2 Prices</h2>, the words before it are its text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soupstate.model.faults.checks.mismatches import QUIET
from soupstate.model.faults.edits import MISSING, Repair
from soupstate.model.page.elements import RAW_TEXT, STANDARD, VOID
from soupstate.model.page.marks import Syntax
from soupstate.model.page.stop import Watch, watched

# Attributes without a value that are no words of a text. Others, such as open, may be its first word.
FLAGS = "|".join(
    "async autofocus autoplay checked controls defer disabled hidden itemscope novalidate nowrap readonly required "
    "reversed".split()
)
LONGEST_TEXT = 400  # characters from the name to the next tag
UNENDED = re.compile(
    rf"<(?P<name>[a-z][a-z0-9]*+)(?P<rest>[^<>]{{2,{LONGEST_TEXT}}}+)(?=<(?P<slash>/?)(?P<next>[a-z][a-z0-9]*+)[\s/>])",
    re.I,
)
UNENDED_END = re.compile(rf"</(?P<name>[a-z][a-z0-9]*+)(?=\s)[^<>]{{2,{LONGEST_TEXT}}}+(?=<)", re.I)
ATTRIBUTES = re.compile(
    rf"(?:\s++(?:[a-z_:@][\w:.-]*+\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s\"'=`]++)|(?:{FLAGS})(?=\s)))*+", re.I
)
NO_TEXT = re.compile(r"\s*$|\s*[=/\"'\]})]|[^\"]*[\"={]")  # what is left is no text, or holds more of the tag


@dataclass(frozen=True, slots=True)
class Unended:
    """A tag without its >. repair: inserts it. sure: it is an end tag, or that of the same element comes next."""

    start: int
    end: int  # of the text
    repair: Repair
    sure: bool


def unended(page: str, syntax: NDArray[np.uint8], watch: Watch) -> Iterator[Unended]:
    """Yields the tags that have lost their >: start tags, then end tags. Raises Stopped."""
    for m in watched(UNENDED.finditer(page), watch):
        name, following = m["name"].lower(), m["next"].lower()
        if int(syntax[m.start()]) in QUIET or Syntax.VALUE <= int(syntax[m.start()]) <= Syntax.BASE:
            continue
        if name in STANDARD:
            at = ATTRIBUTES.match(page, m.end("name"), m.end()).end()  # type: ignore[union-attr]  # it matches ""
            sure = bool(m["slash"]) and following == name
        elif m["slash"] and name.startswith(following) and following in STANDARD:
            at, sure = m.start("name") + len(following), True  # <h1Boat trips</h1>
        else:
            continue
        if (m["slash"] and not sure) or name in VOID | RAW_TEXT or NO_TEXT.match(page[at : m.end()]):
            continue
        yield Unended(m.start(), m.end(), Repair(at, at, ">", *MISSING[">"]), sure)
    for m in watched(UNENDED_END.finditer(page), watch):
        at = m.end("name")
        if int(syntax[m.start()]) in QUIET or m["name"].lower() not in STANDARD or NO_TEXT.match(page[at : m.end()]):
            continue
        yield Unended(m.start(), m.end(), Repair(at, at, ">", *MISSING[">"]), True)
