"""The data types that every backend reads and returns: weights, copy input, state, piece and chunk."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BYTES = 256
MATCHERS = 2
CONTEXTS = 10
PREDICTIONS = MATCHERS + 2 * CONTEXTS  # after each byte: one per matcher, then two per context, see cpp/copy.h
LENGTHS = MATCHERS + CONTEXTS  # match and run lengths: both bytes of a context share one
LENGTH_CLASSES = 24  # classes of match and run lengths; class 0 means no prediction
GATE = 32  # units of the small layer that weighs the predictions
LEARNED = (2, 3, 4, 6, 7, 8)  # the contexts with a learned embedding
SLOTS = 1 << 16  # hashes of a context, and most rows of an embedding table; the low bits of the hash pick a row
EMBEDDED = 24  # columns of an embedding table
# Magnitude of a recurrent weight. The sum of two products with levels of h then takes 13 bits, and 16 bits hold many.
LARGEST_WEIGHT = 63

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]


def is_slots(count: int) -> bool:
    """Returns whether an embedding table may have this many rows."""
    return 0 < count <= SLOTS and count & (count - 1) == 0


@dataclass(frozen=True, eq=False)
class Weights:
    """An LSTM layer of H units that reads bytes and their copy input, with next-byte output and K head outputs.

    The gates come in the order of torch.nn.LSTM: input, forget, cell, output (rows 0:H, H:2H, 2H:3H, 3H:4H).
    Float arrays of any precision are converted to float32. The recurrent product multiplies `recurrent` by h rounded
    to multiples of 1/63 (`reference.LEVELS`). Both are integers, so every backend computes the same sums.

    Raises ValueError for a wrong shape or type, a value that is not finite, or a recurrent weight out of range.
    """

    byte: Floats  # (256, 4H): input product of the byte, including both biases
    predicted: Floats  # (2, 256, 4H): input product of the byte that a matcher expects
    length: Floats  # (2, 24, 4H): input product of its match length; row 0 is not used
    recurrent: NDArray[np.int8]  # (4H, H), -63 to 63
    recurrent_scale: Floats  # (4H,): the factor of each row
    output: Floats  # (256, H)
    output_bias: Floats  # (256,)
    copy_gain: Floats  # (22, H): what h adds to the logit of a predicted byte
    copy_bias: Floats  # (22, 24): what its match or run length adds
    gate: Floats  # (32, H): a small tanh layer on h and all lengths
    gate_bias: Floats  # (32,)
    gate_length: Floats  # (12, 24, 32): what the length of each matcher and context adds to its input
    gate_gain: Floats  # (22, 32): what the small layer adds to the logit of a predicted byte
    context: NDArray[np.int8]  # (6, S, 24): the embeddings of each learned context; S is a power of two up to SLOTS
    context_output: Floats  # (256, 24): from the sum of these embeddings to logits
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
        integers = {"recurrent": (4 * units, units), "context": (len(LEARNED), self.slots, EMBEDDED)}
        for name, expected in integers.items():
            object.__setattr__(self, name, _int8s(name, getattr(self, name), expected))
        if not -LARGEST_WEIGHT <= self.recurrent.min() <= self.recurrent.max() <= LARGEST_WEIGHT:
            raise ValueError(f"recurrent: a weight above {LARGEST_WEIGHT} or below {-LARGEST_WEIGHT}")

    @property
    def units(self) -> int:
        """The number of units, H."""
        return int(self.output.shape[1])

    @property
    def outputs(self) -> int:
        """The number of head outputs, K."""
        return int(self.heads.shape[0])

    @property
    def slots(self) -> int:
        """The number of rows of each context's embeddings, S. Raises ValueError unless it is one that is allowed."""
        shape = np.shape(self.context)
        slots = int(shape[1]) if len(shape) == 3 else 0
        if not is_slots(slots):
            raise ValueError(f"context: shape {shape}, expected (6, S, 24), S a power of two up to {SLOTS}")
        return slots


@dataclass(frozen=True, eq=False)
class Predictions:
    """The copy input after each of n bytes: the bytes that the page has shown in similar places, see cpp/copy.h."""

    predicted: Bytes  # (n, PREDICTIONS): the bytes expected next
    length: Bytes  # (n, PREDICTIONS): the class of the match or run length; 0 where nothing is expected
    slot: NDArray[np.uint16]  # (n, CONTEXTS): the hash of each context

    @classmethod
    def none(cls, n: int) -> "Predictions":
        """Returns rows for n bytes after which nothing is expected."""
        nothing = np.zeros((n, PREDICTIONS), np.uint8)
        return cls(nothing, nothing.copy(), np.zeros((n, CONTEXTS), np.uint16))

    def __len__(self) -> int:
        return len(self.predicted)

    def __getitem__(self, part: slice) -> "Predictions":
        return Predictions(self.predicted[part], self.length[part], self.slot[part])

    def copy(self) -> "Predictions":
        """Returns a copy that shares no memory."""
        return Predictions(self.predicted.copy(), self.length.copy(), self.slot.copy())


@dataclass(frozen=True, eq=False)
class State:
    """All that the network carries from one call to the next. Kernels return a new state and leave this one unchanged.

    The copy model keeps its own state (`soupstate.kernels.copy`). `last` holds its last predictions, because the
    distribution of the next byte depends on them.
    """

    h: Floats  # (H,)
    c: Floats  # (H,)
    last: Predictions  # one row

    @classmethod
    def zeros(cls, units: int) -> "State":
        """Returns the state before the first byte of a page."""
        return cls(np.zeros(units, np.float32), np.zeros(units, np.float32), Predictions.none(1))

    def copy(self) -> "State":
        """Returns a copy that shares no memory."""
        return State(self.h.copy(), self.c.copy(), self.last.copy())


@dataclass(frozen=True, eq=False)
class Piece:
    """Bytes of one page and the state to read them from: the arguments of `Packed.read`."""

    ids: Bytes  # (n,)
    found: Predictions  # n rows
    state: State
    # (n,): whether to compute the bits and entropy of each byte; None: of every byte
    asked: NDArray[np.bool_] | None = None
    # (n,): the bytes after which the units are traced; None: every byte
    traced: NDArray[np.bool_] | None = None
    # (n,): the bytes with which a sum of the heads' outputs begins; None: they are not summed
    begins: NDArray[np.bool_] | None = None
    outputs: int | None = None  # the first of the heads' outputs, which are computed after each byte; None: all


@dataclass(frozen=True, eq=False)
class Chunk:
    """The result of reading n bytes."""

    bits: Floats  # (n,): surprisal of each byte in bits, before it was read; NaN where not asked for
    entropy: Floats  # (n,): entropy in bits of the predicted distribution of each byte; NaN where not asked for
    heads: Floats  # (n, K): head logits after each byte, or the first of them
    traces: Floats  # (traced bytes, U): h of the traced units after each of them
    state: State  # after the last byte
    kept: Floats  # (states, 2, H): h and c after every so many bytes; no row where no state was to be kept
    # (1 + bytes that begin a sum, K): of head logits, before the first such byte, and from each of them on
    sums: Floats | None = None


def floats(name: str, value: object, shape: tuple[int, ...]) -> Floats:
    """Returns `value`, an array of floats of that shape, as float32.

    Raises ValueError for another type or shape, and for a value that is not finite in float32.
    """
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


def _int8s(name: str, value: object, shape: tuple[int, ...]) -> NDArray[np.int8]:
    """Returns `value` contiguous. Raises ValueError unless it is an array of int8 of that shape."""
    array = np.asarray(value)
    if array.shape != shape or array.dtype != np.int8:
        raise ValueError(f"{name}: {array.dtype} {array.shape}, expected int8 {shape}")
    return np.ascontiguousarray(array)
