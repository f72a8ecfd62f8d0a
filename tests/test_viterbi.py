"""The compiled Viterbi algorithm equals the reference, in one chunk or two, and both find the best of all paths."""

from collections.abc import Callable
from itertools import pairwise, product

import numpy as np
import pytest
from numpy.typing import NDArray

from soupstate.kernels.compiled import cpp
from soupstate.kernels.viterbi import (
    reference_viterbi_back,
    reference_viterbi_forward,
    reference_viterbi_settled,
    viterbi_back,
    viterbi_forward,
    viterbi_settled,
)

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Forward = Callable[[Floats, Bytes, Floats, Floats], tuple[Bytes, Floats]]

VERSIONS = [reference_viterbi_forward] + ([viterbi_forward] if cpp is not None else [])


def make(n: int, classes: int, tables: int, seed: int = 0) -> tuple[Floats, Bytes, Floats, Floats]:
    random = np.random.default_rng(seed)
    emissions = np.log(random.dirichlet(np.ones(classes), n)).astype(np.float32).reshape(n, classes)
    transitions = np.log(random.dirichlet(np.ones(classes), (tables, classes))).astype(np.float32)
    scores = -random.random(classes).astype(np.float32)
    return emissions, random.integers(0, tables, n).astype(np.uint8), transitions, scores


@pytest.mark.skipif(cpp is None, reason="the compiled module was not built")
@pytest.mark.parametrize(
    ("n", "classes", "tables"),
    [(0, 14, 144), (1, 1, 1), (1, 14, 144), (63, 3, 2), (1000, 14, 144), (50, 16, 2), (70, 37, 3)],
)
def test_compiled_equals_reference(n: int, classes: int, tables: int) -> None:
    given = make(n, classes, tables)
    before = [a.copy() for a in given]
    pointers, scores = viterbi_forward(*given)
    wanted, wanted_scores = reference_viterbi_forward(*given)
    assert pointers.dtype == np.uint8 and scores.dtype == np.float32
    assert np.array_equal(pointers, wanted)
    np.testing.assert_allclose(scores, wanted_scores, rtol=0, atol=1e-5)
    assert all(np.array_equal(a, b) for a, b in zip(given, before, strict=True))  # arguments stay as they were


@pytest.mark.skipif(cpp is None, reason="the compiled module was not built")
def test_prices_are_taken_off_some_columns_of_a_matrix() -> None:
    emissions, *given = make(500, 14, 144)
    outputs = np.zeros((500, 30), np.float32)
    outputs[:, 9:23] = emissions
    random = np.random.default_rng(1)
    priced, prices = random.integers(0, 3, 500).astype(np.uint8), random.random((3, 14)).astype(np.float32)
    found = viterbi_forward(outputs[:, 9:23], *given, (priced, prices))
    for wanted in (
        reference_viterbi_forward(outputs[:, 9:23], *given, (priced, prices)),
        viterbi_forward(emissions - prices[priced], *given),
    ):
        assert np.array_equal(found[0], wanted[0])
        np.testing.assert_allclose(found[1], wanted[1], rtol=0, atol=1e-5)
    for wrong, message in ((outputs[:, 27:13:-1], "numbers lie together"), (outputs[:, :13], "one row per byte")):
        with pytest.raises(ValueError, match=message):
            cpp.viterbi_forward(  # type: ignore[union-attr]
                emissions=wrong, priced=priced, prices=prices, tables=given[0], transitions=given[1],
                scores=np.zeros(14, np.float32), pointers=np.empty((500, 14), np.uint8),
            )  # fmt: skip
    with pytest.raises(ValueError, match="priced: no such row"):
        viterbi_forward(outputs[:, 9:23], *given, (priced + 1, prices))


@pytest.mark.skipif(cpp is None, reason="the compiled module was not built")
@pytest.mark.parametrize(("n", "classes"), [(1, 1), (1, 14), (63, 3), (1000, 14), (100, 17), (50, 256)])
def test_compiled_back_equals_reference(n: int, classes: int) -> None:
    pointers = np.random.default_rng(n).integers(0, classes, (n, classes)).astype(np.uint8)
    for last in {0, classes // 2, classes - 1}:
        path = viterbi_back(pointers, last)
        assert path.dtype == np.uint8 and np.array_equal(path, reference_viterbi_back(pointers, last))


@pytest.mark.skipif(cpp is None, reason="the compiled module was not built")
def test_the_compiled_module_checks_classes() -> None:
    assert cpp is not None
    pointers = np.zeros((5, 3), np.uint8)
    for wrong, last, length in ((pointers + 3, 0, 5), (pointers, 3, 5), (pointers, 0, 4)):
        with pytest.raises(ValueError, match="no such class|one class per byte"):
            cpp.viterbi_back(wrong, last, np.empty(length, np.uint8))


@pytest.mark.parametrize("forward", VERSIONS)
@pytest.mark.parametrize("cut", [0, 1, 100, 199, 200])
def test_cut_in_two(forward: Forward, cut: int) -> None:
    emissions, tables, transitions, scores = make(200, 14, 144)
    whole, last = forward(emissions, tables, transitions, scores)
    first, between = forward(emissions[:cut], tables[:cut], transitions, scores)
    second, end = forward(emissions[cut:], tables[cut:], transitions, between)
    assert np.array_equal(np.concatenate([first, second]), whole)
    assert np.array_equal(end, last)
    best = int(last.argmax())
    assert np.array_equal(viterbi_back(np.concatenate([first, second]), best), viterbi_back(whole, best))


@pytest.mark.parametrize("forward", VERSIONS)
@pytest.mark.parametrize("seed", range(5))
def test_best_of_all_paths(forward: Forward, seed: int) -> None:
    emissions, tables, transitions, scores = make(5, 3, 4, seed)

    def likelihood(path: tuple[int, ...]) -> float:
        total = max(scores[c] + transitions[tables[0], c, path[0]] for c in range(3)) + emissions[0, path[0]]
        for t, (a, b) in enumerate(pairwise(path), 1):
            total += transitions[tables[t], a, b] + emissions[t, b]
        return float(total)

    best = max(product(range(3), repeat=5), key=likelihood)
    pointers, last = forward(emissions, tables, transitions, scores)
    assert tuple(viterbi_back(pointers, int(last.argmax())).tolist()) == best


def test_no_path() -> None:
    nothing = np.zeros((0, 14), np.uint8)
    assert viterbi_back(nothing, 3).tolist() == [] and viterbi_settled(nothing) == 0


@pytest.mark.parametrize("settled", [viterbi_settled, reference_viterbi_settled])
@pytest.mark.parametrize("seed", range(5))
def test_what_is_settled_is_the_same_on_all_paths(settled: Callable[[Bytes], int], seed: int) -> None:
    emissions, tables, transitions, scores = make(60, 4, 2, seed)
    pointers, _ = viterbi_forward(emissions, tables, transitions, scores)
    paths = np.stack([viterbi_back(pointers, last) for last in range(4)])
    agree = (paths == paths[0]).all(0)
    assert 0 < settled(pointers) < 60
    assert settled(pointers) == int(np.flatnonzero(agree)[-1]) + 1
    assert settled(np.tile(np.arange(4, dtype=np.uint8), (9, 1))) == 0  # four paths that never meet
