"""Finds the main content of a page from its spans: divides the page into main content and the rest at the least cost,
given what the network predicts for each run of text.
"""

from soupstate.model.page.marks import Visible
from soupstate.model.page.spans import Span, TagSpan, TextSpan

# Cost of a change between main content and the rest, in characters that are given up for it. Chosen on 40 labelled
# training pages: F1 of words .827 at 20, .819 at 80, .812 at 200, .774 at 400.
SWITCH_COST = 20.0
LONGEST_RUN = 400  # characters of a run that count, so that no single run outvotes its surroundings


def main_content(page: str, spans: list[Span]) -> list[Span]:
    """Returns the spans of the main content, including the tags next to its text, and the title."""
    texts = [s for s in spans if isinstance(s, TextSpan) and not s.blank and s.visible == Visible.SHOWN]
    chosen = {id(s) for s, keep in zip(texts, _division(texts), strict=True) if keep}
    kept: list[Span] = []
    inside = False
    waiting: list[Span] = []
    for span in spans:
        if isinstance(span, TextSpan) and not span.blank:
            inside = id(span) in chosen
            if inside:
                kept += waiting
                kept.append(span)
            waiting = []
        elif isinstance(span, TagSpan | TextSpan):
            waiting.append(span)
            if inside and isinstance(span, TagSpan) and span.closing:
                kept += waiting
                waiting = []
        else:
            kept.append(span)
    return kept


def _division(texts: list[TextSpan]) -> list[bool]:
    """Runs Viterbi over two classes. A run costs its length when it is not in the class that the network predicts."""
    costs = [0.0, 0.0]  # outside, inside
    back: list[tuple[int, int]] = []
    for span in texts:
        weight = float(min(span.end - span.start, LONGEST_RUN))
        own = (weight * span.main, weight * (1 - span.main))
        stay_out = costs[0] <= costs[1] + SWITCH_COST
        stay_in = costs[1] < costs[0] + SWITCH_COST
        pointers = (0 if stay_out else 1, 1 if stay_in else 0)
        costs = [costs[pointers[k]] + SWITCH_COST * (pointers[k] != k) + own[k] for k in (0, 1)]
        back.append(pointers)
    at = 0 if costs[0] <= costs[1] else 1
    division = []
    for pointer in reversed(back):
        division.append(at == 1)
        at = pointer[at]
    return division[::-1]
