"""Chooses the backend: the fastest that runs here, or the one named."""

import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from soupstate.kernels import reference
from soupstate.kernels.compiled import cpp
from soupstate.kernels.weights import (
    BYTES,
    CONTEXTS,
    LENGTH_CLASSES,
    PREDICTIONS,
    Bytes,
    Chunk,
    Floats,
    Piece,
    Predictions,
    State,
    Weights,
)

BACKENDS = ("avx512vnni", "avx512", "avx2", "scalar", "reference")  # fastest first
VARIABLE = "SOUPSTATE_BACKEND"  # one of BACKENDS, or "compiled" for the fastest one that is not the reference
Units = NDArray[np.int64]
NO_UNITS: Units = np.empty(0, np.int64)


class Packed:
    """Weights laid out for one backend. It holds no state, so threads may share it."""

    def __init__(self, weights: Weights, backend: str) -> None:
        self.weights = weights
        self.backend = backend
        self._native = None
        if backend != "reference":
            if cpp is None:
                raise ValueError(f"backend {backend!r}: the compiled module was not built")
            self._native = cpp.pack(backend, weights.context, dict(vars(weights)))

    def read(self, ids: Bytes, found: Predictions, state: State, units: Units | None = None) -> Chunk:
        """Returns what the network says of ids (n,) uint8 with their copy input `found`, read from `state`.

        `units` (U,) names the units whose output is traced; None traces none. n may be 0. The state is not changed:
        the chunk holds the next one. Reading a page in parts yields the same numbers as reading it at once.

        Raises ValueError for a wrong shape, type or range.
        """
        return self.read_many([Piece(ids, found, state)], units)[0]

    def read_many(self, pieces: Sequence[Piece], units: Units | None = None, every: int = 0) -> list[Chunk]:
        """Returns one chunk per piece, each equal to what `read` returns for that piece alone.

        The pieces belong to different pages and may differ in length. The backend loads the weights once per step for
        several pages and starts the next page when one ends. Pieces must not share arrays. every: bytes between two
        states that each chunk keeps; 0 keeps none. Raises ValueError as `read`.
        """
        traced = NO_UNITS if units is None else np.asarray(units)
        self._check_all(pieces)
        if traced.ndim != 1 or traced.dtype.kind not in "iu":
            raise ValueError(f"units: {traced.dtype} {traced.shape}, expected integers (U,)")
        if len(traced) and not 0 <= traced.min() <= traced.max() < self.weights.units:
            raise ValueError(f"units: {traced.min()} to {traced.max()}, expected 0 to {self.weights.units - 1}")
        traced = np.ascontiguousarray(traced, np.int64)
        if self._native is None:
            return reference.read_many(self.weights, pieces, traced, every)
        chunks = [self._empty_chunk(piece, len(traced), every) for piece in pieces]
        calls = [
            _call(
                piece,
                chunk.state,
                cpp.LstmOutputs(
                    bits=chunk.bits,
                    entropy=chunk.entropy,
                    heads=chunk.heads,
                    units=traced,
                    traces=chunk.traces,
                    every=every,
                    kept=chunk.kept,
                    begins=None if piece.begins is None else np.ascontiguousarray(piece.begins),
                    sums=chunk.sums,
                ),
            )
            for piece, chunk in zip(pieces, chunks, strict=True)
        ]
        self._native.read(calls)
        return chunks

    def read_states(self, pieces: Sequence[Piece]) -> list[State]:
        """Returns the state after each piece, without bits, entropy and heads. Raises ValueError as `read`."""
        self._check_all(pieces)
        if self._native is None:
            return [chunk.state for chunk in reference.read_many(self.weights, pieces, NO_UNITS)]
        states = [_state_to_update(piece) for piece in pieces]
        self._native.read_states([_call(piece, state) for piece, state in zip(pieces, states, strict=True)])
        return states

    def read_odds(self, ids: Bytes, found: Predictions, state: State) -> tuple[Floats, State]:
        """Returns the probability (n, 256) of each next byte after each of ids (n,), and the state after the last one.

        A compiled backend returns the same bits for a page in parts as for the whole page; the reference returns
        nearly the same. Raises ValueError as `read`.
        """
        piece = Piece(ids, found, state)
        self._check(ids, found, state)
        if self._native is None:
            return reference.read_odds(self.weights, ids, found, state)
        odds, after = np.empty((len(ids), BYTES), np.float32), _state_to_update(piece)
        self._native.read_odds(_call(piece, after), odds)
        return odds, after

    def read_bits(self, pieces: Sequence[Piece]) -> list[tuple[Floats, State]]:
        """Returns of each piece the surprisal (n,) of its bytes in bits, NaN where not asked for, and the state after.

        It computes no heads. Raises ValueError as `read`.
        """
        self._check_all(pieces)
        if self._native is None:
            return [(chunk.bits, chunk.state) for chunk in reference.read_many(self.weights, pieces, NO_UNITS)]
        states = [_state_to_update(piece) for piece in pieces]
        bits = [np.full(len(piece.ids), np.nan, np.float32) for piece in pieces]
        self._native.read_bits([_call(piece, state) for piece, state in zip(pieces, states, strict=True)], bits)
        return list(zip(bits, states, strict=True))

    def next_byte(self, state: State) -> Floats:
        """Returns the probability (256,) of each byte after `state`. It runs in numpy, whatever the backend."""
        chances: Floats = reference.odds(reference.next_byte(self.weights, state.h[None], state.last))[0]
        return chances

    def _empty_chunk(self, piece: Piece, traced: int, every: int) -> Chunk:
        """Returns the arrays that a call writes to. NaN marks the bytes whose bits the call does not compute."""
        n = len(piece.ids)
        traces = n if piece.traced is None else int(np.count_nonzero(piece.traced))
        outputs = self.weights.outputs if piece.outputs is None else piece.outputs
        sums = None if piece.begins is None else 1 + int(np.count_nonzero(piece.begins))
        return Chunk(
            np.full(n, np.nan, np.float32),
            np.full(n, np.nan, np.float32),
            np.empty((n, outputs), np.float32),
            np.empty((traces, traced), np.float32),
            _state_to_update(piece),
            np.empty((n // every if every else 0, 2, self.weights.units), np.float32),
            None if sums is None else np.zeros((sums, self.weights.outputs), np.float32),
        )

    def _check_all(self, pieces: Sequence[Piece]) -> None:
        for piece in pieces:
            self._check(piece.ids, piece.found, piece.state)
            if piece.asked is not None:
                expect("asked", piece.asked, piece.ids.shape, np.bool_)
            if piece.traced is not None:
                expect("traced", piece.traced, piece.ids.shape, np.bool_)
            if piece.begins is not None:
                expect("begins", piece.begins, piece.ids.shape, np.bool_)
            if piece.outputs is not None and not 0 <= piece.outputs <= self.weights.outputs:
                raise ValueError(f"outputs: {piece.outputs}, expected 0 to {self.weights.outputs}")

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
    """Returns the names of the backends that this build has and this machine can run, fastest first."""
    compiled: list[str] = [] if cpp is None else cpp.backends()
    return tuple(name for name in BACKENDS if name == "reference" or name in compiled)


def pack(weights: Weights, backend: str | None = None) -> Packed:
    """Returns the weights, ready to read with `backend`, or with $SOUPSTATE_BACKEND, or with the fastest backend.

    Raises ValueError when the backend that the argument or the variable names is unknown or cannot run here. A named
    backend never falls back to another one.
    """
    return Packed(weights, choose(backend))


def choose(backend: str | None) -> str:
    """Returns the name of the backend to read with. Arguments and errors are those of `pack`."""
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
        reason = "the compiled module was not built" if cpp is None else "this machine cannot run it"
        raise ValueError(f"{source} = {asked!r}: {reason}; available: {', '.join(usable)}")
    return asked


def expect(name: str, array: NDArray[np.generic], shape: tuple[int, ...], dtype: type) -> None:
    """Raises ValueError unless `array` has that shape and type. The message starts with `name`."""
    if not isinstance(array, np.ndarray) or array.dtype != dtype or array.shape != shape:
        is_ = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
        raise ValueError(f"{name}: {is_}, expected {np.dtype(dtype).name} {shape}")


def _call(piece: Piece, state: State, outputs: "cpp.LstmOutputs | None" = None) -> "cpp.LstmCall":
    """Returns the arguments of one call of the compiled module, which updates h and c of `state` in place."""
    return cpp.LstmCall(
        ids=np.ascontiguousarray(piece.ids),
        found=_copy_input(piece.found),
        first=_copy_input(piece.state.last),
        h=state.h,
        c=state.c,
        asked=None if piece.asked is None else np.ascontiguousarray(piece.asked),
        outputs=outputs,
        traced=None if piece.traced is None else np.ascontiguousarray(piece.traced),
    )


def _copy_input(found: Predictions) -> "cpp.CopyInput":
    return cpp.CopyInput(
        predicted=np.ascontiguousarray(found.predicted),
        length=np.ascontiguousarray(found.length),
        slot=np.ascontiguousarray(found.slot),
    )


def _state_to_update(piece: Piece) -> State:
    """Returns a copy of the piece's state whose last predictions are those after the piece."""
    n = len(piece.ids)
    last = piece.found[n - 1 :].copy() if n else piece.state.last.copy()
    return State(piece.state.h.copy(), piece.state.c.copy(), last)
