"""Checks for character references that are incomplete or have an unknown name."""

import re
from collections.abc import Iterator
from html.entities import html5

import numpy as np
from numpy.typing import NDArray

from soupstate.model.faults.checks.mismatches import QUIET
from soupstate.model.faults.edits import MISSING, UNKNOWN_REFERENCE, Repair, one_slip_apart

LEGACY = frozenset(name for name in html5 if not name.endswith(";"))  # browsers know them without a ; as well
USUAL = (
    "amp lt gt quot nbsp apos copy reg trade hellip mdash ndash rsquo lsquo rdquo ldquo laquo raquo middot bull euro "
    "pound times eacute egrave agrave ccedil auml ouml uuml szlig"
).split()
NAMES = LEGACY | frozenset(USUAL)
REFERENCE = re.compile(
    r"&(?P<open>[a-z][a-z0-9]{0,30}|#[0-9]{1,8}|#x[0-9a-f]{1,8})"
    r"|(?<![&#\w])(?P<word>[a-z]{2,40});"
    r"|(?<![&\w])(?P<number>#[0-9]{2,5});"
    r"|&(?P<bare>[0-9]{2,5});",
    re.I,
)


def references(page: str, syntax: NDArray[np.uint8]) -> Iterator[tuple[int, list[Repair]]]:
    """Yields (place, repairs) of character references without &, # or ;, or of unknown name (WHATWG HTML, 13.5)."""
    for m in REFERENCE.finditer(page):
        if int(syntax[m.start()]) in QUIET:
            continue
        if m["open"]:
            found = _opened(page, m.start(), m["open"])
        elif m["bare"]:
            message = "a character reference is not whole: # is missing"
            found = Repair(m.start() + 1, m.start() + 1, "#", UNKNOWN_REFERENCE, message)
        else:  # a number, or a word whose end is a name
            word = m["word"] or m["number"]
            name = next((word[k:] for k in range(len(word) - 1) if word[k:] in NAMES or word[0] == "#"), None)
            at = m.end() - 1 - len(name or "")
            found = Repair(at, at, "&", *MISSING["&"]) if name else None
        if found:
            yield found.start, [found]


def _opened(page: str, start: int, text: str) -> Repair | None:
    """Returns the repair of a reference that begins with & and `text`; None when it is right or no repair is known."""
    end = start + 1 + len(text)
    if page[end : end + 1] == ";":
        if text.startswith("#") or text + ";" in html5:
            return None
        name = next((name for name in USUAL if one_slip_apart(text, name)), None)
        message = f"&{text}; is no character reference; &{name}; was meant"
        return Repair(start + 1, end, name, UNKNOWN_REFERENCE, message) if name else None
    name = next((text[:k] for k in range(len(text), 1, -1) if text[:k] in NAMES), None)
    at = start + 1 + len(name or text)
    if (name or text.startswith("#")) and page[at : at + 1] != "=":
        return Repair(at, at, ";", *MISSING[";"])
    return None
