"""The kernels in plain numpy and Python. The compiled versions must return the same results."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from soupstate.kernels.successors import HASH_FACTOR, SUCCESSOR_WORDS, Slots, Successors
from soupstate.kernels.weights import (
    BYTES,
    LEARNED,
    LENGTHS,
    MATCHERS,
    PREDICTIONS,
    Bytes,
    Chunk,
    Floats,
    Piece,
    Predictions,
    State,
    Weights,
)

LEVELS = 63  # the recurrence rounds h, between -1 and 1, to multiples of 1 / LEVELS
QUIET = 2  # and it takes levels up to this magnitude for 0, see cpp/lstm.h
STATES_PER_BLOCK = 256  # states kept before their outputs are computed

# The copy model, see cpp/copy.h.
RING = 1 << 19  # bytes of history
MATCHER_SLOTS = 1 << 18  # hash table entries per matcher
ORDER = (5, 3)  # bytes that each matcher hashes
MAX_VERIFIED = 32  # bytes compared before a new match counts
REACH = RING - MAX_VERIFIED - 32  # a place so far back is forgotten; `cpp/copy.cpp` writes 32 bytes ahead
FIRST_SUCCESSOR = 1 + 2 * MATCHERS + MATCHERS * MATCHER_SLOTS  # words of the state before those of the successors
COPY_STATE_BYTES = 4 * (FIRST_SUCCESSOR + SUCCESSOR_WORDS) + RING
CLASS_STARTS = (1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 24, 32, 64, 256)  # the shortest match of classes 2 to 15
LENGTH_CLASS = [1 + sum(length >= start for start in CLASS_STARTS) for length in range(257)]


def read(weights: Weights, piece: Piece, units: NDArray[np.int64], every: int = 0) -> Chunk:
    """Returns what `Packed.read_many` returns for a piece, with bits and traces of all bytes. It checks nothing."""
    ids, found, n = piece.ids, piece.found, len(piece.ids)
    bits, entropy = np.empty(n, np.float32), np.empty(n, np.float32)
    outputs = weights.outputs if piece.outputs is None else piece.outputs
    heads = np.empty((n, outputs), np.float32)
    number = None if piece.begins is None else np.cumsum(piece.begins)  # of the sum that each byte is part of
    sums = None if number is None else np.zeros((1 + number[-1:].sum(), weights.outputs), np.float32)
    traces = np.empty((n, len(units)), np.float32)
    kept = np.empty((n // every if every else 0, 2, weights.units), np.float32)
    recurrent = weights.recurrent.astype(np.float32)  # integers, so the sums are exact
    state = piece.state.copy()
    for start in range(0, n, STATES_PER_BLOCK):
        part = slice(start, min(start + STATES_PER_BLOCK, n))
        last = state.last
        before, after, cells = _recur(weights, recurrent, ids[part], found[part], state)
        arrays = ("predicted", "length", "slot")
        shifted = Predictions(*(np.vstack([getattr(last, a), getattr(found[part][:-1], a)]) for a in arrays))
        logits = next_byte(weights, before, shifted)
        bits[part], entropy[part] = _surprise(logits, ids[part])
        heads[part] = after @ weights.heads[:outputs].T + weights.heads_bias[:outputs]
        if sums is not None and number is not None:
            np.add.at(sums, number[part], after @ weights.heads.T + weights.heads_bias)
        traces[part] = after[:, units]
        for k in range(start // every, part.stop // every) if every else ():
            kept[k] = after[(k + 1) * every - 1 - start], cells[(k + 1) * every - 1 - start]
        end = found[part.stop - 1 : part.stop].copy()
        state = State(after[-1].copy(), cells[-1].copy(), end)
    return Chunk(bits, entropy, heads, traces, state, kept, sums)


def read_many(weights: Weights, pieces: Sequence[Piece], units: NDArray[np.int64], every: int = 0) -> list[Chunk]:
    """Returns what `Packed.read_many` returns, reading one page after another."""
    return [_only_wanted(read(weights, piece, units, every), piece) for piece in pieces]


def _only_wanted(chunk: Chunk, piece: Piece) -> Chunk:
    """Replaces the bits and entropy that a piece does not ask for by NaN, and drops the traces that it does not."""
    if piece.asked is not None:
        chunk.bits[~piece.asked] = chunk.entropy[~piece.asked] = np.nan
    return chunk if piece.traced is None else replace(chunk, traces=chunk.traces[piece.traced])


def sigmoid(x: Floats) -> Floats:
    """Returns the sigmoid, computed with tanh because tanh does not overflow."""
    value: Floats = np.float32(0.5) * np.tanh(np.float32(0.5) * x) + np.float32(0.5)
    return value


def looked_up(byte: Floats, predicted: Floats, length: Floats, ids: Bytes, found: Predictions) -> Floats:
    """Returns what ids (n,) and their copy input add to G gates, (n, G), from the tables of a first layer.

    byte is (256, G), predicted (2, 256, G) and length (2, 24, G).
    """
    gates: Floats = byte[ids]
    for k in range(MATCHERS):
        on = found.length[:, k] > 0
        gates[on] += predicted[k, found.predicted[on, k]] + length[k, found.length[on, k]]
    return gates


def _recur(
    weights: Weights, recurrent: Floats, ids: Bytes, found: Predictions, state: State
) -> tuple[Floats, Floats, Floats]:
    """Returns h before, h after and c after each byte, (n, H) each."""
    z = looked_up(weights.byte, weights.predicted, weights.length, ids, found)
    h = np.empty((len(ids) + 1, weights.units), np.float32)
    c = np.empty_like(h)
    h[0], c[0] = state.h, state.c
    scale = weights.recurrent_scale / np.float32(LEVELS)
    for t in range(len(ids)):
        levels = np.rint(h[t] * np.float32(LEVELS))
        levels[np.abs(levels) <= QUIET] = 0
        i, f, g, o = (z[t] + scale * (recurrent @ levels)).reshape(4, -1)
        c[t + 1] = sigmoid(f) * c[t] + sigmoid(i) * np.tanh(g)
        h[t + 1] = sigmoid(o) * np.tanh(c[t + 1])
    return h[:-1], h[1:], c[1:]


def next_byte(weights: Weights, h: Floats, found: Predictions) -> Floats:
    """Returns the logits (n, 256) of the next byte after states h (n, H) and their copy input."""
    w = weights
    learned = np.array(LEARNED)
    embedded = w.context[np.arange(len(learned)), found.slot[:, learned] & (w.slots - 1)].sum(1, dtype=np.float32)
    logits: Floats = h @ w.output.T + w.output_bias + embedded @ w.context_output.T
    lengths = w.gate_length[np.arange(LENGTHS), found.length[:, :LENGTHS]].sum(1)
    gate = np.tanh(h @ w.gate.T + w.gate_bias + lengths)
    gains = h @ w.copy_gain.T + gate @ w.gate_gain.T
    for k in range(PREDICTIONS):
        on = np.flatnonzero(found.length[:, k])
        logits[on, found.predicted[on, k]] += gains[on, k] + w.copy_bias[k, found.length[on, k]]
    return logits


def odds(logits: Floats) -> Floats:
    """Returns the softmax (n, 256) of logits (n, 256)."""
    exponentials = np.exp(logits - logits.max(1, keepdims=True))
    chances: Floats = exponentials / exponentials.sum(1, keepdims=True)
    return chances


def read_odds(weights: Weights, ids: Bytes, found: Predictions, state: State) -> tuple[Floats, State]:
    """Returns what `Packed.read_odds` returns. It does not check its arguments."""
    if not len(ids):
        return np.empty((0, BYTES), np.float32), state.copy()
    _, after, cells = _recur(weights, weights.recurrent.astype(np.float32), ids, found, state)
    last = found[len(ids) - 1 :].copy()
    return odds(next_byte(weights, after, found)), State(after[-1].copy(), cells[-1].copy(), last)


def _surprise(logits: Floats, ids: Bytes) -> tuple[Floats, Floats]:
    """Returns the surprisal (n,) of ids (n,) and the entropy (n,) of softmax(logits (n, 256)), in bits."""
    shifted = logits - logits.max(1, keepdims=True)
    exponentials = np.exp(shifted)
    total = exponentials.sum(1)
    nats = np.log(total) - shifted[np.arange(len(ids)), ids]
    entropy = np.log(total) - (exponentials * shifted).sum(1) / total
    return nats / np.float32(np.log(2)), entropy / np.float32(np.log(2))


def copies(ids: Bytes, state: Bytes, predicted: Bytes, length: Bytes, slot: Slots) -> None:
    """Runs the copy model of cpp/copy.cpp over ids (n,): fills predicted, length and slot, and updates state in place.

    state (COPY_STATE_BYTES,) is laid out as `CopyState` in cpp/copy.h, so each version continues where the other
    stopped.
    """
    words = state[:-RING].data.cast("B").cast("I")
    history = state[-RING:].data
    first = words[0]
    hashes = [_hashes(ids, history, first, order) for order in ORDER]
    successors = Successors(words[FIRST_SUCCESSOR:])
    for t, byte in enumerate(ids.tolist()):
        history[(first + t) % RING] = byte
        words[0] = n = first + t + 1
        for k in range(MATCHERS):
            pointer, matched = words[1 + k], words[1 + MATCHERS + k]
            pointer, matched = _follow(k, n, byte, hashes[k][t], pointer, matched, words, history)
            if pointer and n + 1 - pointer >= REACH:
                pointer = matched = 0
            words[1 + k], words[1 + MATCHERS + k] = pointer, matched
            predicted[t, k] = history[(pointer - 1) % RING] if pointer else 0
            length[t, k] = LENGTH_CLASS[min(matched, 256)] if pointer else 0
        successors.read(byte, predicted[t, MATCHERS:], length[t, MATCHERS:], slot[t])


def _hashes(ids: Bytes, history: "memoryview[int]", first: int, order: int) -> list[int]:
    """Returns the hash of the last `order` bytes at each of ids."""
    context = [history[(first - j) % RING] for j in range(order - 1, 0, -1)]
    known = np.concatenate([np.array(context, np.uint32), ids.astype(np.uint32)])
    value = np.zeros(len(ids), np.uint32)
    for j in range(order):
        value = (value + known[order - 1 - j : len(known) - j] + np.uint32(1)) * np.uint32(HASH_FACTOR)
    slots: list[int] = ((value ^ (value >> np.uint32(15))) & np.uint32(MATCHER_SLOTS - 1)).tolist()
    return slots


def _follow(
    k: int,
    n: int,
    byte: int,
    slot: int,
    pointer: int,
    matched: int,
    words: "memoryview[int]",
    history: "memoryview[int]",
) -> tuple[int, int]:
    """Returns the pointer and the match length of matcher k after its n-th byte."""
    if pointer and history[(pointer - 1) % RING] == byte:
        pointer, matched = pointer + 1, min(matched + 1, 65535)
    else:
        pointer = matched = 0
    if n < ORDER[k]:
        return pointer, matched
    entry = 1 + 2 * MATCHERS + k * MATCHER_SLOTS + slot
    found = words[entry]
    words[entry] = n + 1
    if k == 0 and pointer:
        return pointer, matched
    if found < 2 or n + 1 - found >= REACH:
        return 0, 0
    a, b, common = found - 2, n - 1, 0
    while common < MAX_VERIFIED and common <= a and history[(a - common) % RING] == history[(b - common) % RING]:
        common += 1
    return (found, common) if common >= ORDER[k] else (0, 0)
