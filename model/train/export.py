"""From a training checkpoint to weights as they are read: embeddings folded into look-up tables, changes counted."""

import numpy as np
import torch
from numpy.typing import NDArray

from kernels.weights import EMBEDDED, GATE, LEARNED, LENGTH_CLASSES, LENGTHS, MATCHERS, SLOTS, Weights
from model.net.checkpoint import HALF
from model.page.boundaries import KINDS, boundary_kinds
from model.page.marks import COLUMN, IGNORED, OUTPUTS, Syntax
from model.train.network import Network
from model.train.shards import BYTE, MARKS, Shards

COUNTED = 60_000_000  # bytes of lessons whose changes of syntax are counted
ENOUGH = 1000  # rows whose deviation may stand for all
CLIPPED = 8.0  # standard deviations of the contexts' embeddings
UNSEEN = -60.0  # nats of a change that was never counted


def fold(network: Network) -> Weights:
    """The look-up tables and matrices of a network with heads: the input product is linear in the embeddings."""
    if network.heads is None or not network.copy:
        raise ValueError("only a network with heads and the copy input can be read")
    lstm = network.lstm
    with torch.no_grad():
        project = lstm.weight_ih_l0.T
        byte = network.byte.weight @ project + lstm.bias_ih_l0 + lstm.bias_hh_l0
        predicted = torch.stack([network.predicted[k].weight @ project for k in range(MATCHERS)])
        length = torch.stack([network.length[k].weight @ project for k in range(MATCHERS)])
    arrays = {
        "byte": byte,
        "predicted": predicted,
        "length": length,
        "recurrent": lstm.weight_hh_l0,
        "output": network.output.weight,
        "output_bias": network.output.bias,
        "copy_gain": network.copy_gain.weight,
        "copy_bias": network.copy_bias,
        "gate": network.gate.weight,
        "gate_bias": network.gate.bias,
        "gate_length": network.gate_length.weight.view(LENGTHS, LENGTH_CLASSES, GATE),
        "gate_gain": network.gate_gain.weight,
        "heads": network.heads.weight,
        "heads_bias": network.heads.bias,
    }
    assert network.heads.out_features == OUTPUTS
    folded = {k: v.detach().cpu().float().numpy() for k, v in arrays.items()}
    context, scale = _eighths(network.context.weight.detach().cpu().numpy())
    folded["context"] = context.reshape(len(LEARNED), SLOTS, EMBEDDED)
    folded["context_output"] = network.context_output.weight.detach().cpu().numpy() * scale
    return Weights(**{k: v.astype(np.float16).astype(np.float32) if k in HALF else v for k, v in folded.items()})


def _eighths(table: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """A table (rows, columns) rounded to 8 bits, and the number (columns,) that each column is to be multiplied by.

    Values beyond CLIPPED standard deviations are clipped: few, and finer steps serve the rest.
    """
    used = table[np.abs(table).max(1) > 0.25]  # rows never read keep their small random start
    deviation = (used if len(used) >= ENOUGH else table).std(0)
    scale = (CLIPPED / 127 * np.maximum(deviation, 1e-6)).astype(np.float32)
    return np.clip(np.rint(table / scale), -127, 127).astype(np.int8), scale


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
