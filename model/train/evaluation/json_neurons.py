"""Fits the depth layer of JSON to the brackets of documents, and measures how closely its cells follow nesting depth.

The layer has a cell for objects and one for arrays. At each bracket it decides what opens or closes: a bracket in a
string does nothing, and after a bracket that was lost the count shall still come right.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from soupstate.kernels.counters import LEVELS
from soupstate.model.net.depth import Depth, DepthNeuron
from soupstate.model.net.json_reader import EDGE, JsonReader
from soupstate.model.net.reader import at_places
from soupstate.model.net.reading_loop import ReadingLoop, character_starts
from soupstate.model.page.marks import DEEPEST, FORMATS
from soupstate.model.page.nesting import NESTINGS
from soupstate.model.page.stop import never
from soupstate.model.train.data.json_damage import damage_json
from soupstate.model.train.data.json_lessons import rewritten
from soupstate.model.train.data.json_teacher import TOKEN, teach_json
from soupstate.model.train.network.depth_layer import (
    BATCH,
    EPOCHS,
    Counts,
    Samples,
    fit_layer,
    joined,
    moves_of,
)

JSON, TABLE = NESTINGS["json"], FORMATS["json"]
MOST_CHARACTERS = 50_000  # of a document
STEPS = 1000  # of the fit, at least; 50 gave R^2 of -.2 on 40 documents, 400 gave .996


def open_brackets(text: str) -> Counts:
    """Returns the open objects and arrays (characters, 2) after each character of a valid document."""
    changes = np.zeros((len(text), 2), np.int32)
    for m in TOKEN.finditer(text):
        if m["open"]:
            changes[m.start(), int(m["open"] == "[")] += 1
        elif m["close"]:
            changes[m.start(), int(m["close"] == "]")] -= 1
    return np.clip(np.cumsum(changes, 0), 0, 255).astype(np.uint8)


def json_samples(reader: JsonReader, texts: Iterable[str]) -> Iterator[Samples]:
    """Yields the samples of valid documents, every second one of which is damaged first.

    Those without brackets and with DEEPEST or more open ones are left out.
    """
    random, every_unit = np.random.default_rng(0), np.arange(reader.packed.weights.units)
    delay = reader.checkpoint.delay
    for number, text in enumerate(texts):
        text = rewritten(text, random) if random.random() < 0.5 else text
        if len(text) > MOST_CHARACTERS:
            continue
        counts = open_brackets(text)
        if number % 2:
            text, counts = damage_json(text, counts, random)
        encoded = f"{EDGE}{text}{EDGE}".encode() + b"\n" * delay
        places, kinds = JSON.places(encoded)
        if not len(places) or counts.sum(1, dtype=np.int64).max() >= DEEPEST:
            continue
        ids = np.frombuffer(encoded, np.uint8)
        characters = np.searchsorted(character_starts(ids), places, "right") - 1 - len(EDGE)
        after = counts[characters]
        before = np.concatenate([np.zeros((1, JSON.cells), np.uint8), after[:-1]])
        loop = ReadingLoop(reader.packed, ids, np.zeros(len(ids), np.bool_), at_places(places, len(ids)))
        h = np.concatenate([chunk.traces for _, chunk in loop.chunks(never, units=every_unit)])
        yield Samples(np.rint(h * LEVELS).astype(np.int8), kinds, before, moves_of(before, after, kinds, JSON))


def find_json_depth(reader: JsonReader, texts: Iterable[str]) -> Depth:
    """Fits a depth layer to documents. Its neurons have no r yet. Raises ValueError where none can be learned from."""
    learned = list(json_samples(reader, texts))
    if not learned:
        raise ValueError("no document with a bracket")
    given = joined(learned)
    layer = fit_layer(given, max(EPOCHS, -(-STEPS * BATCH // len(given.h))), nesting=JSON)
    return Depth(layer, tuple(DepthNeuron(1, k, 0.0) for k in range(JSON.cells)))


def measure_json_depth(reader: JsonReader, texts: Iterable[str]) -> tuple[tuple[DepthNeuron, ...], float]:
    """Returns the cells with Pearson's r to the true depth, the best first, and R^2 of their sum.

    texts: valid documents, all of whose characters are measured; their depth is clamped to DEEPEST.
    """
    cells, true = [], []
    for text in texts:
        counted = reader.read(text).open_elements
        assert counted is not None, "the checkpoint has no depth layer"
        held = np.concatenate([np.zeros((1, JSON.cells), np.uint8), counted.cells])
        cells.append(held[np.searchsorted(counted.places, np.arange(len(text)), "right")])
        true.append(np.minimum(teach_json(text)[:, TABLE.column["depth"]], DEEPEST))
    got, depth = np.concatenate(cells).astype(np.float64), np.concatenate(true).astype(np.float64)
    neurons = [DepthNeuron(1, k, round(_r(got[:, k], depth), 4)) for k in range(JSON.cells)]
    error = depth - np.minimum(got.sum(1), DEEPEST)
    share = float(1 - (error**2).mean() / depth.var())
    return tuple(sorted(neurons, key=lambda neuron: -abs(neuron.r))), share


def _r(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float(np.corrcoef(one, other)[0, 1]) if one.std() and other.std() else 0.0
