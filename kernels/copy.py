"""The copy input: the bytes that followed earlier in the page, after the same bytes or in a similar place.

`cpp/copy.h` describes the model. `soupstate.kernels.reference` has the Python version.
"""

import numpy as np

from soupstate.kernels import reference
from soupstate.kernels.compiled import cpp
from soupstate.kernels.weights import CONTEXTS, LENGTH_CLASSES, MATCHERS, PREDICTIONS, Bytes, Predictions

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
    """Returns the state before the first byte of a page, 5 MiB. Both versions use the same layout."""
    return np.zeros(reference.COPY_STATE_BYTES, np.uint8)


def copies(ids: Bytes, state: Bytes) -> tuple[Predictions, Bytes]:
    """Returns the predictions after each of ids (n,) uint8, and the new state. `state` is not changed.

    Raises ValueError for a wrong shape or type.
    """
    _check(ids, state)
    state = state.copy()
    return advance_copies(ids, state), state


def advance_copies(ids: Bytes, state: Bytes) -> Predictions:
    """Returns the predictions after each of ids (n,) uint8 and updates `state` in place. Raises as `copies`."""
    _check(ids, state)
    found = _outputs(len(ids))
    _copies(np.ascontiguousarray(ids), state, found.predicted, found.length, found.slot)
    return found


def peek_copies(ids: Bytes, state: Bytes) -> Predictions:
    """Returns the predictions of `copies` without copying the state, for many short continuations of one place.

    It writes to `state` and restores it before it returns, so no other thread may use the state during the call.
    Raises ValueError as `copies`.
    """
    _check(ids, state)
    if cpp is None:
        return copies(ids, state)[0]
    found = _outputs(len(ids))
    cpp.peek_copies(np.ascontiguousarray(ids), state, found.predicted, found.length, found.slot)
    return found


def _outputs(n: int) -> Predictions:
    """Returns rows to write n predictions to."""
    predicted, length = np.empty((2, n, PREDICTIONS), np.uint8)
    return Predictions(predicted, length, np.empty((n, CONTEXTS), np.uint16))


def _check(ids: Bytes, state: Bytes) -> None:
    if ids.ndim != 1 or ids.dtype != np.uint8:
        raise ValueError(f"ids: {ids.dtype} {ids.shape}, expected uint8 (n,)")
    if state.shape != (reference.COPY_STATE_BYTES,) or state.dtype != np.uint8:
        raise ValueError(f"state: {state.dtype} {state.shape}, expected uint8 ({reference.COPY_STATE_BYTES},)")
