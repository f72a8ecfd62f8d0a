"""The order of units: a permutation that puts units together which are silent together, and changes nothing else."""

import numpy as np
import pytest
from numpy.typing import NDArray
from test_kernels_lstm import arrays_of, fields, make_inputs, make_state, make_weights

from kernels import available, pack, reference
from kernels.backends import SKIPPING
from kernels.compiled import cpp
from kernels.order import GROUP, quiet_order
from model.net.checkpoint import DEFAULT, load_checkpoint


def silent_groups(silent: NDArray[np.bool_], order: NDArray[np.int64]) -> float:
    """The share of groups that are silent."""
    return float(silent[:, order].reshape(len(silent), -1, GROUP).all(2).mean())


def test_units_that_are_silent_together() -> None:
    random = np.random.default_rng(0)
    causes = random.random((500, 6)) < 0.5
    kind = np.repeat(np.arange(6), GROUP)
    random.shuffle(kind)
    silent = causes[:, kind]
    order = quiet_order(silent)
    assert sorted(order.tolist()) == list(range(24))
    assert all(len(set(kind[group])) == 1 for group in order.reshape(-1, GROUP))
    assert silent_groups(silent, order) > 0.4 > silent_groups(silent, np.arange(24))


@pytest.mark.parametrize("units", [1, 3, 4, 33])
def test_any_number_of_units(units: int) -> None:
    silent = np.random.default_rng(units).random((50, units)) < 0.5
    for given in (silent, silent | True, silent & False):
        assert sorted(quiet_order(given).tolist()) == list(range(units))


def test_reordered_weights_read_the_same() -> None:
    weights, inputs, state = make_weights(33, 5), make_inputs(100), make_state(33)
    order = np.random.default_rng(3).permutation(33)
    expected = reference.read(weights, *inputs, state, np.arange(33))
    moved = type(state)(state.h[order], state.c[order], state.last)
    chunk = reference.read(weights.reordered(order), *inputs, moved, np.arange(33))
    np.testing.assert_allclose(chunk.bits, expected.bits, atol=1e-3)
    np.testing.assert_allclose(chunk.heads, expected.heads, atol=1e-4)
    np.testing.assert_allclose(chunk.traces, expected.traces[:, order], atol=1e-5)
    np.testing.assert_allclose(chunk.state.c, expected.state.c[order], atol=1e-4)


@pytest.mark.parametrize("backend", [name for name in available() if name in SKIPPING])
def test_the_order_does_not_show(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a network whose units are reordered what is read is the same; h and c are to the last bit."""
    weights, inputs, state = make_weights(100, 7), make_inputs(500), make_state(100)
    packed = pack(weights, backend)
    monkeypatch.setattr("kernels.backends.SKIPPING", ())
    plain = pack(weights, backend)
    units = np.array([99, 0, 40])
    one, two = packed.read(*inputs, state, units), plain.read(*inputs, state, units)
    for name, array in fields(two).items():
        tolerance = 1e-4 if name in ("bits", "entropy", "heads") else 0  # a row's scale is of a sum of floats
        np.testing.assert_allclose(fields(one)[name], array, rtol=0, atol=tolerance, err_msg=name)
    for array, other in zip(arrays_of(one.state), arrays_of(two.state), strict=True):
        assert np.array_equal(array, other)
    assert packed.bits_only(*inputs, state) == pytest.approx(plain.bits_only(*inputs, state), rel=1e-5)


@pytest.mark.skipif(cpp is None, reason="pure build")
def test_groups_of_the_shipped_network_are_often_silent() -> None:
    weights, (ids, found) = load_checkpoint(DEFAULT).weights, make_inputs(1000)
    packed = pack(weights, "avx2") if "avx2" in available() else None
    if packed is None:
        pytest.skip("no backend that leaves out groups")
    traces = packed.read(ids, found, make_state(weights.units), np.arange(weights.units)).traces
    silent = np.rint(traces * reference.LEVELS) == 0
    assert silent_groups(silent, packed._order) > 2 * silent_groups(silent, np.arange(weights.units))
