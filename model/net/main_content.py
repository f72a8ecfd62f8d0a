"""Finds the main content of a page that was read.

With a block head (`soupstate.model.net.block_head`) whole blocks are chosen. Without one, the runs of text are divided
into main content and the rest at the least cost, given what the `main` head says of each.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from soupstate.model.net.block_head import BlockHead
from soupstate.model.net.reader import Marking
from soupstate.model.page.blocks import described, parts_of
from soupstate.model.page.marks import Visible
from soupstate.model.page.spans import Span, TagSpan, TextSpan, TitleSpan
from soupstate.model.page.stop import Stop, Watch, never, watched

CHANCE, LEAST_CHANCE, LEAST_CHARACTERS = 0.5, 0.1, 400  # see `choose`
# Cost of a change between main content and the rest, in characters that are given up for it. Chosen on 40 labelled
# training pages: F1 of words .827 at 20, .819 at 80, .812 at 200, .774 at 400.
SWITCH_COST = 20.0
LONGEST_RUN = 400  # characters of a run that count, so that no single run outvotes its surroundings


def main_content(marking: Marking, stop: Stop = never) -> "Chosen":
    """Returns the spans of the main content, including the tags next to its text, and the title. Raises Stopped."""
    watch, spans = Watch(stop), marking.spans
    content = _chosen_blocks(marking, marking.block_head, watch) if marking.block_head else _division(spans, watch)
    keep = np.zeros(len(spans), np.bool_)
    inside = False
    waiting = 0  # the first of the tags and blank texts since the last text, whose fate the next text decides
    for i, span in enumerate(watched(spans, watch)):
        if isinstance(span, TextSpan) and not span.blank:
            inside = bool(content[i])
            keep[waiting : i + 1] |= inside
            waiting = i + 1
        elif isinstance(span, TitleSpan):
            keep[i] = True
        elif inside and isinstance(span, TagSpan) and span.closing:
            keep[waiting : i + 1] = True
            waiting = i + 1
    return Chosen(spans, keep, watch)


class Chosen(Iterable[Span]):
    """Some of a page's spans. keep (spans,): which. Hidden text among them is shown. Going through raises Stopped."""

    def __init__(self, spans: Iterable[Span], keep: NDArray[np.bool_], watch: Watch) -> None:
        self.spans, self.keep, self.watch = spans, keep, watch

    def __iter__(self) -> Iterator[Span]:
        for span, keep in watched(zip(self.spans, self.keep.tobytes(), strict=True), self.watch):
            if keep and isinstance(span, TextSpan) and span.visible != Visible.SHOWN:
                yield replace(span, visible=int(Visible.SHOWN))
            elif keep:
                yield span


def _chosen_blocks(marking: Marking, head: BlockHead, watch: Watch) -> NDArray[np.bool_]:
    """Returns which spans (spans,) are text of the blocks that the head takes for main content."""
    chances, texts = [np.zeros(0, np.float32)], list[str]()
    owner = np.full(len(marking.spans), -1, np.int32)  # the number of each span's block
    for part, title in parts_of(marking.page, marking.spans, watch):
        chances.append(head.probabilities(described(marking.page, part, title, watch)))
        for block in part:
            owner[block.spans] = len(texts)
            texts.append(block.text)
    content = owner >= 0
    content[content] = choose(np.concatenate(chances), texts, watch)[owner[content]]
    return content


def choose(chances: NDArray[np.float32], texts: Sequence[str], watch: Watch | None = None) -> NDArray[np.bool_]:
    """Returns which blocks (blocks,) are main content, by their chances (blocks,) and texts.

    Blocks of at least CHANCE are. Where they have fewer than LEAST_CHARACTERS, the likeliest others join them, down to
    LEAST_CHANCE. A text that was chosen is not chosen again. Raises Stopped.
    """
    chosen = np.zeros(len(chances), np.bool_)
    seen: set[str] = set()
    characters = 0
    for i in watched(np.argsort(-chances, kind="stable").tolist(), watch or Watch()):
        if chances[i] < LEAST_CHANCE or (chances[i] < CHANCE and characters >= LEAST_CHARACTERS):
            break
        if texts[i] not in seen:
            seen.add(texts[i])
            chosen[i] = True
            characters += len(texts[i])
    return chosen


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
