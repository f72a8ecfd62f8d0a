"""What every backend reads and yields: weights of the network, a state, a chunk of a reading."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BYTES = 256
MATCHERS = 2
LENGTH_CLASSES = 16  # of a match; class 0: no match

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Halves = NDArray[np.float16]


@dataclass(frozen=True, eq=False)
class Weights:
    """One LSTM layer of H units over bytes with a copy input, next-byte output and K head outputs.

    Gates stand in torch's order: input, forget, cell, output (rows 0:H, H:2H, 2H:3H, 3H:4H).
    Arrays of any float type are taken and kept as float32, but for `recurrent`, which is rounded to
    half precision, the precision of checkpoints: every backend computes in float32 with the same
    rounded numbers.

    Raises ValueError for a wrong shape or type, and for a value that is not finite (once rounded).
    """

    byte: Floats  # (256, 4H): input product of the byte, and both biases
    predicted: Floats  # (2, 256, 4H): input product of the byte a matcher expects
    length: Floats  # (2, 16, 4H): input product of its match length; class 0 is never read
    recurrent: Halves  # (4H, H)
    output: Floats  # (256, H)
    output_bias: Floats  # (256,)
    copy_gain: Floats  # (2, H): what the state adds to the logit of an expected byte
    copy_bias: Floats  # (2, 16): what the match length adds to it
    heads: Floats  # (K, H)
    heads_bias: Floats  # (K,)

    def __post_init__(self) -> None:
        shape = np.shape(self.heads)
        if len(shape) != 2 or shape[1] < 1:
            raise ValueError(f"heads: shape {shape}, expected (K, H)")
        outputs, units = shape
        shapes = {
            "byte": (BYTES, 4 * units),
            "predicted": (MATCHERS, BYTES, 4 * units),
            "length": (MATCHERS, LENGTH_CLASSES, 4 * units),
            "recurrent": (4 * units, units),
            "output": (BYTES, units),
            "output_bias": (BYTES,),
            "copy_gain": (MATCHERS, units),
            "copy_bias": (MATCHERS, LENGTH_CLASSES),
            "heads": (outputs, units),
            "heads_bias": (outputs,),
        }
        for name, expected in shapes.items():
            dtype = np.float16 if name == "recurrent" else np.float32
            object.__setattr__(self, name, _floats(name, getattr(self, name), expected, dtype))

    @property
    def units(self) -> int:
        """H."""
        return int(self.output.shape[1])

    @property
    def outputs(self) -> int:
        """K, the number of head outputs."""
        return int(self.heads.shape[0])


@dataclass(frozen=True, eq=False)
class State:
    """All the network knows of a page between two calls. No kernel changes one: it returns another.

    The copy model has a state of its own (`kernels.copy`); here are its last predictions, on which
    the distribution of the next byte depends.
    """

    h: Floats  # (H,)
    c: Floats  # (H,)
    predicted: Bytes  # (2,) the byte each matcher expects next
    length: Bytes  # (2,) the class of its match length; 0: it expects none

    @classmethod
    def zeros(cls, units: int) -> "State":
        """The state before the first byte of a page."""
        nothing = np.zeros(MATCHERS, np.uint8)
        return cls(
            np.zeros(units, np.float32), np.zeros(units, np.float32), nothing, nothing.copy()
        )


@dataclass(frozen=True, eq=False)
class Chunk:
    """What a reading of n bytes yields."""

    bits: Floats  # (n,) surprisal of each byte, before it was read
    entropy: Floats  # (n,) entropy in bits of the distribution it was drawn from
    heads: Floats  # (n, K) head logits after each byte
    traces: Floats  # (n, U) cell state of the chosen units after each byte
    state: State


def _floats(name: str, value: object, shape: tuple[int, ...], dtype: type) -> NDArray[np.floating]:
    array = np.asarray(value)
    if array.dtype.kind != "f":
        raise ValueError(f"{name}: type {array.dtype}, expected floats")
    if array.shape != shape:
        raise ValueError(f"{name}: shape {array.shape}, expected {shape}")
    with np.errstate(over="ignore"):
        rounded: NDArray[np.floating] = np.ascontiguousarray(array, dtype)
    if not np.isfinite(rounded).all():
        raise ValueError(f"{name}: not finite in {np.dtype(dtype).name}")
    return rounded
