"""Folds the parameters of a trained QRNN into the tables and matrices that read a page."""

import numpy as np
from numpy.typing import NDArray

from soupstate.kernels.qrnn import GATES, TAPS, QrnnWeights
from soupstate.kernels.weights import MATCHERS
from soupstate.model.net.fold import Parameters


def fold_qrnn(parameters: Parameters, zoneout: float = 0.0) -> QrnnWeights:
    """Returns the weights of the cell; parameters are named as in `soupstate.model.train.network.network`.

    Both taps of the first layer's convolution are linear in the embeddings, so they become tables. Outside of training
    zoneout is a factor of 1 - f (`soupstate.model.train.network.qrnn`). Raises ValueError for a parameter that is
    missing or of a wrong shape.
    """
    used = ("byte.", "predicted.", "length.", "qrnn.")
    p = {k: v.astype(np.float32) for k, v in parameters.items() if k.startswith(used)}
    try:
        units, embedding = len(p["qrnn.layers.0.weight"]) // GATES, p["byte.weight"].shape[-1]
        count = sum(k.startswith("qrnn.layers.") and k.endswith(".weight") for k in p)
        layers = [_layer(p, k, units if k else embedding, units) for k in range(count)]
        taps = np.split(layers[0][0].T, TAPS)
        byte = _tables(p["byte.weight"], taps)
        byte[-1] += layers[0][1]
        return QrnnWeights(
            byte=byte,
            predicted=np.stack([_tables(p[f"predicted.{k}.weight"], taps) for k in range(MATCHERS)], 1),
            length=np.stack([_tables(p[f"length.{k}.weight"], taps) for k in range(MATCHERS)], 1),
            weight=np.array([w for w, _ in layers[1:]], np.float32).reshape(-1, GATES * units, TAPS * units),
            bias=np.array([b for _, b in layers[1:]], np.float32).reshape(-1, GATES * units),
            kept=1.0 - zoneout,
        )
    except KeyError as e:
        raise ValueError(f"missing parameter {e.args[0]}") from None


def _layer(p: Parameters, k: int, inputs: int, units: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Returns the matrix and the bias of layer k."""
    weight, bias = p[f"qrnn.layers.{k}.weight"], p[f"qrnn.layers.{k}.bias"]
    expected = GATES * units, TAPS * inputs
    if weight.shape != expected or bias.shape != expected[:1]:
        raise ValueError(f"qrnn.layers.{k}: shapes {weight.shape}, {bias.shape}, expected {expected}")
    return weight, bias


def _tables(embedding: NDArray[np.float32], taps: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Returns the product (taps, rows, 3H) of an embedding (rows, columns) with each tap (columns, 3H)."""
    return np.stack([embedding @ tap for tap in taps])
