"""Fits the ranking of faults (`soupstate.model.faults.ranking`) on pages that are broken on purpose, and on whole ones.

A page gets no slip, one, or a few (`soupstate.model.train.data.slips`). What the networks then report is right at a
slip and wrong elsewhere. Real pages have faults of their own, though: a likely report elsewhere counts for little.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from soupstate.model.faults.apply import LIKELY
from soupstate.model.faults.find import find_candidates
from soupstate.model.faults.ranking import COLUMNS, probability
from soupstate.model.net.checkpoint import Checkpoint, Logistic, load_checkpoint
from soupstate.model.net.reader import Reader
from soupstate.model.train.data.damage import Edit, apply
from soupstate.model.train.data.slips import slip
from soupstate.model.train.data.teacher import teach
from soupstate.model.train.run.calibration import calibration_error, reliability

NEAR_SLIP = 32  # characters between a slip and a report of it, as `soupstate evaluate --faults` counts
SLIPS_PER_PAGE = (0.3, 0.45, 0.15, 0.1)  # shares of pages with so many slips, from none
SHORTEST_PAGE, LONGEST_PAGE = 300, 80_000  # characters
# What a report of .5 or more away from any slip counts as a wrong one. Most are faults of the page's own: of a hundred
# such reports on real pages .94 were true (docs/decisions/judged-reports.md).
OWN_FAULT = 0.1
PENALTY = 1.0  # of squared weights of standardised columns, in nats
STEPS = 40  # of Newton's method at most; about ten are needed
HELD_OUT = 5  # one page in this many is kept from the fit, to measure it

Floats = NDArray[np.float64]
Found = tuple[Floats, Floats]  # rows and right, see Examples
Progress = Callable[[Iterator[Found | None]], Iterable[Found | None]]
READER: Reader  # of a worker


@dataclass(frozen=True)
class Examples:
    """What was reported. rows (n, COLUMNS); right (n,): 0 or 1; page (n,): the number of the page, from 0."""

    rows: Floats
    right: Floats
    page: NDArray[np.int64]


def slipped(page: str, slips: int, random: np.random.Generator) -> tuple[str, list[tuple[int, int]]]:
    """Returns a page with at most so many slips, and where each is: its start and end.

    A slip that cannot be made, or that touches another one, is left out.
    """
    marks, edits = teach(page), list[Edit]()
    for _ in range(slips):
        edit = slip(page, marks, random)
        if edit and all(edit.end < e.start or edit.start > e.end for e in edits):
            edits.append(edit)
    places, longer = [], 0
    for edit in sorted(edits, key=lambda e: e.start):
        inserted = sum(len(text) for text, _ in edit.insert)
        places.append((edit.start + longer, edit.start + longer + inserted))
        longer += inserted - (edit.end - edit.start)
    for edit in sorted(edits, key=lambda e: -e.start):
        page, marks = apply(page, marks, edit)
    return page, places


def examples_of(reader: Reader, page: str, random: np.random.Generator) -> Found | None:
    """Returns rows and right of a page, broken or left whole; None for a page that is too short or too long."""
    if not SHORTEST_PAGE <= len(page) <= LONGEST_PAGE:
        return None
    broken, places = slipped(page, int(random.choice(len(SLIPS_PER_PAGE), p=SLIPS_PER_PAGE)), random)
    found = find_candidates(reader, reader.read(broken))
    near = [any(max(start - c.fault.end, c.fault.start - end) <= NEAR_SLIP for start, end in places) for c in found]
    return np.array([c.row for c in found]).reshape(-1, COLUMNS), np.array(near, np.float64)


def gathered(found: Iterable[Found]) -> Examples:
    """Joins the examples of all pages. Raises ValueError unless some are right and some are wrong."""
    parts = list(found)
    rows = np.concatenate([np.zeros((0, COLUMNS)), *(rows for rows, _ in parts)])
    right = np.concatenate([np.zeros(0), *(right for _, right in parts)])
    page = np.repeat(np.arange(len(parts)), [len(right) for _, right in parts])
    if not 0 < right.sum() < len(right):
        raise ValueError("these pages yield no examples to rank by")
    return Examples(rows, right, page)


def fit(examples: Examples, own: float = 1.0) -> Logistic:
    """Fits a logistic regression with an L2 penalty by Newton's method (Bishop 2006, section 4.3.3).

    own: weight of a wrong report to which the fit gives .5 or more. Below 1 the fit is made again, with these weights.
    """
    found = _fitted(examples, np.ones(len(examples.right)))
    if own == 1.0:
        return found
    likely = _said(found, examples) >= LIKELY
    return _fitted(examples, np.where(likely & (examples.right == 0), own, 1.0))


def _said(ranking: Logistic, examples: Examples) -> Floats:
    """Returns the probability (n,) that a ranking gives each report."""
    return np.array([probability(ranking, row) for row in examples.rows])


def _fitted(examples: Examples, counts: Floats) -> Logistic:
    """Fits where each report counts as counts (n,) say."""
    mean, scale = examples.rows.mean(0), np.maximum(examples.rows.std(0), 1e-3)
    x = np.column_stack([(examples.rows - mean) / scale, np.ones(len(examples.rows))])
    penalty = np.diag([PENALTY] * COLUMNS + [1e-6])
    w = np.zeros(COLUMNS + 1)
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -30, 30)))
        gradient = x.T @ (counts * (p - examples.right)) + penalty @ w
        step = np.linalg.solve(x.T @ (x * (counts * p * (1 - p))[:, None]) + penalty, gradient)
        w -= step
        if np.abs(step).max() < 1e-8:
            break
    weights = w[:-1] / scale
    return Logistic(tuple(round(float(v), 4) for v in weights), round(float(w[-1] - weights @ mean), 4))


def log_loss(ranking: Logistic, examples: Examples) -> float:
    """Returns the mean loss in nats per report."""
    p = np.clip(_said(ranking, examples), 1e-6, 1 - 1e-6)
    return float(-(examples.right * np.log(p) + (1 - examples.right) * np.log(1 - p)).mean())


@dataclass(frozen=True)
class FittedRanking:
    """A checkpoint with its fitted ranking, and how good it is.

    reports, right: how many reports there were, and how many were right. loss: nats per report on pages outside the
    fit. prior_loss: the same for a ranking that knows the share of right reports alone. reliable: of these pages, see
    `soupstate.model.train.run.calibration.reliability`. error: the expected calibration error there.
    """

    checkpoint: Checkpoint
    pages: int
    reports: int
    right: int
    loss: float
    prior_loss: float
    reliable: list[tuple[float, float, float]]
    error: float


def fit_ranking(
    weights: Path, pages: list[str], *, seed: int = 1, alone: bool = False, workers: int = 1, progress: Progress = iter
) -> FittedRanking:
    """Fits the ranking for a checkpoint, on pages that it breaks.

    Where a backward network stands beside the checkpoint, both are used, and the ranking belongs to the backward one;
    with `alone` it is left out. The ranking that is there decides which places of a page are reported, and so fitted
    to; where it knows other kinds of faults, those that save most are. What corrections taught is left out, also of the
    result, because it was fitted to the old ranking. Every page has a random generator of its own, so
    the result does not depend on `workers`. Raises OSError or ValueError for weights or pages that cannot be used,
    BrokenExecutor when a worker dies.
    """
    target = load_checkpoint(weights)
    if target.backward_file and not alone:
        target = load_checkpoint(target.backward_file, backward=True)
    jobs = zip(pages, np.random.SeedSequence(seed).spawn(len(pages)), strict=True)
    with ProcessPoolExecutor(workers, get_context("spawn"), _begin, (weights, alone)) as pool:
        table = gathered(found for found in progress(pool.map(_work, jobs)) if found)
    kept = table.page % HELD_OUT > 0
    seen, unseen = _part(table, kept), _part(table, ~kept)
    found = fit(seen, OWN_FAULT)
    said, ones = _said(found, unseen), np.ones(len(unseen.rows))
    return FittedRanking(
        checkpoint=replace(target, ranking=fit(table, OWN_FAULT), faults=None),
        pages=int(table.page.max()) + 1,
        reports=len(table.rows),
        right=int(table.right.sum()),
        loss=log_loss(found, unseen),
        prior_loss=_binary_entropy(float(seen.right.mean())),
        reliable=reliability(said, unseen.right, ones),
        error=calibration_error(said, unseen.right, ones),
    )


def _reader(weights: Path, alone: bool) -> Reader:
    checkpoint = load_checkpoint(weights)
    reader = Reader(replace(checkpoint, backward_file=None) if alone else checkpoint)
    target = reader.backward or reader
    target.checkpoint = replace(target.checkpoint, faults=None)
    if target.checkpoint.ranking and len(target.checkpoint.ranking.weights) != COLUMNS:
        target.checkpoint = replace(target.checkpoint, ranking=None)
    return reader


def _begin(weights: Path, alone: bool) -> None:
    """Loads the networks, once per worker."""
    global READER
    READER = _reader(weights, alone)


def _work(job: tuple[str, np.random.SeedSequence]) -> Found | None:
    return examples_of(READER, job[0], np.random.default_rng(job[1]))


def _part(table: Examples, rows: NDArray[np.bool_]) -> Examples:
    return Examples(table.rows[rows], table.right[rows], table.page[rows])


def _binary_entropy(p: float) -> float:
    """Returns the entropy of a chance p, in nats."""
    return float(-p * np.log(p) - (1 - p) * np.log(1 - p))
