"""Measures how fast the kernels read, after checking each backend against the reference."""

import math
import threading
import time
from collections.abc import Callable

import numpy as np

from soupstate.kernels.backends import Packed, pack
from soupstate.kernels.copy import copies, copy_state
from soupstate.kernels.qrnn import GATES, TAPS, PackedQrnn, QrnnState, QrnnWeights, pack_qrnn
from soupstate.kernels.weights import (
    BYTES,
    LENGTH_CLASSES,
    MATCHERS,
    Bytes,
    Chunk,
    Floats,
    Piece,
    Predictions,
    State,
    Weights,
)

Timed = Callable[[], int]  # the code to measure; it returns the number of characters that it read
PAGES = 16  # pages read together in the regime "many"
SECONDS = 0.03  # CPU time of one measurement, roughly
CHECKED = 48  # bytes compared with the reference
# The largest absolute difference after one step. Bits and heads are of the order of 10. cpp/products.h says what
# rounding to 16 bits costs.
TOLERANCE = {"bits": 1e-2, "entropy": 1e-2, "heads": 2e-2}
QRNN_TOLERANCE = 2e-3  # of h, which is of the order of 1
QRNN_LAYERS = 2


def generated_page(size: int) -> bytes:
    """Returns `size` bytes of markup, the same on every machine."""
    words = "harbour ferry timetable night island office return news harvest school market river bridge".split()
    random = np.random.default_rng(3)
    text = ""
    while len(text) < size:
        chosen = " ".join(random.choice(words, 9))
        text += f'<li class="item"><a href="/p/{random.integers(1000)}.html">{chosen}</a></li>\n'
    return text.encode()[:size]


def inputs_of(page: bytes) -> tuple[Bytes, Predictions]:
    """Returns the bytes of a page and their copy input."""
    ids = np.frombuffer(page, np.uint8)
    return ids, copies(ids, copy_state())[0]


def piece_of(weights: Weights, page: bytes) -> Piece:
    """Returns a page as a piece to read from the start state."""
    return Piece(*inputs_of(page), State.zeros(weights.units))


def lengths(size: int) -> tuple[int, int]:
    """Returns the length of one page, and that of each of PAGES pages, to read about `size` bytes, within bounds."""
    return min(max(size, 64), 20_000), min(max(size // PAGES, 64), 2_000)


def check(weights: Weights, backend: str) -> None:
    """Raises ValueError where a backend differs from the reference, or reads many pages differently from each alone."""
    packed, reference = pack(weights, backend), pack(weights, "reference")
    whole = piece_of(weights, generated_page(CHECKED))
    state = whole.state
    for t in range(CHECKED):
        one = Piece(whole.ids[t : t + 1], whole.found[t : t + 1], state)
        expected = reference.read(one.ids, one.found, one.state)
        _compare(backend, packed.read(one.ids, one.found, one.state), expected, TOLERANCE)
        state = expected.state
    pieces = [piece_of(weights, generated_page(n)) for n in (CHECKED, 0, 1, 17)]
    exactly = dict.fromkeys(TOLERANCE, 0.0)
    for piece, chunk in zip(pieces, packed.read_many(pieces), strict=True):
        _compare(backend, chunk, packed.read(piece.ids, piece.found, piece.state), exactly)


def _compare(backend: str, chunk: Chunk, expected: Chunk, tolerance: dict[str, float]) -> None:
    for name, allowed in tolerance.items():
        difference = np.abs(getattr(chunk, name) - getattr(expected, name)).max(initial=0)
        if not difference <= allowed:
            raise ValueError(f"{backend}: {name} differs by {difference:.2g}, more than {allowed:.2g}")


def qrnn_units(lstm: int) -> int:
    """Returns the units per layer of a QRNN with as many multiplications as an LSTM of `lstm` units, a multiple of 8.

    The recurrence of an LSTM of U units multiplies 4 U^2 times per byte, the second layer of a QRNN of H units 6 H^2
    times. First layers look their products up. The QRNN has QRNN_LAYERS layers.
    """
    return max(8, round(lstm * math.sqrt(2 / 3) / 8) * 8)


def qrnn_weights(units: int) -> QrnnWeights:
    """Returns random weights with gates of the order of 1. The speed does not depend on their values."""
    random = np.random.default_rng(0)
    further = QRNN_LAYERS - 1

    def drawn(*shape: int, size: float = 1.0) -> Floats:
        return random.normal(0, size, shape).astype(np.float32)

    return QrnnWeights(
        byte=drawn(TAPS, BYTES, GATES * units),
        predicted=drawn(TAPS, MATCHERS, BYTES, GATES * units, size=0.5),
        length=drawn(TAPS, MATCHERS, LENGTH_CLASSES, GATES * units, size=0.5),
        weight=drawn(further, GATES * units, TAPS * units, size=2 * units**-0.5),
        bias=drawn(further, GATES * units),
    )


def check_qrnn(weights: QrnnWeights, backend: str) -> None:
    """Raises ValueError where a backend, reading in two parts, differs from the reference, reading at once."""
    (ids, found), state = inputs_of(generated_page(4 * CHECKED)), QrnnState.zeros(weights.units, weights.layers)
    packed = pack_qrnn(weights, backend)
    first, between = packed.read(ids[:CHECKED], found[:CHECKED], state)
    h = np.concatenate([first, packed.read(ids[CHECKED:], found[CHECKED:], between)[0]])
    difference = np.abs(h - pack_qrnn(weights, "reference").read(ids, found, state)[0]).max()
    if not difference <= QRNN_TOLERANCE:
        raise ValueError(f"{backend}: h of the qrnn differs by {difference:.2g}, more than {QRNN_TOLERANCE:.2g}")


class MeasuredQrnn:
    """A QRNN backend and pages to read. It reads the PAGES pages of the regime "many" one after another."""

    def __init__(self, weights: QrnnWeights, backend: str) -> None:
        self.packed: PackedQrnn = pack_qrnn(weights, backend)
        self.state = QrnnState.zeros(weights.units, weights.layers)
        one, many = lengths(int(self._rate([inputs_of(generated_page(200))]) * SECONDS))
        self.pages = {"one": [inputs_of(generated_page(one))], "many": [inputs_of(generated_page(many))] * PAGES}

    def rate(self, regime: str) -> float:
        """Returns characters per second of this thread's CPU time."""
        return self._rate(self.pages[regime])

    def _rate(self, pages: list[tuple[Bytes, Predictions]]) -> float:
        start = time.thread_time()
        for ids, found in pages:
            self.packed.read(ids, found, self.state)
        return sum(len(ids) for ids, _ in pages) / (time.thread_time() - start)


class Measured:
    """A backend and pages to read in about SECONDS. All rates are in characters per second."""

    def __init__(self, weights: Weights, backend: str) -> None:
        self.packed: Packed = pack(weights, backend)
        few = piece_of(weights, generated_page(64))
        start = time.thread_time()
        self.packed.read_many([few])
        size = int(SECONDS / (time.thread_time() - start) * 64)
        one, many = lengths(size)
        self.one = [piece_of(weights, generated_page(one))]
        self.many = [piece_of(weights, generated_page(many))] * PAGES

    def rate(self, regime: str, *, alone: bool = False) -> float:
        """Returns the rate in this thread's CPU time. `alone` measures the recurrence without bits and heads."""
        pieces = self.one if regime == "one" else self.many
        read: Callable[[list[Piece]], object] = self.packed.read_states if alone else self.packed.read_many
        start = time.thread_time()
        read(pieces)
        return characters(pieces) / (time.thread_time() - start)

    def rate_of_threads(self, regime: str, threads: int) -> float:
        """Returns the rate in wall-clock time of several threads that each read all pages."""
        pieces = self.one if regime == "one" else self.many
        running = [threading.Thread(target=self.packed.read_many, args=(pieces,)) for _ in range(threads)]
        start = time.perf_counter()
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
        return threads * characters(pieces) / (time.perf_counter() - start)


def rate_of(timed: Timed) -> float:
    """Returns the characters per second of this thread's CPU time."""
    start = time.thread_time()
    count = timed()
    return count / (time.thread_time() - start)


def characters(pieces: list[Piece]) -> int:
    """Returns the number of characters. Every character of a generated page is one byte."""
    return sum(len(piece.ids) for piece in pieces)


def operations(weights: Weights, *, alone: bool) -> int:
    """Returns the multiplications and additions per character: of all products or, if `alone`, of the recurrence."""
    products = 4 * weights.units**2
    if not alone:
        rows = len(weights.output) + len(weights.copy_gain) + len(weights.gate) + weights.outputs
        products += rows * weights.units + weights.context_output.size
    return 2 * products


def qrnn_operations(weights: QrnnWeights) -> int:
    """Returns the multiplications and additions per character of the further layers. The first layer looks them up."""
    return 2 * weights.weight.size
