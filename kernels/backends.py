"""Which version of the recurrence reads: the fastest that runs here, or one asked for by name."""

import os
from collections.abc import Sequence

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
    Piece,
    Predictions,
    State,
    Weights,
)

BACKENDS = ("avx512vnni", "avx512", "avx2", "scalar", "reference")  # fastest first
VARIABLE = "SOUPSTATE_BACKEND"  # one of BACKENDS, or "compiled": any but the reference
NO_BYTES = np.empty(0, np.uint8)
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
        return self.read_many([Piece(ids, found, state)], units)[0]

    def read_many(self, pieces: Sequence[Piece], units: Units | None = None) -> list[Chunk]:
        """Reads pieces of different pages, each from its state: what `read` yields of each, whatever is beside it.

        Weights are loaded once for all pages that are under way, and a page that ends makes room for the next, so
        lengths may differ. No array of one piece may be one of another's. Raises ValueError as `read`.
        """
        chosen = np.empty(0, np.int64) if units is None else np.asarray(units)
        self._check_all(pieces)
        if chosen.ndim != 1 or chosen.dtype.kind not in "iu":
            raise ValueError(f"units: {chosen.dtype} {chosen.shape}, expected integers (U,)")
        if len(chosen) and not 0 <= chosen.min() <= chosen.max() < self.weights.units:
            raise ValueError(f"units: {chosen.min()} to {chosen.max()}, expected 0 to {self.weights.units - 1}")
        chosen = np.ascontiguousarray(chosen, np.int64)
        if self._native is None:
            return reference.read_many(self.weights, pieces, chosen)
        chunks = [self._outputs(piece, len(chosen)) for piece in pieces]
        self._native.read([_arguments(p, c, chosen) for p, c in zip(pieces, chunks, strict=True)])
        return chunks

    def read_states(self, pieces: Sequence[Piece]) -> list[State]:
        """The states after pieces: `read_many` without bits, entropy and heads, the recurrence alone."""
        self._check_all(pieces)
        if self._native is None:
            return [chunk.state for chunk in reference.read_many(self.weights, pieces, np.empty(0, np.int64))]
        chunks = [self._outputs(piece, 0) for piece in pieces]
        none = np.empty(0, np.int64)
        self._native.read_states([_arguments(p, c, none) for p, c in zip(pieces, chunks, strict=True)])
        return [chunk.state for chunk in chunks]

    def _outputs(self, piece: Piece, traced: int) -> Chunk:
        """Arrays to write to; the state is the one before."""
        n = len(piece.ids)
        last = piece.found[n - 1 :].copy() if n else piece.state.last.copy()
        return Chunk(
            np.full(n, np.nan, np.float32),
            np.full(n, np.nan, np.float32),
            np.empty((n, self.weights.outputs), np.float32),
            np.empty((n, traced), np.float32),
            State(piece.state.h.copy(), piece.state.c.copy(), last),
        )

    def bits_only(self, ids: Bytes, found: Predictions, state: State) -> float:
        """Total surprisal of ids (n,) in bits: `read(...).bits.sum()`, without the heads' work."""
        self._check(ids, found, state)
        if self._native is None:
            return reference.bits_only(self.weights, ids, found, state)
        inputs = _contiguous(ids, *_arrays(found), *_arrays(state.last))
        total: float = self._native.bits_only(*inputs, state.h.copy(), state.c.copy())
        return total

    def _check_all(self, pieces: Sequence[Piece]) -> None:
        for piece in pieces:
            self._check(piece.ids, piece.found, piece.state)
            if piece.asked is not None:
                expect("asked", piece.asked, piece.ids.shape, np.bool_)

    def _check(self, ids: Bytes, found: Predictions, state: State) -> None:
        n, units = np.shape(ids)[0] if np.ndim(ids) else 0, self.weights.units
        expect("ids", ids, (n,), np.uint8)
        for prefix, some, rows in (("", found, n), ("state.last.", state.last, 1)):
            expect(f"{prefix}predicted", some.predicted, (rows, PREDICTIONS), np.uint8)
            expect(f"{prefix}length", some.length, (rows, PREDICTIONS), np.uint8)
            expect(f"{prefix}slot", some.slot, (rows, CONTEXTS), np.uint16)
            if some.length.max(initial=0) >= LENGTH_CLASSES:
                raise ValueError(f"{prefix}length: a class above {LENGTH_CLASSES - 1}")
        expect("state.h", state.h, (units,), np.float32)
        expect("state.c", state.c, (units,), np.float32)


def available() -> tuple[str, ...]:
    """Names of the backends that this build has and this machine can run, fastest first."""
    compiled: list[str] = [] if cpp is None else cpp.backends()
    return tuple(name for name in BACKENDS if name == "reference" or name in compiled)


def pack(weights: Weights, backend: str | None = None) -> Packed:
    """The weights, ready to read; `backend` None: what $SOUPSTATE_BACKEND names, or the fastest.

    Raises ValueError when the backend asked for, by argument or variable, is unknown or cannot run
    here: there is no silent fall-back from a name.
    """
    return Packed(weights, choose(backend))


def choose(backend: str | None) -> str:
    """The name of the backend to read with; as `pack`."""
    asked = backend or os.environ.get(VARIABLE) or None
    source = "backend" if backend or not asked else VARIABLE
    usable = available()
    if asked == "compiled":
        usable, asked = tuple(name for name in usable if name != "reference"), None
        if not usable:
            raise ValueError(f"{source} = 'compiled': the compiled module was not built")
    if asked is None:
        return usable[0]
    if asked not in BACKENDS:
        raise ValueError(f"{source} = {asked!r}: unknown; known: compiled, {', '.join(BACKENDS)}")
    if asked not in usable:
        reason = "the compiled module was not built" if cpp is None else "not on this machine"
        raise ValueError(f"{source} = {asked!r}: {reason}; available: {', '.join(usable)}")
    return asked


def expect(name: str, array: NDArray[np.generic], shape: tuple[int, ...], dtype: type) -> None:
    """Raises ValueError unless it is an array of that shape and type."""
    if not isinstance(array, np.ndarray) or array.dtype != dtype or array.shape != shape:
        is_ = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
        raise ValueError(f"{name}: {is_}, expected {np.dtype(dtype).name} {shape}")


def _arguments(piece: Piece, chunk: Chunk, units: Units) -> tuple[NDArray[np.generic], ...]:
    """One call of the compiled module's `read`."""
    inputs = _contiguous(piece.ids, *_arrays(piece.found), *_arrays(piece.state.last))
    asked = NO_BYTES if piece.asked is None else np.ascontiguousarray(piece.asked).view(np.uint8)
    outputs = chunk.bits, chunk.entropy, chunk.heads, chunk.traces
    return *inputs, chunk.state.h, chunk.state.c, units, asked, *outputs


def _arrays(found: Predictions) -> tuple[NDArray[np.generic], ...]:
    return found.predicted, found.length, found.slot


def _contiguous(*arrays: NDArray[np.generic]) -> list[NDArray[np.generic]]:
    return [np.ascontiguousarray(array) for array in arrays]
