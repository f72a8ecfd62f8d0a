"""Cuts out of start tags what says nothing about the marks of a page, so that less has to be read.

Attributes that tell neither what an element is nor how it is shown are cut, such as `class` or `onclick`, and of long
values the middles. A tag counts only if it is whole, with both quotes of each value, and no bracket is in a value. So
where a quote may be missing nothing is cut, and the network sees what it needs to see past it. Answers are made from
the page as it was: the spans are moved back to it.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

import numpy as np
from numpy.typing import NDArray

from soupstate.model.page.skim import may_be_open

# What the marks depend on: links, images, hidden elements, kinds of lists and fields, shapes of tables.
TOLD: Final = ("alt colspan data-(?:lazy-)?src data-original hidden href open rel rowspan selected src type").split()
MUTE: Final = frozenset({"link", "meta", "script", "style"})  # elements none of whose attributes counts
KEPT = 8  # characters kept at either end of a value, inside its quotes
LONGEST = 2 * KEPT + 4  # characters of a value that stays whole
NAME, EQUALS, BARE = r"[^\s\"'<>/=]++", r"\s*+=\s*+", r"[^\s\"'<>=`]++"
VALUE = rf"(?:\"[^\"<>]*+\"|'[^'<>]*+'|{BARE})"
SHORT = rf"(?:\"[^\"<>]{{0,{LONGEST}}}+\"|'[^'<>]{{0,{LONGEST}}}+'|{BARE})"
TAG = re.compile(rf"<(?P<name>[A-Za-z][^\s\"'<>/=]*+)(?:[\s/]++{NAME}(?:{EQUALS}{VALUE})?+)++[\s/]*+>")
STAYS = rf"[\s/]++(?:{'|'.join(TOLD)})(?=[\s=/>])(?:{EQUALS}{SHORT}|(?!\s*+=))"
CUT = re.compile(
    rf"(?:{STAYS})*+(?:[\s/]++(?:{'|'.join(TOLD)}){EQUALS}(?P<value>\"[^\"]*+\"|'[^']*+')"
    rf"|(?P<whole>[\s/]++{NAME}(?:{EQUALS}{VALUE})?+))",
    re.I,
)

BEFORE = 10_000
NOWHERE = (sys.maxsize, sys.maxsize)

Offsets = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Brief:
    """A page with its start tags made shorter. Offsets count code points.

    text: what is left to read. starts (parts,): where each part of the page begins in `text`. moved (parts,): by how
    much further it begins in the page.
    """

    text: str
    starts: Offsets
    moved: Offsets

    def begins(self, offsets: Offsets) -> Offsets:
        """Returns where spans that begin at these offsets of `text` begin in the page."""
        return offsets + self.moved[np.searchsorted(self.starts, offsets, "right") - 1]

    def ends(self, offsets: Offsets) -> Offsets:
        """Returns where spans that end at these offsets of `text` end in the page."""
        return offsets + self.moved[np.searchsorted(self.starts, offsets - 1, "right") - 1]


def brief(page: str) -> Brief:
    """Cuts the start tags of a page."""
    parts = list(_parts(page))
    starts = np.array([0, *accumulate(end - start for start, end in parts)][:-1], np.int32)
    moved = np.array([start for start, _ in parts], np.int32) - starts
    return Brief("".join(page[start:end] for start, end in parts), starts, moved)


def _parts(page: str) -> Iterator[tuple[int, int]]:
    """Yields the start and the end of each part of a page that is kept."""
    start = 0
    whole = may_be_open(page)  # tags stay whole from BEFORE characters before such a body to its end
    first, last = next(whole, NOWHERE)
    for tag in TAG.finditer(page):
        at, end = tag.end("name"), tag.end()
        while last < end:
            first, last = next(whole, NOWHERE)
        if first < at + BEFORE:
            continue
        if tag["name"].lower() in MUTE:
            yield start, at
            start = end - 1
            continue
        while m := CUT.match(page, at, end):
            at = m.end()
            kept, found = (KEPT + 1, "value") if m["value"] else (0, "whole")
            yield start, m.start(found) + kept
            start = at - kept
    yield start, len(page)
