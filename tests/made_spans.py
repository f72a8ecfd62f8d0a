"""Spans in arrays, made of objects."""

import numpy as np

from soupstate.model.page.cuts import TAG, TEXT, TITLE, Cut
from soupstate.model.page.spans import TEXT_HEADS, Span, Spans, TextSpan, TitleSpan


def spans_of(spans: list[Span]) -> Spans:
    """Returns the arrays of these spans."""
    kinds = [TEXT if isinstance(s, TextSpan) else TITLE if isinstance(s, TitleSpan) else TAG + s.closing for s in spans]
    start, end = (np.array([getattr(s, name) for s in spans], np.int32) for name in ("start", "end"))
    blank = np.array([getattr(s, "blank", False) for s in spans], np.bool_)
    marks = np.array([[getattr(s, name, 0) for name in TEXT_HEADS] for s in spans], np.uint8).reshape(
        -1, len(TEXT_HEADS)
    )
    linked = [i for i, s in enumerate(spans) if getattr(s, "href", None)]
    places = np.array([spans[i].href for i in linked], np.int32).reshape(-1, 2)  # type: ignore[union-attr]
    values = {"href": (np.array(linked, np.int64), places[:, 0], places[:, 1])}
    event = np.array([getattr(s, "event", 0) for s in spans], np.uint8)
    return Spans(Cut(np.array(kinds, np.uint8), start, end, blank, values), event, marks)
