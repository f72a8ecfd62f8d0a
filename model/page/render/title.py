"""Finds the title of a page in its spans."""

from soupstate.model.page.cuts import TITLE
from soupstate.model.page.entities import text_of
from soupstate.model.page.render.folding import ANY_SPACE, folded
from soupstate.model.page.spans import Spans
from soupstate.model.page.stop import Stop, Watch, never, watched


def title(page: str, spans: Spans, stop: Stop = never) -> str | None:
    """Returns the first title that is not empty, white space folded; None when the page has none. Raises Stopped."""
    watch = Watch(stop)
    for span in watched(spans.objects(spans.cut.kind == TITLE), watch):
        found = folded(text_of(page, span.start, span.end, watch), watch, ANY_SPACE)
        if found:
            return found
    return None
