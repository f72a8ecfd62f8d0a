"""Tables of small integers in half the space: four bits per number, and a factor per row.

A row of int8 is stored as codes from -7 to 7 and a factor from 1 to 255, in eighths: a number is its code times the
factor over 8, rounded. So rows of small numbers keep as fine steps as rows of large ones. All is whole-number
arithmetic, and every machine unpacks the same table.
"""

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint8]  # (rows, columns / 2): two codes per byte, the first in the low bits, each plus ZERO
Factors = NDArray[np.uint8]  # (rows,)

MOST = 7  # the largest code
ZERO = 8  # what is added to a code
EIGHTHS = 3  # bits after the point of a factor
# Factors that are tried for a row, as shares of the one with which its largest number has the largest code. A smaller
# one clips the largest numbers, and rounds the others more finely.
SHARES = np.linspace(0.5, 1.0, 11)
PIECE = 1 << 15  # rows that are packed at once


def pack_rows(table: NDArray[np.int8]) -> tuple[Codes, Factors]:
    """Returns a table (rows, an even number of columns) in four bits per number.

    Each row gets the factor, of those that are tried, with which its squared error is least.
    """
    codes = np.empty((len(table), table.shape[1] // 2), np.uint8)
    factors = np.empty(len(table), np.uint8)
    for at in range(0, len(table), PIECE):
        part = slice(at, at + PIECE)
        best, factors[part] = _nearest(table[part].astype(np.int16))
        raised = (best + ZERO).astype(np.uint8)
        codes[part] = raised[:, ::2] | raised[:, 1::2] << 4
    return codes, factors


def unpack_rows(codes: Codes, factors: Factors) -> NDArray[np.int8]:
    """Returns the table (rows, columns) of its codes (rows, columns / 2) and factors (rows,)."""
    table = np.empty((len(codes), 2 * codes.shape[1]), np.int8)
    for at in range(0, len(codes), PIECE):
        part = codes[at : at + PIECE]
        raised = np.stack([part & 15, part >> 4], 2).reshape(len(part), -1)
        table[at : at + PIECE] = _numbers(raised.astype(np.int16) - ZERO, factors[at : at + PIECE])
    return table


def _nearest(rows: NDArray[np.int16]) -> tuple[NDArray[np.int16], Factors]:
    """Returns the codes of rows, and the factor of each row that fits best."""
    whole = np.abs(rows).max(1) * (1 << EIGHTHS) / MOST
    best = np.zeros_like(rows)
    factors = np.ones(len(rows), np.uint8)
    error = np.full(len(rows), np.inf)
    for share in SHARES:
        factor = np.clip(np.rint(whole * share), 1, 255).astype(np.uint8)
        steps = factor.astype(np.float32) / (1 << EIGHTHS)
        codes = np.clip(np.rint(rows / steps[:, None]), -MOST, MOST).astype(np.int16)
        off = np.square((_numbers(codes, factor) - rows).astype(np.int32)).sum(1)
        better = off < error
        best[better], factors[better], error[better] = codes[better], factor[better], off[better]
    return best, factors


def _numbers(codes: NDArray[np.int16], factors: Factors) -> NDArray[np.int16]:
    """Returns the numbers (rows, columns) that codes stand for, within int8."""
    half = 1 << (EIGHTHS - 1)
    numbers: NDArray[np.int16] = (codes * factors.astype(np.int16)[:, None] + half) >> EIGHTHS
    return numbers.clip(-127, 127)
