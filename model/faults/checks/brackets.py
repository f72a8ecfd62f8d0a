"""Checks for a < in text, which should be written &lt; (WHATWG HTML, 13.2.2: invalid-first-character-of-tag-name)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soupstate.model.faults.checks.comments import LACKS_MARK
from soupstate.model.faults.checks.mismatches import QUIET
from soupstate.model.faults.edits import UNEXPECTED, Repair
from soupstate.model.page.elements import STANDARD
from soupstate.model.page.marks import Syntax
from soupstate.model.page.stop import Watch, watched

# A < that begins no tag: before white space, a digit and the like; before a name that ends with a sign of programs;
# before a name of one or two letters and words, without = and > up to the next tag; as one of two, as in x<<y; or in
# the type of a program, as in List<String>. The third is one only where it reads as "less than", for the tag may lack
# its >. The last two are one where the name is no element's; a type only where nothing ends it.
STRAY = re.compile(
    r"(?<!<)<(?=(?P<sure>[\s\d=$(.,%-]|<[\s<=])|(?P<signed>[a-z]\w*[;,)&|+*])|[a-z]\w?\s[^<>=\"'/]{0,200}<"
    r"|(?<=\w<)<(?P<shift>[a-z]\w*|\d+)\b(?![^<>=]*=)|(?<=\w<)(?P<type>[a-z]\w*)(?:, ?[a-z]\w*)*[<>])",
    re.I,
)
END_TAG = re.compile(r"</([a-z]\w*)", re.I)
# What a "less than" stands between: numbers, short names, calls.
LEFT, RIGHT = re.compile(r"(?:[\d)\]%]|\b[a-z])\s?$", re.I), re.compile(r"<=|<\s?(?:[-+$]?\d|[a-z]\w?\b|\w+\()", re.I)

ALONE = re.compile(r"<\s?\d|<[-=]")  # reads as "less than", or as an arrow, whatever comes before


@dataclass(frozen=True, slots=True)
class StrayBracket:
    """repair: writes the <, or the two, as references. sure: no tag can begin there. meant: it reads as "less than"."""

    at: int
    repair: Repair
    sure: bool
    meant: bool


def stray_brackets(page: str, syntax: NDArray[np.uint8], watch: Watch) -> Iterator[StrayBracket]:
    """Yields each < in text. Raises Stopped."""
    elements = STANDARD | {m[1].lower() for m in watched(END_TAG.finditer(page), watch)}
    for m in watched(STRAY.finditer(page), watch):
        at = m.start()
        if int(syntax[at]) in QUIET or Syntax.ATTRIBUTE <= int(syntax[at]) <= Syntax.BASE:
            continue
        if (m["type"] or m["shift"] or "").lower() in elements or LACKS_MARK.match(page, at):
            continue
        end = at + 2 if page[at + 1] == "<" else at + 1
        sure = bool(m["sure"] or m["signed"] or m["shift"])
        before = LEFT.search(page, max(0, at - 3), at)
        meant = (
            bool((before and RIGHT.match(page, at)) or ALONE.match(page, at))
            or end > at + 1
            or bool(m["type"] or m["signed"])
        )
        if not (sure or meant):
            continue
        message = "< in text is written &lt;"
        yield StrayBracket(at, Repair(at, end, "&lt;" * (end - at), UNEXPECTED["<"], message), sure, meant)
