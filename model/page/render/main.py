"""The main content of a page, from its spans: the cheapest division into stretches that are main content and stretches
that are not, given what the network says of every run of text.
"""

from soupstate.model.page.marks import Visible
from soupstate.model.page.spans import Span, TagSpan, TextSpan

# Cost of a change between content and the rest, in characters that would be given up for it. Found on 40 labelled
# training pages: F1 of words .827 at 20, .819 at 80, .812 at 200, .774 at 400.
SWITCH = 20.0
LONGEST = 400  # characters of a run that count: no single run outvotes its surroundings


def main_content(page: str, spans: list[Span]) -> list[Span]:
    """The spans of the main content, tags beside its text included; the title stays."""
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
    """Viterbi over two classes: a run costs its length where it is put on the side the network did not say."""
    costs = [0.0, 0.0]  # outside, inside
    back: list[tuple[int, int]] = []
    for span in texts:
        weight = float(min(span.end - span.start, LONGEST))
        own = (weight * span.main, weight * (1 - span.main))
        stay_out = costs[0] <= costs[1] + SWITCH
        stay_in = costs[1] < costs[0] + SWITCH
        pointers = (0 if stay_out else 1, 1 if stay_in else 0)
        costs = [costs[pointers[k]] + SWITCH * (pointers[k] != k) + own[k] for k in (0, 1)]
        back.append(pointers)
    at = 0 if costs[0] <= costs[1] else 1
    division = []
    for pointer in reversed(back):
        division.append(at == 1)
        at = pointer[at]
    return division[::-1]
