"""Counters that a small layer moves at some places of a page: the depth layer, see `soupstate.model.net.depth`.

cpp/counters.h describes the computation. It runs in C++ where the module was built; the numpy reference is beside it.
Both compute with integers, so they return the same counts for the same h.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soupstate.kernels.compiled import cpp

LEVELS = 127  # h, between -1 and 1, is rounded to multiples of 1 / LEVELS
BY = (0, 1, -1, -256, 2, -2)  # what the moves add to a cell: keep, one more, one less, none, two more, two less
MOVES = len(BY)
MOST = 6  # the layer takes greater counts for this one
FARTHEST = 3  # and differences beyond this magnitude for it
VALUES = 7  # of a count or a difference
LARGEST_SUM = 2**30  # magnitude of a sum
FINEST, FINEST_MOVE = 16, 8  # bits behind the point of a sum and of a move's weight, where the weights are small enough
STATE_BITS = 8  # bits behind the point of a unit of the layer

Counts = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Counters:
    """Weights of M units over H units of the LSTM, for C cells, D differences and T kinds of tags, as integers."""

    hidden: NDArray[np.int16]  # (M, H)
    tags: NDArray[np.int32]  # (T, M)
    pairs: NDArray[np.int8]  # (D, C): a difference is a sum of cells, each times -1, 0 or 1
    open: NDArray[np.int32]  # (C + D, VALUES, M)
    shift: int  # bits that the layer's sums lose
    moves: NDArray[np.int16]  # (C MOVES, M)
    moves_bias: NDArray[np.int32]  # (T, C MOVES)
    most: NDArray[np.uint8]  # (C,): what a cell holds at most

    @classmethod
    def rounded(
        cls,
        hidden: Floats,
        tags: Floats,
        pairs: NDArray[np.int8],
        open: Floats,
        moves: Floats,
        moves_bias: Floats,
        most: Counts,
    ) -> "Counters":
        """Returns weights of those shapes, rounded as finely as 32 bits allow for sums; moves_bias may hold -inf."""
        sums = np.abs(hidden).sum(1).max() + np.abs(tags).max() + np.abs(open).max((1, 2)).sum() + 1
        bits = _bits(FINEST, np.abs(hidden).max() / LEVELS, sums)
        shift = max(0, bits - STATE_BITS)
        bias = np.where(np.isneginf(moves_bias), 0, moves_bias)
        largest_state = 2 ** (15 - bits + shift)
        move_bits = _bits(FINEST_MOVE, np.abs(moves).max(), np.abs(moves).sum(1).max() * largest_state, bits - shift)
        whole = np.rint(np.clip(bias * 2.0 ** (move_bits + bits - shift), -LARGEST_SUM, LARGEST_SUM)).astype(np.int32)
        return cls(
            np.rint(hidden * (2.0**bits / LEVELS)).astype(np.int16),
            np.rint(tags * 2.0**bits).astype(np.int32),
            np.ascontiguousarray(pairs, np.int8),
            np.rint(open * 2.0**bits).astype(np.int32),
            shift,
            np.rint(moves * 2.0**move_bits).astype(np.int16),
            np.where(np.isneginf(moves_bias), -LARGEST_SUM, whole).astype(np.int32),
            most,
        )


def _bits(finest: int, largest: float, sums: float, further: int = 0) -> int:
    """Returns how many bits behind the point keep the largest weight within 16 bits, and sums within LARGEST_SUM."""
    bits = finest
    while bits > -60 and (largest * 2.0**bits > 32766 or sums * 2.0 ** (bits + further) > LARGEST_SUM - 2**20):
        bits -= 1
    return bits


def count_open(weights: Counters, h: Floats, tags: Counts, cells: Counts) -> Counts:
    """Returns the cells (n, C) after each of n places, with h (n, H) and the kinds of their tags (n,).

    cells (C,): before the first place. It is not changed.
    """
    if cpp is None:
        return reference_count_open(weights, h, tags, cells)
    counted, cells = np.empty((len(h), len(cells)), np.uint8), cells.copy()
    cpp.count_open(
        hidden=weights.hidden,
        tag_rows=weights.tags,
        pairs=weights.pairs,
        open=weights.open,
        shift=weights.shift,
        moves=weights.moves,
        moves_bias=weights.moves_bias,
        most=weights.most,
        h=np.ascontiguousarray(h),
        tags=np.ascontiguousarray(tags),
        cells=cells,
        counted=counted,
    )
    return counted


def reference_count_open(weights: Counters, h: Floats, tags: Counts, cells: Counts) -> Counts:
    """Returns what `count_open` returns, in numpy: one place after another."""
    w, counted = weights, np.empty((len(h), len(cells)), np.uint8)
    levels = np.rint(np.clip(h, -1, 1) * np.float32(LEVELS)).astype(np.int32)
    z = levels @ w.hidden.T.astype(np.int32) + w.tags[tags]
    now = cells.astype(np.int32)
    for t in range(len(h)):
        values = open_values(now, w.pairs)
        sums = z[t] + w.open[np.arange(len(values)), values].sum(0, dtype=np.int32)
        m = np.clip(sums >> w.shift, 0, 32767)
        scores = w.moves.astype(np.int32) @ m + w.moves_bias[tags[t]]
        now = np.clip(now + np.array(BY)[scores.reshape(-1, MOVES).argmax(1)], 0, w.most)
        counted[t] = now
    return counted


def open_values(cells: NDArray[np.int32], pairs: NDArray[np.int8]) -> NDArray[np.int32]:
    """Returns the rows of the tables of counts and differences (.., C + D) that cells (.., C) pick."""
    differences = np.clip(cells @ pairs.T.astype(np.int32), -FARTHEST, FARTHEST) + FARTHEST
    values: NDArray[np.int32] = np.concatenate([np.minimum(cells, MOST), differences], -1)
    return values
