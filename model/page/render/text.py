"""Renders a page's spans as visible text, one line per block."""

from collections.abc import Iterable

from soupstate.model.page.entities import text_of
from soupstate.model.page.marks import Block, Visible
from soupstate.model.page.render.folding import folded
from soupstate.model.page.spans import INLINE, Span, TagSpan, TextSpan
from soupstate.model.page.stop import Stop, Watch, never, watched


def typeface(span: TextSpan) -> tuple[int, int, int]:
    """Returns what may differ between the letters of one word: strong, emphasis and code."""
    return span.strong, span.emphasis, span.code


def text(page: str, spans: Iterable[Span], stop: Stop = never) -> str:
    """Returns the visible text. Blocks and line breaks begin a line. Raises Stopped.

    Two runs of text with a tag between them are two words, because style sheets set them apart
    (`<span>Log in</span><span>Help</span>`), unless strong, emphasis or code changes (`<b>W</b>ord`).
    """
    watch = Watch(stop)
    lines: list[str] = []
    parts: list[str] = []
    preformatted = False
    before: tuple[int, int, int] | None = None

    def flush() -> None:
        nonlocal preformatted
        if parts:
            lines.append("".join(parts).strip("\n").rstrip() if preformatted else folded(parts, watch))
        parts.clear()
        preformatted = False

    for span in watched(spans, watch):
        if isinstance(span, TagSpan):
            if span.event not in INLINE:
                flush()
        elif isinstance(span, TextSpan) and span.visible == Visible.SHOWN:
            face = typeface(span)
            if before == face and not span.blank and span.block != Block.PREFORMATTED:
                parts.append(" ")
            parts.extend(text_of(page, span.start, span.end, watch))
            before = face
            preformatted |= not span.blank and span.block == Block.PREFORMATTED
    flush()
    return "\n".join(line for line in lines if line)
