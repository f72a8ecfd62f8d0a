"""Measures how fast the kernels read, after checking each backend against the reference."""

import threading
import time
from collections.abc import Callable

import numpy as np

from soupstate.kernels.backends import Packed, pack
from soupstate.kernels.copy import copies, copy_state
from soupstate.kernels.weights import (
    Bytes,
    Chunk,
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
