"""Every backend reads like the reference, and the reference like torch."""

import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from kernels import BACKENDS, Chunk, Packed, State, Weights, available, backends, pack, reference
from kernels.copy import copies, copy_state

# Largest differences allowed, absolute: bits and logits are of the size 10, c and h of the size 1.
TOLERANCE = {"bits": 2e-4, "entropy": 2e-4, "heads": 5e-5, "traces": 2e-5, "h": 1e-5, "c": 2e-5}
HTML = b"".join(
    b'<li class="item"><a href="/p/%d.html">Item %d</a></li>\n' % (i, i * i) for i in range(100)
)


def make_weights(units: int, outputs: int, seed: int = 0) -> Weights:
    rng = np.random.default_rng(seed)

    def draw(*shape: int, scale: float = 1.0) -> NDArray[np.float32]:
        return rng.normal(0, scale, shape).astype(np.float32)

    return Weights(
        byte=draw(256, 4 * units),
        predicted=draw(2, 256, 4 * units),
        length=draw(2, 16, 4 * units),
        recurrent=draw(4 * units, units, scale=units**-0.5),
        output=draw(256, units, scale=4 * units**-0.5),
        output_bias=draw(256),
        copy_gain=draw(2, units),
        copy_bias=draw(2, 16),
        heads=draw(outputs, units, scale=2 * units**-0.5),
        heads_bias=draw(outputs),
    )


def make_inputs(n: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    ids = np.frombuffer((HTML + bytes(range(256)))[-n:] if n else b"", np.uint8)
    predicted, length, _ = copies(ids, copy_state())
    return ids, predicted, length


def make_state(units: int) -> State:
    rng = np.random.default_rng(1)
    h, c = rng.uniform(-0.9, 0.9, (2, units)).astype(np.float32)
    return State(h, c, np.array([60, 97], np.uint8), np.array([3, 15], np.uint8))


def fields(chunk: Chunk) -> dict[str, NDArray[np.float32]]:
    return {
        "bits": chunk.bits,
        "entropy": chunk.entropy,
        "heads": chunk.heads,
        "traces": chunk.traces,
        "h": chunk.state.h,
        "c": chunk.state.c,
    }


def assert_close(chunk: Chunk, expected: Chunk) -> None:
    wanted = fields(expected)
    for name, array in fields(chunk).items():
        assert array.dtype == np.float32 and array.shape == wanted[name].shape, name
        np.testing.assert_allclose(array, wanted[name], rtol=0, atol=TOLERANCE[name], err_msg=name)
    assert np.array_equal(chunk.state.predicted, expected.state.predicted)
    assert np.array_equal(chunk.state.length, expected.state.length)


def torch_read(
    w: Weights,
    ids: NDArray[np.uint8],
    predicted: NDArray[np.uint8],
    length: NDArray[np.uint8],
    state: State,
    units: NDArray[np.int64],
) -> Chunk:
    """The same by torch.nn.LSTM in double precision, whose input product is the identity."""
    size = w.units
    x = w.byte[ids].astype(np.float64)
    for k in range(2):
        x += (length[:, k] > 0)[:, None] * (
            w.predicted[k][predicted[:, k]] + w.length[k][length[:, k]]
        )
    lstm = torch.nn.LSTM(4 * size, size, dtype=torch.float64)
    with torch.no_grad():
        for p in lstm.parameters():
            p.zero_()
        lstm.weight_ih_l0.copy_(torch.eye(4 * size))
        lstm.weight_hh_l0.copy_(torch.from_numpy(w.recurrent.astype(np.float64)))
        h, c = torch.tensor(state.h).double()[None], torch.tensor(state.c).double()[None]
        hs, cs = [h], [c]
        for row in torch.from_numpy(x):
            _, (h, c) = lstm(row[None], (hs[-1], cs[-1]))
            hs.append(h)
            cs.append(c)
    hidden, cells = torch.cat(hs).numpy(), torch.cat(cs).numpy()
    logits = hidden[:-1] @ w.output.T.astype(np.float64) + w.output_bias
    before = np.vstack([state.predicted, predicted])[:-1], np.vstack([state.length, length])[:-1]
    for t in range(len(ids)):
        for k in range(2):
            if before[1][t, k]:
                logits[t, before[0][t, k]] += (
                    w.copy_gain[k] @ hidden[t] + w.copy_bias[k, before[1][t, k]]
                )
    logs = torch.log_softmax(torch.from_numpy(logits), 1).numpy() / np.log(2)
    last = State(
        hidden[-1].astype(np.float32), cells[-1].astype(np.float32), predicted[-1], length[-1]
    )
    arrays = (
        -logs[np.arange(len(ids)), ids],
        -(np.exp2(logs) * logs).sum(1),
        hidden[1:] @ w.heads.T + w.heads_bias,
        cells[1:, units],
    )
    return Chunk(*(a.astype(np.float32) for a in arrays), last)


@pytest.fixture(params=available())
def backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(autouse=True)
def poison(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Memory that nothing has written to reads as NaN."""
    empty: Callable[..., NDArray[np.generic]] = np.empty

    def poisoned(shape: int | tuple[int, ...], dtype: type = float) -> NDArray[np.generic]:
        array = empty(shape, dtype)
        array.fill(np.nan if array.dtype.kind == "f" else 99)
        return array

    monkeypatch.setattr(np, "empty", poisoned)
    yield


@pytest.mark.parametrize("units, outputs", [(16, 1), (100, 75), (256, 75), (33, 0)])
@pytest.mark.parametrize("n", [1, 63, 1000])
def test_equals_reference(backend: str, n: int, units: int, outputs: int) -> None:
    weights, inputs, state = make_weights(units, outputs), make_inputs(n), make_state(units)
    traced = np.array([units - 1, 0, 7])
    chunk = pack(weights, backend).read(*inputs, state, traced)
    expected = reference.read(weights, *inputs, state, traced)
    assert_close(chunk, expected)
    assert chunk.heads.shape == (n, outputs) and chunk.traces.shape == (n, 3)
    total = pack(weights, backend).bits_only(*inputs, state)
    assert total == pytest.approx(float(expected.bits.sum(dtype=np.float64)), rel=1e-5)


@pytest.mark.parametrize("units", [16, 100])
def test_reference_equals_torch(units: int) -> None:
    weights, inputs, state = make_weights(units, 5), make_inputs(300), make_state(units)
    traced = np.array([3, 1])
    assert_close(
        reference.read(weights, *inputs, state, traced), torch_read(weights, *inputs, state, traced)
    )


@pytest.mark.parametrize("cut", [0, 1, 95, 96, 97, 300, 699, 700])
def test_cut_in_two(backend: str, cut: int) -> None:
    ids, predicted, length = make_inputs(700)
    packed, state, traced = pack(make_weights(48, 7), backend), make_state(48), np.array([5])
    first = packed.read(ids[:cut], predicted[:cut], length[:cut], state, traced)
    second = packed.read(ids[cut:], predicted[cut:], length[cut:], first.state, traced)
    whole = packed.read(ids, predicted, length, state, traced)
    arrays = (
        np.concatenate([getattr(first, f), getattr(second, f)])
        for f in ("bits", "entropy", "heads", "traces")
    )
    joined = Chunk(*arrays, second.state)
    if backend == "reference":  # its products are numpy's, whose sums depend on the size
        assert_close(joined, whole)
    else:
        for name, array in fields(joined).items():
            assert np.array_equal(array, fields(whole)[name]), name
        assert np.array_equal(second.state.length, whole.state.length)


def test_nothing_to_read(backend: str) -> None:
    packed, state = pack(make_weights(16, 3), backend), make_state(16)
    chunk = packed.read(*make_inputs(0), state)
    assert (
        chunk.bits.shape == chunk.entropy.shape == (0,)
        and chunk.heads.shape == (0, 3)
        and chunk.traces.shape == (0, 0)
    )
    for name in ("h", "c", "predicted", "length"):
        assert np.array_equal(getattr(chunk.state, name), getattr(state, name))
        assert getattr(chunk.state, name) is not getattr(state, name)
    assert packed.bits_only(*make_inputs(0), state) == 0


def test_state_is_left_as_it_was(backend: str) -> None:
    packed, state = pack(make_weights(16, 3), backend), make_state(16)
    packed.read(*make_inputs(50), state)
    packed.bits_only(*make_inputs(50), state)
    for name in ("h", "c", "predicted", "length"):
        assert np.array_equal(getattr(state, name), getattr(make_state(16), name))


def test_extreme_values(backend: str) -> None:
    """Gates and logits far out: no overflow, no NaN."""
    w = make_weights(16, 3)
    far = Weights(
        1e4 * w.byte,
        w.predicted,
        w.length,
        w.recurrent,
        1e4 * w.output,
        w.output_bias,
        w.copy_gain,
        w.copy_bias,
        w.heads,
        w.heads_bias,
    )
    inputs, state, none = make_inputs(200), State.zeros(16), np.array([0])
    chunk, expected = (
        pack(far, backend).read(*inputs, state, none),
        reference.read(far, *inputs, state, none),
    )
    for name, array in fields(chunk).items():
        np.testing.assert_allclose(
            array, fields(expected)[name], rtol=1e-4, atol=1e-3, err_msg=name
        )


def test_a_matcher_without_a_match_adds_nothing(backend: str) -> None:
    ids = make_inputs(80)[0]
    nothing = np.zeros((80, 2), np.uint8)
    packed, state = pack(make_weights(16, 3), backend), State.zeros(16)
    one = packed.read(ids, nothing, nothing, state)
    other = packed.read(ids, nothing + np.uint8(77), nothing, state)
    assert np.array_equal(one.bits, other.bits) and np.array_equal(one.heads, other.heads)


def test_uniform_distribution_costs_eight_bits(backend: str) -> None:
    zero = {name: np.zeros_like(value) for name, value in vars(make_weights(16, 1)).items()}
    chunk = pack(Weights(**zero), backend).read(*make_inputs(40), State.zeros(16))
    np.testing.assert_allclose(chunk.bits, 8, atol=1e-5)
    np.testing.assert_allclose(chunk.entropy, 8, atol=1e-5)


def test_inputs_need_not_be_contiguous(backend: str) -> None:
    ids, predicted, length = make_inputs(100)
    packed, state = pack(make_weights(16, 3), backend), make_state(16)
    rows = np.concatenate([ids[:, None], predicted, length], 1)
    strided = packed.read(rows[:, 0], rows[:, 1:3], rows[:, 3:5], state)
    assert np.array_equal(strided.bits, packed.read(ids, predicted, length, state).bits)


def test_threads_share_packed_weights(backend: str) -> None:
    packed, inputs, state = pack(make_weights(64, 9), backend), make_inputs(500), make_state(64)
    expected, results = packed.read(*inputs, state), {}

    def work(i: int) -> None:
        results[i] = packed.read(*inputs, state)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert all(
        np.array_equal(r.bits, expected.bits) and np.array_equal(r.heads, expected.heads)
        for r in results.values()
    )


def test_recurrent_weights_are_rounded_to_half_precision() -> None:
    w = make_weights(16, 1)
    assert w.recurrent.dtype == np.float16 and w.byte.dtype == np.float32
    exact = np.full((64, 16), 1 / 3)
    values = {**vars(w), "recurrent": exact}
    assert np.array_equal(Weights(**values).recurrent, exact.astype(np.float16))


@pytest.mark.parametrize(
    "name, value, message",
    [
        ("byte", np.zeros((255, 64), np.float32), r"byte: shape \(255, 64\), expected \(256, 64\)"),
        ("recurrent", np.zeros((16, 64), np.float32), "recurrent: shape"),
        ("heads", np.zeros(16, np.float32), "heads: shape"),
        ("heads_bias", np.zeros(2, np.float32), r"heads_bias: shape \(2,\), expected \(1,\)"),
        ("output", np.zeros((256, 16), np.int8), "output: type int8"),
        ("output_bias", np.full(256, np.nan), "output_bias: not finite"),
        ("recurrent", np.full((64, 16), 1e5), "recurrent: not finite in float16"),
    ],
)
def test_wrong_weights(name: str, value: NDArray[np.generic], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Weights(**{**vars(make_weights(16, 1)), name: value})


def test_wrong_inputs(backend: str) -> None:
    packed, state = pack(make_weights(16, 3), backend), make_state(16)
    ids, predicted, length = make_inputs(10)

    def refuse(message: str, *arguments: object) -> None:
        with pytest.raises(ValueError, match=message):
            packed.read(*arguments)  # type: ignore[arg-type]

    refuse("ids: int64", ids.astype(np.int64), predicted, length, state)
    refuse("ids: bytes", b"<p>", predicted, length, state)
    refuse("predicted: uint8", ids, predicted[:9], length, state)
    refuse("length: uint8", ids, predicted, length[:, :1], state)
    refuse("length: a class above 15", ids, predicted, np.full_like(length, 16), state)
    refuse(r"state.h: float32 \(8,\)", ids, predicted, length, State.zeros(8))
    refuse("units: 16 to 16", ids, predicted, length, state, np.array([16]))
    refuse("units: -1", ids, predicted, length, state, np.array([-1]))
    refuse("units: float64", ids, predicted, length, state, np.array([0.5]))
    with pytest.raises(ValueError, match="ids: float32"):
        packed.bits_only(ids.astype(np.float32), predicted, length, state)  # type: ignore[arg-type]


class TestChoice:
    weights = make_weights(16, 1)

    @pytest.fixture(autouse=True)
    def no_variable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("SOUPSTATE_BACKEND", raising=False)

    def test_fastest_first(self) -> None:
        assert [name for name in BACKENDS if name in available()] == list(available())
        assert available()[-1] == "reference"
        assert pack(self.weights).backend == available()[0]

    def test_by_name(self, backend: str) -> None:
        assert pack(self.weights, backend).backend == backend

    def test_by_variable(self, backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SOUPSTATE_BACKEND", backend)
        assert pack(self.weights).backend == backend
        assert pack(self.weights, "reference").backend == "reference"

    def test_unknown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(ValueError, match="backend = 'fast': unknown"):
            pack(self.weights, "fast")
        monkeypatch.setenv("SOUPSTATE_BACKEND", "fast")
        with pytest.raises(ValueError, match="SOUPSTATE_BACKEND = 'fast': unknown"):
            pack(self.weights)

    def test_asked_for_and_not_built(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(backends, "cpp", None)
        assert available() == ("reference",) and pack(self.weights).backend == "reference"
        for name in ("avx512", "scalar", "compiled"):
            with pytest.raises(ValueError, match="not built"):
                pack(self.weights, name)
        with pytest.raises(ValueError, match="not built"):
            Packed(self.weights, "scalar")
        monkeypatch.setenv("SOUPSTATE_BACKEND", "compiled")
        with pytest.raises(ValueError, match="not built"):
            pack(self.weights)

    @pytest.mark.skipif(available() == ("reference",), reason="pure build")
    def test_compiled(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert pack(self.weights, "compiled").backend == available()[0]
        monkeypatch.setattr(backends, "available", lambda: ("scalar", "reference"))
        assert pack(self.weights, "compiled").backend == "scalar"
        with pytest.raises(
            ValueError, match="'avx512': not on this machine; available: scalar, reference"
        ):
            pack(self.weights, "avx512")
