"""Finds the main content of a page that was read.

With a block head (`soupstate.model.net.block_head`) whole blocks are chosen. Without one, the runs of text are divided
into main content and the rest at the least cost, given what the `main` head says of each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soupstate.model.net.block_head import PAGE_TYPES, BlockHead
from soupstate.model.net.corrected_head import CorrectedHead
from soupstate.model.net.reader import Marking
from soupstate.model.page.block_figures import described
from soupstate.model.page.blocks import Blocks, parts_of
from soupstate.model.page.cuts import CLOSING, TITLE
from soupstate.model.page.marks import Block as Kind
from soupstate.model.page.marks import Event, Visible
from soupstate.model.page.render.tables import data_tables
from soupstate.model.page.spans import ENDS_BLOCK, Span, Spans, TextSpan
from soupstate.model.page.stop import Stop, Watch, never, watched

# What a choice favours, by the beta of the F measure that it makes greatest (van Rijsbergen 1979, chapter 7).
FAVORS = {"balanced": 1.0, "precision": 0.5, "recall": 2.0}
# Blocks between the content and its headline: a date, an author, a picture. Most persons who mark main content leave
# the headline out, so it costs .001 of F1. Who reads the page wants it.
HEADLINE_REACH = 10
LEAST_REPEATED = 8  # words; shorter texts, as those of cells, may come again
MOSTLY_HIDDEN = 0.5  # share of the content's words
# Cost of a change between main content and the rest, in characters that are given up for it. Chosen on 40 labelled
# training pages: F1 of words .827 at 20, .819 at 80, .812 at 200, .774 at 400.
SWITCH_COST = 20.0
LONGEST_RUN = 400  # characters of a run that count, so that no single run outvotes its surroundings


Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class MainBlock:
    """A block of a page. start, end: of its text, offsets in code points. main: whether it is part of the main content.

    probability: of being main content, calibrated: of the blocks with .8, about .8 of the words are.

    >>> import soupstate
    >>> page = soupstate.extract("<h1>Tea</h1><p>Two cups of tea.</p>", scope="main")
    >>> [(block.start, block.end) for block in page.main_blocks]
    [(4, 7), (15, 31)]
    """

    start: int
    end: int
    probability: float
    main: bool


@dataclass(frozen=True)
class MainContent:
    """The main content of a page. spans: of its text, with the tags next to it, and the title.

    blocks: all that might be chosen. confidence: the F1 of words to expect against what a person would mark. page_type:
    one of PAGE_TYPES. Without a block head there are no blocks, and the other two are None.
    """

    spans: Spans
    blocks: list[MainBlock]
    confidence: float | None = None
    page_type: str | None = None


def main_content(marking: Marking, stop: Stop = never, favor: str = "balanced") -> MainContent:
    """Finds the main content of a page. favor: one of FAVORS. Raises Stopped."""
    watch, spans = Watch(stop), marking.spans
    if marking.block_head is None:
        return MainContent(_with_tags(spans, _division(spans, watch)), [])
    return _of_blocks(marking, marking.block_head, FAVORS[favor], watch)


def _with_tags(spans: Spans, content: NDArray[np.bool_]) -> Spans:
    """Returns the title, and the text of the main content with the tags beside it, all of it shown.

    content (spans,): which text that is.
    """
    kind, solid, n = spans.cut.kind, spans.solid, len(spans)
    number = np.arange(n)
    before = np.maximum.accumulate(np.where(solid, number, -1))
    after, end_tag = (np.minimum.accumulate(np.where(some, number, n)[::-1])[::-1] for some in (solid, kind == CLOSING))
    # Of the tags and blank texts between two texts, those up to the last end tag go with the text before.
    padded = np.append(content & solid, False)  # where there is no text before or after
    keep = np.where(padded[before] & (end_tag < after), True, padded[after])
    found = spans.some(keep | (kind == TITLE))
    found.mark("visible")[:] = Visible.SHOWN
    return found


@dataclass(frozen=True)
class _Places:
    """What is kept of the blocks of a page. first, start, end (blocks,): the first span, and the extent of the text.

    shown, headline (blocks,): whether it is shown, and is a heading of the first level. line (blocks,): whether only
    line breaks are between it and the one before.
    """

    texts: list[str]
    first: NDArray[np.int64]
    start: NDArray[np.int32]
    end: NDArray[np.int32]
    shown: NDArray[np.bool_]
    headline: NDArray[np.bool_]
    line: NDArray[np.bool_]

    @classmethod
    def of(cls, parts: Sequence[Blocks]) -> "_Places":
        """Returns the places of all blocks of a page. parts: at least one."""
        columns = zip(*map(cls._columns, parts), strict=True)
        return cls([text for part in parts for text in part.texts], *map(np.concatenate, columns))

    @staticmethod
    def _columns(blocks: Blocks) -> tuple[NDArray[Any], ...]:
        cut, shown = blocks.spans.cut, blocks.mark("visible") == Visible.SHOWN
        between, _ = blocks.counts(ENDS_BLOCK[blocks.spans.event[blocks.window]])
        headline = blocks.mark("block") == Kind.H1
        return blocks.first, cut.start[blocks.first], cut.end[blocks.last], shown, headline, between == 0


def _of_blocks(marking: Marking, head: BlockHead | CorrectedHead, beta: float, watch: Watch) -> MainContent:
    """Chooses among the blocks of a page."""
    judged, numbers, parts = list[Floats](), list[Floats](), list[Blocks]()
    kinds: Floats | None = None  # of the first part
    for part in parts_of(marking.page, marking.spans, watch):
        told = described(marking.page, part, watch)
        chances, types = head.judge(told)
        kinds = types if kinds is None else kinds
        judged.append(head.reliable(chances))
        numbers.append(told.sizes)
        parts.append(part)
    chances, sizes, places = np.concatenate(judged), np.concatenate(numbers), _Places.of(parts)
    _join_lines(chances, sizes, places)
    _join_tables(marking, chances, sizes, places, watch)
    chosen, f1 = _choose_shown(chances, sizes, places, beta, watch)
    _add_headline(chosen, places)
    number = np.searchsorted(places.first, np.arange(len(marking.spans)), "right") - 1  # of each span's block
    content = (number >= 0) & np.append(chosen, False)[number]
    columns = (places.start, places.end, chances, chosen)
    blocks = [MainBlock(*row) for row in watched(zip(*(each.tolist() for each in columns), strict=True), watch)]
    page_type = PAGE_TYPES[int(np.argmax(kinds))] if blocks and kinds is not None else None
    return MainContent(_with_tags(marking.spans, content), blocks, head.expected_f1(f1), page_type)


def _join_lines(chances: Floats, sizes: Floats, places: _Places) -> None:
    """Gives the lines of a paragraph one chance, the mean by words, so that it is taken or left as a whole."""
    if not len(chances):
        return
    goes_on = places.line[1:] & (places.shown[1:] == places.shown[:-1])
    begins = np.append(0, 1 + np.flatnonzero(~goes_on))
    weights = 1 + sizes
    means = np.add.reduceat(chances * weights, begins) / np.add.reduceat(weights, begins)
    chances[:] = np.repeat(means, np.diff(np.append(begins, len(chances))))


def _join_tables(marking: Marking, chances: Floats, sizes: Floats, places: _Places, watch: Watch) -> None:
    """Gives all blocks of a table of data one chance, the mean by words, so that it is taken or left as a whole."""
    spans = marking.spans
    begins = np.array(sorted(data_tables(marking.page, spans, watch)), np.int64)
    ends = np.append(np.flatnonzero(spans.event == Event.TABLE_END), len(spans))
    after = ends[np.searchsorted(ends, begins)]
    for first, last in watched(np.searchsorted(places.first, np.stack([begins, after], axis=1)).tolist(), watch):
        if first < last:
            chances[first:last] = np.average(chances[first:last], weights=1 + sizes[first:last])


def _choose_shown(
    chances: Floats, sizes: Floats, places: _Places, beta: float, watch: Watch
) -> tuple[NDArray[np.bool_], float]:
    """Chooses blocks, hidden ones only where they hold most of the content: some pages keep it in `noscript`."""
    chosen, f1 = choose(chances, sizes, places.texts, beta, watch)
    if 0 < sizes[chosen & ~places.shown].sum() < MOSTLY_HIDDEN * sizes[chosen].sum():
        chosen, f1 = choose(np.where(places.shown, chances, np.float32(0)), sizes, places.texts, beta, watch)
    return chosen, f1


def _add_headline(chosen: NDArray[np.bool_], places: _Places) -> None:
    """Chooses the last heading of the first level that stands shortly before the content, if it has none yet."""
    if not chosen.any():
        return
    first = int(np.argmax(chosen))
    begin = max(0, first - HEADLINE_REACH)
    found = np.flatnonzero((places.headline & places.shown)[begin : first + 1])
    chosen[begin + found[-1:]] = True


def choose(
    chances: Floats, sizes: Floats, texts: Sequence[str], beta: float = 1.0, watch: Watch | None = None
) -> tuple[NDArray[np.bool_], float]:
    """Chooses blocks by their chances (blocks,) to be content, numbers of words (blocks,) and texts.

    Of the likeliest blocks it takes as many as make the expected F measure of words greatest, with this beta. The best
    threshold for F1 is half of the F1 that is reached (Lipton et al. 2014, "Optimal Thresholding of Classifiers to
    Maximize F1 Measure"), so that a doubtful page keeps more. A text of LEAST_REPEATED words or more is not chosen
    twice. Returns which blocks (blocks,) are chosen, and the expected F1. Raises Stopped.
    """
    seen: set[str] = set()
    once: list[int] = []
    for i in watched(np.argsort(-chances, kind="stable").tolist(), watch or Watch()):
        if sizes[i] < LEAST_REPEATED or texts[i] not in seen:
            once.append(i)
        seen.add(texts[i])
    chosen = np.zeros(len(chances), np.bool_)
    size = np.cumsum(sizes[once], dtype=np.float64)
    common = np.cumsum(chances[once] * sizes[once], dtype=np.float64)  # words of the content to expect among them
    if not once or common[-1] <= 0:
        return chosen, 0.0
    best = int(np.argmax((1 + beta**2) * common / (size + beta**2 * common[-1])))
    chosen[once[: best + 1]] = True
    return chosen, float(2 * common[best] / (size[best] + common[-1]))


def _division(spans: Sequence[Span], watch: Watch) -> NDArray[np.bool_]:
    """Returns which spans (spans,) are text of the main content, by Viterbi over two classes of the shown texts.

    A run costs its length when it is not in the class that the network predicts.
    """
    costs = [0.0, 0.0]  # outside, inside
    back = bytearray()  # for each text two bits: whether to have been inside before, for either class
    texts: list[int] = []
    for i, span in enumerate(watched(spans, watch)):
        if not isinstance(span, TextSpan) or span.blank or span.visible != Visible.SHOWN:
            continue
        texts.append(i)
        weight = float(min(span.end - span.start, LONGEST_RUN))
        own = (weight * span.main, weight * (1 - span.main))
        stay_out = costs[0] <= costs[1] + SWITCH_COST
        stay_in = costs[1] < costs[0] + SWITCH_COST
        pointers = (0 if stay_out else 1, 1 if stay_in else 0)
        costs = [costs[pointers[k]] + SWITCH_COST * (pointers[k] != k) + own[k] for k in (0, 1)]
        back.append(pointers[0] | pointers[1] << 1)
    at = 0 if costs[0] <= costs[1] else 1
    content = np.zeros(len(spans), np.bool_)
    for i, pointer in zip(reversed(texts), reversed(back), strict=True):
        content[i] = at == 1
        at = pointer >> at & 1
    return content
