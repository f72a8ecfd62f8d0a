"""Finds what the network need not read of a page that is extracted: attributes, middles of values and of texts.

It runs in C++ where the module was built; the reference is beside it. Both work on the bytes of a page.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from soupstate.kernels.compiled import cpp

# What the marks depend on: links, images, hidden elements, kinds of lists and fields, shapes of tables.
TOLD: Final = "alt colspan data-(?:lazy-)?src data-original hidden href open rel rowspan selected src type".split()
MUTE: Final = frozenset({b"link", b"meta", b"script", b"style"})  # elements none of whose attributes counts
KEPT_OF_VALUE = 4  # bytes kept at either end of a value, inside its quotes
KEPT_OF_TEXT = 16  # the same of the text between two tags
LONGEST_VALUE, LONGEST_TEXT = 2 * KEPT_OF_VALUE + 4, 2 * KEPT_OF_TEXT + 8  # bytes of what stays whole
LONGEST_SPACE = 2  # bytes of white space at either end of a text that stay whole
BEFORE = 10_000  # bytes before a stretch of `whole` in which nothing is cut either

NAME, EQUALS, BARE = r"[^\s\"'<>/=]++", r"\s*+=\s*+", r"[^\s\"'<>=`]++"
VALUE = rf"(?:\"[^\"<>]*+\"|'[^'<>]*+'|{BARE})"
SHORT = rf"(?:\"[^\"<>]{{0,{LONGEST_VALUE}}}+\"|'[^'<>]{{0,{LONGEST_VALUE}}}+'|{BARE})"
TAG = rf"<(?P<name>[A-Za-z][^\s\"'<>/=]*+)(?:[\s/]++{NAME}(?:{EQUALS}{VALUE})?+)*+[\s/]*+>|</[A-Za-z][^<>]*+>"
# A tag, and the text between it and the next one.
TAG_AND_TEXT = re.compile(
    rf"(?P<tag>{TAG})(?:(?P<space>\s*+)(?P<text>(?:[^<>]*[^\s<>])?+)(?P<end>\s*+)(?=<))?+".encode()
)
# Comments and bodies, whose texts stay whole.
BODY = re.compile(rb"<!--.*?(?:-->|\Z)|<(script|style|svg)\b[^<>]*>.*?(?:</\1\b|\Z)", re.I | re.S)
STAYS = rf"[\s/]++(?:{'|'.join(TOLD)})(?=[\s=/>])(?:{EQUALS}{SHORT}|(?!\s*+=))"
CUT = re.compile(
    (
        rf"(?:{STAYS})*+(?:[\s/]++(?:{'|'.join(TOLD)}){EQUALS}(?P<value>\"[^\"]*+\"|'[^']*+')"
        rf"|(?P<whole>[\s/]++{NAME}(?:{EQUALS}{VALUE})?+))"
    ).encode(),
    re.I,
)

Places = NDArray[np.int64]


def brief_cuts(page: NDArray[np.uint8], whole: Places) -> Places:
    """Returns the starts and ends (cuts, 2) of what to cut out of page (n,), ascending. No cut touches the next.

    A start tag is cut only if it is whole, with both quotes of each value, and no bracket is in a value; a text only if
    such a tag or an end tag is before it and a `<` after it, and it is in no comment, script, style or drawing. whole
    (k, 2): starts and ends, ascending; between them and BEFORE bytes before nothing is cut.
    """
    if cpp is None:
        return reference_brief_cuts(page, whole)
    return cpp.brief_cuts(page, whole).reshape(-1, 2)


def reference_brief_cuts(page: NDArray[np.uint8], whole: Places) -> Places:
    """Returns what `brief_cuts` returns, by regular expressions."""
    cuts: list[list[int]] = []
    for start, end in _found(page.tobytes(), whole):
        if cuts and cuts[-1][1] == start:
            cuts[-1][1] = end
        elif start < end:
            cuts.append([start, end])
    return np.array(cuts, np.int64).reshape(-1, 2)


def _found(page: bytes, whole: Places) -> Iterator[tuple[int, int]]:
    """Yields the cuts, of which some may be empty or touch."""
    starts, ends = whole.T.tolist()

    def may(first: int, last: int) -> bool:
        after = bisect_left(ends, last)
        return after == len(ends) or starts[after] >= first + BEFORE

    bodies = [body.span() for body in BODY.finditer(page)]

    def in_body(at: int) -> bool:
        before = bisect_left(bodies, (at,)) - 1  # the last one that starts before
        return before >= 0 and at < bodies[before][1]

    for part in TAG_AND_TEXT.finditer(page):
        if may(*part.span("tag")):
            yield from _of_tag(page, part)
        if part["text"] is not None and not in_body(part.end("tag")) and may(part.end("tag"), part.end()):
            yield from _of_text(page, part)


def _of_tag(page: bytes, part: re.Match[bytes]) -> Iterator[tuple[int, int]]:
    at, last = part.end("name"), part.end("tag")
    if part["name"] is None:  # an end tag
        return
    if part["name"].lower() in MUTE:
        yield at, last - 1
        return
    while cut := CUT.match(page, at, last):
        at = cut.end()
        inner = cut.start("value") + 1, cut.end("value") - 1
        yield _middle(page, *inner, KEPT_OF_VALUE) if cut["value"] else cut.span("whole")


def _of_text(page: bytes, part: re.Match[bytes]) -> Iterator[tuple[int, int]]:
    for name in ("space", "text", "end"):
        start, end = part.span(name)
        if name == "text":
            if end - start > LONGEST_TEXT:
                yield _middle(page, start, end, KEPT_OF_TEXT)
        elif end - start > LONGEST_SPACE:
            yield start + 1, end - 1


def _middle(page: bytes, start: int, end: int, kept: int) -> tuple[int, int]:
    """Returns where the bytes are that stand further than `kept` from either end, between characters."""
    start, end = start + kept, end - kept
    while start < end and page[start] & 0xC0 == 0x80:
        start += 1
    while start < end and page[end] & 0xC0 == 0x80:
        end -= 1
    return start, end
