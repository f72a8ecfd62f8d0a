"""What every backend reads and yields: weights of the network, a state, a chunk of a reading."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BYTES = 256
MATCHERS = 2
CONTEXTS = 10
PREDICTIONS = MATCHERS + 2 * CONTEXTS  # of a byte: the matchers', then two of each context, see cpp/copy.h
LENGTHS = MATCHERS + CONTEXTS  # of lengths: both bytes of a context have one
LENGTH_CLASSES = 24  # of a match or a run; class 0: no prediction
GATE = 32  # units of the small layer that weighs the predictions together
LEARNED = (2, 3, 4, 6, 7, 8)  # contexts with a learned embedding
SLOTS = 1 << 16  # its rows, chosen by the context's hash
EMBEDDED = 24  # its columns
LARGEST = 63  # recurrent weight: two products with levels of h then take 13 bits, and many of them are summed in 16

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Weights:
    """One LSTM layer of H units over bytes with a copy input, next-byte output and K head outputs.

    Gates stand in torch's order: input, forget, cell, output (rows 0:H, H:2H, 2H:3H, 3H:4H).
    Arrays of any float type are taken and kept as float32. The recurrent product is one of whole
    numbers, which every backend computes exactly: of `recurrent` and of h in parts of 1/63 (`reference.LEVELS`).

    Raises ValueError for a wrong shape or type, and for a value that is not finite.
    """

    byte: Floats  # (256, 4H): input product of the byte, and both biases
    predicted: Floats  # (2, 256, 4H): input product of the byte a matcher expects
    length: Floats  # (2, 24, 4H): input product of its match length; class 0 is never read
    recurrent: NDArray[np.int8]  # (4H, H), -63 to 63
    recurrent_scale: Floats  # (4H,): what a row's numbers are to be multiplied by
    output: Floats  # (256, H)
    output_bias: Floats  # (256,)
    copy_gain: Floats  # (22, H): what the state adds to the logit of a predicted byte
    copy_bias: Floats  # (22, 24): what the match or run length adds to it
    gate: Floats  # (32, H): the small layer on state and lengths, which adds to it as well
    gate_bias: Floats  # (32,)
    gate_length: Floats  # (12, 24, 32): its input by the length of each matcher and context
    gate_gain: Floats  # (22, 32)
    context: NDArray[np.int8]  # (6, 65536, 24): embedding of a context by its slot
    context_output: Floats  # (256, 24): the sum of those embeddings to logits
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
            "recurrent_scale": (4 * units,),
            "output": (BYTES, units),
            "output_bias": (BYTES,),
            "copy_gain": (PREDICTIONS, units),
            "copy_bias": (PREDICTIONS, LENGTH_CLASSES),
            "gate": (GATE, units),
            "gate_bias": (GATE,),
            "gate_length": (LENGTHS, LENGTH_CLASSES, GATE),
            "gate_gain": (PREDICTIONS, GATE),
            "context_output": (BYTES, EMBEDDED),
            "heads": (outputs, units),
            "heads_bias": (outputs,),
        }
        for name, expected in shapes.items():
            object.__setattr__(self, name, floats(name, getattr(self, name), expected))
        whole = {"recurrent": (4 * units, units), "context": (len(LEARNED), SLOTS, EMBEDDED)}
        for name, expected in whole.items():
            object.__setattr__(self, name, _whole(name, getattr(self, name), expected))
        if not -LARGEST <= self.recurrent.min() <= self.recurrent.max() <= LARGEST:
            raise ValueError(f"recurrent: beyond {LARGEST}")

    @property
    def units(self) -> int:
        """H."""
        return int(self.output.shape[1])

    @property
    def outputs(self) -> int:
        """K, the number of head outputs."""
        return int(self.heads.shape[0])


@dataclass(frozen=True, eq=False)
class Predictions:
    """The copy input after each of n bytes: see cpp/copy.h."""

    predicted: Bytes  # (n, PREDICTIONS) the bytes expected next
    length: Bytes  # (n, PREDICTIONS) the class of the match or run; 0: nothing is expected
    slot: NDArray[np.uint16]  # (n, CONTEXTS) the hash of each context

    @classmethod
    def none(cls, n: int) -> "Predictions":
        """Nothing is expected."""
        nothing = np.zeros((n, PREDICTIONS), np.uint8)
        return cls(nothing, nothing.copy(), np.zeros((n, CONTEXTS), np.uint16))

    def __len__(self) -> int:
        return len(self.predicted)

    def __getitem__(self, part: slice) -> "Predictions":
        return Predictions(self.predicted[part], self.length[part], self.slot[part])

    def copy(self) -> "Predictions":
        return Predictions(self.predicted.copy(), self.length.copy(), self.slot.copy())


@dataclass(frozen=True, eq=False)
class State:
    """All the network knows of a page between two calls. No kernel changes one: it returns another.

    The copy model has a state of its own (`kernels.copy`); here are its last predictions, on which
    the distribution of the next byte depends.
    """

    h: Floats  # (H,)
    c: Floats  # (H,)
    last: Predictions  # of one byte

    @classmethod
    def zeros(cls, units: int) -> "State":
        """The state before the first byte of a page."""
        return cls(np.zeros(units, np.float32), np.zeros(units, np.float32), Predictions.none(1))

    def copy(self) -> "State":
        return State(self.h.copy(), self.c.copy(), self.last.copy())


@dataclass(frozen=True, eq=False)
class Piece:
    """Bytes of one page to be read, from a state: the arguments of `Packed.read`."""

    ids: Bytes  # (n,)
    found: Predictions  # of n bytes
    state: State
    asked: NDArray[np.bool_] | None = None  # (n,) bytes whose bits and entropy are to be computed; None: all


@dataclass(frozen=True, eq=False)
class Chunk:
    """What a reading of n bytes yields."""

    bits: Floats  # (n,) surprisal of each byte, before it was read; NaN where it was not asked for
    entropy: Floats  # (n,) entropy in bits of the distribution it was drawn from; likewise
    heads: Floats  # (n, K) head logits after each byte
    traces: Floats  # (n, U) output h of the chosen units after each byte
    state: State


def floats(name: str, value: object, shape: tuple[int, ...]) -> Floats:
    """An array of that shape, of any float type, in single precision. Raises ValueError for any other."""
    array = np.asarray(value)
    if array.dtype.kind != "f":
        raise ValueError(f"{name}: type {array.dtype}, expected floats")
    if array.shape != shape:
        raise ValueError(f"{name}: shape {array.shape}, expected {shape}")
    with np.errstate(over="ignore"):
        rounded: Floats = np.ascontiguousarray(array, np.float32)
    if not np.isfinite(rounded).all():
        raise ValueError(f"{name}: not finite in float32")
    return rounded


def _whole(name: str, value: object, shape: tuple[int, ...]) -> NDArray[np.int8]:
    array = np.asarray(value)
    if array.shape != shape or array.dtype != np.int8:
        raise ValueError(f"{name}: {array.dtype} {array.shape}, expected int8 {shape}")
    return np.ascontiguousarray(array)
