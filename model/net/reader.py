"""The reader: takes a page and returns what the network predicts for it. It needs no torch and no parser."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from soupstate import kernels
from soupstate.model.net.checkpoint import Checkpoint, load_checkpoint
from soupstate.model.net.depth import Depth, DepthState, depth_of
from soupstate.model.net.evidence import Evidence
from soupstate.model.net.reading_loop import ReadingLoop, Stop, Stopped, character_starts, never, per_character
from soupstate.model.page.spans import Span, assemble

# `mark_many` reads this many pages at a time, and this many bytes of each between two looks. Found by trying 4 to 16
# pages and 2048 or 8192 bytes on 16 pages of 15 kB (AVX2, 512 kB of second-level cache). A page that is being read
# needs about 6 MB.
PAGES_AT_ONCE, SHORT_PIECE_BYTES = 8, 2048
# Where only marks are asked for, the bits of a page longer than EXACT_BYTES are estimated from SAMPLED_BYTES of its
# bytes. On 80 training pages the estimate was off by 2.0% in the median and by 4.5% at the ninth
# decile. Four runs of 1024 bytes gave 12% and 32%, because surprise comes in stretches.
SAMPLED_BYTES, EXACT_BYTES = 4096, 8192
GOLDEN = 0.6180339887498949  # its multiples modulo 1 are spread more evenly than chance (Weyl 1916)

__all__ = ["Marking", "Reader", "Reading", "Stop", "Stopped", "never"]

Floats = NDArray[np.float32]


@dataclass
class Marking:
    """The marks of a page: everything that links, text and Markdown are made from.

    page: the text that was read. bits: its total surprisal, an estimate where the page is longer than EXACT_BYTES.
    syntax (characters,): a `Syntax` for each character.
    """

    page: str
    bits: float
    spans: list[Span] = field(default_factory=list)
    syntax: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))

    @property
    def bits_per_character(self) -> float:
        """Surprisal per character of the text that was read; 0 for an empty page."""
        return self.bits / max(1, len(self.page))


@dataclass
class Reading(Marking):
    """Everything that the network predicts for a page. `bits` is exact.

    surprisal (characters,): bits of each character. entropy (characters,): bits that the network expected there.
    depth (characters,): open elements; empty where depth was not asked for.

    >>> reading = Reading("<p>", bits=6.0, surprisal=np.array([1.0, 2.0, 3.0], np.float32))
    >>> reading.bits_per_character, len(reading.surprisal) == len(reading.page)
    (2.0, True)
    """

    surprisal: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
    entropy: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
    depth: Floats = field(default_factory=lambda: np.zeros(0, np.float32))


class Reader:
    """Reads pages with one checkpoint. It holds no state of a page, so several threads may use it at once."""

    def __init__(self, checkpoint: Checkpoint, backend: str | None = None) -> None:
        self.checkpoint = checkpoint
        self.packed = kernels.pack(checkpoint.weights, backend)

    @cached_property
    def backward(self) -> "Reader | None":
        """The reader of pages from their end, loaded on first use; None where the checkpoint has no such network.

        Raises ValueError for a file that cannot be used.
        """
        file = self.checkpoint.backward_file
        return Reader(load_checkpoint(file, backward=True), self.packed.backend) if file else None

    def read(self, page: str, stop: Stop = never, *, depth: bool = False) -> Reading:
        """Reads a whole page. With `depth` it takes half as long again; without a depth layer all depths are 0.

        Raises Stopped when `stop` returns True.
        """
        progress = _Progress(page, self, depth=self.checkpoint.depth if depth else None)
        progress.run(stop)
        reading = progress.reading()
        return reading if depth else replace(reading, depth=reading.depth[:0])

    def mark(self, page: str, stop: Stop = never) -> Marking:
        """Returns the marks of a whole page. It takes less time than `read`, because it measures few bytes.

        Raises Stopped when `stop` returns True.
        """
        progress = _Progress(page, self, sampled=True)
        progress.run(stop)
        return progress.marking()

    def mark_many(self, pages: Sequence[str], stop: Callable[[int], bool] = lambda page: False) -> list[Marking | None]:
        """Returns what `mark` returns for each page, in less time, because the weights are loaded once for several.

        `stop` is asked with the page's index before each of its pieces; where it returns True the page is given up
        and its place holds None.
        """
        markings: list[Marking | None] = [None] * len(pages)
        waiting = iter(enumerate(pages))
        active: list[tuple[int, _Progress]] = []
        while True:
            while len(active) < PAGES_AT_ONCE and (page := next(waiting, None)) is not None:
                active.append((page[0], _Progress(page[1], self, sampled=True)))
            active = [(i, progress) for i, progress in active if not stop(i)]
            if not active:
                return markings
            pieces = [progress.loop.piece(SHORT_PIECE_BYTES) for _, progress in active]
            for (i, progress), piece, chunk in zip(active, pieces, self.packed.read_many(pieces), strict=True):
                progress.loop.take(piece, chunk.state)
                progress.gather(piece.ids, chunk)
                if not progress.loop.left:
                    markings[i] = progress.marking()
            active = [(i, progress) for i, progress in active if progress.loop.left]


class _Progress:
    """A page that is being read. sampled: the bits of a long page are measured on some bytes only."""

    def __init__(self, page: str, reader: Reader, *, sampled: bool = False, depth: Depth | None = None) -> None:
        checkpoint = reader.checkpoint
        self.page, self.delay = page, checkpoint.delay
        self.ids = np.frombuffer(page.encode("utf-8"), np.uint8)
        padded = np.concatenate([self.ids, np.full(self.delay, ord("\n"), np.uint8)])
        asked = sample(len(padded)) if sampled and len(self.ids) > EXACT_BYTES else None
        self.loop = ReadingLoop(reader.packed, padded, asked)
        self.evidence = Evidence(self.ids, checkpoint)
        self.depth, self.open = depth, DepthState.start()
        self.units = np.arange(checkpoint.weights.units if depth else 0)
        self.gathered = 0  # bytes
        self.chunks: list[tuple[Floats, Floats, Floats]] = []  # bits, entropy, depth

    def run(self, stop: Stop) -> None:
        """Reads the page to its end."""
        for ids, chunk in self.loop.chunks(stop, units=self.units):
            self.gather(ids, chunk)

    def gather(self, ids: NDArray[np.uint8], chunk: kernels.Chunk) -> None:
        """Takes what the kernel computed for the next bytes."""
        self.evidence.add(self.gathered, chunk.heads)
        self.gathered += len(ids)
        depth = np.zeros(len(ids), np.float32)
        if self.depth:
            cells, self.open = self.depth.layer.advance(chunk.traces, ids, self.open)
            depth = depth_of(cells)
        self.chunks.append((chunk.bits, chunk.entropy, depth))

    def marking(self) -> Marking:
        """Returns the marks of the page, once it has been read."""
        syntax, spans = self._decided(character_starts(self.ids))
        bits = np.concatenate([bits for bits, _, _ in self.chunks])[: len(self.ids)]
        known = int(np.count_nonzero(~np.isnan(bits)))
        total = float(np.nansum(bits, dtype=np.float64)) * len(bits) / max(1, known)
        return Marking(self.page, total, spans, syntax)

    def reading(self) -> Reading:
        """Returns the reading of the page, once it has been read."""
        starts = character_starts(self.ids)
        n = len(self.ids)
        bits, entropy, depth = map(np.concatenate, zip(*self.chunks, strict=True))
        surprisal = per_character(bits[:n], starts)
        syntax, spans = self._decided(starts)
        return Reading(
            page=self.page,
            bits=float(surprisal.sum(dtype=np.float64)),
            spans=spans,
            syntax=syntax,
            surprisal=surprisal,
            entropy=per_character(entropy[:n], starts),
            depth=depth[self.delay :][starts],
        )

    def _decided(self, starts: NDArray[np.int64]) -> tuple[NDArray[np.uint8], list[Span]]:
        """Returns the syntax (characters,) and the spans."""
        syntax = self.evidence.path()[starts]
        return syntax, assemble(self.page, syntax, self.evidence.decider(starts))


def sample(n: int) -> NDArray[np.bool_]:
    """Returns which of n bytes a page's bits are estimated from: SAMPLED_BYTES of them, spread evenly."""
    chosen: NDArray[np.bool_] = np.arange(n) * GOLDEN % 1 < SAMPLED_BYTES / n
    return chosen
