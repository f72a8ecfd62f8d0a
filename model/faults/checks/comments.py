"""Checks for comments with broken delimiters, and for scripts and the like that do not end. Both hide later text."""

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from soupstate.model.faults.edits import FAR, MISSING, Repair, missing_end
from soupstate.model.page.elements import ENDLESS_RAW_TEXT
from soupstate.model.page.marks import Syntax
from soupstate.model.page.stop import Watch, watched

COMMENT = re.compile(r"<!--(?!-?>)(?P<body>.*?)(?P<end>-->|--!>|\Z)", re.S)
BROKEN_START = re.compile(r"<!-(?!-)|<--(?!>)|(?<!<)(?<!&lt;)!--(?!>)")
# A broken end: -> without the first -, or -- without >.
BROKEN_END = re.compile(r"(?<!-)(?P<short>->)|--(?=\s*(?:\n|<|\Z))")
# A start without its !, with an end on the same line: such a text is no arrow.
LACKS_MARK = re.compile(r"<(?=--[^<>\n-](?:(?!--)[^<>\n])*-->)")
CONDITIONAL = re.compile(r"\s*\[if\b", re.I)
# Elements whose text is not markup (WHATWG HTML, 13.1.2), and markup inside that suggests that they have ended.
RAW_ELEMENT = re.compile(rf"<({'|'.join(ENDLESS_RAW_TEXT)})\b[^<>]*>(?P<body>.*?)(?:</\1\s*>|\Z)", re.S | re.I)
MARKUP = re.compile(r"<(?:(?P<sure>/?(?:head|link|meta|script|style|body|div|title)\b)|/?[a-z]|!--)", re.I)
BROKEN_DELIMITER = MISSING["-"][0]
NO_END = "a comment's delimiter is not whole: > is missing"


def comments(page: str, syntax: NDArray[np.uint8]) -> Iterator[tuple[int, list[Repair]]]:
    """Yields (place, repairs) of comments that may not begin or end where they should (WHATWG HTML, 13.6)."""
    for m in BROKEN_START.finditer(page):
        if int(syntax[m.start()]) == Syntax.RAW:
            continue
        lacks, at = {"<!-": ("-", m.end()), "<--": ("!", m.start() + 1), "!--": ("<", m.start())}[m[0]]
        yield m.start(), [Repair(at, at, lacks, *MISSING[lacks])]
    for m in COMMENT.finditer(page):
        nested = "<!--" in m["body"]
        conditional = CONDITIONAL.match(m["body"]) and m["end"] and not nested
        if int(syntax[m.start()]) == Syntax.RAW or conditional or (m["end"] and "<" not in m["body"]):
            continue
        proposed = list(_ends(page, m.start("body"), m.end("body")))
        if proposed:
            yield proposed[0].start, proposed


def comment_starts(page: str, syntax: NDArray[np.uint8], watch: Watch) -> Iterator[tuple[int, list[Repair]]]:
    """Yields (place, repairs) of comments whose start lacks its ! (WHATWG HTML, 13.2.5.6). Raises Stopped."""
    for m in watched(LACKS_MARK.finditer(page), watch):
        if int(syntax[m.start()]) != Syntax.RAW:
            yield m.start(), [Repair(m.end(), m.end(), "!", *MISSING["!"])]


def _ends(page: str, start: int, end: int) -> Iterator[Repair]:
    """Yields where the comment with the text page[start:end] may have ended: broken ends, line ends, before markup."""
    first = page.find("<", start, end)
    until = end if first < 0 else first
    for m in BROKEN_END.finditer(page, start, until):
        if m["short"]:
            yield Repair(m.start(), m.start(), "-", *MISSING["-"])
        else:
            yield Repair(m.end(), m.end(), ">", BROKEN_DELIMITER, NO_END)
    line = page.find("\n", start, until)
    places = [start + len(page[start:k].rstrip()) for k in (line, until) if k > start] + [until]
    nested = page.find("<!--", start, end)
    if nested > until:
        places.append(start + len(page[start:nested].rstrip()))
    for at in dict.fromkeys(places):
        yield Repair(at, at, "-->", *MISSING["-->"])
        if page[at : at + 1] == " ":
            yield Repair(at + 1, at + 1, "-->", *MISSING["-->"])


def raw_elements(page: str) -> Iterator[tuple[int, list[Repair]]]:
    """Yields (place, repairs) of scripts, styles, textareas and titles that may have ended before markup in them."""
    for name, start, at, _ in early_ends(page):
        text = start + len(page[start:at].rstrip())
        line = page.find("\n", text, at) + 1
        places = [text, *([line] if line else []), at]
        yield places[0], [missing_end(at, name) for at in dict.fromkeys(places)]


def early_ends(page: str) -> Iterator[tuple[str, int, int, int]]:
    """Yields scripts, styles, textareas and titles that may have ended before markup in them.

    Of each, the name, and where its text begins, where the markup begins, and where the standard says that it ends.
    """
    for m in RAW_ELEMENT.finditer(page):
        start, end = m.span("body")
        at = next((k.start() for k in MARKUP.finditer(page, start + 1, end) if _follows(page, k, start)), None)
        if at is not None:
            yield m[1].lower(), start, at, end


def _follows(page: str, markup: re.Match[str], start: int) -> bool:
    """Whether markup in a text that begins at `start` looks as if it came after it: first on its line, or certain."""
    at = markup.start()
    line = page.rfind("\n", max(start, at - FAR), at)
    if line >= 0 and not page[line:at].strip():
        return markup[0] == "<!--" or ">" in page[at : at + FAR].partition("\n")[0]
    return bool(markup["sure"]) and not page[at - 1].isspace()
