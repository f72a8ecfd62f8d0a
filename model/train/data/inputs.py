"""The network's inputs: rows of a page's bytes and their copy input."""

import numpy as np
from numpy.typing import NDArray

from soupstate.kernels.copy import CONTEXTS, PREDICTIONS, Bytes, advance_copies, copy_state

Inputs = NDArray[np.uint16]

BYTE = 0
PREDICTED = slice(1, 1 + PREDICTIONS)
LENGTH = slice(1 + PREDICTIONS, 1 + 2 * PREDICTIONS)
SLOT = slice(1 + 2 * PREDICTIONS, 1 + 2 * PREDICTIONS + CONTEXTS)
INPUTS = SLOT.stop
WARM = 1 << 16  # bytes before a stretch that its copy input has read


def input_rows(ids: Bytes, begin: int = 0, end: int | None = None, state: Bytes | None = None) -> Inputs:
    """Returns rows (end - begin, INPUTS) of bytes ids (n,). The copy input has read WARM bytes before `begin` too.

    state: memory for the state of the copy input, which is overwritten. Without it, 5 MiB are allocated.
    """
    state = copy_state() if state is None else state
    state[:] = 0
    ids = np.ascontiguousarray(ids[max(0, begin - WARM) : end])
    warm = min(begin, WARM)
    advance_copies(ids[:warm], state)
    found = advance_copies(ids[warm:], state)
    return np.concatenate([ids[warm:, None], found.predicted, found.length, found.slot], axis=1, dtype=np.uint16)
