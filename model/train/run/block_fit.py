"""Fits the block head on examples: out-of-fold figures first, then the head from all of them."""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import binary_cross_entropy_with_logits

from soupstate.model.net.block_head import BlockHead
from soupstate.model.train.data.block_examples import Example, word_f1
from soupstate.model.train.network.block_network import BlockNetwork

PAGES_AT_ONCE = 8  # pages of one step
LEARNING_RATE, WARM_UP = 2e-3, 50  # at its highest; steps until then
PAGE_PART = 0.5  # of one minus the page's soft F1 in the loss
SMALLEST_DEVIATION = 1e-3

CONTENT = 0.5  # share of its words in the label from which a block counts as main content

Tell = Callable[[str], None]
Choose = Callable[[NDArray[np.float32], Sequence[str]], NDArray[np.bool_]]  # chances, texts: the blocks that are taken


@dataclass(frozen=True)
class Score:
    """F1 of the words of a page: of the blocks that are chosen, and of the best choice that its blocks allow."""

    dataset: str
    f1: float
    best: float


@dataclass(frozen=True)
class Fitted:
    """The head from all examples. scores: of each page by a head that was fitted on other sites."""

    head: BlockHead
    scores: list[Score]


def fit(examples: Sequence[Example], choose: Choose, folds: int, passes: int, tell: Tell) -> Fitted:
    """Fits the head, and one for each fold of the sites. passes: over the examples.

    Raises ValueError for too few examples.
    """
    sites = sorted({example.site for example in examples})
    if len(sites) < folds:
        raise ValueError(f"{len(sites)} sites, and each of {folds} folds needs one")
    random.Random(0).shuffle(sites)
    found: list[Score] = []
    for fold in range(folds):
        out = set(sites[fold::folds])
        head = train_head([example for example in examples if example.site not in out], passes)
        judged = scores(head, [example for example in examples if example.site in out], choose)
        found += judged
        tell(f"fold {fold + 1} of {folds}: {len(judged)} pages, F1 {np.mean([score.f1 for score in judged]):.3f}")
    return Fitted(train_head(examples, passes), found)


def scores(head: BlockHead, examples: Sequence[Example], choose: Choose) -> list[Score]:
    """Returns the score of each page by this head."""
    return [
        Score(
            example.name.partition("/")[0],
            _f1(example, choose(head.probabilities(example.blocks), example.texts)),
            _f1(example, example.labels > CONTENT),
        )
        for example in examples
    ]


def train_head(examples: Sequence[Example], passes: int, seed: int = 0) -> BlockHead:
    """Returns a head trained on examples for a number of passes over them. It takes one thread.

    The loss of a page is the cross-entropy of its blocks, weighted by 1 + log(1 + words), and PAGE_PART of one minus
    the soft F1 of the page's words.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the products are so small that several threads only wait for each other
    try:
        return _trained(examples, passes, seed)
    finally:
        torch.set_num_threads(threads)


def _trained(examples: Sequence[Example], passes: int, seed: int) -> BlockHead:
    torch.manual_seed(seed)
    order = random.Random(seed)
    figures = np.concatenate([example.blocks.figures for example in examples])
    deviation = figures.std(0) + np.float32(SMALLEST_DEVIATION)
    network = BlockNetwork(torch.from_numpy(figures.mean(0)), torch.from_numpy(deviation))
    optimizer = torch.optim.Adam(network.parameters(), LEARNING_RATE, weight_decay=1e-5)
    steps, step = max(1, passes * len(examples) // PAGES_AT_ONCE), 0
    indices = list(range(len(examples)))
    for _ in range(passes):
        order.shuffle(indices)
        for first in range(0, len(indices), PAGES_AT_ONCE):
            for i in indices[first : first + PAGES_AT_ONCE]:
                (_loss(network, examples[i]) / PAGES_AT_ONCE).backward()  # type: ignore[no-untyped-call]
            fraction = min(1.0, step / steps)
            rate = LEARNING_RATE * min(1.0, (step + 1) / WARM_UP) * 0.5 * (1 + math.cos(math.pi * fraction))
            for group in optimizer.param_groups:
                group["lr"] = rate
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            step += 1
    network.eval()
    return network.head()


def _loss(network: BlockNetwork, example: Example) -> torch.Tensor:
    logits, labels = network(example.blocks), torch.from_numpy(example.labels)
    weights = torch.from_numpy(example.blocks.weights)
    words = torch.expm1(weights - 1)
    entropy = (binary_cross_entropy_with_logits(logits, labels, reduction="none") * weights).sum() / weights.sum()
    chances = torch.sigmoid(logits)
    common = (chances * labels * words).sum()
    f1 = 2 * common / (((chances + labels) * words).sum() + 1)
    loss: torch.Tensor = entropy + PAGE_PART * (1 - f1)
    return loss


def _f1(example: Example, chosen: NDArray[np.bool_]) -> float:
    return word_f1(example.gold, (text for text, some in zip(example.texts, chosen, strict=True) if some))
