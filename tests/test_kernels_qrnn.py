"""Every backend reads with a QRNN like the reference, and the reference like torch."""

import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from test_kernels_lstm import make_inputs

from soupstate.kernels import BACKENDS, Predictions
from soupstate.kernels.compiled import cpp
from soupstate.kernels.qrnn import MAX_UNITS, QrnnState, QrnnWeights, pack_qrnn
from soupstate.kernels.weights import LENGTH_CLASSES, PREDICTIONS
from soupstate.model.net.fold_qrnn import fold_qrnn
from soupstate.model.page.marks import OUTPUTS
from soupstate.model.train.data.inputs import input_rows
from soupstate.model.train.network.network import Network
from soupstate.model.train.network.qrnn import Qrnn

# Largest differences allowed of h, c and below, absolute; they are of the size 1. Tables are whole numbers of 16 bits
# but in the reference, and products of further layers in all but the scalar version, of inputs of 12 bits and a sign.
TOLERANCE = {backend: {"reference": 1e-5, "scalar": 1e-3}.get(backend, 2e-3) for backend in BACKENDS}
SIZES = pytest.mark.parametrize("units, layers", [(16, 1), (16, 3), (33, 2), (1, 2), (208, 2), (40, 3)])
pytestmark = pytest.mark.usefixtures("one_thread", "poison")


def make_weights(units: int, layers: int, kept: float = 1.0) -> QrnnWeights:
    rng = np.random.default_rng(0)

    def draw(*shape: int, scale: float = 1.0) -> NDArray[np.float32]:
        return rng.normal(0, scale, shape).astype(np.float32)

    return QrnnWeights(
        byte=draw(2, 256, 3 * units),
        predicted=draw(2, 2, 256, 3 * units, scale=0.7),
        length=draw(2, 2, LENGTH_CLASSES, 3 * units, scale=0.7),
        weight=draw(layers - 1, 3 * units, 2 * units, scale=2 * units**-0.5),
        bias=draw(layers - 1, 3 * units),
        kept=kept,
    )


def make_state(units: int, layers: int) -> QrnnState:
    rng = np.random.default_rng(1)
    c, below = (rng.uniform(-0.9, 0.9, (n, units)).astype(np.float32) for n in (layers, layers - 1))
    return QrnnState(c, rng.normal(0, 1, 3 * units).astype(np.float32), below)


def arrays_of(state: QrnnState) -> dict[str, NDArray[np.float32]]:
    return {"c": state.c, "byte": state.byte, "below": state.below}


def make_network(units: int, layers: int, zoneout: float = 0.0) -> Network:
    torch.manual_seed(2)
    net = Network(units, 8, OUTPUTS, qrnn=Qrnn(8, units, layers, zoneout))
    with torch.no_grad():
        for layer in net.cell.layers:  # type: ignore[union-attr]
            layer.weight.mul_(5)
    return net.eval()


def folded(net: Network, zoneout: float = 0.0) -> QrnnWeights:
    return fold_qrnn({k: v.numpy() for k, v in net.state_dict().items()}, zoneout)


@SIZES
@pytest.mark.parametrize("n", [0, 1, 63, 1000])
def test_equals_reference(backend: str, n: int, units: int, layers: int) -> None:
    """And leaves the state that it was given as it was."""
    weights, inputs, state = make_weights(units, layers), make_inputs(n), make_state(units, layers)
    h, after = pack_qrnn(weights, backend).read(*inputs, state)
    wanted, end = pack_qrnn(weights, "reference").read(*inputs, state)
    assert h.shape == (n, units) and h.dtype == np.float32 and np.isfinite(h).all()
    np.testing.assert_allclose(h, wanted, rtol=0, atol=TOLERANCE[backend])
    kept = arrays_of(make_state(units, layers))
    for name, array in arrays_of(after).items():
        np.testing.assert_allclose(array, arrays_of(end)[name], rtol=0, atol=TOLERANCE[backend], err_msg=name)
        given = arrays_of(state)[name]
        assert np.array_equal(given, kept[name]) and not np.shares_memory(array, given)
        assert array.dtype == np.float32 and (n or np.array_equal(array, given))


@pytest.mark.parametrize("zoneout", [0.0, 0.3])
@pytest.mark.parametrize("units, layers", [(16, 1), (33, 2), (40, 3)])
def test_equals_torch(backend: str, units: int, layers: int, zoneout: float) -> None:
    """By what the network that learns makes of it, and the state after the last byte."""
    net = make_network(units, layers, zoneout)
    ids, found = make_inputs(600)
    with torch.no_grad():
        rows = torch.from_numpy(input_rows(ids)[None]).long()
        wanted, end = net.hidden(rows, net.zero_state(1, torch.device("cpu")))
    h, after = pack_qrnn(folded(net, zoneout), backend).read(ids, found, QrnnState.zeros(units, layers))
    assert found.length[:, :2].any() and wanted.abs().max() > 0.2
    np.testing.assert_allclose(h, wanted[0], rtol=0, atol=TOLERANCE[backend])
    np.testing.assert_allclose(after.c, end.c[:, 0], rtol=0, atol=TOLERANCE[backend])
    np.testing.assert_allclose(after.below, end.below[:, 0], rtol=0, atol=TOLERANCE[backend])
    before = end.byte[0, 0] @ net.cell.layers[0].weight[:, :8].T  # type: ignore[index, union-attr, operator]
    np.testing.assert_allclose(after.byte, before.detach(), rtol=0, atol=TOLERANCE[backend])


@pytest.mark.parametrize("cut", [0, 1, 2, 95, 96, 97, 300, 399, 400])
@pytest.mark.parametrize("units, layers", [(33, 1), (48, 3)])
def test_cut_in_two(backend: str, cut: int, units: int, layers: int) -> None:
    """To the last bit; the reference's products are numpy's, whose sums depend on the size."""
    ids, found = make_inputs(400)
    packed, state = pack_qrnn(make_weights(units, layers, 0.8), backend), make_state(units, layers)
    whole, end = packed.read(ids, found, state)
    first, between = packed.read(ids[:cut], found[:cut], state)
    second, last = packed.read(ids[cut:], found[cut:], between)
    tolerance = TOLERANCE[backend] if backend == "reference" else 0
    np.testing.assert_allclose(np.concatenate([first, second]), whole, rtol=0, atol=tolerance)
    for name, array in arrays_of(last).items():
        np.testing.assert_allclose(array, arrays_of(end)[name], rtol=0, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("column", range(4))
def test_what_is_read_of_the_copy_input(backend: str, column: int) -> None:
    """The matchers' bytes and lengths, by both taps; a byte of class 0 and the contexts' columns say nothing."""
    packed, state = pack_qrnn(make_weights(33, 1), backend), make_state(33, 1)
    ids = np.frombuffer(b"<p>", np.uint8)
    found = Predictions.none(3)
    found.length[0, :2] = 5
    one, _ = packed.read(ids, found, state)
    other = found.copy()
    other.predicted[1:], other.predicted[:, 2:], other.length[:, 2:] = 77, 78, 3
    assert np.array_equal(packed.read(ids, other, state)[0], one)
    (other.predicted if column < 2 else other.length)[0, column % 2] = 9
    changed = packed.read(ids, other, state)[0]
    assert not np.array_equal(changed[0], one[0])
    gates = packed.read(ids[:1], other[:1], state)[1].byte, packed.read(ids[:1], found[:1], state)[1].byte
    assert not np.array_equal(*gates)


def test_extreme_values(backend: str) -> None:
    """Gates far out: no overflow, no NaN."""
    w = make_weights(16, 2)
    far = replace(w, byte=1e4 * w.byte, weight=1e4 * w.weight)
    h, state = pack_qrnn(far, backend).read(*make_inputs(200), QrnnState.zeros(16, 2))
    assert all(np.isfinite(a).all() and np.abs(a).max() <= 1 for a in (h, state.c, state.below))


def test_inputs_need_not_be_contiguous(backend: str) -> None:
    ids, found = make_inputs(100)
    packed, state = pack_qrnn(make_weights(16, 2), backend), make_state(16, 2)
    apart = Predictions(np.asfortranarray(found.predicted), np.repeat(found.length, 2, 1)[:, ::2], found.slot)
    assert not apart.predicted.flags.c_contiguous and not apart.length.flags.c_contiguous
    strided = QrnnState(np.asfortranarray(state.c), np.repeat(state.byte, 2)[::2], np.repeat(state.below, 2, 1)[:, ::2])
    h, after = packed.read(np.repeat(ids, 2)[::2], apart, strided)
    wanted, end = packed.read(ids, found, state)
    assert np.array_equal(h, wanted) and np.array_equal(after.c, end.c) and np.array_equal(after.below, end.below)


def test_threads_share_packed_weights(backend: str) -> None:
    packed, inputs, state = pack_qrnn(make_weights(40, 2), backend), make_inputs(500), make_state(40, 2)
    expected, results = packed.read(*inputs, state)[0], {}

    def work(i: int) -> None:
        results[i] = packed.read(*inputs, state)[0]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4 and all(np.array_equal(h, expected) for h in results.values())


@pytest.mark.skipif(cpp is None, reason="pure build")
def test_other_threads_go_on() -> None:
    """While the compiled kernel reads, Python's lock is free."""
    packed, (ids, found) = pack_qrnn(make_weights(208, 3), "scalar"), make_inputs(4000)
    thread = threading.Thread(target=packed.read, args=(ids, found, QrnnState.zeros(208, 3)))
    turns = 0
    thread.start()
    while thread.is_alive():
        turns += 1
        time.sleep(0.001)
    assert turns > 5


@pytest.mark.parametrize(
    "name, value, message",
    [
        ("byte", np.zeros((256, 48), np.float32), r"byte: shape \(256, 48\), expected \(2, 256, 48\)"),
        ("byte", np.zeros((2, 256, 48), np.int8), "byte: type int8"),
        ("predicted", np.zeros((2, 256, 48), np.float32), "predicted: shape"),
        ("length", np.zeros((2, 2, 23, 48), np.float32), "length: shape"),
        ("weight", np.zeros((1, 48, 33), np.float32), "weight: shape .*, expected .L - 1, 3H, 2H."),
        ("weight", np.zeros((1, 48, 0), np.float32), "weight: shape"),
        ("weight", np.zeros((48, 32), np.float32), "weight: shape"),
        ("weight", np.zeros((1, 47, 32), np.float32), r"weight: shape \(1, 47, 32\), expected \(1, 48, 32\)"),
        ("weight", np.full((1, 48, 32), np.inf), "weight: not finite"),
        ("weight", np.zeros((0, 3, 2 * MAX_UNITS + 2)), "weight: 1501 units, expected at most 1500"),
        ("bias", np.zeros((2, 48), np.float32), r"bias: shape \(2, 48\), expected \(1, 48\)"),
        ("kept", 0.0, "kept: 0.0"),
        ("kept", float("nan"), "kept: nan"),
    ],
)
def test_wrong_weights(name: str, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(make_weights(16, 2), **{name: value})


def test_wrong_inputs(backend: str) -> None:
    packed, state = pack_qrnn(make_weights(16, 2), backend), make_state(16, 2)
    ids, found = make_inputs(10)
    doubled = found.length.astype(np.int64)
    for message, *arguments in (
        ("^ids: int64", ids.astype(np.int64), found, state),
        ("^ids: bytes", b"<p>", found, state),
        (r"^predicted: uint8 \(9, 22\)", ids, replace(found, predicted=found.predicted[:9]), state),
        ("^length: int64", ids, replace(found, length=doubled), state),
        ("^length: a class above 23", ids, replace(found, length=np.full((10, PREDICTIONS), 24, np.uint8)), state),
        (r"^state.c: float32 \(3, 16\), expected float32 \(2, 16\)", ids, found, make_state(16, 3)),
        (r"^state.byte: float32 \(16,\)", ids, found, replace(state, byte=state.byte[:16])),
        ("^state.below: float64", ids, found, replace(state, below=state.below.astype(np.float64))),
    ):
        with pytest.raises(ValueError, match=message):
            packed.read(*arguments)
    with pytest.raises(ValueError, match="backend = 'fast': unknown"):
        pack_qrnn(packed.weights, "fast")


def test_wrong_parameters() -> None:
    good = {k: v.numpy() for k, v in make_network(16, 2).state_dict().items()}
    assert fold_qrnn(good).layers == 2 and fold_qrnn(good, 0.25).kept == 0.75
    first, second = good["qrnn.layers.0.weight"], good["qrnn.layers.1.weight"]
    for changed, message in (
        ({"qrnn.layers.0.weight": first[:, :-1]}, r"qrnn.layers.0: shapes \(48, 15\), \(48,\), expected \(48, 16\)"),
        ({"qrnn.layers.1.weight": second[:3]}, "qrnn.layers.1: shapes"),
        ({"qrnn.layers.0.bias": first[0]}, "qrnn.layers.0: shapes"),
        ({"length.1.weight": good["length.1.weight"][:3]}, "all input arrays must have the same shape|length"),
    ):
        with pytest.raises(ValueError, match=message):
            fold_qrnn({**good, **changed})
    for name in ("qrnn.layers.1.bias", "byte.weight", "predicted.1.weight", "qrnn.layers.0.weight"):
        with pytest.raises(ValueError, match=f"missing parameter {name}"):
            fold_qrnn({k: v for k, v in good.items() if k != name})


@pytest.mark.skipif(cpp is None, reason="pure build")
def test_the_compiled_module_checks_once_more() -> None:
    """Wrong sizes that came past Python's checks would be a crash."""
    assert cpp is not None
    arrays = dict(vars(make_weights(16, 2)))
    qrnn = cpp.pack_qrnn("scalar", arrays)
    for name in ("byte", "predicted", "length", "bias"):
        with pytest.raises(ValueError, match="sizes"):
            cpp.pack_qrnn("scalar", {**arrays, name: arrays[name][:-1]})
    for shape in ((1, 47, 32), (1, 48, 31), (48, 32), (1, 48, 0)):
        with pytest.raises(ValueError, match="weight: expected"):
            cpp.pack_qrnn("scalar", {**arrays, "weight": np.zeros(shape, np.float32)})
    with pytest.raises(ValueError, match="backend"):
        cpp.pack_qrnn("fast", arrays)
    (ids, found), h = make_inputs(10), np.zeros((10, 16), np.float32)
    good = {"ids": ids, "predicted": found.predicted, "length": found.length, **arrays_of(make_state(16, 2)), "h": h}
    qrnn.read(**good)
    assert h.all()
    with pytest.raises(TypeError):
        qrnn.read(*good.values())
    wrong = [(name, array[1:]) for name, array in good.items()]
    wrong += [(name, array[:, 1:].copy()) for name, array in good.items() if name in ("c", "below", "h")]
    for name, array in [*wrong, ("length", np.full((10, PREDICTIONS), LENGTH_CLASSES, np.uint8))]:
        with pytest.raises(ValueError, match="expected|no such class"):
            qrnn.read(**{**good, name: array})
    with pytest.raises(TypeError):  # it would be written to a copy
        qrnn.read(**{**good, "h": h.astype(np.float64)})
