"""Calibrates a block head: its chances become those with which blocks are content, its confidence the F1 that follows.

Both are lines through KNOTS points, by isotonic regression (Zadrozny & Elkan 2002) on pages of sites that a head has
not seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from soupstate.model.net.block_head import KNOTS, PAGE_TYPES, BlockHead
from soupstate.model.net.main_content import choose
from soupstate.model.train.data.block_examples import Example, word_f1

BINS = 10  # of a table of reliability
LARGEST_DOT = 300  # of a diagram of reliability, in square points

Floats = NDArray[np.float32]
Numbers = NDArray[np.float32] | NDArray[np.float64]


@dataclass(frozen=True)
class Judged:
    """A page with the chances (blocks,) that an uncalibrated head gives its blocks, and the type that it finds."""

    example: Example
    chances: Floats
    page_type: str


def judge(head: BlockHead, examples: Sequence[Example]) -> list[Judged]:
    """Returns examples with the head's chances."""
    found = [(example, *head.judge(example.blocks)) for example in examples]
    return [Judged(example, chances, PAGE_TYPES[int(np.argmax(kinds))]) for example, chances, kinds in found]


def calibrated(head: BlockHead, judged: Sequence[Judged]) -> BlockHead:
    """Returns the head calibrated on pages that it, or a head like it, has judged without having seen their sites."""
    chances = np.concatenate([page.chances for page in judged])
    labels = np.concatenate([page.example.labels for page in judged])
    sizes = np.concatenate([page.example.blocks.sizes for page in judged])
    head = replace(head, reliability=_line(chances, labels, sizes))
    expected, reached = zip(*(expected_and_reached(head, page) for page in judged), strict=True)
    return replace(head, confidence=_line(np.array(expected), np.array(reached), np.ones(len(judged))))


def expected_and_reached(head: BlockHead, page: Judged) -> tuple[float, float]:
    """Returns the F1 of words that the head expects of its choice, and the F1 of the choice."""
    example = page.example
    chosen, f1 = choose(head.reliable(page.chances), example.blocks.sizes, example.texts)
    texts = (text for text, some in zip(example.texts, chosen, strict=True) if some)
    return head.expected_f1(f1), word_f1(example.gold, texts)


def reliability(said: Numbers, true: Numbers, sizes: Numbers) -> list[tuple[float, float, float]]:
    """Returns for each of BINS bins of what was said the share of the sizes, the mean said, and the mean that was true.

    said, true (n,): chances of blocks, and shares of them that are content; or of reports, and whether they are right.
    sizes (n,): words of the blocks; or ones.
    """
    bins = np.minimum((said * BINS).astype(int), BINS - 1)
    total = np.bincount(bins, sizes, BINS)
    means = [np.bincount(bins, values * sizes, BINS) / np.maximum(total, 1e-9) for values in (said, true)]
    return list(zip((total / max(total.sum(), 1e-9)).tolist(), *(mean.tolist() for mean in means), strict=True))


def calibration_error(said: NDArray[np.float64], true: NDArray[np.float64], sizes: NDArray[np.float64]) -> float:
    """Returns the expected calibration error: the mean distance of what was said and what was true, over BINS bins."""
    bins = np.minimum((said * BINS).astype(int), BINS - 1)
    apart = [abs(np.sum((said - true)[bins == k] * sizes[bins == k])) for k in range(BINS)]
    return float(np.sum(apart) / sizes.sum())


def draw_reliability(table: Sequence[tuple[float, float, float]], title: str, path: Path) -> None:
    """Draws a PNG of a table of `reliability`: what was true against what was said.

    A dot's area grows with the root of its share. title: what the shares are of. Raises OSError.
    """
    filled = [row for row in table if row[0] > 0]
    shares, said, true = zip(*filled, strict=True) if filled else ((), (), ())
    figure = Figure(figsize=(5, 5))
    axis = figure.subplots()
    axis.plot([0, 1], [0, 1], color="gray", linewidth=0.8, linestyle="--")
    axis.plot(said, true, color="tab:blue", linewidth=0.8)
    axis.scatter(said, true, [LARGEST_DOT * share**0.5 for share in shares], color="tab:blue")
    axis.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="probability said", ylabel="share that was right", title=title)
    figure.tight_layout()
    figure.savefig(path, dpi=90)


def _line(
    x: NDArray[np.float64] | Floats, y: NDArray[np.float64] | Floats, sizes: NDArray[np.float64] | Floats
) -> Floats:
    """Returns the points (2, KNOTS) of a rising line that says y (n,) of x (n,), both from 0 to 1."""
    order = np.argsort(x, kind="stable")
    x, y, sizes = (np.asarray(values, np.float64)[order] for values in (x, y, sizes))
    rising = isotonic_regression(y, weights=np.maximum(sizes, 1e-6)).x
    bins = np.minimum((x * (KNOTS - 1)).astype(int), KNOTS - 2)
    total = np.bincount(bins, sizes, KNOTS - 1)
    some = total > 0
    centre, height = (np.bincount(bins, sizes * values, KNOTS - 1)[some] / total[some] for values in (x, rising))
    at = np.linspace(0, 1, KNOTS)
    return np.stack([at, np.interp(at, centre, height)]).astype(np.float32)
