"""Finds the main content of a page from its spans: divides the page into main content and the rest at the least cost,
given what the network predicts for each run of text.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from soupstate.model.page.marks import Visible
from soupstate.model.page.spans import Span, TagSpan, TextSpan, TitleSpan
from soupstate.model.page.stop import Stop, Watch, never, watched

# Cost of a change between main content and the rest, in characters that are given up for it. Chosen on 40 labelled
# training pages: F1 of words .827 at 20, .819 at 80, .812 at 200, .774 at 400.
SWITCH_COST = 20.0
LONGEST_RUN = 400  # characters of a run that count, so that no single run outvotes its surroundings


def main_content(page: str, spans: Sequence[Span], stop: Stop = never) -> "Chosen":
    """Returns the spans of the main content, including the tags next to its text, and the title. Raises Stopped."""
    watch = Watch(stop)
    division = iter(_division(spans, watch))
    keep = np.zeros(len(spans), np.bool_)
    inside = False
    waiting = 0  # the first of the tags and blank texts since the last text, whose fate the next text decides
    for i, span in enumerate(watched(spans, watch)):
        if isinstance(span, TextSpan) and not span.blank:
            inside = span.visible == Visible.SHOWN and next(division)
            keep[waiting : i + 1] |= inside
            waiting = i + 1
        elif isinstance(span, TitleSpan):
            keep[i] = True
        elif inside and isinstance(span, TagSpan) and span.closing:
            keep[waiting : i + 1] = True
            waiting = i + 1
    return Chosen(spans, keep, watch)


class Chosen(Iterable[Span]):
    """Some of a page's spans. keep (spans,): which. Going through them raises Stopped."""

    def __init__(self, spans: Iterable[Span], keep: NDArray[np.bool_], watch: Watch) -> None:
        self.spans, self.keep, self.watch = spans, keep, watch

    def __iter__(self) -> Iterator[Span]:
        pairs = watched(zip(self.spans, self.keep.tobytes(), strict=True), self.watch)
        return (span for span, keep in pairs if keep)


def _division(spans: Iterable[Span], watch: Watch) -> list[bool]:
    """Runs Viterbi over two classes of the shown texts.

    A run costs its length when it is not in the class that the network predicts.
    """
    costs = [0.0, 0.0]  # outside, inside
    back = bytearray()  # for each text two bits: whether to have been inside before, for either class
    for span in watched(spans, watch):
        if not isinstance(span, TextSpan) or span.blank or span.visible != Visible.SHOWN:
            continue
        weight = float(min(span.end - span.start, LONGEST_RUN))
        own = (weight * span.main, weight * (1 - span.main))
        stay_out = costs[0] <= costs[1] + SWITCH_COST
        stay_in = costs[1] < costs[0] + SWITCH_COST
        pointers = (0 if stay_out else 1, 1 if stay_in else 0)
        costs = [costs[pointers[k]] + SWITCH_COST * (pointers[k] != k) + own[k] for k in (0, 1)]
        back.append(pointers[0] | pointers[1] << 1)
    at = 0 if costs[0] <= costs[1] else 1
    division = []
    for pointer in reversed(back):
        division.append(at == 1)
        at = pointer >> at & 1
    return division[::-1]
