"""Depth neurons: units whose output follows nesting depth. Found after training, on other pages."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

import kernels
from kernels.copy import copies, copy_state
from model.net.checkpoint import Depth, DepthNeuron
from model.net.reader import Reader, character_starts
from model.page.marks import COLUMN, DEEPEST, OUTPUT
from model.train.teacher import teach

CANDIDATES = 60  # units with the highest |r|, among which the probe's are searched
PROBE = 8  # units of the linear probe
SAMPLE = 7  # every 7th character of a page is looked at
LONGEST = 80_000  # characters read of a page

Floats = NDArray[np.float64]


@dataclass
class Traces:
    """outputs (characters, units) and depth (characters,), pages one after the other."""

    outputs: Floats
    depth: Floats


def trace(reader: Reader, pages: Iterable[str], units: NDArray[np.int64], sample: int = SAMPLE) -> Traces:
    """Outputs of `units` and the teacher's depth at every `sample`-th character of the pages.

    As the heads' marks are, a character's depth is read `delay` bytes after its first.
    """
    outputs, depths = [], []
    for page in pages:
        page = page[:LONGEST]
        ids = np.frombuffer(page.encode("utf-8") + b"\n" * reader.checkpoint.delay, np.uint8)
        found, _ = copies(ids, copy_state())
        state = kernels.State.zeros(reader.checkpoint.weights.units)
        chunk = reader.packed.read(ids, found, state, units)
        places = character_starts(ids)[: len(page)] + reader.checkpoint.delay
        outputs.append(chunk.traces[places][::sample])
        depths.append(np.minimum(teach(page)[::sample, COLUMN["depth"]], DEEPEST))
    return Traces(np.concatenate(outputs).astype(np.float64), np.concatenate(depths).astype(np.float64))


def correlations(traces: Traces) -> Floats:
    """Pearson's r of every unit with depth, over all characters."""
    x = traces.outputs - traces.outputs.mean(0)
    y = traces.depth - traces.depth.mean()
    scale = np.sqrt((x**2).sum(0) * (y**2).sum())
    return np.divide(x.T @ y, scale, out=np.zeros(x.shape[1]), where=scale > 0)


def fit(traces: Traces, columns: list[int]) -> tuple[Floats, float]:
    """Least squares: weights (columns,) and bias of depth on some columns of the outputs."""
    x = np.column_stack([traces.outputs[:, columns], np.ones(len(traces.depth))])
    solution = np.linalg.lstsq(x, traces.depth, rcond=None)[0]
    return solution[:-1], float(solution[-1])


def r_squared(traces: Traces, columns: list[int], weights: Floats, bias: float) -> float:
    """Share of the depth's variance that the probe explains."""
    error = traces.depth - (traces.outputs[:, columns] @ weights + bias)
    return float(1 - (error**2).mean() / traces.depth.var())


def find(reader: Reader, train: list[str], held_out: list[str]) -> tuple[Depth, float]:
    """Depth neurons chosen on training pages, their r on held-out pages, and the probe's R^2 there.

    Where the depth head reads no more than PROBE units, it is the probe itself, and training has fitted it on far
    more than `train`: only its scale and bias are fitted here. Otherwise the first is the unit with the highest |r|,
    and each further one that which adds most to the R^2 of a probe by least squares.
    """
    head = reader.checkpoint.weights.heads[OUTPUT["depth"].start].astype(np.float64)
    read = np.flatnonzero(head)
    if 0 < len(read) <= PROBE:
        seen = trace(reader, train, read)
        order = np.argsort(-np.abs(correlations(seen)))
        scale, bias = fit(Traces(seen.outputs @ head[read][:, None], seen.depth), [0])
        chosen, weights = read[order], scale[0] * head[read][order]
    else:
        chosen, weights, bias = _greedy(trace(reader, train, np.arange(len(head))))
    unseen = trace(reader, held_out, chosen)
    r = correlations(unseen)
    neurons = tuple(DepthNeuron(0, int(u), round(float(x), 4)) for u, x in zip(chosen, r, strict=True))
    depth = Depth(neurons, tuple(float(w) for w in weights), bias)
    return depth, r_squared(unseen, list(range(len(chosen))), weights, bias)


def _greedy(seen: Traces) -> tuple[NDArray[np.int64], Floats, float]:
    """Units (PROBE,), their weights and a bias."""
    order = np.argsort(-np.abs(correlations(seen)))[:CANDIDATES].tolist()
    chosen = [order[0]]
    while len(chosen) < PROBE:
        rest = [u for u in order if u not in chosen]
        gains = [r_squared(seen, [*chosen, u], *fit(seen, [*chosen, u])) for u in rest]
        chosen.append(rest[int(np.argmax(gains))])
    return np.array(chosen, np.int64), *fit(seen, chosen)


def draw(reader: Reader, page: str, path: Path) -> None:
    """A PNG: a page's depth beside the best neuron's output and the probe, character by character."""
    depth = reader.checkpoint.depth
    if not depth.neurons:
        raise ValueError("the checkpoint names no depth neurons")
    traces = trace(reader, [page], reader.units, sample=1)
    figure = Figure(figsize=(14, 7))
    above, below = figure.subplots(2, 1, sharex=True)
    probe = traces.outputs @ np.array(depth.weights) + depth.bias
    above.plot(traces.depth, color="black", linewidth=1.2, label="depth in the tree")
    above.plot(probe, color="tab:orange", linewidth=0.7, label=f"linear probe on {len(depth.neurons)} neurons")
    below.plot(traces.outputs[:, 0], color="tab:blue", linewidth=0.7, label=f"unit {depth.neurons[0].unit}")
    above.set_ylabel("open elements")
    below.set_xlabel("characters")
    for axis in (above, below):
        axis.legend(loc="upper left")
    figure.tight_layout()
    figure.savefig(path, dpi=110)
