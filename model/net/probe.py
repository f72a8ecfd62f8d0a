"""Gathers what field heads see of the states: at every `<` and `>`, while the page is read.

There the network knows which text or tag has ended and what came before. Only products of the states are kept, a few
numbers for each head, and of a bounded number of places.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soupstate.model.page.brief import Brief

LT, GT = 0x3C, 0x3E
MOST_PLACES = 65_536  # of a page; what stands beyond is judged by its words and tags alone

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Probed:
    """at (places,): offsets of `<` and `>`, ascending, in characters. values (places, numbers): states times probe."""

    at: NDArray[np.int64]
    values: Floats

    def around(self, start: int, end: int) -> tuple[int, int]:
        """Returns the rows of the last place before `start` and of the first one from `end` on; -1 for none."""
        after = int(np.searchsorted(self.at, end))
        return int(np.searchsorted(self.at, start)) - 1, after if after < len(self.at) else -1


class StateProbe:
    """Takes the states of one page. ids (n,): its bytes. The states are taken `delay` bytes later, as the marks are.

    probe (units, numbers): what each state is multiplied with. places (k,): the bytes after which states are wanted.
    """

    def __init__(self, ids: NDArray[np.uint8], delay: int, probe: Floats) -> None:
        self.edges = np.flatnonzero((ids == LT) | (ids == GT))[:MOST_PLACES]
        self.places = self.edges + delay
        self.matrix = probe
        self.values = np.empty((len(self.edges), probe.shape[1]), np.float32)
        self.taken = 0

    def take(self, states: Floats) -> None:
        """Takes the states (k, units) at the next places."""
        first, self.taken = self.taken, self.taken + len(states)
        self.values[first : self.taken] = states @ self.matrix

    def probed(self, ids: NDArray[np.uint8], whole: Brief | None = None) -> Probed:
        """Returns what was taken, its places as offsets of characters.

        ids (n,): the bytes that were read. whole: how they came from the page that the offsets count in.
        """
        inside = np.cumsum((ids & 0xC0) == 0x80)  # bytes up to each that begin no character
        at = self.edges - inside[self.edges]
        moved = whole.begins(at.astype(np.int32)).astype(np.int64) if whole else at
        return Probed(moved, self.values)
