"""Kinds of boundaries between two bytes, by the bytes on both sides. The syntax changes more often at some of them."""

import numpy as np
from numpy.typing import NDArray

GROUPS = (b"<", b">", b'"', b"'", b"=", b"\t\n\f\r ", b"/", b"-", b"!?", b"&;")  # beside letters, and all the rest
COUNT = len(GROUPS) + 2
BOUNDARY_KINDS = COUNT * COUNT


def _groups() -> NDArray[np.uint8]:
    table = np.full(256, COUNT - 1, np.uint8)
    for c in range(256):
        if chr(c).isascii() and chr(c).isalnum():
            table[c] = COUNT - 2
    for i, group in enumerate(GROUPS):
        for c in group:
            table[c] = i
    return table


GROUP_OF = _groups()


def boundary_kinds(ids: NDArray[np.uint8], before: int) -> NDArray[np.uint8]:
    """Returns the kind (n,) of the place before each byte of ids (n,), from 0 to BOUNDARY_KINDS - 1.

    before: the byte before ids[0].
    """
    groups = GROUP_OF[ids]
    previous = np.concatenate([GROUP_OF[[before]], groups[:-1]])
    return previous * np.uint8(COUNT) + groups
