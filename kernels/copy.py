"""The copy input: for every byte of a page, which byte followed the last time, and how long the match is."""

import numpy as np
from numpy.typing import NDArray

from kernels import _cpp

MATCHERS = 2
LENGTH_CLASSES = 16

Bytes = NDArray[np.uint8]


def copy_state() -> Bytes:
    """The state before the first byte of a page: nothing seen."""
    return np.zeros(_cpp.COPY_STATE_BYTES, np.uint8)


def copies(ids: Bytes, state: Bytes) -> tuple[Bytes, Bytes, Bytes]:
    """Predicted bytes (n, MATCHERS), length classes (n, MATCHERS) and the new state, after each of ids (n,).

    `state` is left as it was. Where there is no match, both are 0.
    """
    state = state.copy()
    predicted = np.empty((len(ids), MATCHERS), np.uint8)
    length = np.empty((len(ids), MATCHERS), np.uint8)
    _cpp.copies(np.ascontiguousarray(ids, np.uint8), state, predicted, length)
    return predicted, length, state
