"""Repairs: single edits that would mend a page at a place, by what markup looks like around it.

They are only proposed here; whether one is likely is the network's to say (faults.py).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

REACH = 64  # characters before a place in which an edit may begin
TAG_NAME = re.compile(r"<([a-zA-Z][a-zA-Z0-9]*)")
END_TAGS = re.compile(r"(</[a-zA-Z][a-zA-Z0-9]*\s*>)(\s*)(</[a-zA-Z][a-zA-Z0-9]*\s*>)")
KNOWN = (
    "a abbr article aside b body br button center code dd div dl dt em fieldset font footer form h1 h2 h3 h4 h5 h6 head header hr "
    "html i iframe img input label legend li link main meta nav ol option p path pre script section select small span "
    "strong style sub sup svg table tbody td textarea tfoot th thead title tr u ul"
).split()
DELETED = "<>\"=/"  # characters that may be one too many; others vary without breaking anything
MISSING = {
    ">": "a tag is not closed: > is missing",
    "<": "a tag is not opened: < is missing",
    '"': "a quote is missing",
    "'": "a quote is missing",
    "=": "= is missing between an attribute's name and its value",
    "/": "/ is missing: an end tag is written as a start tag",
    ";": "a character reference does not end: ; is missing",
    "&": "a character reference does not begin: & is missing",
    "-": "a comment's delimiter is not whole: - is missing",
    "!": "a comment does not begin: ! is missing",
    "-->": "a comment is not closed: --> is missing",
    '">': 'a tag is not closed: "> is missing',
}


@dataclass(frozen=True)
class Repair:
    """page[start:end] becomes `replacement`."""

    start: int
    end: int
    replacement: str
    message: str


def repairs(page: str, at: int, names: list[str]) -> Iterator[Repair]:
    """Edits near page[at], the character that surprised; `names`: of the start tags before it, the nearest first."""
    for text in ('"', ">", "<", "=", "/", ";", "-", "-->", '">', "!", "'"):
        yield Repair(at, at, text, MISSING[text])
    for k in (at, at - 1):
        if k >= 0 and page[k] in DELETED:
            yield Repair(k, k + 1, "", f"unexpected {page[k]!r}")
    yield from _word_start(page, at)
    yield from _tags(page, at, names)
    yield from _name(page, at, names)
    for m in END_TAGS.finditer(page, max(0, at - REACH), at + REACH):
        if m.start() <= at < m.end() and m[1].lower() != m[3].lower():
            yield Repair(m.start(), m.end(), m[3] + m[2] + m[1], f"end tags in the wrong order: {m[1]}{m[3]}")


def _word_start(page: str, at: int) -> Iterator[Repair]:
    """< or & lost before the word that ends here."""
    start = at
    while start > 0 and at - start < 24 and (page[start - 1].isalnum() or page[start - 1] in "/!#-"):
        start -= 1
    if start < at:
        yield Repair(start, start, "<", MISSING["<"])
        yield Repair(start, start, "&", MISSING["&"])
    space = page.rfind(" ", max(0, at - REACH), at)
    opening = re.search(r"[A-Za-z][A-Za-z0-9]*$", page[max(0, space - 12) : space]) if space > 0 else None
    if opening:  # the word before: `div class=`
        word = space - len(opening[0])
        yield Repair(word, word, "<", MISSING["<"])


def _tags(page: str, at: int, names: list[str]) -> Iterator[Repair]:
    """A whole tag lost before this one."""
    tag = page.rfind("<", max(0, at - REACH), at + 1)
    if tag < 0 or ">" in page[tag:at]:
        tag = at
    for name in list(dict.fromkeys(names))[:6]:
        yield Repair(tag, tag, f"</{name}>", f"the end tag </{name}> is missing")
    closing = re.compile(r"</([a-zA-Z][a-zA-Z0-9]*)").match(page, tag)
    if closing:
        text = page.rfind(">", max(0, tag - REACH), tag) + 1
        name = closing[1]
        if text:
            yield Repair(text, text, f"<{name}>", f"the start tag of </{name}> is missing")
        end = page.find(">", tag, tag + 32)
        if end > 0:
            yield Repair(tag, end + 1, "", f"</{name}> closes nothing")


def _name(page: str, at: int, names: list[str]) -> Iterator[Repair]:
    """A tag's name misspelt."""
    m = re.compile(r"</?([a-zA-Z0-9]+)").search(page, page.rfind("<", max(0, at - 16), at + 1))
    if not m or not m.start(1) <= at <= m.end(1):
        return
    wrong = m[1].lower()
    if wrong in KNOWN or page.count("<" + m[1]) > 1:
        return
    for name in dict.fromkeys(names + KNOWN):
        if name != wrong and _near(wrong, name):
            yield Repair(m.start(1), m.end(1), name, f"<{m[1]}> is no tag; <{name}> was meant")


def _near(a: str, b: str) -> bool:
    """Whether one insertion, deletion, substitution or swap of neighbours makes a into b (Damerau 1964)."""
    if abs(len(a) - len(b)) > 1:
        return False
    k = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    return (
        a[k + 1 :] == b[k:]
        or a[k:] == b[k + 1 :]
        or a[k + 1 :] == b[k + 1 :]
        or (a[k + 2 :] == b[k + 2 :] and a[k : k + 2] == b[k : k + 2][::-1])
    )


def tag_names(page: str) -> tuple[list[int], list[str]]:
    """Places and names of what looks like a start tag, in order of the page."""
    found = [(m.start(), m[1].lower()) for m in TAG_NAME.finditer(page)]
    return [p for p, _ in found], [n for _, n in found]
