"""Fits the block head on examples: figures out of fold and calibration first, then the head from all of them.

Pages of which two tools, or snippets, say something teach a first head. It goes on with the pages that a person has
marked as a whole, one time for each fold of their sites, and at last for all.
"""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from soupstate.model.net.block_head import PAGE_TYPES, BlockHead
from soupstate.model.page.block_figures import Described
from soupstate.model.train.data.block_examples import UNKNOWN, Example, word_f1
from soupstate.model.train.network.block_network import BlockNetwork
from soupstate.model.train.run.calibration import Judged, calibrated, expected_and_reached, judge, reliability

PAGES_AT_ONCE = 8  # pages of one step
LEARNING_RATE, WARM_UP = 2e-3, 50  # at its highest; steps until then
PAGE_PART = 0.5  # of one minus the page's soft F1 in the loss
TYPE_DECAY = 3e-3  # of the weights that tell the page's type
FIRST_PASSES = 2  # over the pages that no person has marked as a whole
SMALLEST_DEVIATION = 1e-3

CONTENT = 0.5  # share of its words in the label from which a block counts as main content

Floats = NDArray[np.float32]
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Score:
    """A page as a head judges it. kind: the page's type, None where it is not labelled. typed: whether it is found.

    f1: of the words of the blocks that are chosen. best: the most that blocks allow. confidence: the F1 that the head
    expects.
    """

    dataset: str
    kind: str | None
    f1: float
    best: float
    confidence: float
    typed: bool


@dataclass(frozen=True)
class Fitted:
    """The head from all examples. scores: of each page by a head that was fitted, and calibrated, on other sites.

    before, after: the reliability of those heads' chances before and after calibration, see `reliability`. curve: the
    mean F1 of words by the mean number of pages that such heads were fitted to.
    """

    head: BlockHead
    scores: list[Score]
    before: list[tuple[float, float, float]]
    after: list[tuple[float, float, float]]
    curve: list[tuple[int, float]]


def fit(
    examples: Sequence[Example],
    folds: int,
    passes: int,
    tell: Tell,
    apart: frozenset[str] = frozenset(),
    shares: Sequence[float] = (),
) -> Fitted:
    """Fits the head, and one for each fold of the sites. passes: over the pages that a person has marked as a whole.

    Pages by votes and snippets are left out where their site has pages that are judged: those of the folds, and those
    of the sites `apart`. shares: of each fold's sites to fit to as well, for the curve over the number of pages. Raises
    ValueError for too few examples.
    """
    whole = [example for example in examples if example.gold]
    sites = sorted({example.site for example in whole})
    if len(sites) < folds:
        raise ValueError(f"{len(sites)} sites, and each of {folds} folds needs one")
    random.Random(0).shuffle(sites)
    known = apart.union(sites)
    weak = [example for example in examples if not example.gold and known.isdisjoint(_domains(example.site))]
    first = _network(examples)
    if weak:
        tell(f"{len(weak)} pages by votes and snippets")
        _train(first, weak, FIRST_PASSES)
    folded = _Folds(first, whole, [set(sites[fold::folds]) for fold in range(folds)], passes, tell)
    heads, judged = folded.judged(1.0)
    flat = [page for pages in judged for page in pages]
    chances = np.concatenate([page.chances for page in flat])
    after = [head.reliable(page.chances) for head, pages in zip(heads, judged, strict=True) for page in pages]
    labels = np.concatenate([page.example.labels for page in flat])
    sizes = np.concatenate([page.example.blocks.sizes for page in flat])
    found = _of_folds(heads, judged)
    curve = [folded.point(share) for share in shares]
    curve.append((len(whole) * (folds - 1) // folds, float(np.mean([score.f1 for score in found]))))
    return Fitted(
        calibrated(_head(first, whole, passes), flat),
        found,
        reliability(chances, labels, sizes),
        reliability(np.concatenate(after), labels, sizes),
        curve,
    )


@dataclass(frozen=True)
class _Folds:
    """Pages whose sites are parted into folds, and the network that the head of each fold goes on from."""

    first: BlockNetwork
    whole: Sequence[Example]
    folds: Sequence[set[str]]
    passes: int
    tell: Tell

    def judged(self, share: float) -> tuple[list[BlockHead], list[list[Judged]]]:
        """Returns for each fold a head fitted to a share of the other sites, and its pages with that head's chances.

        Each head is calibrated on the pages of the other folds, which heads like it have judged.
        """
        heads, judged = list[BlockHead](), list[list[Judged]]()
        for number, out in enumerate(self.folds):
            sites = sorted({example.site for example in self.whole} - out)
            random.Random(number).shuffle(sites)
            kept = set(sites[: max(1, round(share * len(sites)))])
            # Fewer pages are read more often, so that the number of steps does not fall as fast.
            passes = round(self.passes / share**0.5)
            heads.append(_head(self.first, [example for example in self.whole if example.site in kept], passes))
            judged.append(judge(heads[-1], [example for example in self.whole if example.site in out]))
            self.tell(f"fold {number + 1} of {len(self.folds)}: {len(judged[-1])} pages")
        others = [[page for k, pages in enumerate(judged) if k != fold for page in pages] for fold in range(len(heads))]
        return [calibrated(head, pages) for head, pages in zip(heads, others, strict=True)], judged

    def point(self, share: float) -> tuple[int, float]:
        """Returns the number of pages, and the F1 of words, of heads that were fitted to a share of the sites."""
        self.tell(f"{share:.0%} of the sites")
        f1 = float(np.mean([score.f1 for score in _of_folds(*self.judged(share))]))
        return round(share * len(self.whole) * (len(self.folds) - 1) / len(self.folds)), f1


def _of_folds(heads: Sequence[BlockHead], judged: Sequence[Sequence[Judged]]) -> list[Score]:
    """Returns the score of each page, by the calibrated head of its fold."""
    return [score for head, pages in zip(heads, judged, strict=True) for score in scores(head, pages)]


def _domains(site: str) -> list[str]:
    """Returns a host and the domains that it is in: www.example.org, example.org, org."""
    parts = site.split(".")
    return [".".join(parts[i:]) for i in range(len(parts))]


def scores(head: BlockHead, judged: Sequence[Judged]) -> list[Score]:
    """Returns the score of each page by this calibrated head."""
    found: list[Score] = []
    for page in judged:
        example = page.example
        confidence, f1 = expected_and_reached(head, page)
        best = word_f1(
            example.gold, (t for t, share in zip(example.texts, example.labels, strict=True) if share > CONTENT)
        )
        kind = PAGE_TYPES[example.kind] if example.kind != UNKNOWN else None
        found.append(Score(example.name.partition("/")[0], kind, f1, best, confidence, kind == page.page_type))
    return found


def _head(first: BlockNetwork, examples: Sequence[Example], passes: int) -> BlockHead:
    """Returns a head that goes on from a network."""
    network = deepcopy(first)
    _train(network, examples, passes)
    _fit_types(network.eval(), [example for example in examples if example.kind != UNKNOWN])
    return network.head()


def _fit_types(network: BlockNetwork, examples: Sequence[Example]) -> None:
    """Fits the output that tells the page's type, by logistic regression. The rest of the network stands still.

    A rare type weighs more, by the root of how rare it is.
    """
    if not examples:
        return
    with torch.no_grad():
        seen = torch.stack([network.of_page(example.blocks) for example in examples])
    deviation, mean = torch.std_mean(seen, 0, correction=0)
    seen = (seen - mean) / (deviation + SMALLEST_DEVIATION)
    kinds = torch.tensor([example.kind for example in examples])
    rare = (len(kinds) / torch.bincount(kinds, minlength=len(PAGE_TYPES)).clamp(min=1)).sqrt()
    weight = torch.zeros(len(PAGE_TYPES), seen.shape[1], requires_grad=True)
    bias = torch.zeros(len(PAGE_TYPES), requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=200)

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        found = cross_entropy(seen @ weight.T + bias, kinds, weight=rare) + TYPE_DECAY * (weight**2).sum()
        found.backward()  # type: ignore[no-untyped-call]
        return found

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        network.types.weight.copy_(weight / (deviation + SMALLEST_DEVIATION))
        network.types.bias.copy_(bias - network.types.weight @ mean)


def _network(examples: Sequence[Example]) -> BlockNetwork:
    torch.manual_seed(0)
    figures = np.concatenate([example.blocks.figures for example in examples])
    deviation = figures.std(0) + np.float32(SMALLEST_DEVIATION)
    return BlockNetwork(torch.from_numpy(figures.mean(0)), torch.from_numpy(deviation))


def _train(network: BlockNetwork, examples: Sequence[Example], passes: int) -> None:
    """Trains a network for a number of passes over examples. It takes one thread.

    The loss of a page is the cross-entropy of its blocks, weighted by 1 + log(1 + words), and PAGE_PART of one minus
    the soft F1 of the page's words.
    """
    with one_thread():
        _passes(network, examples, passes)


@contextmanager
def one_thread() -> Iterator[None]:
    """Lets torch use one thread. The products are so small that several only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _passes(network: BlockNetwork, examples: Sequence[Example], passes: int) -> None:
    torch.manual_seed(0)
    order = random.Random(0)
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


def _loss(network: BlockNetwork, example: Example) -> torch.Tensor:
    return page_loss(network(example.blocks), example.blocks, example.labels, example.known, whole=bool(example.gold))


def page_loss(logits: torch.Tensor, blocks: Described, labels: Floats, known: Floats, *, whole: bool) -> torch.Tensor:
    """Returns the loss of a page, see `_train`.

    logits (blocks,): of a network. labels (blocks,): the share of each block that is content. known (blocks,): the
    weight of each label. whole: whether a person has marked all of the page, so that it has an F1.
    """
    right, weights = torch.from_numpy(labels), torch.from_numpy(blocks.weights)
    entropy = binary_cross_entropy_with_logits(logits, right, reduction="none") * weights * torch.from_numpy(known)
    loss: torch.Tensor = entropy.sum() / weights.sum()
    if whole:
        chances, words = torch.sigmoid(logits), torch.from_numpy(blocks.sizes)
        common = (chances * right * words).sum()
        loss = loss + PAGE_PART * (1 - 2 * common / (((chances + right) * words).sum() + 1))
    return loss
