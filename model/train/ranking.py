"""Fits the ranking of faults (model.net.ranking) on pages that are broken on purpose, and on whole ones.

A page gets one slip, or none; what the network then reports is right where the slip was made and wrong elsewhere. Real
pages have faults of their own, which count as wrong here: the probability is rather too low than too high.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.net.faults import find_candidates
from model.net.ranking import COLUMNS, Ranking
from model.net.reader import Reader
from model.train.damage import SLIPS, apply
from model.train.teacher import teach

NEAR = 8  # characters between a slip and a report of it
WHOLE = 0.3  # share of pages that are left whole
SHORTEST, LONGEST = 500, 40_000  # characters of a page that is taken
PENALTY = 1.0  # of squared weights of standardised columns, in nats
STEPS = 40  # of Newton's method, which needs about ten

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Examples:
    """rows (n, COLUMNS), right (n,) of 0 and 1, page (n,): which page a row is of, counted from 0."""

    rows: Floats
    right: Floats
    page: NDArray[np.int64]


def slipped(page: str, random: np.random.Generator) -> tuple[str, int] | None:
    """A page with one slip, and where; None where the slip that was drawn cannot be made."""
    name = list(SLIPS)[int(random.integers(len(SLIPS)))]
    marks = teach(page)
    edit = SLIPS[name](page, marks, random)
    if edit is None:
        return None
    broken, _ = apply(page, marks, edit)
    return broken, edit.start


def examples_of(reader: Reader, page: str, random: np.random.Generator) -> tuple[Floats, Floats] | None:
    """(rows, right) of a page, broken or left whole; None for one that is too short or too long."""
    if not SHORTEST <= len(page) <= LONGEST:
        return None
    made = None if random.random() < WHOLE else slipped(page, random)
    broken, place = made or (page, None)
    found = find_candidates(reader, reader.read(broken))
    near = [place is not None and max(place - c.fault.end, c.fault.start - place) <= NEAR for c in found]
    return np.array([c.row for c in found]).reshape(-1, COLUMNS), np.array(near, np.float64)


def gathered(found: Iterable[tuple[Floats, Floats]]) -> Examples:
    """One table of the examples of all pages. Raises ValueError where there are none of one of both kinds."""
    parts = list(found)
    rows = np.concatenate([np.zeros((0, COLUMNS)), *(rows for rows, _ in parts)])
    right = np.concatenate([np.zeros(0), *(right for _, right in parts)])
    page = np.repeat(np.arange(len(parts)), [len(right) for _, right in parts])
    if not 0 < right.sum() < len(right):
        raise ValueError("these pages yield no examples to rank by")
    return Examples(rows, right, page)


def fit(examples: Examples) -> Ranking:
    """Logistic regression with an L2 penalty, by Newton's method (Bishop 2006, section 4.3.3)."""
    mean, scale = examples.rows.mean(0), np.maximum(examples.rows.std(0), 1e-3)
    x = np.column_stack([(examples.rows - mean) / scale, np.ones(len(examples.rows))])
    penalty = np.diag([PENALTY] * COLUMNS + [1e-6])
    w = np.zeros(COLUMNS + 1)
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -30, 30)))
        gradient = x.T @ (p - examples.right) + penalty @ w
        step = np.linalg.solve(x.T @ (x * (p * (1 - p))[:, None]) + penalty, gradient)
        w -= step
        if np.abs(step).max() < 1e-8:
            break
    weights = w[:-1] / scale
    return Ranking(tuple(round(float(v), 4) for v in weights), round(float(w[-1] - weights @ mean), 4))


def log_loss(ranking: Ranking, examples: Examples) -> float:
    """Mean nats of what was right or wrong."""
    p = np.clip([ranking.probability(row) for row in examples.rows], 1e-6, 1 - 1e-6)
    return float(-(examples.right * np.log(p) + (1 - examples.right) * np.log(1 - p)).mean())
