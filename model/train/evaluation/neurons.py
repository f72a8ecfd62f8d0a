"""Measures how closely the depth layer's cells, and the LSTM's units, follow nesting depth."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from soupstate.model.net.depth import CELLS, Depth, DepthLayer, DepthNeuron, depth_of
from soupstate.model.net.reader import Reader, at_places
from soupstate.model.net.reading_loop import ReadingLoop, character_starts
from soupstate.model.page.marks import COLUMN, DEEPEST
from soupstate.model.page.stop import never
from soupstate.model.page.tag_places import tag_places
from soupstate.model.train.data.made.pages import Texts, made_page
from soupstate.model.train.data.teacher import teach
from soupstate.model.train.evaluation.score import dom_text
from soupstate.model.train.network.depth_layer import fit_layer, joined, samples

SAMPLE = 7  # every 7th character of a page is measured
LSTM_SAMPLE = 29  # every 29th character for the LSTM, which has hundreds of units
MOST_CHARACTERS = 80_000  # characters read of a page
MEASURED_PAGES = 80  # training pages on which the new cells are sorted
MADE_SEED = 16  # of made pages that are measured; those that are learned from have others

Floats = NDArray[np.float32]


@dataclass
class Traces:
    """outputs (characters, outputs) and depth (characters,) of pages, one page after another."""

    outputs: Floats
    depth: Floats


@dataclass(frozen=True)
class NeuronFigures:
    """depth: the neurons with r as measured. share: R^2 of their sum, made_share: the same on made pages.

    best_unit, best_r: the LSTM's best unit.
    """

    depth: Depth
    share: float
    made_share: float | None
    best_unit: int
    best_r: float


def trace(reader: Reader, pages: Iterable[str], layer: DepthLayer | None, sample: int = SAMPLE) -> Traces:
    """Returns the layer's cells, or without a layer the LSTM's outputs, and the teacher's depth beside them.

    Both are of every `sample`-th character. A character's depth is read `delay` bytes after its first byte, as the
    heads' marks are.
    """
    outputs, depths = [], []
    for page in pages:
        page = page[:MOST_CHARACTERS]
        encoded = page.encode("utf-8") + b"\n" * reader.checkpoint.delay
        ids = np.frombuffer(encoded, np.uint8)
        at = character_starts(ids)[: len(page) : sample] + reader.checkpoint.delay
        if layer is None:
            outputs.append(_outputs(reader, ids, at))
        else:
            places, tags = tag_places(encoded)
            cells = layer.advance(_outputs(reader, ids, places), tags, np.zeros(CELLS, np.uint8))
            padded = np.concatenate([np.zeros((1, CELLS), np.uint8), cells])
            outputs.append(padded[np.searchsorted(places, at, "right")].astype(np.float32))
        depths.append(np.minimum(teach(page)[::sample, COLUMN["depth"]], DEEPEST))
    return Traces(np.concatenate(outputs), np.concatenate(depths).astype(np.float32))


def _outputs(reader: Reader, ids: NDArray[np.uint8], at: NDArray[np.int64]) -> Floats:
    """Returns the LSTM's outputs (k, H) after the bytes `at` (k,), which rise."""
    loop = ReadingLoop(reader.packed, ids, np.zeros(len(ids), np.bool_), at_places(at, len(ids)))
    every_unit = np.arange(reader.checkpoint.weights.units)
    found = [chunk.traces for _, chunk in loop.chunks(never, units=every_unit)]
    return np.concatenate([np.zeros((0, len(every_unit)), np.float32), *found])


def correlations(traces: Traces) -> NDArray[np.float64]:
    """Returns Pearson's r of every output with depth, over all characters; 0 for an output that never changes."""
    x = traces.outputs - traces.outputs.mean(0, dtype=np.float64).astype(np.float32)
    y = (traces.depth - traces.depth.mean(dtype=np.float64)).astype(np.float64)
    scale = np.sqrt(np.einsum("ij,ij->j", x, x, dtype=np.float64) * (y**2).sum())
    r: NDArray[np.float64] = np.divide(x.T @ y, scale, out=np.zeros(x.shape[1]), where=scale > 0)
    return r


def r_squared(traces: Traces) -> float:
    """Returns the share of the depth's variance that the sum of the cells explains."""
    error = traces.depth.astype(np.float64) - depth_of(traces.outputs)
    return float(1 - (error**2).mean() / traces.depth.astype(np.float64).var())


def find(reader: Reader, pages: Iterable[str]) -> Depth:
    """Fits a depth layer to training pages. Returns it with its neurons' r on the first of them, the best first.

    Raises ValueError when no page can be learned from.
    """
    first: list[str] = []
    learned = list(samples(reader, _kept(pages, first)))
    if not learned:
        raise ValueError(f"no page with a tag and no more than {DEEPEST - 1} open elements")
    layer = fit_layer(joined(learned))
    unknown = Depth(layer, tuple(DepthNeuron(1, k, 0.0) for k in range(CELLS)))
    depth, _ = measured(unknown, trace(reader, first, layer))
    return replace(depth, neurons=tuple(sorted(depth.neurons, key=lambda neuron: -abs(neuron.r))))


def _kept(pages: Iterable[str], first: list[str]) -> Iterator[str]:
    """Yields the pages, and puts the first MEASURED_PAGES of them into the list `first`."""
    for page in pages:
        if page and len(first) < MEASURED_PAGES:
            first.append(page)
        yield page


def measured(depth: Depth, traces: Traces) -> tuple[Depth, float]:
    """Returns the neurons with r as measured on traces of the cells, and R^2 of the cells' sum."""
    r = correlations(traces)
    neurons = tuple(replace(n, r=round(float(r[n.unit]), 4)) for n in depth.neurons)
    return replace(depth, neurons=neurons), r_squared(traces)


def made_pages(pages: list[str], number: int, seed: int) -> Iterator[str]:
    """Yields pages made from a grammar, whose words are those of real pages. Raises ValueError without enough words."""
    texts, random = Texts.from_texts(map(dom_text, pages)), np.random.default_rng(seed)
    return (made_page(random, texts) for _ in range(number))


def measure_neurons(reader: Reader, pages: list[str], depth: Depth, made: int = 0) -> NeuronFigures:
    """Measures the neurons of a depth layer on pages, and finds the unit of the LSTM that follows depth best.

    made: pages to make from a grammar, on which R^2 is measured, too.
    """
    made_share = r_squared(trace(reader, made_pages(pages, made, MADE_SEED), depth.layer)) if made else None
    depth, share = measured(depth, trace(reader, pages, depth.layer))
    own = correlations(trace(reader, pages, None, LSTM_SAMPLE))
    best = int(np.argmax(np.abs(own)))
    return NeuronFigures(depth, share, made_share, best, float(own[best]))


def draw(reader: Reader, page: str, path: Path) -> None:
    """Draws a PNG of a page's depth beside the cells' sum and the best cell, character by character.

    Raises ValueError for a checkpoint without a depth layer.
    """
    depth = reader.checkpoint.depth
    if not depth:
        raise ValueError("the checkpoint has no depth layer")
    traces = trace(reader, [page], depth.layer, sample=1)
    best = depth.neurons[0].unit
    figure = Figure(figsize=(14, 7))
    above, below = figure.subplots(2, 1, sharex=True)
    above.plot(traces.depth, color="black", linewidth=1.2, label="depth in the tree")
    above.plot(depth_of(traces.outputs), color="tab:orange", linewidth=0.7, label="sum of the cells")
    below.plot(traces.outputs[:, best], color="tab:blue", linewidth=0.7, label=f"cell {best}")
    above.set_ylabel("open elements")
    below.set_xlabel("characters")
    for axis in (above, below):
        axis.legend(loc="upper left")
    figure.tight_layout()
    figure.savefig(path, dpi=110)
