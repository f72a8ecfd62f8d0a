"""The second layer: cells, each of which counts the open elements of one kind. Their sum is the page's depth.

At each place where elements may open or close (`soupstate.model.page.tag_places`), the layer reads the LSTM's output h,
the kind t of the tag and its own cells c:

    m = relu(Q h + B_t + sum over cells k of U_k[min(c_k, 6)] + sum over differences d of U_d[d, between -3 and 3])
    each cell: keep, one more, one less, none, two more or two less, whichever has the greatest value of W m + w

A difference is by how much the open elements of a kind are fewer or more than those that they stand in. What a tag
opens is what its name says: a cell goes up at a start tag of its kind only. Whether it is a tag at all, and what it
closes, is learned. Elsewhere the cells keep what they hold, so the layer costs little and is always on.

It is a counter machine with a learned control, which LSTMs can become (Weiss, Goldberg & Yahav 2018, "On the practical
computational power of finite precision RNNs for language recognition"). Because its moves are whole numbers, small
errors do not add up over a page.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from soupstate.kernels.counters import MOVES, VALUES, Counters, count_open
from soupstate.model.page.marks import DEEPEST
from soupstate.model.page.nesting import HTML_NESTING, Nesting

CELLS, TABLES = HTML_NESTING.cells, HTML_NESTING.tables  # of HTML
UP = (1, 4)  # the moves that add to a cell: one more, two more
ADDED = 4  # of these, the one that only kind 0 has: several elements of other kinds are never implied together
TENSORS = ("hidden", "tags", "open", "moves", "moves_bias")

Floats = NDArray[np.float32]
Cells = NDArray[np.uint8]


def possible(nesting: Nesting = HTML_NESTING) -> NDArray[np.bool_]:
    """Returns which moves a cell may make at a place of each kind, (kinds, cells, MOVES)."""
    may = np.ones((nesting.tag_kinds, nesting.cells, MOVES), np.bool_)
    may[:, :, UP] = nesting.opens[:, :, None]
    may[:, 1:, ADDED] = False
    return may


@dataclass(frozen=True, eq=False)
class DepthLayer:
    """Parameters of the layer over H units of the LSTM; it is M wide. Raises ValueError for wrong shapes."""

    hidden: Floats  # (M, H): Q
    tags: Floats  # (kinds of places, M): B
    open: Floats  # (tables, VALUES, M): U
    moves: Floats  # (cells MOVES, M): W, the moves of a cell together
    moves_bias: Floats  # (cells MOVES,): w
    nesting: Nesting = HTML_NESTING

    def __post_init__(self) -> None:
        m, n, outputs = len(self.hidden), self.nesting, self.nesting.cells * MOVES
        wanted = [(m, self.hidden.shape[-1]), (n.tag_kinds, m), (n.tables, VALUES, m), (outputs, m), (outputs,)]
        found = [getattr(self, name).shape for name in TENSORS]
        if found != wanted:
            raise ValueError(f"depth layer: shapes {found}, expected {wanted}")

    @cached_property
    def counters(self) -> Counters:
        """The same as integers, for the kernel."""
        n = self.nesting
        bias = np.where(possible(n).reshape(n.tag_kinds, -1), self.moves_bias, -np.inf).astype(np.float32)
        return Counters.rounded(self.hidden, self.tags, n.pairs, self.open, self.moves, bias, n.most)

    def advance(self, h: Floats, tags: Cells, cells: Cells) -> Cells:
        """Returns the cells (k, cells) after each of k places, with outputs h (k, H) and kinds of places (k,).

        cells (cells,): before the first of them; zeros at the beginning of a page. They are not changed.
        """
        return count_open(self.counters, h, tags, cells)


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


def depth_of(cells: Cells | Floats) -> Floats:
    """Returns the depth (n,) of cells (n, cells): a linear probe whose weights are all 1, clamped to DEEPEST."""
    depth: Floats = np.minimum(cells.sum(1, dtype=np.float32), DEEPEST)
    return depth


def at_bytes(depth: Floats, places: NDArray[np.int64], at: NDArray[np.int64]) -> Floats:
    """Returns the depth (n,) at bytes (n,), from the depth (k,) after each of places (k,). Before the first it is 0."""
    held: Floats = np.concatenate([np.zeros(1, np.float32), depth])[np.searchsorted(places, at, "right")]
    return held
