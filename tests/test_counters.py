"""The compiled counters equal the reference, whatever the weights are and wherever a page is cut."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soupstate.kernels import counters
from soupstate.kernels.compiled import cpp
from soupstate.kernels.counters import LARGEST_SUM, LEVELS, MOVES, VALUES, Counters, count_open, reference_count_open


def make(units: int, width: int, cells: int, size: float, seed: int) -> Counters:
    random = np.random.default_rng(seed)

    def drawn(*shape: int) -> np.ndarray:
        return (size * random.normal(size=shape)).astype(np.float32)

    pairs = random.integers(-1, 2, (2, cells)).astype(np.int8)
    bias = np.where(random.random((5, cells * MOVES)) < 0.1, -np.inf, drawn(5, cells * MOVES)).astype(np.float32)
    tables = drawn(cells + 2, VALUES, width)
    most = random.integers(0, 256, cells).astype(np.uint8)
    return Counters.rounded(
        drawn(width, units), drawn(5, width), pairs, tables, drawn(cells * MOVES, width), bias, most
    )


def inputs(n: int, units: int, cells: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    h = random.uniform(-1.02, 1.02, (n, units)).astype(np.float32)
    halves = np.round(h * LEVELS) / LEVELS + 0.5 / LEVELS  # where one rounding more or less makes another number
    near = np.nextafter(halves.astype(np.float32), random.choice([-2, 2], (n, units)).astype(np.float32))
    h = np.where(random.random((n, units)) < 0.3, near, h)
    return h, random.integers(0, 5, n).astype(np.uint8), random.integers(0, 9, cells).astype(np.uint8)


@pytest.mark.skipif(cpp is None, reason="the compiled module was not built")
@settings(max_examples=60, deadline=None)
@given(
    sizes=st.tuples(st.integers(1, 70), st.integers(1, 40), st.integers(1, 17)),
    size=st.sampled_from([0.01, 1.0, 30.0, 6e4]),
    seed=st.integers(0, 2**32 - 1),
    cuts=st.lists(st.integers(0, 40), max_size=4),
)
def test_compiled_equals_reference(sizes: tuple[int, int, int], size: float, seed: int, cuts: list[int]) -> None:
    units, width, cells = sizes
    weights, (h, tags, start) = make(units, width, cells, size, seed), inputs(40, units, cells, seed)
    expected, before = reference_count_open(weights, h, tags, start), start.copy()
    now, found = start, []
    for first, last in pairwise(sorted([0, *cuts, 40])):
        part = count_open(weights, h[first:last], tags[first:last], now)
        now = part[-1] if len(part) else now
        found.append(part)
    assert np.array_equal(np.concatenate(found), expected)
    assert np.array_equal(start, before)


def without_layer(bias: np.ndarray, most: list[int]) -> Counters:
    """Cells whose moves depend on the kind of tag alone."""
    kinds, cells = len(bias), len(most)
    tables, moves = np.zeros((cells, VALUES, 1), np.float32), np.zeros((cells * MOVES, 1), np.float32)
    nothing, pairs = np.zeros((kinds, 1), np.float32), np.zeros((0, cells), np.int8)
    return Counters.rounded(nothing[:1], nothing, pairs, tables, moves, bias, np.array(most, np.uint8))


def test_cells_stay_within_bounds() -> None:
    """One that always goes up by two, one that always goes down by two, and one that holds ten at most."""
    bias = np.zeros((1, 3 * MOVES), np.float32)
    bias[0, [4, MOVES + 5, 2 * MOVES + 1]] = 1
    weights = without_layer(bias, [255, 255, 10])
    h, tags, cells = np.zeros((200, 1), np.float32), np.zeros(200, np.uint8), np.array([0, 250, 8], np.uint8)
    for version in (count_open, reference_count_open):
        counted = version(weights, h, tags, cells)
        assert counted[[0, 126, 127, 199], 0].tolist() == [2, 254, 255, 255]
        assert counted[[0, 124, 125, 199], 1].tolist() == [248, 0, 0, 0]
        assert counted[[0, 1, 2, 199], 2].tolist() == [9, 10, 10, 10]


def test_a_move_that_is_impossible_is_not_made() -> None:
    weights = without_layer(np.array([[-5, -np.inf, 9e9, 0, 0, 0], [9, 9, 9, 9, 9, 9]], np.float32), [255])
    assert weights.moves_bias[0, 1] == -LARGEST_SUM
    h, tags, cells = np.zeros((2, 1), np.float32), np.array([0, 1], np.uint8), np.array([4], np.uint8)
    assert reference_count_open(weights, h, tags, cells).tolist() == [[3], [3]]  # of equal numbers the first counts


def test_without_the_module(monkeypatch: pytest.MonkeyPatch) -> None:
    weights, given = make(9, 4, 3, 1.0, 0), inputs(20, 9, 3, 0)
    wanted = count_open(weights, *given)
    monkeypatch.setattr(counters, "cpp", None)
    assert np.array_equal(count_open(weights, *given), wanted)
