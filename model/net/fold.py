"""Folds the parameters of the trained network into the tables and matrices that read a page."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from soupstate.kernels.weights import (
    EMBEDDED,
    GATE,
    LARGEST_WEIGHT,
    LEARNED,
    LENGTH_CLASSES,
    LENGTHS,
    MATCHERS,
    Weights,
)
from soupstate.model.net.nibbles import pack_rows, unpack_rows

Parameters = dict[str, NDArray[Any]]

CONTEXT, SCALE = "context.weight", "context.scale"  # the embeddings as they are trained; the factor of each column
CODES, FACTORS = "context.codes", "context.factors"  # the embeddings as a checkpoint holds them, see `nibbles`
SINGLE_PRECISION = ("bias", "scale")  # parameters with these endings stay in single precision
ENOUGH_ROWS = 1000  # rows whose deviation may stand for all
CLIPPED = 8.0  # standard deviations at which the contexts' embeddings are clipped


def fold(parameters: Parameters) -> Weights:
    """Folds parameters into weights. The parameters are named as in `soupstate.model.train.network.network`.

    The input product is linear in the embeddings, so it becomes tables. The contexts' embeddings have four bits per
    number, with the factor of each column in `context.scale`. They become int8. Raises ValueError for a parameter that
    is missing or of a wrong shape.
    """
    try:
        context = unpack_rows(parameters[CODES], parameters[FACTORS])
        packed = (CODES, FACTORS)
        p: dict[str, NDArray[np.float32]] = {k: v.astype(np.float32) for k, v in parameters.items() if k not in packed}
        project = p["lstm.weight_ih_l0"].T.astype(np.float64)
        recurrent, scale = _whole_by_row(p["lstm.weight_hh_l0"])
        return Weights(
            byte=_product(p["byte.weight"], project) + p["lstm.bias_ih_l0"] + p["lstm.bias_hh_l0"],
            predicted=np.stack([_product(p[f"predicted.{k}.weight"], project) for k in range(MATCHERS)]),
            length=np.stack([_product(p[f"length.{k}.weight"], project) for k in range(MATCHERS)]),
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
            context=context.reshape(len(LEARNED), -1, EMBEDDED),
            context_output=p["context_output.weight"] * p[SCALE],
            heads=p["heads.weight"],
            heads_bias=p["heads.bias"],
        )
    except KeyError as e:
        raise ValueError(f"missing parameter {e.args[0]}") from None


def _product(matrix: NDArray[np.float32], project: NDArray[np.float64]) -> NDArray[np.float32]:
    """Returns a product of two matrices, the same one on every machine.

    Numbers of half precision are multiples of 2^-24. Their products are multiples of 2^-48, so double precision sums
    them exactly below 32, in whatever order a library adds.
    """
    product: NDArray[np.float32] = (matrix.astype(np.float64) @ project).astype(np.float32)
    return product


def _whole_by_row(matrix: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Returns a matrix (rows, columns) rounded to 7 bits, and the factor (rows,) of each row."""
    scale = np.maximum(np.abs(matrix).max(1), 1e-12) / np.float32(LARGEST_WEIGHT)
    return np.rint(matrix / scale[:, None]).astype(np.int8), scale


def rounded(parameters: Parameters) -> Parameters:
    """Returns parameters as a checkpoint holds them.

    Matrices are in half precision, the contexts' embeddings in four bits, biases in single precision.
    """
    kept: Parameters = {}
    for name, value in parameters.items():
        if name == CONTEXT:
            table, kept[SCALE] = to_int8(value)
            kept[CODES], kept[FACTORS] = pack_rows(table)
        elif name in (CODES, FACTORS, SCALE):
            kept[name] = value
        else:
            kept[name] = value.astype(np.float32 if value.ndim < 2 or name.endswith(SINGLE_PRECISION) else np.float16)
    return {k: np.ascontiguousarray(v) for k, v in kept.items()}


def to_int8(table: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Returns a table (rows, columns) rounded to 8 bits, and the factor (columns,) of each column.

    Values beyond CLIPPED standard deviations are clipped: there are few, and the rest gains finer steps.
    """
    used = table[np.abs(table).max(1) > 0.25]  # a row that training never reads keeps its small random start
    deviation = (used if len(used) >= ENOUGH_ROWS else table).std(0)
    scale = (CLIPPED / 127 * np.maximum(deviation, 1e-6)).astype(np.float32)
    return np.clip(np.rint(table / scale), -127, 127).astype(np.int8), scale
