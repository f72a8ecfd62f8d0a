"""Finds the title of a page in its spans."""

from soupstate.model.page.entities import unescape_text
from soupstate.model.page.spans import Span, TitleSpan


def title(page: str, spans: list[Span]) -> str | None:
    """Returns the first title that is not empty, white space folded; None when the page has none."""
    for span in spans:
        if isinstance(span, TitleSpan):
            folded = " ".join(unescape_text(page[span.start : span.end]).split())
            if folded:
                return folded
    return None
