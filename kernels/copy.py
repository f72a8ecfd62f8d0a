"""The copy input: what followed a page's last bytes the last time, and how long the match is."""

import numpy as np

from kernels import reference
from kernels.compiled import cpp
from kernels.weights import LENGTH_CLASSES, MATCHERS, Bytes

__all__ = ["LENGTH_CLASSES", "MATCHERS", "Bytes", "copies", "copy_state"]

_copies = reference.copies if cpp is None else cpp.copies


def copy_state() -> Bytes:
    """The state before the first byte of a page: nothing seen. 2.5 MiB, alike for every version."""
    return np.zeros(reference.COPY_STATE_BYTES, np.uint8)


def copies(ids: Bytes, state: Bytes) -> tuple[Bytes, Bytes, Bytes]:
    """Predicted bytes, length classes (n, MATCHERS) after each of ids (n,), and the new state.

    `state` is left as it was. Where there is no match, both are 0. Raises ValueError for a wrong
    shape or type.
    """
    if ids.ndim != 1 or ids.dtype != np.uint8:
        raise ValueError(f"ids: {ids.dtype} {ids.shape}, expected uint8 (n,)")
    if state.shape != (reference.COPY_STATE_BYTES,) or state.dtype != np.uint8:
        raise ValueError(
            f"state: {state.dtype} {state.shape}, expected uint8 ({reference.COPY_STATE_BYTES},)"
        )
    state = state.copy()
    predicted = np.empty((len(ids), MATCHERS), np.uint8)
    length = np.empty((len(ids), MATCHERS), np.uint8)
    _copies(np.ascontiguousarray(ids), state, predicted, length)
    return predicted, length, state
