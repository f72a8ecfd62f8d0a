"""The second layer: eight cells, each of which counts the open elements of one kind. Their sum is the page's depth.

After every byte the layer reads the LSTM's output h, the last bytes x and its own cells c:

    m = tanh(Q h + q + sum over the last bytes k of B_k[x_k] + U [c > 0, min(c, 6) / 6])
    each cell: keep, one more, one less or zero, whichever has the greatest value of W m + w

It is a counter machine with a learned control, which LSTMs can become (Weiss, Goldberg & Yahav 2018, "On the practical
computational power of finite precision RNNs for language recognition"). Because its moves are whole numbers, small
errors do not add up over a page.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soupstate.model.page.marks import DEEPEST

CELLS = 8
SEEN = 3  # last bytes
MOVES = 4  # of a cell: keep, one more, one less, zero
MOST_OPEN = 6  # open elements of a kind; the layer cannot tell greater numbers apart
BYTES_AT_ONCE = 32  # about as many bytes as pass between two moves
TENSORS = ("hidden", "hidden_bias", "seen", "open", "moves", "moves_bias")

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class DepthState:
    """The state of the layer between two calls."""

    cells: Floats  # (CELLS,)
    before: NDArray[np.uint8]  # (SEEN - 1,): the last bytes, the last one first

    @classmethod
    def start(cls) -> "DepthState":
        """Returns the state before the first byte of a page."""
        return cls(np.zeros(CELLS, np.float32), np.zeros(SEEN - 1, np.uint8))


@dataclass(frozen=True, eq=False)
class DepthLayer:
    """Parameters of the layer over H units of the LSTM; it is M wide. Raises ValueError for wrong shapes."""

    hidden: Floats  # (M, H): Q
    hidden_bias: Floats  # (M,): q
    seen: Floats  # (SEEN, 256, M): B, the last byte first
    open: Floats  # (M, 2 CELLS): U
    moves: Floats  # (CELLS MOVES, M): W, the moves of a cell together
    moves_bias: Floats  # (CELLS MOVES,): w

    def __post_init__(self) -> None:
        m, outputs = len(self.hidden_bias), CELLS * MOVES
        wanted = [(m, self.hidden.shape[-1]), (m,), (SEEN, 256, m), (m, 2 * CELLS), (outputs, m), (outputs,)]
        found = [getattr(self, name).shape for name in TENSORS]
        if found != wanted:
            raise ValueError(f"depth layer: shapes {found}, expected {wanted}")

    def advance(self, h: Floats, ids: NDArray[np.uint8], state: DepthState) -> tuple[Floats, DepthState]:
        """Returns the cells (n, CELLS) after each of ids (n,), whose outputs are h (n, H), and the state at the end."""
        read = np.concatenate([state.before[::-1], ids])
        z = h @ self.hidden.T + self.hidden_bias
        for k in range(SEEN):
            z += self.seen[k, read[SEEN - 1 - k : len(read) - k]]
        cells, after = state.cells, np.empty((len(ids), CELLS), np.float32)
        at = 0
        while at < len(ids):
            moves = self._moves(z[at : at + BYTES_AT_ONCE], cells)
            moved = np.flatnonzero(moves.any(1))
            first = at + int(moved[0]) if len(moved) else at + len(moves)
            after[at:first] = cells
            at = first
            if len(moved):
                cells = moved_by(cells, moves[moved[0]])
                after[at] = cells
                at += 1
        return after, DepthState(cells, read[:-SEEN:-1].copy())

    def _moves(self, z: Floats, cells: Floats) -> NDArray[np.int64]:
        """Returns the move of each cell (n, CELLS) for inputs z (n, M), as if none had moved before."""
        m = np.tanh(z + self.open @ cell_inputs(cells))
        chosen: NDArray[np.int64] = (m @ self.moves.T + self.moves_bias).reshape(len(z), CELLS, MOVES).argmax(2)
        return chosen


def cell_inputs(cells: Floats) -> Floats:
    """Returns the layer's inputs from cells (..., CELLS): whether anything is open, and how much (..., 2 CELLS)."""
    inputs: Floats = np.concatenate([cells > 0, np.minimum(cells, MOST_OPEN) / MOST_OPEN], -1).astype(np.float32)
    return inputs


def moved_by(cells: Floats, moves: NDArray[np.int64]) -> Floats:
    """Returns cells (CELLS,) after their moves (CELLS,). They never fall below zero."""
    after: Floats = np.choose(moves, [cells, cells + 1, np.maximum(cells - 1, 0), 0 * cells])
    return after


@dataclass(frozen=True)
class DepthNeuron:
    """A cell of that layer, which follows nesting depth. r: Pearson's correlation on held-out pages."""

    layer: int
    unit: int
    r: float


@dataclass(frozen=True)
class Depth:
    """The layer, and figures of its cells, the best first."""

    layer: DepthLayer
    neurons: tuple[DepthNeuron, ...]


def depth_of(cells: Floats) -> Floats:
    """Returns the depth (n,) of cells (n, CELLS): a linear probe whose weights are all 1, clamped to DEEPEST."""
    depth: Floats = np.minimum(cells.sum(1), DEEPEST)
    return depth
