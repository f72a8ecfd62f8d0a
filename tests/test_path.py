"""The best path: C++ like the reference, cut in two like the whole, and the best of all paths indeed."""

from collections.abc import Callable
from itertools import pairwise, product

import numpy as np
import pytest
from numpy.typing import NDArray

from kernels.compiled import cpp
from kernels.path import path_back, path_forward, reference_path_back, reference_path_forward

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Forward = Callable[[Floats, Bytes, Floats, Floats], tuple[Bytes, Floats]]

VERSIONS = [reference_path_forward] + ([path_forward] if cpp is not None else [])


def make(n: int, classes: int, kinds: int, seed: int = 0) -> tuple[Floats, Bytes, Floats, Floats]:
    random = np.random.default_rng(seed)
    evidence = np.log(random.dirichlet(np.ones(classes), n)).astype(np.float32).reshape(n, classes)
    changes = np.log(random.dirichlet(np.ones(classes), (kinds, classes))).astype(np.float32)
    scores = -random.random(classes).astype(np.float32)
    return evidence, random.integers(0, kinds, n).astype(np.uint8), changes, scores


@pytest.mark.skipif(cpp is None, reason="the compiled module was not built")
@pytest.mark.parametrize(
    ("n", "classes", "kinds"),
    [(0, 14, 144), (1, 1, 1), (1, 14, 144), (63, 3, 2), (1000, 14, 144), (50, 16, 2), (70, 37, 3)],
)
def test_compiled_equals_reference(n: int, classes: int, kinds: int) -> None:
    given = make(n, classes, kinds)
    before = [a.copy() for a in given]
    pointers, scores = path_forward(*given)
    wanted, wanted_scores = reference_path_forward(*given)
    assert pointers.dtype == np.uint8 and scores.dtype == np.float32
    assert np.array_equal(pointers, wanted)
    np.testing.assert_allclose(scores, wanted_scores, rtol=0, atol=1e-5)
    assert all(np.array_equal(a, b) for a, b in zip(given, before, strict=True))  # arguments stay as they were


@pytest.mark.skipif(cpp is None, reason="the compiled module was not built")
@pytest.mark.parametrize(("n", "classes"), [(1, 1), (1, 14), (63, 3), (1000, 14), (100, 17), (50, 256)])
def test_compiled_back_equals_reference(n: int, classes: int) -> None:
    pointers = np.random.default_rng(n).integers(0, classes, (n, classes)).astype(np.uint8)
    for last in {0, classes // 2, classes - 1}:
        path = path_back([pointers[: n // 3], pointers[n // 3 :]], last)
        assert path.dtype == np.uint8 and np.array_equal(path, reference_path_back(pointers, last))


@pytest.mark.skipif(cpp is None, reason="the compiled module was not built")
def test_the_compiled_module_checks_classes() -> None:
    assert cpp is not None
    pointers = np.zeros((5, 3), np.uint8)
    for wrong, last, length in ((pointers + 3, 0, 5), (pointers, 3, 5), (pointers, 0, 4)):
        with pytest.raises(ValueError, match="no such class|one class a byte"):
            cpp.path_back(wrong, last, np.empty(length, np.uint8))


@pytest.mark.parametrize("forward", VERSIONS)
@pytest.mark.parametrize("cut", [0, 1, 100, 199, 200])
def test_cut_in_two(forward: Forward, cut: int) -> None:
    evidence, kinds, changes, scores = make(200, 14, 144)
    whole, last = forward(evidence, kinds, changes, scores)
    first, between = forward(evidence[:cut], kinds[:cut], changes, scores)
    second, end = forward(evidence[cut:], kinds[cut:], changes, between)
    assert np.array_equal(np.concatenate([first, second]), whole)
    assert np.array_equal(end, last)
    best = int(last.argmax())
    assert np.array_equal(path_back([first, second], best), path_back([whole], best))


@pytest.mark.parametrize("forward", VERSIONS)
@pytest.mark.parametrize("seed", range(5))
def test_best_of_all_paths(forward: Forward, seed: int) -> None:
    evidence, kinds, changes, scores = make(5, 3, 4, seed)

    def likelihood(path: tuple[int, ...]) -> float:
        total = max(scores[c] + changes[kinds[0], c, path[0]] for c in range(3)) + evidence[0, path[0]]
        for t, (a, b) in enumerate(pairwise(path), 1):
            total += changes[kinds[t], a, b] + evidence[t, b]
        return float(total)

    best = max(product(range(3), repeat=5), key=likelihood)
    pointers, last = forward(evidence, kinds, changes, scores)
    assert tuple(path_back([pointers], int(last.argmax())).tolist()) == best


def test_no_path() -> None:
    assert path_back([], 3).tolist() == []
