"""From a training checkpoint to one to read with: parameters rounded, changes of syntax counted."""

import numpy as np
from numpy.typing import NDArray

from model.net.fold import Parameters, rounded
from model.page.boundaries import KINDS, boundary_kinds
from model.page.marks import COLUMN, IGNORED, OUTPUTS, Syntax
from model.train.network import Network
from model.train.shards import BYTE, MARKS, Shards

COUNTED = 60_000_000  # bytes of lessons whose changes of syntax are counted
UNSEEN = -60.0  # nats of a change that was never counted


def parameters(network: Network) -> Parameters:
    """A trained network's parameters as a checkpoint holds them. Raises ValueError for one that cannot be read with."""
    if network.lstm is None:
        raise ValueError("no kernel reads a QRNN's output and heads: it can be trained and compared, but not exported")
    if network.heads is None or not network.copy:
        raise ValueError("only a network with heads and the copy input can be read")
    assert network.heads.out_features == OUTPUTS
    return rounded({k: v.detach().cpu().float().numpy() for k, v in network.state_dict().items()})


def count_changes(shards: Shards) -> NDArray[np.float32]:
    """Log-likelihood (KINDS, from, to) of syntax at a byte given that at the byte before and the place between them."""
    classes = len(Syntax)
    counts = np.zeros(KINDS * classes * classes, np.float64)
    seen = 0
    order = np.random.default_rng(0).permutation(len(shards))
    for i in order:
        rows = shards.lesson(int(i))
        if len(rows) < 2:
            continue
        syntax = rows[:, MARKS + COLUMN["syntax"]].astype(np.int64)
        kinds = boundary_kinds(np.ascontiguousarray(rows[1:, BYTE]), int(rows[0, BYTE])).astype(np.int64)
        known = (syntax[1:] != IGNORED) & (syntax[:-1] != IGNORED)
        index = (kinds * classes + syntax[:-1]) * classes + syntax[1:]
        counts += np.bincount(index[known], minlength=len(counts))
        seen += len(rows)
        if seen > COUNTED:
            break
    table = counts.reshape(KINDS, classes, classes)
    with np.errstate(divide="ignore"):
        logs = np.log(table) - np.log(np.maximum(table.sum(2, keepdims=True), 1))
    return np.maximum(logs, UNSEEN).astype(np.float32)
