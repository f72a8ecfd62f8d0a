"""The reader: takes a page and returns what the network predicts for it. It needs no torch and no parser."""

import copy
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from soupstate import kernels
from soupstate.kernels import Piece
from soupstate.kernels.backends import Packed
from soupstate.model.net.alternatives import Alternative, likeliest
from soupstate.model.net.block_head import BlockHead
from soupstate.model.net.checkpoint import Checkpoint, load_checkpoint
from soupstate.model.net.corrected_head import CorrectedHead
from soupstate.model.net.depth import CELLS, at_bytes, depth_of
from soupstate.model.net.evidence import Evidence
from soupstate.model.net.field_head import FieldHead, check_heads
from soupstate.model.net.probe import Probed, StateProbe
from soupstate.model.net.reading_loop import PIECE_BYTES, Kept, ReadingLoop, Summed, character_starts, per_character
from soupstate.model.page.brief import brief
from soupstate.model.page.counted import OpenElements
from soupstate.model.page.marks import Syntax
from soupstate.model.page.spans import Spans
from soupstate.model.page.stop import Stop, Stopped, never
from soupstate.model.page.tag_places import tag_places

# `mark_many` reads this many pages at a time. With 128 units on VNNI, 40 pages took 1.72 s of one core one at a time,
# 1.75 s two at a time, and 1.77 s eight at a time; pieces of 2048 bytes made that 1.93 s. With 264 units on AVX2, eight
# at a time took .83 of the time. A page that is being read needs about 6 MB.
PAGES_AT_ONCE = 2
# Where only marks are asked for, the bits of a page longer than EXACT_BYTES are estimated from SAMPLED_BYTES of its
# bytes. On 80 training pages the estimate was off by 2.0% in the median and by 4.5% at the ninth
# decile. Four runs of 1024 bytes gave 12% and 32%, because surprise comes in stretches.
SAMPLED_BYTES, EXACT_BYTES = 4096, 8192
# 2^32 divided by the golden ratio. Its multiples modulo 2^32 are spread more evenly than chance (Weyl 1916).
GOLDEN = 2_654_435_769
NO_WINDOW = slice(0, 0)

Floats = NDArray[np.float32]


@dataclass
class Marking:
    """The marks of a page: everything that links, text and Markdown are made from.

    page: what the offsets count in. bits: the total surprisal of what was read, an estimate where that is longer than
    EXACT_BYTES. block_head: what decides the main content; None: the spans' own marks. read: the characters that were
    read, fewer than the page has where its tags were made shorter; None: all. heads: those that find fields. probed:
    what they see of the states; None where the reader has no probe.
    """

    page: str
    bits: float
    spans: Spans = field(default_factory=Spans.none)
    block_head: BlockHead | CorrectedHead | None = None
    read: int | None = None
    heads: tuple[FieldHead, ...] = ()
    probed: Probed | None = None

    @property
    def bits_per_character(self) -> float:
        """Surprisal per character that was read; 0 for an empty page."""
        return self.bits / max(1, len(self.page) if self.read is None else self.read)


@dataclass
class Reading(Marking):
    """Everything that the network predicts for a page. `bits` is exact.

    syntax (characters,): a `Syntax` for each character.
    surprisal (characters,): bits of each character. entropy (characters,): bits that the network expected there.
    depth (characters,): open elements; zeros without a depth layer. open_elements: what the depth layer counts, its
    places as offsets of characters; None without one. expected: for each character of the window that `Reader.read` was
    given, the characters that were likeliest there. states: of the recurrence on the way.

    >>> reading = Reading("<p>", bits=6.0, surprisal=np.array([1.0, 2.0, 3.0], np.float32))
    >>> reading.bits_per_character, len(reading.surprisal) == len(reading.page)
    (2.0, True)
    """

    syntax: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
    surprisal: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
    entropy: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
    depth: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
    open_elements: OpenElements | None = None
    expected: Sequence[tuple[Alternative, ...]] = ()
    states: Kept = ()


class Reader:
    """Reads pages with one checkpoint. It holds no state of a page, so several threads may use it at once."""

    def __init__(self, checkpoint: Checkpoint, backend: str | None = None) -> None:
        self.checkpoint = checkpoint = checkpoint.for_reading()
        self.packed = kernels.pack(checkpoint.weights, backend)
        second = checkpoint.corrected_weights
        self.corrected = kernels.pack(second, backend) if second else None  # for pages like corrected ones
        self.units = np.arange(checkpoint.weights.units if checkpoint.depth else 0)  # those that the depth layer reads
        self.heads: tuple[FieldHead, ...] = ()
        self.probe: Floats | None = None

    def with_heads(self, heads: Sequence[FieldHead]) -> "Reader":
        """Returns a reader with the same network that also gathers what these heads need to find fields.

        Raises ValueError for a head of another network, and for two heads of one name.
        """
        check_heads(heads, self.checkpoint)
        probes = [head.probe for head in heads]
        return self.probing(np.concatenate(probes, 1) if probes else None, tuple(heads))

    def probing(self, probe: Floats | None, heads: tuple[FieldHead, ...] = ()) -> "Reader":
        """Returns a reader with the same network whose markings hold the states times `probe` (units, numbers)."""
        other = copy.copy(self)
        other.probe, other.heads = probe, heads
        if probe is not None:
            other.units = np.arange(self.checkpoint.weights.units)
        return other

    @cached_property
    def backward(self) -> "Reader | None":
        """The reader of pages from their end, loaded on first use; None where the checkpoint has no such network.

        Raises ValueError for a file that cannot be used.
        """
        file = self.checkpoint.backward_file
        return Reader(load_checkpoint(file, backward=True), self.packed.backend) if file else None

    def packed_for(self, page: str) -> Packed:
        """Returns the weights that read a page: those with corrected marks, if it is like a page that taught them."""
        marks = self.checkpoint.marks
        return self.corrected if self.corrected and marks and marks.hold(page) else self.packed

    def read(self, page: str, stop: Stop = never, window: slice = NO_WINDOW) -> Reading:
        """Reads a whole page. Raises Stopped when `stop` returns True.

        window: the characters for which `Reading.expected` is wanted; each takes as long as some 50 that are only read.
        """
        progress = _Progress(page, self)
        progress.run(stop, window)
        return progress.reading(stop)

    def mark(self, page: str, stop: Stop = never) -> Marking:
        """Returns the marks of a whole page. It takes less time than `read`, because it measures few bytes.

        Raises Stopped when `stop` returns True.
        """
        progress = _Progress(page, self, sampled=True)
        progress.run(stop)
        return progress.marking(stop)

    def mark_many(self, pages: Sequence[str], stop: Callable[[int], bool] = lambda page: False) -> list[Marking | None]:
        """Returns what `mark` returns for each page, reading PAGES_AT_ONCE of them together.

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
            pieces = [progress.loop.piece(PIECE_BYTES) for _, progress in active]
            for (i, progress), piece, chunk in zip(active, pieces, self._read_together(active, pieces), strict=True):
                progress.loop.take(piece, chunk.state)
                progress.gather(piece.ids, chunk)
                if not progress.loop.left:
                    with suppress(Stopped):
                        markings[i] = progress.marking(partial(stop, i))
            active = [(i, progress) for i, progress in active if progress.loop.left]

    def _read_together(self, active: "list[tuple[int, _Progress]]", pieces: Sequence[Piece]) -> list[kernels.Chunk]:
        """Returns what the kernel computes for the next piece of each page. Pages of one set of weights go together."""
        chunks: dict[int, kernels.Chunk] = {}
        for packed in filter(None, (self.packed, self.corrected)):
            some = [k for k, (_, progress) in enumerate(active) if progress.loop.packed is packed]
            if some:
                chunks.update(zip(some, packed.read_many([pieces[k] for k in some], self.units), strict=True))
        return [chunks[k] for k in range(len(active))]


class _Progress:
    """A page that is being read. sampled: only its marks are wanted, and its bits are measured on some bytes."""

    def __init__(self, page: str, reader: Reader, *, sampled: bool = False) -> None:
        checkpoint, packed = reader.checkpoint, reader.packed_for(page)
        self.page, self.delay, self.reader = page, checkpoint.delay, reader
        self.brief = brief(page) if sampled else None
        self.text = self.brief.text if self.brief else page  # what is read
        padded = self.text.encode("utf-8") + b"\n" * self.delay
        ids = np.frombuffer(padded, np.uint8)
        self.ids = ids[: len(ids) - self.delay]
        asked = sample(len(ids)) if sampled and len(self.ids) > EXACT_BYTES else None
        self.layer, self.units = checkpoint.depth.layer if checkpoint.depth else None, reader.units
        self.places, self.tags = tag_places(padded if self.layer else b"")
        self.probe = None if reader.probe is None else StateProbe(self.ids, self.delay, reader.probe)
        traced = at_places(self.places, len(ids))
        if self.probe is not None:
            # Of the places of both, in order: which are the depth layer's, and which are the probe's.
            counted, probed = traced, at_places(self.probe.places, len(ids))
            traced = counted | probed
            self.is_counted, self.is_probed = counted[traced], probed[traced]
        self.cells = np.zeros((len(self.places), CELLS), np.uint8)  # after each place
        self.counted = 0  # places
        self.passed = 0  # places of the depth layer and of the probe together
        self.evidence = Evidence(self.ids, checkpoint)
        summed = Summed(self.evidence.begins_later, outputs=len(Syntax))
        self.loop = ReadingLoop(packed, ids, asked, traced, summed, keeps=not sampled)
        self.gathered = 0  # bytes
        self.expected: list[tuple[Alternative, ...]] = []
        self.bits, self.measured = 0.0, 0  # their sum, and the number of bytes that it is the sum of
        # Bits and entropy of every byte; None where they are not wanted.
        self.numbers = None if sampled else np.zeros((2, len(self.ids)), np.float32)

    def run(self, stop: Stop, window: slice = NO_WINDOW) -> None:
        """Reads the page to its end. window: the characters before which the likeliest ones are listed."""
        for at in character_starts(self.ids)[window].tolist() if window != NO_WINDOW else ():
            self._read_to(at, stop)
            self.expected.append(likeliest(self.loop))
        self._read_to(len(self.loop.ids), stop)

    def _read_to(self, to: int, stop: Stop) -> None:
        for ids, chunk in self.loop.chunks(stop, to=to, units=self.units):
            self.gather(ids, chunk)
            del chunk  # as `chunks` does, before the next one is made

    def gather(self, ids: NDArray[np.uint8], chunk: kernels.Chunk) -> None:
        """Takes what the kernel computed for the next bytes."""
        self._trace(chunk.traces)
        assert chunk.sums is not None
        self.evidence.add(self.gathered, chunk.heads, chunk.sums)
        at, self.gathered = self.gathered, self.gathered + len(ids)
        bits = chunk.bits[: len(self.ids) - at]
        if self.numbers is None:
            self.measured += int(np.count_nonzero(~np.isnan(bits)))
            self.bits += float(np.nansum(bits, dtype=np.float64))
            return
        self.numbers[0, at : at + len(bits)] = bits
        self.numbers[1, at : at + len(bits)] = chunk.entropy[: len(bits)]

    def _trace(self, traces: Floats) -> None:
        """Takes the outputs (k, H) at the next places of the depth layer and of the probe."""
        if self.probe is None:
            self._count(traces)
            return
        first, self.passed = self.passed, self.passed + len(traces)
        self._count(traces[self.is_counted[first : self.passed]])
        self.probe.take(traces[self.is_probed[first : self.passed]])

    def _count(self, traces: Floats) -> None:
        """Takes the outputs (k, H) at the next places, and counts what is open after them."""
        if self.layer is None:
            return
        first, self.counted = self.counted, self.counted + len(traces)
        before = self.cells[first - 1] if first else np.zeros(CELLS, np.uint8)
        some = slice(first, self.counted)
        self.cells[some] = self.layer.advance(traces, self.tags[some], before)

    @property
    def counted_elements(self) -> OpenElements | None:
        """What the depth layer counts as open; None without one."""
        return OpenElements(self.places, self.cells) if self.layer else None

    def _open_elements(self, starts: NDArray[np.int64]) -> OpenElements | None:
        """Returns the same with places as offsets of characters, which begin at bytes `starts`.

        The cells are read `delay` bytes later, as the marks are. A count after the last character is dropped.
        """
        if self.layer is None:
            return None
        offsets = np.searchsorted(starts, self.places - self.delay, "left")
        kept = offsets < len(starts)
        kept[:-1] &= offsets[1:] > offsets[:-1]  # of places within one character, the last one counts
        return OpenElements(offsets[kept], self.cells[kept])

    def marking(self, stop: Stop = never) -> Marking:
        """Returns the marks of the page, once it has been read. Raises Stopped."""
        _, spans = self.evidence.decided(stop, self.counted_elements, self.brief)
        bits = self.bits * len(self.ids) / max(1, self.measured)
        head, heads = self.reader.checkpoint.blocks, self.reader.heads
        probed = self.probe.probed(self.ids, self.brief) if self.probe else None
        return Marking(self.page, bits, spans, head, len(self.text), heads, probed)

    def reading(self, stop: Stop) -> Reading:
        """Returns the reading of the page, once it has been read. Raises Stopped."""
        assert self.numbers is not None
        starts = character_starts(self.ids)
        syntax, spans = self.evidence.decided(stop, self.counted_elements)
        bits, entropy = self.numbers
        depth = at_bytes(depth_of(self.cells), self.places, starts + self.delay)  # read later, as the marks are
        surprisal = per_character(bits, starts)
        return Reading(
            page=self.page,
            bits=float(surprisal.sum(dtype=np.float64)),
            spans=spans,
            syntax=syntax,
            block_head=self.reader.checkpoint.blocks,
            surprisal=surprisal,
            entropy=per_character(entropy, starts),
            depth=depth,
            open_elements=self._open_elements(starts),
            expected=self.expected,
            states=self.loop.kept,
        )


def at_places(places: NDArray[np.int64], n: int) -> NDArray[np.bool_]:
    """Returns which of n bytes are places."""
    is_place = np.zeros(n, np.bool_)
    is_place[places] = True
    return is_place


def sample(n: int) -> NDArray[np.bool_]:
    """Returns which of n bytes a page's bits are estimated from: SAMPLED_BYTES of them, spread evenly."""
    chosen = np.empty(n, np.bool_)
    share = np.uint32(min(SAMPLED_BYTES / n, 1.0) * (2**32 - 1))
    for first in range(0, n, PIECE_BYTES):
        last = min(n, first + PIECE_BYTES)
        chosen[first:last] = np.arange(first, last, dtype=np.uint32) * np.uint32(GOLDEN) < share
    return chosen
