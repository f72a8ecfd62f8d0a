"""Which version of the recurrence reads: the fastest that runs here, or one asked for by name."""

import os

import numpy as np
from numpy.typing import NDArray

from kernels import reference
from kernels.compiled import cpp
from kernels.weights import (
    CONTEXTS,
    LENGTH_CLASSES,
    PREDICTIONS,
    Bytes,
    Chunk,
    Predictions,
    State,
    Weights,
)

BACKENDS = ("avx512", "avx2", "scalar", "reference")  # fastest first
VARIABLE = "SOUPSTATE_BACKEND"  # one of BACKENDS, or "compiled": any but the reference
Units = NDArray[np.int64]


class Packed:
    """Weights laid out for one backend. Holds no state: threads may share it."""

    def __init__(self, weights: Weights, backend: str) -> None:
        self.weights = weights
        self.backend = backend
        self._native = None
        if backend != "reference":
            if cpp is None:
                raise ValueError(f"backend {backend!r}: the compiled module was not built")
            self._native = cpp.pack(backend, dict(vars(weights)))

    def read(self, ids: Bytes, found: Predictions, state: State, units: Units | None = None) -> Chunk:
        """Reads ids (n,) uint8 with their copy input from a state.

        The state is left as it was; units (U,) integers are those whose output is traced, none by
        default; n may be 0. Two calls in a row, the state handed on, yield what one call does.
        Raises ValueError for a wrong shape, type or range.
        """
        chosen = np.empty(0, np.int64) if units is None else np.asarray(units)
        self._check(ids, found, state)
        if chosen.ndim != 1 or chosen.dtype.kind not in "iu":
            raise ValueError(f"units: {chosen.dtype} {chosen.shape}, expected integers (U,)")
        if len(chosen) and not 0 <= chosen.min() <= chosen.max() < self.weights.units:
            raise ValueError(f"units: {chosen.min()} to {chosen.max()}, expected 0 to {self.weights.units - 1}")
        chosen = np.ascontiguousarray(chosen, np.int64)
        if self._native is None:
            return reference.read(self.weights, ids, found, state, chosen)
        n = len(ids)
        bits, entropy = np.empty(n, np.float32), np.empty(n, np.float32)
        heads = np.empty((n, self.weights.outputs), np.float32)
        traces = np.empty((n, len(chosen)), np.float32)
        after = state.copy()
        inputs = _contiguous(ids, *_arrays(found), *_arrays(state.last))
        self._native.read(*inputs, after.h, after.c, chosen, bits, entropy, heads, traces)
        last = found[n - 1 :].copy() if n else after.last
        return Chunk(bits, entropy, heads, traces, State(after.h, after.c, last))

    def bits_only(self, ids: Bytes, found: Predictions, state: State) -> float:
        """Total surprisal of ids (n,) in bits: `read(...).bits.sum()`, without the heads' work."""
        self._check(ids, found, state)
        if self._native is None:
            return reference.bits_only(self.weights, ids, found, state)
        inputs = _contiguous(ids, *_arrays(found), *_arrays(state.last))
        total: float = self._native.bits_only(*inputs, *_contiguous(state.h, state.c))
        return total

    def _check(self, ids: Bytes, found: Predictions, state: State) -> None:
        n, units = np.shape(ids)[0] if np.ndim(ids) else 0, self.weights.units
        _expect("ids", ids, (n,), np.uint8)
        for prefix, some, rows in (("", found, n), ("state.last.", state.last, 1)):
            _expect(f"{prefix}predicted", some.predicted, (rows, PREDICTIONS), np.uint8)
            _expect(f"{prefix}length", some.length, (rows, PREDICTIONS), np.uint8)
            _expect(f"{prefix}slot", some.slot, (rows, CONTEXTS), np.uint16)
            if some.length.max(initial=0) >= LENGTH_CLASSES:
                raise ValueError(f"{prefix}length: a class above {LENGTH_CLASSES - 1}")
        _expect("state.h", state.h, (units,), np.float32)
        _expect("state.c", state.c, (units,), np.float32)


def available() -> tuple[str, ...]:
    """Names of the backends that this build has and this machine can run, fastest first."""
    compiled: list[str] = [] if cpp is None else cpp.backends()
    return tuple(name for name in BACKENDS if name == "reference" or name in compiled)


def pack(weights: Weights, backend: str | None = None) -> Packed:
    """The weights, ready to read; `backend` None: what $SOUPSTATE_BACKEND names, or the fastest.

    Raises ValueError when the backend asked for, by argument or variable, is unknown or cannot run
    here: there is no silent fall-back from a name.
    """
    asked = backend or os.environ.get(VARIABLE) or None
    source = "backend" if backend or not asked else VARIABLE
    usable = available()
    if asked == "compiled":
        usable, asked = tuple(name for name in usable if name != "reference"), None
        if not usable:
            raise ValueError(f"{source} = 'compiled': the compiled module was not built")
    if asked is None:
        return Packed(weights, usable[0])
    if asked not in BACKENDS:
        raise ValueError(f"{source} = {asked!r}: unknown; known: compiled, {', '.join(BACKENDS)}")
    if asked not in usable:
        reason = "the compiled module was not built" if cpp is None else "not on this machine"
        raise ValueError(f"{source} = {asked!r}: {reason}; available: {', '.join(usable)}")
    return Packed(weights, asked)


def _expect(name: str, array: NDArray[np.generic], shape: tuple[int, ...], dtype: type) -> None:
    if not isinstance(array, np.ndarray) or array.dtype != dtype or array.shape != shape:
        is_ = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
        raise ValueError(f"{name}: {is_}, expected {np.dtype(dtype).name} {shape}")


def _arrays(found: Predictions) -> tuple[NDArray[np.generic], ...]:
    return found.predicted, found.length, found.slot


def _contiguous(*arrays: NDArray[np.generic]) -> list[NDArray[np.generic]]:
    return [np.ascontiguousarray(array) for array in arrays]
