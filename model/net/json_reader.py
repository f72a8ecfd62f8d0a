"""The reader of JSON: takes a document and returns what the network predicts for it.

A document is read between two bytes 0, as the lessons have it (`soupstate.model.train.data.json_lessons`): so its first
character is predicted, too, and the network knows where the document ends.
"""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from soupstate import kernels
from soupstate.kernels.viterbi import viterbi_back, viterbi_forward
from soupstate.model.net.alternatives import Alternative, likeliest
from soupstate.model.net.checkpoint import Checkpoint, load_checkpoint
from soupstate.model.net.depth import at_bytes, depth_of
from soupstate.model.net.reader import NO_WINDOW, Reading, at_places
from soupstate.model.net.reading_loop import ReadingLoop, character_starts, per_character
from soupstate.model.page.boundaries import boundary_kinds
from soupstate.model.page.counted import OpenElements
from soupstate.model.page.marks import FORMATS, JsonSyntax
from soupstate.model.page.nesting import NESTINGS, json_places
from soupstate.model.page.stop import Stop, never

EDGE = "\0"  # before and after a document
JSON, TABLE = NESTINGS["json"], FORMATS["json"]


class JsonReader:
    """Reads documents with one checkpoint. It holds no state of a document, so several threads may use it at once."""

    def __init__(self, checkpoint: Checkpoint, backend: str | None = None) -> None:
        self.checkpoint = checkpoint.for_reading()
        self.packed = kernels.pack(self.checkpoint.weights, backend)

    @cached_property
    def backward(self) -> "JsonReader | None":
        """The reader of documents from their end, loaded on first use; None where the checkpoint has no such network.

        Raises ValueError for a file that cannot be used.
        """
        file = self.checkpoint.backward_file
        return JsonReader(load_checkpoint(file, backward=True, reads="json"), self.packed.backend) if file else None

    def read(self, text: str, stop: Stop = never, window: slice = NO_WINDOW) -> Reading:
        """Reads a whole document. Its reading has no spans. Raises Stopped when `stop` returns True.

        syntax: a `JsonSyntax` for each character. depth: the open objects and arrays, as the depth layer counts them.
        window: the characters for which `Reading.expected` is wanted; each takes as long as some 50 that are only read.
        """
        progress = _Progress(text, self)
        starts, expected = progress.starts, list[tuple[Alternative, ...]]()
        for at in (starts[window] + len(EDGE)).tolist():
            progress.read_to(at, stop)
            expected.append(likeliest(progress.loop))
        progress.read_to(len(progress.loop.ids), stop)
        bits, entropy = progress.numbers[:, len(EDGE) : -len(EDGE)]
        surprisal = per_character(bits, starts)
        cells, changes, counted = progress.cells, progress.changes, progress.layer is not None
        return Reading(
            page=text,
            bits=float(surprisal.sum(dtype=np.float64)),
            syntax=progress.syntax()[starts],
            surprisal=surprisal,
            entropy=per_character(entropy, starts),
            depth=at_bytes(depth_of(cells), changes, starts) if counted else np.zeros(len(starts), np.float32),
            open_elements=OpenElements(np.searchsorted(starts, changes, "left"), cells) if counted else None,
            expected=expected,
        )


class _Progress:
    """A document that is being read. starts: the first byte of each character, without the EDGE before."""

    def __init__(self, text: str, reader: JsonReader) -> None:
        checkpoint = reader.checkpoint
        self.delay, self.transitions = checkpoint.delay, checkpoint.changes
        self.layer = checkpoint.depth.layer if checkpoint.depth else None
        framed = f"{EDGE}{text}{EDGE}".encode()
        encoded = framed + b"\n" * self.delay
        ids = np.frombuffer(encoded, np.uint8)
        self.ids = ids[: len(framed)]
        self.starts = character_starts(self.ids[len(EDGE) : -len(EDGE)])
        places, self.kinds = json_places(framed if self.layer else b"")
        self.changes = places - len(EDGE) + self.kinds % 2  # what closes is still inside
        self.cells = np.zeros((len(places), JSON.cells), np.uint8)  # after each place
        self.counted = 0  # places
        self.units = np.arange(reader.packed.weights.units if self.layer else 0)
        self.loop = ReadingLoop(reader.packed, ids, None, at_places(places, len(ids)))
        self.gathered = 0  # bytes
        self.numbers = np.zeros((2, len(self.ids)), np.float32)  # bits and entropy of every byte
        self.scores, self.pointers = np.zeros(len(JsonSyntax), np.float32), list[NDArray[np.uint8]]()

    def read_to(self, to: int, stop: Stop) -> None:
        """Reads up to byte `to`. Raises Stopped."""
        for _, chunk in self.loop.chunks(stop, to=to, units=self.units):
            self._gather(chunk)
            self._count(chunk.traces)

    def _gather(self, chunk: kernels.Chunk) -> None:
        """Takes the bits and entropy of the next bytes, and the syntax, which is read `delay` bytes later."""
        at, self.gathered = self.gathered, self.gathered + len(chunk.bits)
        n = min(len(chunk.bits), len(self.ids) - at)
        self.numbers[:, at : at + n] = chunk.bits[:n], chunk.entropy[:n]
        outputs = chunk.heads[max(0, self.delay - at) :, TABLE.output["syntax"]]
        first = max(0, at - self.delay)
        ids = self.ids[first : first + len(outputs)]
        if len(ids):
            tables = boundary_kinds(ids, int(self.ids[first - 1]) if first else 0)
            found = viterbi_forward(np.ascontiguousarray(outputs[: len(ids)]), tables, self.transitions, self.scores)
            self.pointers.append(found[0])
            self.scores = found[1]

    def _count(self, traces: NDArray[np.float32]) -> None:
        """Takes the outputs (k, H) at the next places, and counts what is open after them."""
        if self.layer is None or not len(traces):
            return
        first, self.counted = self.counted, self.counted + len(traces)
        before = self.cells[first - 1] if first else np.zeros(JSON.cells, np.uint8)
        some = slice(first, self.counted)
        self.cells[some] = self.layer.advance(traces, self.kinds[some], before)

    def syntax(self) -> NDArray[np.uint8]:
        """Returns the best path of syntax (bytes of the text,), once the document has been read."""
        path = viterbi_back(np.concatenate(self.pointers), int(self.scores.argmax()))
        return path[len(EDGE) : -len(EDGE)]
