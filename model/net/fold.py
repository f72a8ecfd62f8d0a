"""From the parameters of the network that learns to the tables and matrices that a page is read with."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.weights import EMBEDDED, GATE, LARGEST, LEARNED, LENGTH_CLASSES, LENGTHS, MATCHERS, SLOTS, Weights

Parameters = dict[str, NDArray[Any]]

CONTEXT, SCALE = "context.weight", "context.scale"
WHOLE = ("bias", "scale")  # ends of names of what is kept in single precision
ENOUGH = 1000  # rows whose deviation may stand for all
CLIPPED = 8.0  # standard deviations of the contexts' embeddings


def fold(parameters: Parameters) -> Weights:
    """Weights of parameters by their names in `model.train.network`; the input product is linear in the embeddings.

    The contexts' embeddings are int8, their number to be multiplied by in `context.scale`. Raises ValueError for a
    parameter that is missing or of a wrong shape.
    """
    p: dict[str, NDArray[np.float32]] = {k: v.astype(np.float32) for k, v in parameters.items() if k != CONTEXT}
    try:
        project = p["lstm.weight_ih_l0"].T
        recurrent, scale = _whole_by_row(p["lstm.weight_hh_l0"])
        return Weights(
            byte=p["byte.weight"] @ project + p["lstm.bias_ih_l0"] + p["lstm.bias_hh_l0"],
            predicted=np.stack([p[f"predicted.{k}.weight"] @ project for k in range(MATCHERS)]),
            length=np.stack([p[f"length.{k}.weight"] @ project for k in range(MATCHERS)]),
            recurrent=recurrent,
            recurrent_scale=scale,
            output=p["output.weight"],
            output_bias=p["output.bias"],
            copy_gain=p["copy_gain.weight"],
            copy_bias=p["copy_bias"],
            gate=p["gate.weight"],
            gate_bias=p["gate.bias"],
            gate_length=p["gate_length.weight"].reshape(LENGTHS, LENGTH_CLASSES, GATE),
            gate_gain=p["gate_gain.weight"],
            context=parameters[CONTEXT].reshape(len(LEARNED), SLOTS, EMBEDDED),
            context_output=p["context_output.weight"] * p[SCALE],
            heads=p["heads.weight"],
            heads_bias=p["heads.bias"],
        )
    except KeyError as e:
        raise ValueError(f"missing parameter {e.args[0]}") from None


def _whole_by_row(matrix: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """A matrix (rows, columns) rounded to 7 bits, and the number (rows,) that each row is to be multiplied by."""
    scale = np.maximum(np.abs(matrix).max(1), 1e-12) / np.float32(LARGEST)
    return np.rint(matrix / scale[:, None]).astype(np.int8), scale


def rounded(parameters: Parameters) -> Parameters:
    """As a checkpoint holds them: matrices in half precision, contexts' embeddings in 8 bits, biases whole."""
    kept: Parameters = {}
    for name, value in parameters.items():
        if name == CONTEXT and value.dtype != np.int8:
            kept[CONTEXT], kept[SCALE] = eighths(value)
        elif name in (CONTEXT, SCALE):
            kept[name] = value
        else:
            kept[name] = value.astype(np.float32 if value.ndim < 2 or name.endswith(WHOLE) else np.float16)
    return {k: np.ascontiguousarray(v) for k, v in kept.items()}


def eighths(table: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """A table (rows, columns) rounded to 8 bits, and the number (columns,) that each column is to be multiplied by.

    Values beyond CLIPPED standard deviations are clipped: few, and finer steps serve the rest.
    """
    used = table[np.abs(table).max(1) > 0.25]  # rows never read keep their small random start
    deviation = (used if len(used) >= ENOUGH else table).std(0)
    scale = (CLIPPED / 127 * np.maximum(deviation, 1e-6)).astype(np.float32)
    return np.clip(np.rint(table / scale), -127, 127).astype(np.int8), scale
