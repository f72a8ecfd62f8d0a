"""Splits a page into tokens with their places, which the teacher stamps. It follows the tokenization of the HTML
standard (WHATWG HTML, section 13.2.5), with the switches to raw text that its tree construction makes (13.2.6).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from soupstate.model.page.elements import BREAKOUT, ESCAPABLE_RAW_TEXT, FOREIGN, INTEGRATION_POINTS, RAW_TEXT

SPACE = "\t\n\f\r "
TAG_NAME = re.compile(rf"</?([a-zA-Z][^{SPACE}/>]*)")
ATTRIBUTE = re.compile(
    rf"[{SPACE}/]*(?:([^{SPACE}/>][^{SPACE}/>=]*)"
    rf"(?:[{SPACE}]*=[{SPACE}]*(?:\"([^\"]*)(\"|\Z)|'([^']*)('|\Z)|([^{SPACE}>]*)))?)"
)
CLOSE = re.compile(rf"[{SPACE}/]*>")
COMMENT_END = re.compile(r"--!?>")


@dataclass(slots=True)
class Token:
    """kind: text, raw, start, end, comment, doctype, void (a tag cut off by the page's end). Offsets: code points."""

    kind: str
    start: int
    end: int
    name: str = ""
    name_end: int = 0
    attributes: list[tuple[str, int, int, int, int]] = field(default_factory=list)
    # (name, start, end, value start, value end); value start -1 where there is none


def tokens(page: str) -> Iterator[Token]:
    """Yields tokens in order. They cover the page without gap or overlap."""
    foreign: list[str] = []
    at = 0
    while at < len(page):
        begin = at
        while True:
            at = page.find("<", at)
            if at < 0 or at + 1 >= len(page):
                at = len(page)
                break
            c = page[at + 1]
            if c in "!?/" or (c.isascii() and c.isalpha()):
                break
            at += 1
        if at > begin:
            yield Token("text", begin, at)
        if at >= len(page):
            return
        token = _markup(page, at, bool(foreign))
        yield token
        at = token.end
        if token.kind == "end" and foreign and token.name in (*FOREIGN, foreign[-1]):
            foreign.pop()
        elif token.kind == "start":
            _follow(token, page, foreign)
            html = not foreign or foreign[-1] in INTEGRATION_POINTS
            if html and token.name in RAW_TEXT | ESCAPABLE_RAW_TEXT | {"plaintext"}:
                end = _raw_end(page, at, token.name)
                if end > at:
                    yield Token("text" if token.name in ESCAPABLE_RAW_TEXT | {"plaintext"} else "raw", at, end)
                at = end


def _follow(token: Token, page: str, foreign: list[str]) -> None:
    """Updates the stack of foreign elements. It has only those that decide how the next tokens are read."""
    if token.name in BREAKOUT and foreign and foreign[-1] in FOREIGN:
        foreign.clear()
    closed = page[token.end - 2] == "/"
    if not closed and (token.name in FOREIGN or (foreign and token.name in INTEGRATION_POINTS)):
        foreign.append(token.name)


def _markup(page: str, at: int, foreign: bool) -> Token:
    if page.startswith("<!--", at):
        if page.startswith((">", "->"), at + 4):
            return Token("comment", at, page.index(">", at) + 1)
        m = COMMENT_END.search(page, at + 4)
        return Token("comment", at, m.end() if m else len(page))
    if foreign and page.startswith("<![CDATA[", at):
        end = page.find("]]>", at)
        return Token("comment", at, len(page) if end < 0 else end + 3)
    named = TAG_NAME.match(page, at)
    if not named:
        end = page.find(">", at)
        kind = "doctype" if page[at : at + 9].lower() == "<!doctype" else "comment"
        return Token(kind, at, len(page) if end < 0 else end + 1)
    kind = "end" if page[at + 1] == "/" else "start"
    token = Token(kind, at, 0, named[1].lower(), named.end())
    k = named.end()
    while True:
        close = CLOSE.match(page, k)
        if close:
            token.end = close.end()
            return token
        a = ATTRIBUTE.match(page, k)
        if not a or a.end() >= len(page):
            token.kind, token.end = "void", len(page)
            return token
        group = next((g for g in (2, 4, 6) if a[g] is not None), 0)
        value = a.span(group) if group else (-1, -1)
        token.attributes.append((a[1].lower(), a.start(1), a.end(), *value))
        k = a.end()


def _raw_end(page: str, at: int, name: str) -> int:
    """Returns where the text of a raw element ends: at its end tag, or at the end of the page."""
    if name == "plaintext":
        return len(page)
    closing = re.compile(rf"</{name}[{SPACE}/>]", re.I)
    m = closing.search(page, at)
    if name != "script" or not m or "<!--" not in page[at : m.start()]:
        return m.start() if m else len(page)
    return _script_end(page, at)


SCRIPT_STEP = re.compile(rf"<!--(?:-*>)?|-->|</?script[{SPACE}/>]", re.I)


def _script_end(page: str, at: int) -> int:
    """Returns the end of a script with `<!--` in it. `<script` in such a comment hides one end tag (13.2.5.25-31)."""
    escaped = double = False
    for m in SCRIPT_STEP.finditer(page, at):
        step = m[0].lower()
        if step == "<!--":
            escaped = True
        elif step.endswith("->"):
            escaped = double = False
        elif step.startswith("</"):
            if not double:
                return m.start()
            double = False
        elif escaped:
            double = True
    return len(page)
