"""Suspects: places where a page's markup does not fit together, found without the network: brackets and quotes that
have no other, end tags that close something else. Most are harmless; which are not is the network's to say (faults.py).
"""

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from model.net.repairs import Repair
from model.page.marks import Syntax
from model.page.spans import Span, TagSpan

PIECE = re.compile(r"<[^<>]*>?|[^<>]*>")  # a tag, whole or not, or the end of one
NAME = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]*)")
VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
# Their end tags may be left out (WHATWG HTML, 13.1.2.4).
OPTIONAL = frozenset(
    "body caption colgroup dd dt head html li optgroup option p rp rt tbody td tfoot th thead tr".split()  # fmt: skip
)
QUIET = (Syntax.RAW, Syntax.COMMENT, Syntax.DOCTYPE)
ATTRIBUTE_TEXT = 300  # characters: a longer piece is no tag


def pieces(page: str, syntax: NDArray[np.uint8]) -> Iterator[tuple[int, int]]:
    """(start, end) of what should be a tag and is not: a bracket or a quote has no other."""
    for m in PIECE.finditer(page):
        piece, start = m[0], m.start()
        if int(syntax[start]) in QUIET and int(syntax[m.end() - 1]) in QUIET:
            continue
        broken = not (piece.startswith("<") and piece.endswith(">"))
        odd = piece.startswith("<") and (piece.count('"') % 2 == 1 or (piece.count("'") % 2 == 1 and '"' not in piece))
        if broken or odd:
            yield max(start, m.end() - ATTRIBUTE_TEXT), m.end()


def mismatches(page: str, spans: list[Span]) -> Iterator[tuple[int, list[Repair]]]:
    """(place, repairs) of end tags that do not close what was opened last."""
    opened: list[tuple[str, int]] = []  # name, place of the start tag
    for span in spans:
        m = NAME.match(page, span.start) if isinstance(span, TagSpan) else None
        if m is None:
            continue
        name = m[1].lower()
        if page[span.start + 1] != "/":
            if name not in VOID and page[span.end - 2 : span.end] != "/>":
                opened.append((name, span.start))
            continue
        while opened and opened[-1][0] in OPTIONAL and opened[-1][0] != name:
            opened.pop()
        if opened and opened[-1][0] == name:
            opened.pop()
        elif name not in VOID:
            yield span.start, _mended(page, span.start, span.end, name, opened)
            depth = next((k for k in range(len(opened) - 1, -1, -1) if opened[k][0] == name), None)
            if depth is not None:
                del opened[depth:]


def _mended(page: str, start: int, end: int, name: str, opened: list[tuple[str, int]]) -> list[Repair]:
    """What would make an end tag close what was opened last."""
    repairs = [Repair(start, end, "", f"</{name}> closes nothing")]
    if not opened:
        return repairs
    top, place = opened[-1]
    repairs.append(Repair(start, start, f"</{top}>", f"the end tag </{top}> is missing"))
    text = len(page[:start].rstrip())
    if text < start:
        repairs.append(Repair(text, text, f"</{top}>", f"the end tag </{top}> is missing"))
    if len(opened) > 1 and opened[-2][0] == top:
        repairs.append(Repair(place + 1, place + 1, "/", "/ is missing: an end tag is written as a start tag"))
    following = re.compile(rf"(\s*)(</{top}\s*>)", re.I).match(page, end)
    if following:
        swapped = following[2] + following[1] + page[start:end]
        repairs.append(Repair(start, following.end(), swapped, f"end tags in the wrong order: </{name}></{top}>"))
    return repairs
