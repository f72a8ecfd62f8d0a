"""Masks what is no markup of a page, so that no check looks there: the bodies of closed comments, scripts, styles and
titles, code of templates (PHP, ERB, Jinja, Vue), quoted values with brackets, and each > that is only text.

A comment or script counts as closed when it ends before the next one of its kind begins. One that lost its end swallows
the start of the next, so it stays visible.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soupstate.model.faults.edits import FAR
from soupstate.model.page.elements import ESCAPABLE_RAW_TEXT, RAW_TEXT
from soupstate.model.page.stop import Watch

LONGEST_CODE = 2000  # characters of a piece of template code
CODE = {"<?": "?>", "<%": "%>", "{{": "}}", "{%": "%}", "{#": "#}"}
RAW = "|".join(sorted(RAW_TEXT | ESCAPABLE_RAW_TEXT))
BRACKET = re.compile(r"[<>]")
TAG = re.compile(r"<(/?)([a-zA-Z][\w-]*)[^<>]*>")
OUTSIDE = r"</head[\s>]|</?body[\s>]"  # tags that no script or title holds, unless its end tag came too late
OPENER = re.compile(
    rf"(?P<comment><!--(?!-?>))|<(?P<raw>{RAW})\b[^<>]*+>|(?P<code><\?|<%|\{{\{{|\{{%|\{{#)"
    # A value in quotes. Where the last quote is missing it ends with the = of the next attribute.
    r"|(?<=[\w\])])=(?P<value>\"[^\"\n<>]{0,200}[<>][^\"\n]{0,200}\"|'[^'\n<>]{0,200}[<>][^'\n]{0,200}')(?=[\s/>])"
    r"|(?P<arrow>(?<=[\s=-])>+|(?<!>)>>+(?!>))",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Masked:
    """A page with masked parts. page: as long as the page it was made of. hidden (characters,): where it was masked.

    code (characters,): where code of a template stands.
    """

    page: str
    hidden: NDArray[np.bool_]
    code: NDArray[np.bool_]

    def holds_code(self, start: int, end: int) -> bool:
        """Whether code of a template stands in the tag, or the text, around page[start:end]."""
        near = max(0, start - FAR)
        first = max(near, *(self.page.rfind(bracket, near, start) for bracket in "<>"))
        found = [k for k in (self.page.find(bracket, end, end + FAR) for bracket in "<>") if k >= 0]
        return bool(self.code[first : min(found, default=end) + 1].any())

    def inside(self, start: int, end: int) -> bool:
        """Whether page[start:end] begins or ends within a masked part."""
        return any(bool(self.hidden[max(0, k - 1) : k + 1].all()) and 0 < k < len(self.page) for k in (start, end))


class _Next:
    """Finds the next match of a pattern. Places asked for only grow, so a whole page costs one search along it."""

    def __init__(self, pattern: str, page: str) -> None:
        self.found = re.compile(pattern, re.I).finditer(page)
        self.at = -1
        self.past = len(page)

    def __call__(self, place: int) -> int:
        """Returns where the first match at or after `place` begins; the page's length when there is none."""
        while self.at < place:
            m = next(self.found, None)
            self.at = m.start() if m else self.past
            if m is None:
                break
        return self.at


def mask(page: str, watch: Watch | None = None) -> Masked:
    """Returns the page with a space and then letters x in place of what no check should read. Raises Stopped."""
    hidden, code = np.zeros((2, len(page)), np.bool_)
    parts, last = [], 0
    for start, end in _parts(page, watch or Watch()):
        parts += [page[last:start], " ", "x" * (end - start - 1)]
        hidden[start:end] = True
        if page.startswith(tuple(CODE), start):
            code[start:end] = True
        last = end
    return Masked("".join([*parts, page[last:]]), hidden, code)


def _parts(page: str, watch: Watch) -> Iterator[tuple[int, int]]:
    """Yields (start, end) of the parts to mask, in order, each of one character at least."""
    nexts: dict[str, _Next] = {}

    def following(pattern: str, place: int) -> int:
        if pattern not in nexts:
            nexts[pattern] = _Next(pattern, page)
        return nexts[pattern](place)

    at, open_comment = 0, False
    value_end = 0  # of the last value that was masked; 0: of none in this tag
    while m := OPENER.search(page, at):
        watch()
        start, end, at = m.end(), m.end(), m.end()
        if m["comment"]:
            end = following("--!?>", start)
            whole = end < len(page) and following("<!--(?!-?>)", start) > end
            open_comment |= not whole
        elif m["raw"]:
            end = following(rf"</{m['raw'].lower()}[\s/>]", start)
            swallowed = min(following(rf"<{m['raw'].lower()}[\s>]", start), following(OUTSIDE, start))
            whole = end < len(page) and swallowed > end
        elif m["code"]:
            start, end = m.start(), following(re.escape(CODE[m["code"]]), start) + 2
            whole = end <= len(page) and end - start <= LONGEST_CODE
        elif m["value"]:
            start, end = m.start("value") + 1, m.end("value") - 1
            whole = (
                not page[start:end].rstrip().endswith("=")
                and _pairs(m["value"])
                and (_in_tag(page, m.start()) or (value_end > 0 and not BRACKET.search(page, value_end, m.start())))
            )
            value_end = end if whole else 0
        else:
            start, whole = m.start(), not open_comment and _is_text(page, m.start())
        if whole:
            if start < end:
                yield start, end
            at = end


def _pairs(value: str) -> bool:
    """Whether every end tag in a value, with its quotes, ends the element that began there last, or it is one tag."""
    if TAG.fullmatch(value, 1, len(value) - 1):
        return True
    opened: list[str] = []
    for m in TAG.finditer(value):
        if not m[1]:
            opened.append(m[2].lower())
        elif not opened or opened.pop() != m[2].lower():
            return False
    return True


def _in_tag(page: str, at: int) -> bool:
    near = max(0, at - FAR)
    return page.rfind("<", near, at) > page.rfind(">", near, at)


def _is_text(page: str, at: int) -> bool:
    """Whether a > stands in text, and no tag or comment that lost its start may end there."""
    near = max(0, at - FAR)
    last = max(page.rfind("<", near, at), page.rfind(">", near, at))
    if last < 0 or page[last] == "<":
        return False
    text = page[last + 1 : at]
    return bool(text.strip()) and not re.search(r"[=\"']\S|--$|[\"'/]\s*$|^\s*!-", text)
