"""The best path of classes through a page, chunk by chunk. C++ where it is built; the reference is beside it."""

import numpy as np
from numpy.typing import NDArray

from kernels.compiled import cpp

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]


def path_forward(evidence: Floats, kinds: Bytes, changes: Floats, scores: Floats) -> tuple[Bytes, Floats]:
    """Pointers (n, classes) and the scores (classes,) after the last byte; see `reference_path_forward`."""
    if cpp is None:
        return reference_path_forward(evidence, kinds, changes, scores)
    pointers = np.empty(evidence.shape, np.uint8)
    scores = scores.astype(np.float32)
    cpp.path_forward(evidence, kinds, changes, scores, pointers)
    return pointers, scores


def reference_path_forward(evidence: Floats, kinds: Bytes, changes: Floats, scores: Floats) -> tuple[Bytes, Floats]:
    """One step of Viterbi's algorithm (1967) a byte.

    evidence (n, classes): log-likelihoods; kinds (n,): which of changes (kinds, from, to) holds before each byte;
    scores (classes,): of the best path to each class so far.
    """
    pointers = np.empty(evidence.shape, np.uint8)
    for t, row in enumerate(evidence):
        through = scores[:, None] + changes[kinds[t]]
        pointers[t] = through.argmax(0)
        scores = through.max(0) + row
        scores = scores - scores.max()
    return pointers, scores.astype(np.float32)


def path_back(pointers: list[Bytes], last: int) -> Bytes:
    """Classes of the best path that ends in class `last`, over all chunks of pointers."""
    if not pointers:
        return np.empty(0, np.uint8)
    together = np.concatenate(pointers)
    if cpp is None:
        return reference_path_back(together, last)
    path = np.empty(len(together), np.uint8)
    cpp.path_back(together, last, path)
    return path


def reference_path_back(pointers: Bytes, last: int) -> Bytes:
    """As `path_back`, of one chunk (n, classes)."""
    path = np.empty(len(pointers), np.uint8)
    for t in range(len(pointers) - 1, -1, -1):
        path[t] = last
        last = int(pointers[t, last])
    return path
