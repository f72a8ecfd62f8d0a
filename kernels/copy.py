"""The copy input: what followed in a page the last time, after the same bytes or in a like place, and how surely."""

import numpy as np

from kernels import reference
from kernels.compiled import cpp
from kernels.weights import CONTEXTS, LENGTH_CLASSES, MATCHERS, PREDICTIONS, Bytes, Predictions

__all__ = [
    "CONTEXTS",
    "LENGTH_CLASSES",
    "MATCHERS",
    "PREDICTIONS",
    "Predictions",
    "Bytes",
    "advance_copies",
    "copies",
    "copy_state",
    "peek_copies",
]

_copies = reference.copies if cpp is None else cpp.copies


def copy_state() -> Bytes:
    """The state before the first byte of a page: nothing seen. 5 MiB, alike for every version."""
    return np.zeros(reference.COPY_STATE_BYTES, np.uint8)


def copies(ids: Bytes, state: Bytes) -> tuple[Predictions, Bytes]:
    """What is predicted after each of ids (n,), and the new state; `state` is left as it was.

    Raises ValueError for a wrong shape or type.
    """
    _check(ids, state)
    state = state.copy()
    return advance_copies(ids, state), state


def advance_copies(ids: Bytes, state: Bytes) -> Predictions:
    """What is predicted after each of ids (n,); `state` becomes the new one. Raises as `copies`."""
    _check(ids, state)
    found = _outputs(len(ids))
    _copies(np.ascontiguousarray(ids), state, found.predicted, found.length, found.slot)
    return found


def peek_copies(ids: Bytes, state: Bytes) -> Predictions:
    """`copies` without the new state, and without a copy of the old one: for many short texts after one place.

    `state` is written to and mended before this returns: no other thread may use it meanwhile.
    """
    _check(ids, state)
    if cpp is None:
        return copies(ids, state)[0]
    found = _outputs(len(ids))
    cpp.peek_copies(np.ascontiguousarray(ids), state, found.predicted, found.length, found.slot)
    return found


def _outputs(n: int) -> Predictions:
    predicted, length = np.empty((2, n, PREDICTIONS), np.uint8)
    return Predictions(predicted, length, np.empty((n, CONTEXTS), np.uint16))


def _check(ids: Bytes, state: Bytes) -> None:
    if ids.ndim != 1 or ids.dtype != np.uint8:
        raise ValueError(f"ids: {ids.dtype} {ids.shape}, expected uint8 (n,)")
    if state.shape != (reference.COPY_STATE_BYTES,) or state.dtype != np.uint8:
        raise ValueError(f"state: {state.dtype} {state.shape}, expected uint8 ({reference.COPY_STATE_BYTES},)")
