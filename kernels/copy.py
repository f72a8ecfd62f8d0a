"""The copy input: what followed a page's last bytes the last time, and how long the match is."""

import numpy as np

from kernels import reference
from kernels.compiled import cpp
from kernels.weights import LENGTH_CLASSES, MATCHERS, Bytes

__all__ = ["LENGTH_CLASSES", "MATCHERS", "Bytes", "copies", "copy_state", "peek_copies"]

_copies = reference.copies if cpp is None else cpp.copies


def copy_state() -> Bytes:
    """The state before the first byte of a page: nothing seen. 2.5 MiB, alike for every version."""
    return np.zeros(reference.COPY_STATE_BYTES, np.uint8)


def copies(ids: Bytes, state: Bytes) -> tuple[Bytes, Bytes, Bytes]:
    """Predicted bytes, length classes (n, MATCHERS) after each of ids (n,), and the new state.

    `state` is left as it was. Where there is no match, both are 0. Raises ValueError for a wrong
    shape or type.
    """
    _check(ids, state)
    state = state.copy()
    predicted, length = _outputs(len(ids))
    _copies(np.ascontiguousarray(ids), state, predicted, length)
    return predicted, length, state


def peek_copies(ids: Bytes, state: Bytes) -> tuple[Bytes, Bytes]:
    """`copies` without the new state, and without a copy of the old one: for many short texts after one place.

    `state` is written to and mended before this returns: no other thread may use it meanwhile.
    """
    _check(ids, state)
    if cpp is None:
        return copies(ids, state)[:2]
    predicted, length = _outputs(len(ids))
    cpp.peek_copies(np.ascontiguousarray(ids), state, predicted, length)
    return predicted, length


def _outputs(n: int) -> tuple[Bytes, Bytes]:
    return np.empty((n, MATCHERS), np.uint8), np.empty((n, MATCHERS), np.uint8)


def _check(ids: Bytes, state: Bytes) -> None:
    if ids.ndim != 1 or ids.dtype != np.uint8:
        raise ValueError(f"ids: {ids.dtype} {ids.shape}, expected uint8 (n,)")
    if state.shape != (reference.COPY_STATE_BYTES,) or state.dtype != np.uint8:
        raise ValueError(f"state: {state.dtype} {state.shape}, expected uint8 ({reference.COPY_STATE_BYTES},)")
