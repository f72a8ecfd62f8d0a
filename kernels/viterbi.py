"""The most likely path of classes through a page, computed chunk by chunk (Viterbi 1967).

It runs in C++ where the module was built; the numpy references are beside it.
"""

import numpy as np
from numpy.typing import NDArray

from soupstate.kernels.compiled import cpp

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]


def viterbi_forward(
    emissions: Floats,
    tables: Bytes,
    transitions: Floats,
    scores: Floats,
    prices: tuple[Bytes, Floats] | None = None,
) -> tuple[Bytes, Floats]:
    """Returns the backpointers (n, classes) of a chunk, and the scores (classes,) after its last byte.

    emissions (n, classes) are the log-likelihoods of each class at each byte. transitions (tables, classes, classes)
    are the log-likelihoods of each change, from class to class; tables (n,) picks the one that holds before each byte.
    scores (classes,) are those of the best path to each class so far. prices: of each byte (n,) its row, and rows
    (rows, classes) that are taken off the emissions; None: nothing is.
    """
    if cpp is None:
        return reference_viterbi_forward(emissions, tables, transitions, scores, prices)
    priced, rows = prices or (np.zeros(len(emissions), np.uint8), np.zeros((1, emissions.shape[1]), np.float32))
    pointers = np.empty(emissions.shape, np.uint8)
    scores = scores.astype(np.float32)
    cpp.viterbi_forward(
        emissions=emissions, priced=priced, prices=rows, tables=tables, transitions=transitions, scores=scores,
        pointers=pointers,
    )  # fmt: skip
    return pointers, scores


def reference_viterbi_forward(
    emissions: Floats,
    tables: Bytes,
    transitions: Floats,
    scores: Floats,
    prices: tuple[Bytes, Floats] | None = None,
) -> tuple[Bytes, Floats]:
    """Returns what `viterbi_forward` returns, in numpy: one step of the algorithm per byte."""
    if prices is not None:
        emissions = emissions - prices[1][prices[0]]
    pointers = np.empty(emissions.shape, np.uint8)
    for t, row in enumerate(emissions):
        through = scores[:, None] + transitions[tables[t]]
        pointers[t] = through.argmax(0)
        scores = through.max(0) + row
        scores = scores - scores.max()
    return pointers, scores.astype(np.float32)


def viterbi_back(pointers: Bytes, last: int) -> Bytes:
    """Returns the classes (n,) of the best path that ends in class `last`, from its backpointers (n, classes)."""
    if cpp is None:
        return reference_viterbi_back(pointers, last)
    path = np.empty(len(pointers), np.uint8)
    cpp.viterbi_back(pointers, last, path)
    return path


def reference_viterbi_back(pointers: Bytes, last: int) -> Bytes:
    """Returns what `viterbi_back` returns, in numpy: one step per byte, from the last one on."""
    path = np.empty(len(pointers), np.uint8)
    for t in range(len(pointers) - 1, -1, -1):
        path[t] = last
        last = int(pointers[t, last])
    return path


def viterbi_settled(pointers: Bytes) -> int:
    """Returns the number of first bytes whose class is the same on the best paths to all classes.

    Nothing that follows the backpointers (n, classes) can change these classes.
    """
    return reference_viterbi_settled(pointers) if cpp is None else cpp.viterbi_settled(pointers)


def reference_viterbi_settled(pointers: Bytes) -> int:
    """Returns what `viterbi_settled` returns, in numpy: one step per byte, from the last one on."""
    at = np.arange(pointers.shape[1])
    for t in range(len(pointers) - 1, -1, -1):
        if (at == at[0]).all():
            return t + 1
        at = pointers[t, at]
    return 0
