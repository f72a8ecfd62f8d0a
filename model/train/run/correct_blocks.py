"""Teaches a block head what corrections say of main content: a second head, for the templates of corrected pages.

It begins as the first head, and learns from corrected pages and from the sample of training in turn. What the sample
says is the mean of its labels and of the first head's own answers, so that the second head stays near the first.
"""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch

from soupstate.model.net.block_head import BlockHead
from soupstate.model.net.corrected_head import CorrectedHead, names_of
from soupstate.model.net.main_content import choose
from soupstate.model.net.templates import templates_of
from soupstate.model.train.data.replay import Sampled
from soupstate.model.train.network.block_network import BlockNetwork
from soupstate.model.train.run.block_fit import PAGES_AT_ONCE, WARM_UP, Floats, one_thread, page_loss

PASSES = 8  # over the corrected pages
LEAST_STEPS = 400  # of PAGES_AT_ONCE corrected pages, and as many of the sample
LEARNING_RATE = 2e-3  # at its highest
OWN_PART = 0.7  # of the first head's answers in what the sample says
FEW = 1e-9

Lesson = tuple[Sampled, Floats]  # a page, and what its labels (blocks,) shall be
Head = BlockHead | CorrectedHead


def correct_blocks(
    head: BlockHead, corrected: Sequence[Sampled], sample: Sequence[Sampled], progress: Callable[[int], None]
) -> CorrectedHead:
    """Returns the head with a second one that has learned from corrected pages. It takes one thread.

    progress(steps): how many steps were taken, of `steps_for(len(corrected))`. Raises ValueError without pages.
    """
    if not corrected or not sample:
        raise ValueError("neither corrected pages nor the sample may be empty")
    with one_thread():
        second = _second(head, corrected, sample, progress)
    return CorrectedHead(
        head,
        second,
        templates_of([names_of(page.blocks) for page in corrected], [names_of(page.blocks) for page in sample]),
    )


def steps_for(pages: int) -> int:
    """Returns the steps that learning from so many corrected pages takes."""
    return max(LEAST_STEPS, PASSES * math.ceil(pages / PAGES_AT_ONCE))


def _second(
    head: BlockHead, corrected: Sequence[Sampled], sample: Sequence[Sampled], progress: Callable[[int], None]
) -> BlockHead:
    network = BlockNetwork.of(head).eval()  # without dropout: it would have to learn far longer
    lessons = [(page, page.labels) for page in corrected]
    own = [OWN_PART * head.judge(page.blocks)[0] + (1 - OWN_PART) * page.labels for page in sample]
    earlier = list(zip(sample, own, strict=True))
    optimizer = torch.optim.Adam(network.parameters(), LEARNING_RATE)
    order, steps = random.Random(0), steps_for(len(corrected))
    new, old = _endless(lessons, order), _endless(earlier, order)
    for step in range(steps):
        for source in (new, old):
            for _ in range(PAGES_AT_ONCE):
                page, labels = next(source)
                loss = page_loss(network(page.blocks), page.blocks, labels, np.ones_like(labels), whole=True)
                (loss / PAGES_AT_ONCE).backward()  # type: ignore[no-untyped-call]
        rate = LEARNING_RATE * min(1.0, (step + 1) / WARM_UP) * 0.5 * (1 + math.cos(math.pi * step / steps))
        for group in optimizer.param_groups:
            group["lr"] = rate
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        progress(step + 1)
    return replace(network.head(), reliability=head.reliability, confidence=head.confidence)


def _endless(lessons: list[Lesson], order: random.Random) -> Iterator[Lesson]:
    """Yields lessons again and again, each time in a new order."""
    while True:
        order.shuffle(lessons)
        yield from lessons


def main_f1(head: Head, page: Sampled) -> float:
    """Returns the F1 of words of the blocks that a head chooses, by the labels of blocks.

    A page without main content has an F1 of 1 where nothing is chosen, else 0.
    """
    chances, _ = head.judge(page.blocks)
    sizes = page.blocks.sizes
    chosen, _ = choose(head.reliable(chances), sizes, [str(first) for first in page.same])
    common, wanted, found = (page.labels * sizes * chosen).sum(), (page.labels * sizes).sum(), (sizes * chosen).sum()
    return float(2 * common / (wanted + found)) if wanted + found > FEW else 1.0


def mean_f1(head: Head, pages: Sequence[Sampled]) -> float:
    """Returns the mean of `main_f1` over pages, of which there is at least one."""
    return _mean([main_f1(head, page) for page in pages])


def main_figures(head: Head, pages: Sequence[Sampled]) -> dict[str, float]:
    """Returns the mean F1 of words of main content: `main`, of all pages, and `main TYPE` of each type."""
    f1 = [main_f1(head, page) for page in pages]
    types = sorted({page.type for page in pages})
    by_type = {
        f"main {name}": _mean([x for x, page in zip(f1, pages, strict=True) if page.type == name]) for name in types
    }
    return {"main": _mean(f1)} | by_type if pages else {}


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
