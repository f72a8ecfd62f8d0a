"""The reader of JSON: takes a document and returns what the network predicts for it.

A document is read between two bytes 0, as the lessons have it (`soupstate.model.train.data.json_lessons`): so its first
character is predicted, too, and the network knows where the document ends.
"""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from soupstate import kernels
from soupstate.model.net.alternatives import Alternative, likeliest
from soupstate.model.net.checkpoint import Checkpoint, load_checkpoint
from soupstate.model.net.depth import at_bytes, depth_of
from soupstate.model.net.reader import NO_WINDOW, Reading, at_places
from soupstate.model.net.reading_loop import ReadingLoop, character_starts, per_character
from soupstate.model.page.counted import OpenElements
from soupstate.model.page.nesting import json_places
from soupstate.model.page.stop import Stop, never

EDGE = "\0"  # before and after a document


class JsonReader:
    """Reads documents with one checkpoint. It holds no state of a document, so several threads may use it at once."""

    def __init__(self, checkpoint: Checkpoint, backend: str | None = None) -> None:
        self.checkpoint = checkpoint
        self.packed = kernels.pack(checkpoint.weights, backend)

    @cached_property
    def backward(self) -> "JsonReader | None":
        """The reader of documents from their end, loaded on first use; None where the checkpoint has no such network.

        Raises ValueError for a file that cannot be used.
        """
        file = self.checkpoint.backward_file
        return JsonReader(load_checkpoint(file, backward=True, reads="json"), self.packed.backend) if file else None

    def read(self, text: str, stop: Stop = never, window: slice = NO_WINDOW) -> Reading:
        """Reads a whole document. Its reading has no spans and no syntax. Raises Stopped when `stop` returns True.

        window: the characters for which `Reading.expected` is wanted; each takes as long as some 50 that are only read.
        depth: the open objects and arrays, as the depth layer counts them.
        """
        delay, layer = self.checkpoint.delay, self.checkpoint.depth.layer if self.checkpoint.depth else None
        encoded = f"{EDGE}{text}{EDGE}".encode() + b"\n" * delay
        ids, n = np.frombuffer(encoded, np.uint8), len(encoded) - delay - 2
        places, kinds = json_places(encoded if layer else b"")
        # What closes is still inside.
        loop = ReadingLoop(self.packed, ids, None, at_places(places, len(ids)))
        changes = places - len(EDGE) + kinds % 2
        units = np.arange(self.packed.weights.units if layer else 0)
        bits, entropy, traces = [], [], []
        expected: list[tuple[Alternative, ...]] = []
        starts = character_starts(ids[1 : n + 1])

        def advance(to: int) -> None:
            for _, chunk in loop.chunks(stop, to=to, units=units):
                bits.append(chunk.bits)
                entropy.append(chunk.entropy)
                traces.append(chunk.traces)

        for at in (starts[window] + 1).tolist():
            advance(at)
            expected.append(likeliest(loop))
        advance(len(ids))
        surprisal = per_character(np.concatenate(bits)[1 : n + 1], starts)
        cells = np.zeros((0, 0), np.uint8)
        if layer:
            cells = layer.advance(np.concatenate(traces), kinds, np.zeros(layer.nesting.cells, np.uint8))
        return Reading(
            page=text,
            bits=float(surprisal.sum(dtype=np.float64)),
            surprisal=surprisal,
            entropy=per_character(np.concatenate(entropy)[1 : n + 1], starts),
            depth=at_bytes(depth_of(cells), changes, starts) if layer else np.zeros(len(starts), np.float32),
            open_elements=_open(cells, changes, starts) if layer else None,
            expected=expected,
        )


def _open(cells: NDArray[np.uint8], places: NDArray[np.int64], starts: NDArray[np.int64]) -> OpenElements:
    """Returns what the cells hold, with places as offsets of characters, which begin at bytes `starts`."""
    return OpenElements(np.searchsorted(starts, places, "left"), cells)
