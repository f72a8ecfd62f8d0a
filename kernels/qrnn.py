"""Reads bytes with a QRNN instead of the LSTM (Bradbury et al. 2017, "Quasi-Recurrent Neural Networks").

cpp/qrnn.h has the formulas. It runs in C++ where the module was built; the numpy reference is `read`.
"""

from dataclasses import dataclass

import numpy as np

from soupstate.kernels.backends import choose, expect
from soupstate.kernels.compiled import cpp
from soupstate.kernels.forget_mult import reference_forget_mult
from soupstate.kernels.reference import looked_up, sigmoid
from soupstate.kernels.weights import BYTES, LENGTH_CLASSES, MATCHERS, PREDICTIONS, Bytes, Floats, Predictions, floats

TAPS = 2  # taps of a convolution: the byte before, then the byte itself
GATES = 3  # z, f and o, in this order
MAX_UNITS = 1500  # so that the sums of integer products stay within 32 bits, see cpp/products.h


@dataclass(frozen=True, eq=False)
class QrnnWeights:
    """L layers of H units that read bytes and their copy input. The gates are z, f, o (rows 0:H, H:2H, 2H:3H).

    Float arrays of any precision are converted to float32. Raises ValueError for a wrong shape or type, for a value
    that is not finite, and for more units than MAX_UNITS.
    """

    byte: Floats  # (2, 256, 3H): per tap, the product of the byte in the first layer; tap 1 includes the bias
    predicted: Floats  # (2, 2, 256, 3H): per tap and matcher, the product of the byte it expects
    length: Floats  # (2, 2, 24, 3H): the product of its match length; row 0 is not used
    weight: Floats  # (L - 1, 3H, 2H): of the further layers, for [x_{t-1}, x_t]
    bias: Floats  # (L - 1, 3H)
    kept: float = 1.0  # the factor of 1 - f, which is 1 - zoneout

    def __post_init__(self) -> None:
        shape = np.shape(self.weight)
        if len(shape) != 3 or shape[2] < 2 or shape[2] % 2:
            raise ValueError(f"weight: shape {shape}, expected (L - 1, 3H, 2H)")
        further, units = shape[0], shape[2] // 2
        if units > MAX_UNITS:
            raise ValueError(f"weight: {units} units, expected at most {MAX_UNITS}")
        shapes = {
            "byte": (TAPS, BYTES, GATES * units),
            "predicted": (TAPS, MATCHERS, BYTES, GATES * units),
            "length": (TAPS, MATCHERS, LENGTH_CLASSES, GATES * units),
            "weight": (further, GATES * units, TAPS * units),
            "bias": (further, GATES * units),
        }
        for name, expected in shapes.items():
            object.__setattr__(self, name, floats(name, getattr(self, name), expected))
        if not 0 < self.kept <= 1:
            raise ValueError(f"kept: {self.kept}, expected more than 0 and at most 1")

    @property
    def units(self) -> int:
        """The number of units of a layer, H."""
        return int(self.weight.shape[2]) // TAPS

    @property
    def layers(self) -> int:
        """The number of layers, L."""
        return len(self.weight) + 1


@dataclass(frozen=True, eq=False)
class QrnnState:
    """All that a call hands on to the next. Kernels return a new state and leave this one unchanged."""

    c: Floats  # (L, H), between -1 and 1
    byte: Floats  # (3H,): what the last byte adds to the gates of the first layer
    below: Floats  # (L - 1, H), between -1 and 1: h of every layer but the last

    @classmethod
    def zeros(cls, units: int, layers: int) -> "QrnnState":
        """Returns the state before the first byte of a page."""
        return cls(*(np.zeros(s, np.float32) for s in ((layers, units), GATES * units, (layers - 1, units))))


class PackedQrnn:
    """Weights laid out for one backend. It holds no state, so threads may share it."""

    def __init__(self, weights: QrnnWeights, backend: str) -> None:
        self.weights, self.backend = weights, backend
        self._native = None
        if backend != "reference":
            if cpp is None:
                raise ValueError(f"backend {backend!r}: the compiled module was not built")
            self._native = cpp.pack_qrnn(backend, dict(vars(weights)))

    def read(self, ids: Bytes, found: Predictions, state: QrnnState) -> tuple[Floats, QrnnState]:
        """Returns h (n, H) float32 of the last layer after each of ids (n,) uint8, and the state after the last one.

        `found` is the copy input of the ids; only the columns of the matchers are used. n may be 0. `state` is not
        changed. Reading a page in parts yields the same numbers as reading it at once.

        Raises ValueError for a wrong shape, type or range.
        """
        self._check(ids, found, state)
        if self._native is None:
            return read(self.weights, ids, found, state)
        h = np.empty((len(ids), self.weights.units), np.float32)
        after = QrnnState(*(np.array(a, order="C") for a in (state.c, state.byte, state.below)))
        self._native.read(
            ids=np.ascontiguousarray(ids),
            predicted=np.ascontiguousarray(found.predicted),
            length=np.ascontiguousarray(found.length),
            c=after.c,
            byte=after.byte,
            below=after.below,
            h=h,
        )
        return h, after

    def _check(self, ids: Bytes, found: Predictions, state: QrnnState) -> None:
        n, units, layers = np.shape(ids)[0] if np.ndim(ids) else 0, self.weights.units, self.weights.layers
        expect("ids", ids, (n,), np.uint8)
        expect("predicted", found.predicted, (n, PREDICTIONS), np.uint8)
        expect("length", found.length, (n, PREDICTIONS), np.uint8)
        if found.length.max(initial=0) >= LENGTH_CLASSES:
            raise ValueError(f"length: a class above {LENGTH_CLASSES - 1}")
        expect("state.c", state.c, (layers, units), np.float32)
        expect("state.byte", state.byte, (GATES * units,), np.float32)
        expect("state.below", state.below, (layers - 1, units), np.float32)


def pack_qrnn(weights: QrnnWeights, backend: str | None = None) -> PackedQrnn:
    """Returns the weights, ready to read. `backend` and errors are those of `soupstate.kernels.pack`."""
    return PackedQrnn(weights, choose(backend))


def read(weights: QrnnWeights, ids: Bytes, found: Predictions, state: QrnnState) -> tuple[Floats, QrnnState]:
    """Returns what `PackedQrnn.read` returns, in numpy. It does not check its arguments."""
    if not len(ids):
        copied = QrnnState(state.c.copy(), state.byte.copy(), state.below.copy())
        return np.empty((0, weights.units), np.float32), copied
    w = weights
    before, own = (looked_up(w.byte[tap], w.predicted[tap], w.length[tap], ids, found) for tap in range(TAPS))
    gates = own + np.vstack([state.byte, before[:-1]])
    cells, inputs = [], []
    h = np.empty((len(ids), weights.units), np.float32)
    for k in range(weights.layers):
        if k:
            inputs.append(h[-1])
            taps = np.hstack([np.vstack([state.below[k - 1], h[:-1]]), h])
            gates = taps @ weights.weight[k - 1].T + weights.bias[k - 1]
        z, f, o = np.split(gates, GATES, 1)
        forget = 1 - np.float32(weights.kept) * sigmoid(-f)
        c, out = reference_forget_mult(forget[None], np.tanh(z)[None], sigmoid(o)[None], state.c[None, k])
        cells.append(c[0, -1])
        h = out[0]
    return h, QrnnState(np.stack(cells), before[-1].copy(), np.array(inputs, np.float32).reshape(-1, weights.units))
