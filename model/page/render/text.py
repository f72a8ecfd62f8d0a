"""Renders a page's spans as visible text, one line per block."""

import re

from soupstate.model.page.entities import unescape_text
from soupstate.model.page.marks import Block, Visible
from soupstate.model.page.spans import INLINE, Span, TagSpan, TextSpan

FOLD = re.compile(r"[\t\n\f\r ]+")


def typeface(span: TextSpan) -> tuple[int, int, int]:
    """Returns what may differ between the letters of one word: strong, emphasis and code."""
    return span.strong, span.emphasis, span.code


def text(page: str, spans: list[Span]) -> str:
    """Returns the visible text. Blocks and line breaks begin a line.

    Two runs of text with a tag between them are two words, because style sheets set them apart
    (`<span>Log in</span><span>Help</span>`), unless strong, emphasis or code changes (`<b>W</b>ord`).
    """
    lines: list[str] = []
    parts: list[str] = []
    preformatted = False
    before: TextSpan | None = None

    def flush() -> None:
        nonlocal preformatted
        joined = "".join(parts)
        lines.append(joined.strip("\n").rstrip() if preformatted else FOLD.sub(" ", joined).strip(" "))
        parts.clear()
        preformatted = False

    for span in spans:
        if isinstance(span, TagSpan):
            if span.event not in INLINE:
                flush()
        elif isinstance(span, TextSpan) and span.visible == Visible.SHOWN:
            if before and not span.blank and span.block != Block.PREFORMATTED and typeface(before) == typeface(span):
                parts.append(" ")
            parts.append(unescape_text(page[span.start : span.end]))
            before = span
            preformatted |= not span.blank and span.block == Block.PREFORMATTED
    flush()
    return "\n".join(line for line in lines if line)
