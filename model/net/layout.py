"""The tensors that a checkpoint must hold: their names, types and shapes, and numbers that can be computed with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soupstate.kernels.counters import MOVES, VALUES
from soupstate.kernels.weights import (
    BYTES,
    EMBEDDED,
    GATE,
    LEARNED,
    LENGTH_CLASSES,
    LENGTHS,
    MATCHERS,
    PREDICTIONS,
    SLOTS,
    is_slots,
)
from soupstate.model.net.block_head import SHAPES
from soupstate.model.net.corrected_faults import FEATURES
from soupstate.model.page.block_figures import BUCKETS
from soupstate.model.page.boundaries import BOUNDARY_KINDS
from soupstate.model.page.marks import HeadTable
from soupstate.model.page.nesting import Nesting

PREFIX = "network."  # of the names of the network's parameters
LAYER = "depth."  # of the names of the depth layer's parameters
OLDER_LAYER = LAYER + "seen"  # the layers of versions before 2.6, of eight cells, have this tensor
CODES, FACTORS = PREFIX + "context.codes", PREFIX + "context.factors"  # of the contexts' embeddings
BLOCKS = "blocks."  # of the names of the block head's parameters
CORRECTED = "corrected."  # of the names of the second block head's parameters, see `CorrectedHead`
TEMPLATES = "templates."  # of the names of what `Templates` of that head holds
MARKS = "marks."  # of the names of what `CorrectedMarks` holds
FAULTS = "faults."  # of the names of what `CorrectedFaults` holds
FLOATS, BYTE = ("F16", "F32", "F64"), ("U8",)  # types, as safetensors names them
TYPES = {CODES: BYTE, FACTORS: BYTE} | {
    prefix + name: (kind,)
    for prefix in (TEMPLATES, MARKS, FAULTS)
    for name, kind in (("names", "U16"), ("starts", "U32"), ("worth", "F32"), ("groups", "U16"))
}
# The largest number of half precision, in which checkpoints hold matrices. Sums of products of such numbers stay finite
# in single precision.
LARGEST = 65504.0

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """The type of a tensor, as safetensors names it, and its shape."""

    dtype: str
    shape: Shape


def check_layout(found: Mapping[str, Layout], table: HeadTable, nesting: Nesting) -> None:
    """Checks the tensors of a file by their names, types and shapes, so that none has to be read for it.

    table, nesting: of the format that the network reads. The depth layer, the block head and what corrections taught
    may be missing, each as a whole.
    Raises ValueError that names the first tensor that is wrong.
    """
    wanted = _network(found, table)
    if any(name.startswith(LAYER) for name in found):
        wanted |= _depth(found, nesting)
    if any(name.startswith(BLOCKS) for name in found):
        wanted |= {BLOCKS + name: shape for name, shape in SHAPES.items()}
    if any(name.startswith((CORRECTED, TEMPLATES)) for name in found):
        wanted |= _corrected(found)
    if any(name.startswith(MARKS) for name in found):
        units = wanted[PREFIX + "heads.weight"][-1]
        wanted |= {MARKS + "weight": (table.outputs, units), MARKS + "bias": (table.outputs,)}
        wanted |= _templates(found, MARKS)
    if any(name.startswith(FAULTS) for name in found):
        templates = _templates(found, FAULTS)
        wanted |= {FAULTS + "weight": (FEATURES,), FAULTS + "groups": templates[FAULTS + "starts"]} | templates
    for name, shape in wanted.items():
        if name not in found:
            raise ValueError(f"missing tensor {name}")
        types = TYPES.get(name, FLOATS)
        if found[name].dtype not in types:
            raise ValueError(f"{name}: type {found[name].dtype}, expected {' or '.join(types)}")
        if found[name].shape != shape:
            raise ValueError(f"{name}: shape {found[name].shape}, expected {shape}")
    if unknown := sorted(set(found) - set(wanted)):
        raise ValueError(f"unknown tensor {unknown[0][:200]}")


def check_numbers(name: str, tensor: NDArray[Any]) -> None:
    """Raises ValueError for a tensor with NaN, infinity or a number beyond LARGEST."""
    if tensor.dtype.kind == "f" and not (np.abs(tensor) <= LARGEST).all():
        raise ValueError(f"{name}: not finite, or a number beyond {LARGEST:.0f}")


def _corrected(found: Mapping[str, Layout]) -> dict[str, Shape]:
    """Returns the shapes of both block heads and of the templates, of which there may be any number."""
    heads = {prefix + name: shape for prefix in (BLOCKS, CORRECTED) for name, shape in SHAPES.items()}
    return heads | _templates(found, TEMPLATES)


def _templates(found: Mapping[str, Layout], prefix: str) -> dict[str, Shape]:
    names, starts = (_size(found, prefix + name) for name in ("names", "starts"))
    return {prefix + "names": (names,), prefix + "starts": (starts,), prefix + "worth": (BUCKETS,)}


def _network(found: Mapping[str, Layout], table: HeadTable) -> dict[str, Shape]:
    """Returns the shape of each tensor of the network, and of `changes`."""
    units, embedding = _size(found, PREFIX + "lstm.weight_hh_l0"), _size(found, PREFIX + "byte.weight")
    shapes: dict[str, Shape] = {
        "byte.weight": (BYTES, embedding),
        **{f"predicted.{k}.weight": (BYTES, embedding) for k in range(MATCHERS)},
        **{f"length.{k}.weight": (LENGTH_CLASSES, embedding) for k in range(MATCHERS)},
        "lstm.weight_ih_l0": (4 * units, embedding),
        "lstm.weight_hh_l0": (4 * units, units),
        "lstm.bias_ih_l0": (4 * units,),
        "lstm.bias_hh_l0": (4 * units,),
        "output.weight": (BYTES, units),
        "output.bias": (BYTES,),
        "copy_gain.weight": (PREDICTIONS, units),
        "copy_bias": (PREDICTIONS, LENGTH_CLASSES),
        "gate.weight": (GATE, units),
        "gate.bias": (GATE,),
        "gate_length.weight": (LENGTHS * LENGTH_CLASSES, GATE),
        "gate_gain.weight": (PREDICTIONS, GATE),
        "context.codes": (len(LEARNED) * _slots(found), EMBEDDED // 2),
        "context.factors": (len(LEARNED) * _slots(found),),
        "context.scale": (EMBEDDED,),
        "context_output.weight": (BYTES, EMBEDDED),
        "heads.weight": (table.outputs, units),
        "heads.bias": (table.outputs,),
    }
    named = {PREFIX + name: shape for name, shape in shapes.items()}
    return named | {"changes": (BOUNDARY_KINDS, table.syntaxes, table.syntaxes)}


def _depth(found: Mapping[str, Layout], nesting: Nesting) -> dict[str, Shape]:
    """Returns the shape of each tensor of the depth layer, see `soupstate.model.net.depth.DepthLayer`."""
    units, width = _size(found, PREFIX + "lstm.weight_hh_l0"), _size(found, LAYER + "tags")
    shapes: dict[str, Shape] = {
        "hidden": (width, units),
        "tags": (nesting.tag_kinds, width),
        "open": (nesting.tables, VALUES, width),
        "moves": (nesting.cells * MOVES, width),
        "moves_bias": (nesting.cells * MOVES,),
    }
    return {LAYER + name: shape for name, shape in shapes.items()}


def _slots(found: Mapping[str, Layout]) -> int:
    """Returns the rows of each context's embeddings, or the most that there may be where the number is not allowed."""
    shape = found[CODES].shape if CODES in found else ()
    slots, rest = divmod(shape[0] if shape else 0, len(LEARNED))
    return slots if is_slots(slots) and not rest else SLOTS


def _size(found: Mapping[str, Layout], name: str) -> int:
    """Returns the last dimension of a tensor. Raises ValueError where there is none, or where it is 0."""
    if name not in found:
        raise ValueError(f"missing tensor {name}")
    shape = found[name].shape
    if not shape or shape[-1] < 1:
        raise ValueError(f"{name}: shape {shape} has no numbers")
    return shape[-1]
