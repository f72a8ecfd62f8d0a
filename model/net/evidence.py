"""Evidence: the heads' outputs of one page, gathered while it is read, and the decisions taken from them.

Of the outputs only two things are kept: the best path of syntax classes (the evidence of every byte plus the likelihood
of each change of class between two bytes), and the sums of the other outputs over atoms, the stretches between `<` and
`>`. A span's marks are decided from the sums over its atoms.
"""

import numpy as np
from numpy.typing import NDArray

from soupstate.kernels.viterbi import viterbi_back, viterbi_forward
from soupstate.model.net.checkpoint import Checkpoint
from soupstate.model.page.boundaries import boundary_kinds
from soupstate.model.page.marks import OUTPUT, OUTPUTS, Syntax
from soupstate.model.page.spans import Decide, Extent

LT, GT = 0x3C, 0x3E
# Nats per byte against the class of comments. A comment that is shown by mistake costs a line; text that is taken for
# the rest of an open comment costs the page. Chosen on 18 labelled training pages: 2 finds more of such text, and no
# clean page loses anything.
COMMENT_PRICE = 2.0

Floats = NDArray[np.float32]


class Evidence:
    """Gathers the heads' outputs of one page. The marks of byte t are read off the state `delay` bytes later.

    Outputs are log-likelihoods up to a constant per head.
    """

    def __init__(self, ids: NDArray[np.uint8], checkpoint: Checkpoint) -> None:
        self.ids, self.delay, self.changes = ids, checkpoint.delay, checkpoint.changes
        cut = np.zeros(len(ids) + 1, np.bool_)
        cut[0] = len(ids) > 0
        cut[:-1] |= ids == LT
        cut[1:] |= ids == GT
        self.atoms = np.flatnonzero(cut[:-1])
        self.sums = np.zeros((len(self.atoms), OUTPUTS), np.float32)
        self.scores = np.zeros(len(Syntax), np.float32)
        self.pointers: list[NDArray[np.uint8]] = []

    def add(self, at: int, outputs: Floats) -> None:
        """Takes the outputs (n, OUTPUTS) after bytes at .. at + n - 1."""
        first = max(0, at - self.delay)
        outputs = outputs[max(0, self.delay - at) :]
        if not len(outputs):
            return
        last = first + len(outputs)
        before = int(self.ids[first - 1]) if first else ord(" ")
        kinds = boundary_kinds(self.ids[first:last], before)
        syntax = np.ascontiguousarray(outputs[:, OUTPUT["syntax"]])
        syntax[:, Syntax.COMMENT] -= COMMENT_PRICE
        pointers, self.scores = viterbi_forward(syntax, kinds, self.changes, self.scores)
        self.pointers.append(pointers)
        k = int(np.searchsorted(self.atoms, first, "right")) - 1
        edges = self.atoms[k : np.searchsorted(self.atoms, last, "left")].copy()
        edges[0] = max(edges[0], first)
        self.sums[k : k + len(edges)] += np.add.reduceat(outputs, edges - first)

    def path(self) -> NDArray[np.uint8]:
        """Returns the syntax (bytes,) of the best path."""
        return viterbi_back(self.pointers, int(self.scores.argmax()))

    def decider(self, starts: NDArray[np.int64]) -> Decide:
        """Returns decide(heads, extents): the classes with the most evidence over the atoms of each extent.

        starts (characters,): the first byte of each character; extents are in characters.
        """
        totals = np.concatenate([np.zeros((1, OUTPUTS)), np.cumsum(self.sums, axis=0, dtype=np.float64)])
        atom_of = np.searchsorted(self.atoms, starts, "right") - 1

        def decide(names: tuple[str, ...], extents: list[Extent]) -> list[list[int]]:
            first, last = np.array(extents, np.int64).reshape(-1, 2).T
            evidence = totals[atom_of[last - 1] + 1] - totals[atom_of[first]]
            decided: list[list[int]] = np.stack([evidence[:, OUTPUT[name]].argmax(1) for name in names], 1).tolist()
            return decided

        return decide
