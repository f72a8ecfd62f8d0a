"""Finds the units of the LSTM, and the cells of the depth layer, that follow a label, and measures how closely.

A page's states go into sums of products at once, so that memory does not depend on the number of pages.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu

from soupstate.model.net.depth import CELLS
from soupstate.model.net.reader import Reader, at_places
from soupstate.model.net.reading_loop import ReadingLoop, character_starts
from soupstate.model.page.marks import IGNORED
from soupstate.model.page.stop import never
from soupstate.model.page.tag_places import tag_places
from soupstate.model.train.data.labels import LabelledPage

SAMPLES = 4000  # characters of a page that are measured, at most
PRICE = 1e-3  # of squared weights of standardised outputs, per sample, in the fit of all outputs together

Floats = NDArray[np.float32]
Numbers = NDArray[np.float64]
Sample = tuple[Floats, NDArray[np.uint8]]  # outputs (n, outputs) and label (n,) of characters of a page
Progress = Callable[[Iterable[LabelledPage]], Iterable[LabelledPage]]


@dataclass(frozen=True)
class Products:
    """Sums over samples of the products of 1, every output, and the label: (outputs + 2, outputs + 2)."""

    sums: Numbers

    @classmethod
    def of(cls, samples: Iterable[Sample]) -> "Products":
        """Returns the sums over parts: outputs (n, outputs) and label (n,) of each. Raises ValueError for no samples.

        Samples whose label is IGNORED do not count.
        """
        total: Numbers | None = None
        for outputs, label in samples:
            known = label != IGNORED
            columns = np.column_stack([np.ones(known.sum()), outputs[known], label[known]]).astype(np.float64)
            product = columns.T @ columns
            total = product if total is None else total + product
        if total is None or not total[0, 0]:
            raise ValueError("no characters to measure on")
        return cls(total)

    @property
    def share(self) -> float:
        """The share of samples with the label."""
        return float(self.sums[0, -1] / self.sums[0, 0])

    def covariance(self) -> Numbers:
        """Returns the covariance of the outputs and the label, (outputs + 1, outputs + 1)."""
        n, means = self.sums[0, 0], self.sums[0, 1:] / self.sums[0, 0]
        found: Numbers = self.sums[1:, 1:] / n - np.outer(means, means)
        return found

    def correlations(self) -> Numbers:
        """Returns Pearson's r (outputs,) of every output with the label; 0 for an output that never changes."""
        covariance = self.covariance()
        variance = np.maximum(np.diag(covariance), 0)
        scale = np.sqrt(variance[:-1] * variance[-1])
        found: Numbers = np.divide(covariance[:-1, -1], scale, out=np.zeros(len(scale)), where=scale > 1e-9)
        return found

    def fitted(self, used: NDArray[np.int64]) -> Numbers:
        """Returns offset and weights (outputs + 1,) by which outputs `used` give the label; the others' are 0.

        It is ridge regression of standardised outputs (Hoerl and Kennard 1970).
        """
        covariance = self.covariance()
        deviation = np.sqrt(np.maximum(np.diag(covariance)[used], 1e-12))
        inner = covariance[np.ix_(used, used)] / np.outer(deviation, deviation) + PRICE * np.eye(len(used))
        slopes = np.linalg.solve(inner, covariance[used, -1] / deviation) / deviation
        weights = np.zeros(len(covariance))
        weights[1 + used] = slopes
        weights[0] = (self.sums[0, -1] - self.sums[0, 1:-1] @ weights[1:]) / self.sums[0, 0]
        return weights

    def r_squared(self, weights: Numbers) -> float:
        """Returns the share of the label's variance that offset and weights (outputs + 1,) explain."""
        error = np.append(-weights, 1.0)
        return float(1 - error @ self.sums @ error / self.sums[0, 0] / self.covariance()[-1, -1])


@dataclass(frozen=True)
class Follower:
    """A unit of the LSTM (layer 0), or a cell of the depth layer (layer 1), that follows a label.

    r: Pearson's, with its sign. share: R^2 of a line through the output. Both are of pages that it was not found on.
    """

    layer: int
    unit: int
    r: float
    share: float


@dataclass(frozen=True)
class Followers:
    """units, cells: the best first, by the pages that they were found on.

    together, with_cells: R^2 of a linear probe on all units, and on units and cells. areas (2,): the area under the
    ROC curve of the best unit, and of the probe on all units: the probability that it says more of a character with the
    label than of another one. label: the share of characters with the label. All figures are of the other pages.
    """

    units: list[Follower]
    cells: list[Follower]
    together: float
    with_cells: float
    label: float
    areas: tuple[float, float]

    @property
    def best(self) -> Follower:
        """The unit of the LSTM that follows the label best."""
        return self.units[0]


def sampled(characters: int) -> NDArray[np.int64]:
    """Returns the characters of a page that are measured: all of a short one, and SAMPLES at most."""
    return np.arange(0, characters, max(1, -(-characters // SAMPLES)))


def states_of(reader: Reader, page: str, characters: NDArray[np.int64]) -> Floats:
    """Returns the LSTM's units and then the depth layer's cells (k, units + cells) after characters (k,) that rise.

    They are read right after the last byte of a character. Marks are read 4 bytes later; there r of the best unit was
    .53 instead of .67 for attribute values, .65 instead of .36 for preformatted text, and nearly the same for other
    labels, on 40 held-out pages. Without a depth layer there are no cells.
    """
    encoded = page.encode("utf-8")
    ids = np.frombuffer(encoded, np.uint8)
    at = np.append(character_starts(ids), len(ids))[characters + 1] - 1
    layer = reader.checkpoint.depth.layer if reader.checkpoint.depth else None
    places, tags = tag_places(encoded if layer else b"")
    is_place, is_asked = at_places(places, len(ids)), at_places(at, len(ids))
    loop = ReadingLoop(reader.packed, ids, np.zeros(len(ids), np.bool_), is_place | is_asked)
    cells, parts = np.zeros((1, CELLS if layer else 0), np.uint8), []
    for read, chunk in loop.chunks(never, units=np.arange(reader.checkpoint.weights.units)):
        part = slice(loop.at - len(read), loop.at)
        traced = (is_place | is_asked)[part]
        counts, asked = is_place[part][traced], is_asked[part][traced]
        if layer:
            tags, now = tags[counts.sum() :], tags[: counts.sum()]
            cells = np.concatenate([cells[-1:], layer.advance(chunk.traces[counts], now, cells[-1])])
        parts.append(np.concatenate([chunk.traces[asked], cells[np.cumsum(counts)[asked]]], 1, dtype=np.float32))
    return np.concatenate(parts)


def samples(reader: Reader, pages: Iterable[LabelledPage]) -> Iterator[Sample]:
    """Yields the states and the label of the sampled characters of each page."""
    for page in pages:
        at = sampled(len(page.html))
        if len(at):
            yield states_of(reader, page.html, at), page.label[at]


def followers(units: int, find_on: Iterable[Sample], measure_on: Iterable[Sample]) -> Followers:
    """Chooses and fits on the samples of some pages, and measures on those of others.

    units: the number of outputs that are units of the LSTM; the others are cells. Raises ValueError where the label
    holds at no sample, or at all of them.
    """
    found_on = _varied(Products.of(find_on), "found")
    own = np.arange(units)
    best = int(np.argmax(np.abs(found_on.correlations()[:units])))
    probes = np.stack([found_on.fitted(np.array([best])), found_on.fitted(own)])[:, 1:].astype(np.float32)
    said: list[Floats] = []
    measured_on = _varied(Products.of(_watched(measure_on, probes, said)), "measured")
    r = measured_on.correlations()
    every = np.arange(len(r))

    def share(used: NDArray[np.int64]) -> float:
        return measured_on.r_squared(found_on.fitted(used))

    def ordered(layer: int, outputs: NDArray[np.int64]) -> list[Follower]:
        size = np.abs(found_on.correlations()[outputs])
        order = outputs[np.argsort(-size, kind="stable")]
        return [Follower(layer, int(k - outputs[0]), float(r[k]), share(np.array([k]))) for k in order]

    together, with_cells, scores = share(own), share(every), np.concatenate(said)
    areas = area(scores[:, 0], scores[:, 2] > 0), area(scores[:, 1], scores[:, 2] > 0)
    return Followers(ordered(0, own), ordered(1, every[units:]), together, with_cells, measured_on.share, areas)


def _varied(products: Products, done: str) -> Products:
    """Returns the products. Raises ValueError where their label never changes."""
    if not 0 < products.share < 1:
        often = "every" if products.share else "no"
        raise ValueError(f"{often} character that was looked at has the label, on the pages where units are {done}")
    return products


def _watched(parts: Iterable[Sample], probes: Floats, said: list[Floats]) -> Iterator[Sample]:
    """Yields samples, and adds to `said` what probes (2, outputs) say of each, beside its label."""
    for outputs, label in parts:
        known = label != IGNORED
        said.append(np.column_stack([outputs[known] @ probes.T, label[known]]).astype(np.float32))
        yield outputs, label


def area(scores: Floats, right: NDArray[np.bool_]) -> float:
    """Returns the area under the ROC curve of scores (n,), by Mann and Whitney's U of those that are right (n,)."""
    above = mannwhitneyu(scores[right], scores[~right]).statistic
    return float(above / right.sum() / (~right).sum())


def follow(
    reader: Reader, find_on: Iterable[LabelledPage], measure_on: Iterable[LabelledPage], progress: Progress = iter
) -> Followers:
    """Returns what follows a label on pages, of which some serve to find it and others to measure it.

    progress: yields the pages of either. Raises ValueError where the label holds at no character that is looked at, or
    at all of them.
    """
    parts = [samples(reader, progress(pages)) for pages in (find_on, measure_on)]
    return followers(reader.checkpoint.weights.units, *parts)
