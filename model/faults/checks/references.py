"""Checks for character references that are incomplete or have an unknown name."""

import re
from collections.abc import Iterator
from html.entities import html5

import numpy as np
from numpy.typing import NDArray

from soupstate.model.faults.checks.mismatches import QUIET
from soupstate.model.faults.edits import MISSING, UNKNOWN_REFERENCE, Repair, one_slip_apart
from soupstate.model.page.stop import Watch, watched

LEGACY = frozenset(name for name in html5 if not name.endswith(";"))  # browsers know them without a ; as well
USUAL = (
    "amp lt gt quot nbsp apos copy reg trade hellip mdash ndash rsquo lsquo rdquo ldquo laquo raquo middot bull euro "
    "pound times eacute egrave agrave ccedil auml ouml uuml szlig"
).split()
NAMES = LEGACY | frozenset(USUAL)
REFERENCE = re.compile(
    r"&(?P<open>[a-z][a-z0-9]{0,30}|#[0-9]{1,20}|#x[0-9a-f]{1,20})"
    r"|(?<![&#\w])(?P<word>[a-z]{2,40});"
    r"|(?<![&\w])(?P<number>#[0-9]{2,5});"
    r"|&(?P<bare>[0-9]{2,5});",
    re.I,
)

WHOLE = re.compile(r"&(?:(?P<name>[a-z][a-z0-9]{0,30})|#(?P<number>[0-9]{1,20}|x[0-9a-f]{1,20}));", re.I)
NO_CHARACTER = (  # parse errors of the standard, and the numbers that they are about
    ("null-character-reference", 0, 0),
    ("surrogate-character-reference", 0xD800, 0xDFFF),
    ("character-reference-outside-unicode-range", 0x110000, 16**20),
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


def wrong_references(page: str, syntax: NDArray[np.uint8], watch: Watch) -> Iterator[tuple[int, list[Repair]]]:
    """Yields (place, [repair]) of whole references that mean no character (WHATWG HTML, 13.2.2). Raises Stopped."""
    for m in watched(WHOLE.finditer(page), watch):
        start, end, text = m.start(), m.end(), m[0]
        if int(syntax[start]) in QUIET:
            continue
        if m["name"]:
            if m["name"] + ";" not in html5 and not any(m["name"].startswith(name) for name in LEGACY):
                near = next((name for name in USUAL if one_slip_apart(m["name"], name)), None)
                meant = f"; &{near}; was meant" if near else ""
                new = f"&{near};" if near else f"&amp;{text[1:]}"
                yield start, [Repair(start, end, new, UNKNOWN_REFERENCE, f"{text} is no character reference{meant}")]
            continue
        code = int(m["number"][1:], 16) if m["number"][0] in "xX" else int(m["number"])
        kind = next((kind for kind, first, last in NO_CHARACTER if first <= code <= last), None)
        if kind:
            yield start, [Repair(start, end, "&#xFFFD;", kind, f"{text} is no character")]


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
