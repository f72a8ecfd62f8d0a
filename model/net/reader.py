"""The reader: a page in, what the network says of it out. No torch, no parser.

The page's bytes go through the recurrence chunk by chunk. Of the heads' outputs only two things are kept: the best
path of syntax classes (evidence of every byte plus the likelihood of each change of class between those two bytes), and
the other heads' outputs summed over atoms, the stretches between `<` and `>`. A span's decisions are taken from
the sums over its atoms.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

import kernels
from kernels.copy import advance_copies, copy_state
from kernels.path import path_back, path_forward
from model.net.checkpoint import Checkpoint, load_checkpoint
from model.net.depth import Depth, DepthState, depth_of
from model.page.boundaries import boundary_kinds
from model.page.marks import OUTPUT, OUTPUTS, Syntax
from model.page.spans import Decide, Place, Span, assemble

CHUNK = 8192  # bytes read between two looks at the clock
# Pages under way in mark_many, and bytes of one between two looks: found by trial, of 4 to 16 and 2048 or 8192, on 16
# pages of 15 kB (AVX2, 512 kB of second-level cache). A page under way needs some 6 MB.
PAGES, PIECE = 8, 2048
LT, GT = 0x3C, 0x3E
# Nats a byte against the class of comments: a comment shown by mistake costs a line; text taken for one, after one
# left open, the page. Chosen on 18 labelled training pages: 2 finds more of such text and costs no clean page any.
COMMENT_PRICE = 2.0
# Bytes that a page's bits are estimated by where marks alone are asked for, and the longest page that all are read of.
# On 80 training pages the estimate was off by 2.0% in the median and 4.5% at the ninth decile; of one in a row of 1024
# bytes in four places it was 12% and 32%, for surprise comes in stretches.
SAMPLE, WHOLE = 4096, 8192
GOLDEN = 0.6180339887498949  # its multiples, modulo 1, are spread more evenly than chance (Weyl 1916)


Floats = NDArray[np.float32]


class Stopped(Exception):
    """The reading was given up: nobody waits for it, or it took too long."""


@dataclass
class Marking:
    """The marks of a page: all that links, text and Markdown are made of. syntax: one value a character."""

    page: str
    bits: float  # total surprisal; estimated, where the page is longer than WHOLE bytes
    spans: list[Span] = field(default_factory=list)
    syntax: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))

    @property
    def bits_per_character(self) -> float:
        return self.bits / max(1, len(self.page))


@dataclass
class Reading(Marking):
    """All that the network says of a page; bits are exact. One value a character: surprisal and entropy in bits; depth
    in open elements, where it was asked for.
    """

    surprisal: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
    entropy: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
    depth: Floats = field(default_factory=lambda: np.zeros(0, np.float32))


def character_starts(ids: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Index of the first byte of every character of UTF-8 ids (n,)."""
    return np.flatnonzero((ids & 0xC0) != 0x80)


class Reader:
    """Reads pages with one checkpoint. Holds no state of a page: several threads may use it at once."""

    def __init__(self, checkpoint: Checkpoint, backend: str | None = None) -> None:
        self.checkpoint = checkpoint
        self.packed = kernels.pack(checkpoint.weights, backend)

    @cached_property
    def behind(self) -> "Reader | None":
        """The reader of pages from their end, loaded when it is first asked for; None where there is no such network.

        Raises ValueError for a file that cannot be read with.
        """
        file = self.checkpoint.behind
        return Reader(load_checkpoint(file, backward=True), self.packed.backend) if file else None

    def read(self, page: str, stop: Callable[[], bool] = lambda: False, *, depth: bool = False) -> Reading:
        """Reads a whole page. `stop` is asked after every chunk; raises Stopped when it says so.

        With `depth` it takes half as long again; without a depth layer all depths are 0.
        """
        progress = _Progress(page, self.checkpoint, depth=self.checkpoint.depth if depth else None)
        self._finish(progress, stop)
        reading = progress.reading()
        return reading if depth else replace(reading, depth=reading.depth[:0])

    def mark(self, page: str, stop: Callable[[], bool] = lambda: False) -> Marking:
        """The marks of a whole page, which take less time than a reading: the odds of few bytes are computed.

        As `read` otherwise.
        """
        progress = _Progress(page, self.checkpoint, sampled=True)
        self._finish(progress, stop)
        return progress.marking()

    def _finish(self, progress: "_Progress", stop: Callable[[], bool]) -> None:
        while progress.left:
            if stop():
                raise Stopped
            progress.take(self.packed.read_many([progress.piece(CHUNK)], progress.units)[0])

    def mark_many(self, pages: Sequence[str], stop: Callable[[int], bool] = lambda page: False) -> list[Marking | None]:
        """What `mark` yields of each page, in less time: the weights are loaded once for pages that are read together.

        PAGES are under way at a time, and one that ends makes room for the next. Before every PIECE of page i
        `stop` is asked with i; where it says so the page is given up, and None stands in its place.
        """
        markings: list[Marking | None] = [None] * len(pages)
        waiting = iter(enumerate(pages))
        active: list[tuple[int, _Progress]] = []
        while True:
            while len(active) < PAGES and (page := next(waiting, None)) is not None:
                active.append((page[0], _Progress(page[1], self.checkpoint, sampled=True)))
            active = [(i, progress) for i, progress in active if not stop(i)]
            if not active:
                return markings
            chunks = self.packed.read_many([progress.piece(PIECE) for _, progress in active])
            for (i, progress), chunk in zip(active, chunks, strict=True):
                progress.take(chunk)
                if not progress.left:
                    markings[i] = progress.marking()
            active = [(i, progress) for i, progress in active if progress.left]


class _Progress:
    """A page that is being read, chunk by chunk; `sampled`: of a long one, bits of some bytes only."""

    def __init__(self, page: str, checkpoint: Checkpoint, *, sampled: bool = False, depth: Depth | None = None) -> None:
        self.page, self.checkpoint = page, checkpoint
        self.ids = np.frombuffer(page.encode("utf-8"), np.uint8)
        self.padded = np.concatenate([self.ids, np.full(checkpoint.delay, ord("\n"), np.uint8)])
        self.asked = sample(len(self.padded)) if sampled and len(self.ids) > WHOLE else None
        self.at = 0
        self.history, self.state = copy_state(), kernels.State.zeros(checkpoint.weights.units)
        self.sink = _Evidence(self.ids, checkpoint)
        self.depth = depth
        self.units = np.arange(checkpoint.weights.units if depth else 0)  # whose output is wanted
        self.open = DepthState.start()
        self.chunks: list[tuple[Floats, Floats, Floats]] = []  # bits, entropy, depth

    @property
    def left(self) -> int:
        """Bytes still to be read."""
        return len(self.padded) - self.at

    def piece(self, size: int) -> kernels.Piece:
        """The next bytes, so many or what is left, to be read and then taken."""
        part = slice(self.at, self.at + size)
        ids, asked = self.padded[part], None if self.asked is None else self.asked[part]
        return kernels.Piece(ids, advance_copies(ids, self.history), self.state, asked)

    def take(self, chunk: kernels.Chunk) -> None:
        """Gathers what was read of the last piece."""
        self.state = chunk.state
        self.sink.add(self.at, chunk.heads)
        depth = np.zeros(len(chunk.bits), np.float32)
        if self.depth:
            ids = self.padded[self.at : self.at + len(chunk.bits)]
            cells, self.open = self.depth.layer.advance(chunk.traces, ids, self.open)
            depth = depth_of(cells)
        self.at += len(chunk.bits)
        self.chunks.append((chunk.bits, chunk.entropy, depth))

    def marking(self) -> Marking:
        """Of the whole page, when nothing is left."""
        syntax, spans = self._decided(character_starts(self.ids))
        bits = np.concatenate([bits for bits, _, _ in self.chunks])[: len(self.ids)]
        known = int(np.count_nonzero(~np.isnan(bits)))
        total = float(np.nansum(bits, dtype=np.float64)) * len(bits) / max(1, known)
        return Marking(self.page, total, spans, syntax)

    def reading(self) -> Reading:
        """Of the whole page, when nothing is left."""
        starts = character_starts(self.ids)
        n, delay = len(self.ids), self.checkpoint.delay
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
            depth=depth[delay:][starts],
        )

    def _decided(self, starts: NDArray[np.int64]) -> tuple[NDArray[np.uint8], list[Span]]:
        """Syntax (characters,) and spans."""
        syntax = self.sink.path()[starts]
        return syntax, assemble(self.page, syntax, self.sink.decider(starts))


def sample(n: int) -> NDArray[np.bool_]:
    """Which of n bytes a page's bits are estimated by: SAMPLE of them, spread evenly."""
    chosen: NDArray[np.bool_] = np.arange(n) * GOLDEN % 1 < SAMPLE / n
    return chosen


def per_character(values: Floats, starts: NDArray[np.int64]) -> Floats:
    """Sums (characters,) of values (bytes,)."""
    if not len(values):
        return values
    return np.add.reduceat(values, starts).astype(np.float32)


class _Evidence:
    """Gathers the heads' outputs of one page; byte t's marks are read off the state `delay` bytes later.

    An output is the log-likelihood of its class but for a number that is the same for all classes of a head, and so for
    all that they are compared by.
    """

    def __init__(self, ids: NDArray[np.uint8], checkpoint: Checkpoint) -> None:
        self.ids, self.delay, self.changes = ids, checkpoint.delay, checkpoint.changes
        cut = np.zeros(len(ids) + 1, np.bool_)
        cut[0] = len(ids) > 0
        cut[:-1] |= ids == LT
        cut[1:] |= ids == GT
        self.atoms = np.flatnonzero(cut[:-1])
        self.sums = np.zeros((len(self.atoms), OUTPUTS), np.float32)
        self.scores = np.zeros(len(Syntax), np.float32)
        self.pointers: list[NDArray[np.uint8]] = []

    def add(self, at: int, outputs: Floats) -> None:
        """Takes the outputs (n, OUTPUTS) after bytes at .. at + n - 1."""
        first = max(0, at - self.delay)
        outputs = outputs[max(0, self.delay - at) :]
        if not len(outputs):
            return
        last = first + len(outputs)
        before = int(self.ids[first - 1]) if first else ord(" ")
        kinds = boundary_kinds(self.ids[first:last], before)
        syntax = np.ascontiguousarray(outputs[:, OUTPUT["syntax"]])
        syntax[:, Syntax.COMMENT] -= COMMENT_PRICE
        pointers, self.scores = path_forward(syntax, kinds, self.changes, self.scores)
        self.pointers.append(pointers)
        k = int(np.searchsorted(self.atoms, first, "right")) - 1
        edges = self.atoms[k : np.searchsorted(self.atoms, last, "left")].copy()
        edges[0] = max(edges[0], first)
        self.sums[k : k + len(edges)] += np.add.reduceat(outputs, edges - first)

    def path(self) -> NDArray[np.uint8]:
        """Syntax (bytes,): the best path."""
        return path_back(self.pointers, int(self.scores.argmax()))

    def decider(self, starts: NDArray[np.int64]) -> Decide:
        """decide(heads, places), offsets in characters: the classes with the most evidence over each span's atoms."""
        totals = np.concatenate([np.zeros((1, OUTPUTS)), np.cumsum(self.sums, axis=0, dtype=np.float64)])
        atom_of = np.searchsorted(self.atoms, starts, "right") - 1

        def decide(names: tuple[str, ...], places: list[Place]) -> list[list[int]]:
            first, last = np.array(places, np.int64).reshape(-1, 2).T
            evidence = totals[atom_of[last - 1] + 1] - totals[atom_of[first]]
            decided: list[list[int]] = np.stack([evidence[:, OUTPUT[name]].argmax(1) for name in names], 1).tolist()
            return decided

        return decide
