"""Every backend reads like the reference, and the reference like torch."""

import threading
import time
from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from test_crawl_samples import SAMPLES

from soupstate.kernels import (
    BACKENDS,
    Chunk,
    Packed,
    Piece,
    Predictions,
    State,
    Weights,
    available,
    backends,
    pack,
    reference,
)
from soupstate.kernels.compiled import cpp
from soupstate.kernels.copy import copies, copy_state
from soupstate.kernels.peaks import peaks
from soupstate.kernels.weights import (
    CONTEXTS,
    EMBEDDED,
    GATE,
    LARGEST_WEIGHT,
    LEARNED,
    LENGTH_CLASSES,
    LENGTHS,
    PREDICTIONS,
    SLOTS,
)
from soupstate.model.net.checkpoint import DEFAULT, load_checkpoint
from soupstate.model.page.marks import OUTPUT

pytestmark = pytest.mark.usefixtures("poison")

NONE = np.empty(0, np.int64)
# Largest differences allowed, absolute: bits and logits are of the size 10, c and h of the size 1; weights below are
# larger than a network's. TABLES: of backends whose tables are whole numbers of 16 bits; WHOLE: of those whose output
# and heads are products of such, too.
FLOATS = {"bits": 2e-4, "entropy": 2e-4, "heads": 5e-5, "traces": 2e-5, "h": 1e-5, "c": 2e-5}
TABLES = {"bits": 2e-3, "entropy": 2e-3, "heads": 1e-3, "traces": 3e-4, "h": 3e-4, "c": 6e-4}
WHOLE = {**TABLES, "bits": 5e-3, "entropy": 5e-3, "heads": 1e-3}
TOLERANCE = {backend: {"scalar": TABLES, "reference": FLOATS}.get(backend, WHOLE) for backend in BACKENDS}
HTML = b"".join(b'<li class="item"><a href="/p/%d.html">Item %d</a></li>\n' % (i, i * i) for i in range(100))


@cache
def context_table() -> NDArray[np.int8]:
    """One for all: 9 million numbers of the whole range."""
    return np.random.default_rng(2).integers(-128, 128, (len(LEARNED), SLOTS, EMBEDDED), np.int8)


def make_weights(units: int, outputs: int, seed: int = 0) -> Weights:
    rng = np.random.default_rng(seed)

    def draw(*shape: int, scale: float = 1.0) -> NDArray[np.float32]:
        return rng.normal(0, scale, shape).astype(np.float32)

    return Weights(
        byte=draw(256, 4 * units),
        predicted=draw(2, 256, 4 * units),
        length=draw(2, LENGTH_CLASSES, 4 * units),
        recurrent=rng.integers(-LARGEST_WEIGHT, LARGEST_WEIGHT + 1, (4 * units, units), np.int8),
        recurrent_scale=rng.uniform(0.5, 2, 4 * units).astype(np.float32) * units**-0.5 / 36,
        output=draw(256, units, scale=4 * units**-0.5),
        output_bias=draw(256),
        copy_gain=draw(PREDICTIONS, units, scale=units**-0.5),
        copy_bias=draw(PREDICTIONS, LENGTH_CLASSES, scale=0.5),
        gate=draw(GATE, units, scale=units**-0.5),
        gate_bias=draw(GATE),
        gate_length=draw(LENGTHS, LENGTH_CLASSES, GATE, scale=0.3),
        gate_gain=draw(PREDICTIONS, GATE, scale=0.2),
        context=context_table(),
        context_output=draw(256, EMBEDDED, scale=0.002),
        heads=draw(outputs, units, scale=2 * units**-0.5),
        heads_bias=draw(outputs),
    )


def make_inputs(n: int) -> tuple[NDArray[np.uint8], Predictions]:
    ids = np.frombuffer((HTML + bytes(range(256)))[-n:] if n else b"", np.uint8)
    return ids, copies(ids, copy_state())[0]


def make_state(units: int) -> State:
    """After a byte for which every context and matcher had a prediction, of some class."""
    rng = np.random.default_rng(1)
    h, c = rng.uniform(-0.9, 0.9, (2, units)).astype(np.float32)
    predicted = rng.integers(0, 256, (1, PREDICTIONS), np.uint8)
    length = rng.integers(1, LENGTH_CLASSES, (1, PREDICTIONS), np.uint8)
    return State(h, c, Predictions(predicted, length, rng.integers(0, SLOTS, (1, CONTEXTS), np.uint16)))


def arrays_of(state: State) -> list[NDArray[np.generic]]:
    return [state.h, state.c, state.last.predicted, state.last.length, state.last.slot]


def fields(chunk: Chunk) -> dict[str, NDArray[np.float32]]:
    return {
        "bits": chunk.bits,
        "entropy": chunk.entropy,
        "heads": chunk.heads,
        "traces": chunk.traces,
        "h": chunk.state.h,
        "c": chunk.state.c,
    }


def assert_close(chunk: Chunk, expected: Chunk, tolerance: dict[str, float] = FLOATS) -> None:
    wanted = fields(expected)
    for name, array in fields(chunk).items():
        assert array.dtype == np.float32 and array.shape == wanted[name].shape, name
        np.testing.assert_allclose(array, wanted[name], rtol=0, atol=tolerance[name], err_msg=name)
    for array, other in zip(arrays_of(chunk.state)[2:], arrays_of(expected.state)[2:], strict=True):
        assert np.array_equal(array, other)


def torch_next_byte(w: SimpleNamespace, h: torch.Tensor, last: Predictions) -> torch.Tensor:
    """Logits (256,) after one byte, term by term as kernels/cpp/lstm.h has them; weights are tensors, of float64."""
    predicted, length, slot = last.predicted[0].tolist(), last.length[0].tolist(), last.slot[0].tolist()
    embedded = sum(table[slot[k]].double() for table, k in zip(w.context, LEARNED, strict=True))
    logits = w.output @ h + w.output_bias + w.context_output @ embedded
    lengths = sum(w.gate_length[k, length[k]] for k in range(LENGTHS))
    gate = torch.tanh(w.gate @ h + w.gate_bias + lengths)
    for k in range(PREDICTIONS):
        if length[k]:
            logits[predicted[k]] += w.copy_gain[k] @ h + w.copy_bias[k, length[k]] + w.gate_gain[k] @ gate
    return logits


def torch_read(w: Weights, ids: NDArray[np.uint8], found: Predictions, state: State, units: NDArray[np.int64]) -> Chunk:
    """The same by torch.nn.LSTM in double precision, whose input product is the identity."""
    size = w.units
    x = w.byte[ids].astype(np.float64)
    for k in range(2):
        terms = w.predicted[k][found.predicted[:, k]] + w.length[k][found.length[:, k]]
        x += (found.length[:, k] > 0)[:, None] * terms
    lstm = torch.nn.LSTM(4 * size, size, dtype=torch.float64)
    with torch.no_grad():
        for p in lstm.parameters():
            p.zero_()
        lstm.weight_ih_l0.copy_(torch.eye(4 * size))
        lstm.weight_hh_l0.copy_(torch.from_numpy(w.recurrent * w.recurrent_scale[:, None].astype(np.float64)))
        h, c = torch.tensor(state.h).double()[None], torch.tensor(state.c).double()[None]
        hs, cs = [h], [c]
        for row in torch.from_numpy(x):
            levels = torch.round(hs[-1].float() * reference.LEVELS).double()
            levels = levels * (levels.abs() > reference.QUIET) / reference.LEVELS
            _, (h, c) = lstm(row[None], (levels, cs[-1]))
            hs.append(h)
            cs.append(c)
    hidden, cells = torch.cat(hs), torch.cat(cs).numpy()
    doubles = {k: torch.from_numpy(v).to(torch.int8 if k == "context" else torch.float64) for k, v in vars(w).items()}
    before = [state.last, *(found[t : t + 1] for t in range(len(ids) - 1))]
    logits = [torch_next_byte(SimpleNamespace(**doubles), h, last) for h, last in zip(hidden[:-1], before, strict=True)]
    logs = torch.log_softmax(torch.stack(logits), 1).numpy() / np.log(2)
    end = State(hidden[-1].numpy().astype(np.float32), cells[-1].astype(np.float32), found[len(ids) - 1 :])
    arrays = (
        -logs[np.arange(len(ids)), ids],
        -(np.exp2(logs) * logs).sum(1),
        hidden[1:].numpy() @ w.heads.T + w.heads_bias,
        hidden[1:, units].numpy(),
    )
    return Chunk(*(a.astype(np.float32) for a in arrays), end, np.empty((0, 2, w.units), np.float32))


SIZES = pytest.mark.parametrize("units, outputs", [(16, 1), (100, 75), (264, 72), (33, 0), (512, 3)])


@SIZES
def test_each_step_equals_reference(backend: str, units: int, outputs: int) -> None:
    weights, (ids, found), state = make_weights(units, outputs), make_inputs(120), make_state(units)
    packed, traced = pack(weights, backend), np.array([units - 1, 0, 7])
    for t in range(len(ids)):
        one = ids[t : t + 1], found[t : t + 1], state
        expected = reference.read(weights, Piece(*one), traced)
        assert_close(packed.read(*one, traced), expected, TOLERANCE[backend])
        ((bits, _),) = packed.read_bits([Piece(*one)])
        assert bits == pytest.approx(expected.bits, abs=TOLERANCE[backend]["bits"])
        state = expected.state


@SIZES
@pytest.mark.parametrize("n", [1, 63, pytest.param(1000, marks=pytest.mark.slow)])
def test_equals_reference(backend: str, n: int, units: int, outputs: int) -> None:
    """Over many steps a state on the edge between two levels may fall to either side, and readings part a little."""
    weights, inputs, state = make_weights(units, outputs), make_inputs(n), make_state(units)
    traced = np.array([units - 1, 0, 7])
    packed = pack(weights, backend)
    chunk, expected = packed.read(*inputs, state, traced), reference.read(weights, Piece(*inputs, state), traced)
    assert chunk.heads.shape == (n, outputs) and chunk.traces.shape == (n, 3)
    wanted = fields(expected)
    for name, array in fields(chunk).items():
        assert np.isfinite(array).all() and array.shape == wanted[name].shape
        if array.size:
            assert np.median(np.abs(array - wanted[name])) < 0.02, name
    assert chunk.bits.mean() == pytest.approx(expected.bits.mean(), rel=0.01)
    ((bits, _),) = packed.read_bits([Piece(*inputs, state)])
    assert float(bits.sum()) == pytest.approx(float(chunk.bits.sum(dtype=np.float64)), rel=1e-5)


@SIZES
def test_outputs_are_summed(backend: str, units: int, outputs: int) -> None:
    """Sums are those of all outputs, and the first outputs are the same whether others are wanted or not."""
    weights, (ids, found), state = make_weights(units, outputs), make_inputs(130), make_state(units)
    packed, whole = pack(weights, backend), pack(weights, backend).read(ids, found, state)
    begins = np.random.default_rng(1).random(130) < 0.2
    begins[[0, 1, 129]] = True, True, False
    for wanted, asked in ((0, None), (min(14, outputs), begins), (outputs, ~begins)):
        for some in (begins, np.zeros(130, np.bool_), np.ones(130, np.bool_)):
            piece = Piece(ids, found, state, asked, begins=some, outputs=wanted)
            chunk, other = packed.read_many([piece, Piece(ids, found, state)])
            assert chunk.heads == pytest.approx(whole.heads[:, :wanted], abs=1e-4)
            assert np.array_equal(other.heads, whole.heads)
            assert other.sums is None and chunk.sums is not None and chunk.sums.shape == (1 + some.sum(), outputs)
            expected = np.zeros(chunk.sums.shape)
            np.add.at(expected, np.cumsum(some), whole.heads)
            assert np.abs(chunk.sums - expected).max(initial=0) < 0.02 + 2e-4 * np.abs(expected).max(initial=0)


def test_sums_of_parts_are_those_of_the_whole(backend: str) -> None:
    weights, (ids, found), state = make_weights(48, 7), make_inputs(200), make_state(48)
    packed, begins = pack(weights, backend), np.arange(200) % 50 == 20
    (whole,) = packed.read_many([Piece(ids, found, state, begins=begins)])
    sums = np.zeros((1, 7), np.float32)
    for cut in (slice(0, 1), slice(1, 30), slice(30, 30), slice(30, 200)):
        (chunk,) = packed.read_many([Piece(ids[cut], found[cut], state, begins=begins[cut])])
        assert chunk.sums is not None
        sums[-1] += chunk.sums[0]
        sums, state = np.concatenate([sums, chunk.sums[1:]]), chunk.state
    assert whole.sums is not None and sums == pytest.approx(whole.sums, abs=1e-2)


@pytest.mark.parametrize("units", [16, 100])
def test_reference_equals_torch(units: int) -> None:
    weights, inputs, state = make_weights(units, 5), make_inputs(300), make_state(units)
    traced = np.array([3, 1])
    assert_close(reference.read(weights, Piece(*inputs, state), traced), torch_read(weights, *inputs, state, traced))


@pytest.mark.parametrize("cut", [0, 1, 95, 96, 97, 300, 699, 700])
def test_cut_in_two(backend: str, cut: int) -> None:
    ids, found = make_inputs(700)
    packed, state, traced = pack(make_weights(48, 7), backend), make_state(48), np.array([5])
    first = packed.read(ids[:cut], found[:cut], state, traced)
    second = packed.read(ids[cut:], found[cut:], first.state, traced)
    whole = packed.read(ids, found, state, traced)
    arrays = (np.concatenate([getattr(first, f), getattr(second, f)]) for f in ("bits", "entropy", "heads", "traces"))
    joined = Chunk(*arrays, second.state, second.kept)
    if backend == "reference":  # its products are numpy's, whose sums depend on the size
        assert_close(joined, whole)
    else:
        for name, array in fields(joined).items():
            assert np.array_equal(array, fields(whole)[name]), name
        for array, other in zip(arrays_of(second.state), arrays_of(whole.state), strict=True):
            assert np.array_equal(array, other)


LENGTHS_OF_PAGES = [1000, 0, 1, 63, 97, 2, 0, 200, 96, 300, 5, 64, 130, 7, 95, 33, 150]


@pytest.mark.parametrize("count", [1, 3, 17])
@pytest.mark.parametrize("units, outputs", [(48, 7), (33, 0), (264, 72)])
def test_many_pages_are_read_as_one_by_one(backend: str, count: int, units: int, outputs: int) -> None:
    """Whatever is read beside a page, each starting from a state of its own."""
    packed, traced = pack(make_weights(units, outputs), backend), np.array([units - 1, 0])
    pieces, ids_and_found = [], make_inputs(1000)
    for i, n in enumerate(LENGTHS_OF_PAGES[:count]):
        state = make_state(units)
        part = slice(10 * i, 10 * i + n) if n < 800 else slice(n)
        pieces.append(Piece(ids_and_found[0][part], ids_and_found[1][part], replace(state, h=state.h * 0.9**i)))
    chunks = packed.read_many(pieces, traced)
    assert len(chunks) == count
    for piece, chunk in zip(pieces, chunks, strict=True):
        alone = packed.read(piece.ids, piece.found, piece.state, traced)
        assert len(chunk.bits) == len(piece.ids)
        for name, array in fields(alone).items():
            assert np.array_equal(fields(chunk)[name], array), name
        for array, other in zip(arrays_of(chunk.state)[2:], arrays_of(alone.state)[2:], strict=True):
            assert np.array_equal(array, other)
    assert packed.read_many([]) == []


def test_many_pages_in_pieces(backend: str) -> None:
    """Cut anywhere, the states handed on, pages yield what whole ones do."""
    packed, (ids, found) = pack(make_weights(48, 7), backend), make_inputs(400)
    whole = packed.read(ids, found, make_state(48))
    ends = [[0], [0], [0]]
    parts: list[list[Chunk]] = [[], [], []]
    states = [make_state(48)] * 3
    for step in ((1, 100, 399), (95, 97, 0), (304, 203, 1)):
        cuts = [slice(e[-1], e[-1] + n) for e, n in zip(ends, step, strict=True)]
        chunks = packed.read_many([Piece(ids[c], found[c], s) for c, s in zip(cuts, states, strict=True)])
        states = [chunk.state for chunk in chunks]
        for k, chunk in enumerate(chunks):
            parts[k].append(chunk)
            ends[k].append(cuts[k].stop)
    for page in parts:
        for name in ("bits", "entropy", "heads"):
            joined = np.concatenate([getattr(part, name) for part in page])
            tolerance = FLOATS[name] if backend == "reference" else 0  # its products are numpy's
            np.testing.assert_allclose(joined, getattr(whole, name), rtol=0, atol=tolerance, err_msg=name)


def test_bits_alone(backend: str) -> None:
    packed, (ids, found) = pack(make_weights(48, 7), backend), make_inputs(200)
    asked = np.arange(150) % 3 > 0
    pieces = [Piece(ids[i:], found[i:], make_state(48), asked if i == 50 else None) for i in (0, 50, 200)]
    for (bits, state), chunk in zip(packed.read_bits(pieces), packed.read_many(pieces), strict=True):
        assert np.array_equal(bits, chunk.bits, equal_nan=True)
        for array, other in zip(arrays_of(state), arrays_of(chunk.state), strict=True):
            assert np.array_equal(array, other)


@pytest.mark.parametrize("every", [1, 100, 256, 300, 700, 701])
def test_kept_states_are_those_on_the_way(backend: str, every: int) -> None:
    packed, (ids, found), state = pack(make_weights(48, 7), backend), make_inputs(700), make_state(48)
    pieces = [Piece(ids, found, state), Piece(ids[:0], found[:0], state), Piece(ids[3:400], found[3:400], state)]
    chunks = packed.read_many(pieces, every=every)
    assert [len(chunk.kept) for chunk in chunks] == [700 // every, 0, 397 // every]
    for piece, chunk in zip(pieces, chunks, strict=True):
        for k in {0, len(chunk.kept) // 2, len(chunk.kept) - 1} if len(chunk.kept) else ():
            to = (k + 1) * every
            (after,) = packed.read_states([Piece(piece.ids[:to], piece.found[:to], piece.state)])
            for kept, expected in zip(chunk.kept[k], (after.h, after.c), strict=True):
                np.testing.assert_array_equal(kept, expected)
    assert packed.read(ids, found, state).kept.shape == (0, 2, 48)


def test_states_alone(backend: str) -> None:
    packed, (ids, found) = pack(make_weights(48, 7), backend), make_inputs(200)
    pieces = [Piece(ids[i:], found[i:], make_state(48)) for i in (0, 50, 200)]
    for state, chunk in zip(packed.read_states(pieces), packed.read_many(pieces), strict=True):
        for array, other in zip(arrays_of(state), arrays_of(chunk.state), strict=True):
            assert np.array_equal(array, other)


@pytest.mark.parametrize("units, outputs", [(48, 7), (33, 0), (264, 72)])
def test_odds_of_some_bytes(backend: str, units: int, outputs: int) -> None:
    """What is asked for is as if all were, and the rest NaN; heads and states do not depend on it."""
    packed, (ids, found) = pack(make_weights(units, outputs), backend), make_inputs(400)
    random = np.random.default_rng(4)
    some = random.random(400) < 0.2
    pieces = []
    for i, asked in enumerate((some, np.zeros(400, np.bool_), np.ones(400, np.bool_), some[::2], None, some[:1])):
        n = 400 if asked is None else len(asked)
        pieces.append(Piece(ids[:n], found[:n], replace(make_state(units), h=make_state(units).h * 0.9**i), asked))
    for piece, chunk in zip(pieces, packed.read_many(pieces), strict=True):
        whole = packed.read(piece.ids, piece.found, piece.state)
        asked = np.ones(len(piece.ids), np.bool_) if piece.asked is None else piece.asked
        for bits, expected in ((chunk.bits, whole.bits), (chunk.entropy, whole.entropy)):
            assert np.array_equal(bits[asked], expected[asked]) and np.isnan(bits[~asked]).all()
        for name in ("heads", "h", "c"):
            assert np.array_equal(fields(chunk)[name], fields(whole)[name]), name


@SIZES
def test_odds_of_the_next_byte(backend: str, units: int, outputs: int) -> None:
    """They are the reference's, and their logarithms are the bits of the bytes that come."""
    weights, (ids, found), state = make_weights(units, outputs), make_inputs(120), make_state(units)
    packed = pack(weights, backend)
    odds, after = packed.read_odds(ids, found, state)
    chunk = packed.read(ids, found, state)
    assert odds.shape == (120, 256) and odds.min() >= 0
    np.testing.assert_allclose(odds.sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(-np.log2(odds[np.arange(119), ids[1:]]), chunk.bits[1:], atol=TOLERANCE[backend]["bits"])
    for array, other in zip(arrays_of(after), arrays_of(chunk.state), strict=True):
        assert np.array_equal(array, other)
    first, expected = (p.read_odds(ids[:1], found[:1], state)[0] for p in (packed, pack(weights, "reference")))
    np.testing.assert_allclose(first, expected, atol=5e-3)
    assert packed.read_odds(ids[:0], found[:0], state)[0].shape == (0, 256)


@pytest.mark.parametrize("units", [16, 264])
def test_odds_byte_by_byte_are_those_of_the_whole(backend: str, units: int) -> None:
    """Bit for bit, which `soupstate decompress` needs. The reference's products are numpy's, which depend on n."""
    packed, (ids, found), state = pack(make_weights(units, 3), backend), make_inputs(250), make_state(units)
    whole, after = packed.read_odds(ids, found, state)
    for t in range(len(ids)):
        odds, state = packed.read_odds(ids[t : t + 1], found[t : t + 1], state)
        if backend == "reference":
            np.testing.assert_allclose(odds[0], whole[t], atol=1e-5)
        else:
            assert np.array_equal(odds[0], whole[t])
    for array, other in zip(arrays_of(state), arrays_of(after), strict=True):
        assert np.allclose(array, other, atol=1e-5) if backend == "reference" else np.array_equal(array, other)


def test_peaks(backend: str) -> None:
    """Figures of the size of this century's processors, for backends that have vector instructions of their own."""
    found = peaks(backend, 100_000)
    assert (found is None) == (backend in ("scalar", "reference"))
    if found is not None:
        assert 1e9 < found.fp32 < 1e12 and found.fp32 / 2 < found.int8 < 1e13 and 1e9 < found.stream < 1e13


def test_many_pages_in_two_threads(backend: str) -> None:
    packed, (ids, found) = pack(make_weights(48, 7), backend), make_inputs(300)
    pieces = [Piece(ids[i:], found[i:], make_state(48)) for i in range(5)]
    expected, results = packed.read_many(pieces), {}

    def work(i: int) -> None:
        results[i] = packed.read_many(pieces)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for chunks in (results[0], results[1]):
        for chunk, other in zip(chunks, expected, strict=True):
            assert np.array_equal(chunk.bits, other.bits) and np.array_equal(chunk.heads, other.heads)


@pytest.mark.skipif(cpp is None, reason="pure build")
def test_other_threads_go_on() -> None:
    """While the compiled kernel reads, Python's lock is free."""
    packed, (ids, found) = pack(make_weights(264, 7), "scalar"), make_inputs(1000)
    pieces = [Piece(ids, found, State.zeros(264)) for _ in range(4)]
    thread = threading.Thread(target=packed.read_many, args=(pieces,))
    turns = 0
    thread.start()
    while thread.is_alive():
        turns += 1
        time.sleep(0.001)
    assert turns > 5


def test_wrong_pieces(backend: str) -> None:
    packed, (ids, found) = pack(make_weights(16, 3), backend), make_inputs(20)
    good = Piece(ids, found, make_state(16))
    for wrong in (replace(good, ids=ids[:9]), replace(good, state=make_state(8)), replace(good, found=found[:3])):
        with pytest.raises(ValueError, match="expected"):
            packed.read_many([good, wrong])
    for asked in (np.ones(19, np.bool_), np.ones(20, np.uint8)):
        with pytest.raises(ValueError, match="asked: "):
            packed.read_many([replace(good, asked=asked)])
    with pytest.raises(ValueError, match="begins: "):
        packed.read_many([replace(good, begins=np.ones(19, np.bool_))])
    for outputs in (-1, 4):
        with pytest.raises(ValueError, match="outputs: "):
            packed.read_many([replace(good, outputs=outputs)])
    with pytest.raises(ValueError, match="units"):
        packed.read_many([good], np.array([16]))


def test_shipped_weights_in_whole_numbers(backend: str) -> None:
    """What rounding costs: bits a character, and heads that decide otherwise."""
    weights = load_checkpoint(DEFAULT).weights
    ids = np.frombuffer("".join(s.html for s in SAMPLES if s.name.startswith("news"))[:6000].encode(), np.uint8)
    found, state = copies(ids, copy_state())[0], State.zeros(weights.units)
    chunk = pack(weights, backend).read(ids, found, state)
    expected = reference.read(weights, Piece(ids, found, state), NONE)
    assert chunk.bits.mean() == pytest.approx(expected.bits.mean(), abs=0.002)
    for part in OUTPUT.values():
        if part.stop - part.start > 1:
            assert (chunk.heads[:, part].argmax(1) == expected.heads[:, part].argmax(1)).mean() > 0.995


def test_nothing_to_read(backend: str) -> None:
    packed, state = pack(make_weights(16, 3), backend), make_state(16)
    chunk = packed.read(*make_inputs(0), state)
    assert (
        chunk.bits.shape == chunk.entropy.shape == (0,) and chunk.heads.shape == (0, 3) and chunk.traces.shape == (0, 0)
    )
    for after, before in zip(arrays_of(chunk.state), arrays_of(state), strict=True):
        assert np.array_equal(after, before) and not np.shares_memory(after, before)
    ((bits, after),) = packed.read_bits([Piece(*make_inputs(0), state)])
    assert bits.shape == (0,) and np.array_equal(after.h, state.h)


def test_state_is_left_as_it_was(backend: str) -> None:
    packed, state = pack(make_weights(16, 3), backend), make_state(16)
    packed.read(*make_inputs(50), state)
    packed.read_bits([Piece(*make_inputs(50), state)])
    for array, kept in zip(arrays_of(state), arrays_of(make_state(16)), strict=True):
        assert np.array_equal(array, kept)


def test_new_state_is_of_its_own(backend: str) -> None:
    """Not a view of the inputs, which the caller may write over."""
    ids, found = make_inputs(30)
    chunk = pack(make_weights(16, 3), backend).read(ids, found, make_state(16))
    for array in arrays_of(chunk.state)[2:]:
        for part in (found.predicted, found.length, found.slot):
            assert not np.shares_memory(array, part)
    assert np.array_equal(chunk.state.last.slot, found.slot[-1:])


def test_extreme_values(backend: str) -> None:
    """Gates and logits far out: no overflow, no NaN. One byte's great input costs the others in its table precision."""
    w = make_weights(16, 3)
    far = Weights(**{**vars(w), "byte": 1e4 * w.byte, "output": 1e4 * w.output, "gate": 1e4 * w.gate})
    inputs, state, none = make_inputs(200), State.zeros(16), np.array([0])
    chunk, expected = pack(far, backend).read(*inputs, state, none), reference.read(far, Piece(*inputs, state), none)
    for name, array in fields(chunk).items():
        size = 2e4 if name in ("bits", "entropy") and backend != "reference" else 1  # of logits
        tolerance = max(1e-3 if backend == "reference" else 2e-2, size * TOLERANCE[backend][name])
        np.testing.assert_allclose(array, fields(expected)[name], rtol=5e-3, atol=tolerance, err_msg=name)


def test_a_byte_that_is_not_predicted_adds_nothing(backend: str) -> None:
    """Where the length class is 0, the predicted byte does not count."""
    ids, found = make_inputs(80)
    packed, state = pack(make_weights(16, 3), backend), State.zeros(16)
    other = Predictions(np.where(found.length > 0, found.predicted, np.uint8(77)), found.length, found.slot)
    assert not np.array_equal(other.predicted, found.predicted)
    for rows in (found, Predictions.none(80)):
        one = packed.read(ids, rows, state)
        changed = Predictions(np.where(rows.length > 0, rows.predicted, np.uint8(77)), rows.length, rows.slot)
        two = packed.read(ids, changed, state)
        assert np.array_equal(one.bits, two.bits) and np.array_equal(one.heads, two.heads)


def test_fewer_slots_share_embeddings(backend: str) -> None:
    """A table of few rows answers as one of all rows that repeats them."""
    w, (ids, found) = make_weights(16, 3), make_inputs(64)
    few = replace(w, context=w.context[:, :256])
    same = replace(w, context=np.tile(few.context, (1, SLOTS // 256, 1)))
    one, two = (pack(some, backend).read(ids, found, State.zeros(16)) for some in (few, same))
    assert few.slots == 256 and one.bits.std() > 0
    assert np.array_equal(one.bits, two.bits)


@pytest.mark.parametrize("column", range(PREDICTIONS + CONTEXTS))
def test_every_column_of_the_copy_input_counts(backend: str, column: int) -> None:
    """Each predicted byte; and each context's slot, if it has an embedding. Only matchers reach the heads."""
    ids, found = make_inputs(2)
    rng = np.random.default_rng(column)
    some = Predictions(
        rng.integers(0, 256, (2, PREDICTIONS), np.uint8),
        rng.integers(1, LENGTH_CLASSES, (2, PREDICTIONS), np.uint8),
        rng.integers(0, SLOTS, (2, CONTEXTS), np.uint16),
    )
    other = some.copy()
    if column < PREDICTIONS:
        other.predicted[0, column] ^= 1
    else:
        other.slot[0, column - PREDICTIONS] ^= 1
    packed = pack(make_weights(16, 3), backend)
    one, two = packed.read(ids, some, State.zeros(16)), packed.read(ids, other, State.zeros(16))
    assert one.bits[0] == two.bits[0]
    assert (one.entropy[1] != two.entropy[1]) == (column < PREDICTIONS or column - PREDICTIONS in LEARNED)
    assert np.array_equal(one.heads, two.heads) == (column >= 2)


def test_uniform_distribution_costs_eight_bits(backend: str) -> None:
    zero = {name: np.zeros_like(value) for name, value in vars(make_weights(16, 1)).items()}
    chunk = pack(Weights(**zero), backend).read(*make_inputs(40), State.zeros(16))
    np.testing.assert_allclose(chunk.bits, 8, atol=1e-5)
    np.testing.assert_allclose(chunk.entropy, 8, atol=1e-5)


def test_inputs_need_not_be_contiguous(backend: str) -> None:
    ids, found = make_inputs(100)
    packed, state = pack(make_weights(16, 3), backend), make_state(16)
    rows = np.concatenate([ids[:, None], found.predicted, found.length], 1)
    middle, p = 1 + PREDICTIONS, rows[:, 1 : 1 + PREDICTIONS]
    apart = Predictions(p, rows[:, middle:], np.repeat(found.slot, 2, 1)[:, ::2])
    assert not p.flags.c_contiguous and not apart.slot.flags.c_contiguous
    last = Predictions(*(np.asfortranarray(np.repeat(a, 2, 1))[:, ::2] for a in arrays_of(state)[2:]))
    strided = packed.read(rows[:, 0], apart, State(np.repeat(state.h, 2)[::2], np.repeat(state.c, 2)[::2], last))
    assert np.array_equal(strided.bits, packed.read(ids, found, state).bits)


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
        np.array_equal(r.bits, expected.bits) and np.array_equal(r.heads, expected.heads) for r in results.values()
    )


def test_floats_are_kept_in_single_precision() -> None:
    w = make_weights(16, 1)
    assert w.recurrent.dtype == np.int8 and w.byte.dtype == np.float32
    exact = np.full((256, 64), 1 / 3)
    values = {**vars(w), "byte": exact}
    assert np.array_equal(Weights(**values).byte, exact.astype(np.float32))


@pytest.mark.parametrize(
    "name, value, message",
    [
        ("byte", np.zeros((255, 64), np.float32), r"byte: shape \(255, 64\), expected \(256, 64\)"),
        ("recurrent", np.zeros((64, 16), np.float32), "recurrent: float32"),
        ("recurrent", np.zeros((16, 64), np.int8), r"recurrent: int8 \(16, 64\), expected int8 \(64, 16\)"),
        ("heads", np.zeros(16, np.float32), "heads: shape"),
        ("heads_bias", np.zeros(2, np.float32), r"heads_bias: shape \(2,\), expected \(1,\)"),
        ("output", np.zeros((256, 16), np.int8), "output: type int8"),
        ("output_bias", np.full(256, np.nan), "output_bias: not finite"),
        ("copy_gain", np.zeros((2, 16), np.float32), r"copy_gain: shape \(2, 16\), expected \(22, 16\)"),
        ("copy_bias", np.zeros((22, 16), np.float32), "copy_bias: shape"),
        ("gate", np.zeros((32, 8), np.float32), "gate: shape"),
        ("gate_bias", np.zeros(31, np.float32), "gate_bias: shape"),
        ("gate_length", np.zeros((22, 24, 32), np.float32), "gate_length: shape"),
        ("gate_gain", np.zeros((12, 32), np.float32), "gate_gain: shape"),
        ("context", np.zeros((6, 65536, 24), np.float32), "context: float32 .*, expected int8"),
        ("context", np.zeros((6, 65535, 24), np.int8), r"context: shape \(6, 65535, 24\), expected \(6, S, 24\)"),
        ("context", np.zeros((6, 1 << 17, 24), np.int8), "context: shape .*, S a power of two up to 65536"),
        ("context", np.zeros((5, 256, 24), np.int8), r"context: int8 \(5, 256, 24\), expected int8 \(6, 256, 24\)"),
        ("context_output", np.zeros((24, 256), np.float32), "context_output: shape"),
        ("recurrent", np.full((64, 16), -64, np.int8), "recurrent: a weight above 63"),
        ("byte", np.full((256, 64), 1e39), "byte: not finite"),
    ],
)
def test_wrong_weights(name: str, value: NDArray[np.generic], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Weights(**{**vars(make_weights(16, 1)), name: value})


def test_wrong_inputs(backend: str) -> None:
    packed, state = pack(make_weights(16, 3), backend), make_state(16)
    ids, found = make_inputs(10)
    predicted, length, slot = found.predicted, found.length, found.slot

    def refuse(message: str, *arguments: object) -> None:
        with pytest.raises(ValueError, match=message):
            packed.read(*arguments)  # type: ignore[arg-type]
        if len(arguments) == 3:
            with pytest.raises(ValueError, match=message):
                packed.read_bits([Piece(*arguments)])  # type: ignore[arg-type]

    def last(**changed: NDArray[np.generic]) -> State:
        return State(state.h, state.c, replace(state.last, **changed))

    refuse("ids: int64", ids.astype(np.int64), found, state)
    refuse("ids: bytes", b"<p>", found, state)
    refuse("^predicted: uint8", ids, replace(found, predicted=predicted[:9]), state)
    refuse("^length: uint8", ids, replace(found, length=length[:, :2]), state)
    refuse("^slot: int64", ids, replace(found, slot=slot.astype(np.int64)), state)
    refuse(r"^slot: uint16 \(10, 9\)", ids, replace(found, slot=slot[:, :9]), state)
    refuse("^length: a class above 23", ids, replace(found, length=np.full_like(length, 24)), state)
    refuse(r"state.h: float32 \(8,\)", ids, found, State.zeros(8))
    refuse("state.c: float64", ids, found, State(state.h, state.c.astype(np.float64), state.last))
    refuse(r"state.last.predicted: uint8 \(2, 22\)", ids, found, last(predicted=predicted[:2]))
    refuse(r"state.last.length: uint8 \(22,\)", ids, found, last(length=length[0]))
    refuse(r"state.last.slot: uint8", ids, found, last(slot=predicted[:1]))
    refuse("state.last.length: a class above 23", ids, found, last(length=np.full((1, PREDICTIONS), 255, np.uint8)))
    refuse("units: 16 to 16", ids, found, state, np.array([16]))
    refuse("units: -1", ids, found, state, np.array([-1]))
    refuse("units: float64", ids, found, state, np.array([0.5]))


@pytest.mark.skipif(cpp is None, reason="pure build")
def test_the_compiled_module_checks_once_more() -> None:
    """Wrong sizes that came past Python's checks would be a crash."""
    assert cpp is not None
    weights = make_weights(16, 3)
    arrays = dict(vars(weights))
    context = arrays.pop("context")
    lstm = cpp.pack("scalar", context, arrays)
    for name in arrays:
        with pytest.raises(ValueError, match="weights|output"):
            cpp.pack("scalar", context, {**arrays, name: arrays[name][:-1]})
    with pytest.raises(ValueError, match="context"):
        cpp.pack("scalar", context[:-1], arrays)
    with pytest.raises(TypeError):
        cpp.pack("scalar", context.astype(np.int16), arrays)
    with pytest.raises(ValueError, match="backend"):
        cpp.pack("fast", context, arrays)
    ids, found = make_inputs(10)
    state, bad = make_state(16), np.full((10, PREDICTIONS), LENGTH_CLASSES, np.uint8)
    good_input = {"predicted": found.predicted, "length": found.length, "slot": found.slot}
    fields = {
        "ids": ids,
        "found": cpp.CopyInput(**good_input),
        "first": cpp.CopyInput(**vars(state.last)),
        "h": state.h,
        "c": state.c,
        "asked": np.ones(10, np.bool_),
    }
    outputs = {name: np.zeros(10, np.float32) for name in ("bits", "entropy")}
    outputs |= {name: np.zeros((10, k), np.float32) for name, k in (("heads", 3), ("traces", 2))}
    outputs["units"] = np.array([1, 0])
    outputs |= {"every": 4, "kept": np.zeros((2, 2, 16), np.float32)}
    outputs |= {"begins": np.arange(10) % 3 == 0, "sums": np.zeros((5, 3), np.float32)}
    good = cpp.LstmCall(**fields, outputs=cpp.LstmOutputs(**outputs))
    lstm.read([good])
    lstm.read_states([good])
    assert all(np.any(array) for array in outputs.values())
    bits = np.zeros(10, np.float32)
    lstm.read_bits([good], [bits])
    assert bits.all()

    def with_input(**changed: NDArray[np.generic]) -> dict[str, object]:
        return {**fields, "found": cpp.CopyInput(**{**good_input, **changed})}

    nine, rows = np.zeros(9, np.float32), np.zeros((9, 3), np.float32)
    for changed in (
        *({**fields, name: array} for name, array in (("ids", ids[:9]), ("h", nine), ("c", nine))),
        {**fields, "asked": np.ones(9, np.bool_)},
        {**fields, "first": fields["found"]},
        *(with_input(**{name: array[:9]}) for name, array in good_input.items()),
        with_input(length=bad),
    ):
        wrong = cpp.LstmCall(**changed, outputs=cpp.LstmOutputs(**outputs))
        for function, arguments in (
            (lstm.read, ([good, wrong],)),
            (lstm.read_states, ([wrong],)),
            (lstm.read_bits, ([wrong], [bits])),
        ):
            with pytest.raises(ValueError, match="expected one|no such class"):
                function(*arguments)
    for name, array in (
        ("units", np.array([16, 0])),
        ("units", np.array([-1, 0])),
        ("units", np.array([1])),
        ("bits", nine),
        ("entropy", nine),
        ("heads", rows),
        ("heads", np.zeros((10, 4), np.float32)),
        ("traces", rows[:, :2].copy()),
        ("kept", np.zeros((3, 2, 16), np.float32)),
        ("kept", np.zeros((2, 1, 16), np.float32)),
        ("kept", np.zeros((2, 2, 15), np.float32)),
        ("every", 3),
        ("every", 0),
        ("begins", np.ones(9, np.bool_)),
        ("begins", None),
        ("sums", np.zeros((4, 3), np.float32)),
        ("sums", np.zeros((5, 2), np.float32)),
        ("sums", None),
    ):
        wrong = cpp.LstmCall(**fields, outputs=cpp.LstmOutputs(**{**outputs, name: array}))
        with pytest.raises(ValueError, match="expected|no such unit"):
            lstm.read([good, wrong])
    for wrong_bits in ([], [nine], [bits, bits]):
        with pytest.raises(ValueError, match="bits: expected one"):
            lstm.read_bits([good], wrong_bits)
    with pytest.raises((TypeError, ValueError)):
        lstm.read_bits([None], [bits])
    with pytest.raises(TypeError):
        lstm.read_bits([good], [np.zeros(10)])  # a converted output would be a copy
    with pytest.raises(ValueError, match="outputs"):
        lstm.read([cpp.LstmCall(**fields)])
    with pytest.raises((TypeError, ValueError)):
        lstm.read([good, None])


@pytest.mark.skipif(cpp is None, reason="pure build")
def test_fields_are_named_and_never_converted() -> None:
    """A converted output would be a copy, and the caller's array would stay as it was."""
    assert cpp is not None
    ids, found = make_inputs(10)
    state = make_state(16)
    rows = {"predicted": found.predicted, "length": found.length, "slot": found.slot}
    copy_input = cpp.CopyInput(**rows)
    fields = {"ids": ids, "found": copy_input, "first": copy_input, "h": state.h, "c": state.c}
    outputs = {name: np.zeros(10, np.float32) for name in ("bits", "entropy")}
    outputs |= {name: np.zeros((10, 4), np.float32) for name in ("heads", "traces")}
    outputs |= {"units": np.arange(4), "every": 4, "kept": np.zeros((2, 2, 16), np.float32)}
    for made, arrays in ((cpp.CopyInput, rows), (cpp.LstmCall, fields), (cpp.LstmOutputs, outputs)):
        made(**arrays)
        with pytest.raises(TypeError):
            made(*arrays.values())
        for name, array in arrays.items():
            missing = {key: value for key, value in arrays.items() if key != name}
            with pytest.raises(TypeError):
                made(**missing)
            if not isinstance(array, np.ndarray):
                continue
            for wrong in (array.astype(np.complex64), array[..., ::-1], array[None]):
                with pytest.raises(TypeError):
                    made(**{**missing, name: wrong})


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
        with pytest.raises(ValueError, match="'avx512': this machine cannot run it; available: scalar, reference"):
            pack(self.weights, "avx512")
