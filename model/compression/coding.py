"""Codes bytes with a range coder, each byte at the odds that the network gives it after the bytes before it.

The coder is that of the library constriction: G. N. N. Martin, "Range encoding: an algorithm for removing redundancy
from a digitised message", 1979. It rounds the odds to whole multiples of 2^-24, of which every byte gets at least one.
"""

from collections.abc import Callable

import numpy as np
from constriction import stream

from soupstate.kernels import State
from soupstate.kernels.backends import Packed
from soupstate.kernels.copy import advance_copies, copy_state
from soupstate.kernels.weights import Bytes, Floats

FIRST = b"\n"  # read before the first byte, so that this has odds too
PIECE_BYTES = 4096  # coded between two reports of progress; their odds take 4 MB
REPORTED_BYTES = 256  # decoded between two such reports
WORD = np.dtype("<u4")  # of coded bytes

Progress = Callable[[int], object]  # is told of how many more bytes are done


class _Odds:
    """The network on its way through the bytes. It starts anew for each file."""

    def __init__(self, packed: Packed) -> None:
        self.packed, self.history, self.state = packed, copy_state(), State.zeros(packed.weights.units)

    def after(self, ids: Bytes) -> Floats:
        """Reads ids (n,) and returns the probability (n, 256) of each next byte after each of them."""
        odds, self.state = self.packed.read_odds(ids, advance_copies(ids, self.history), self.state)
        return odds


def encode(packed: Packed, content: bytes, done: Progress) -> bytes:
    """Returns the coded bytes of `content`; none for none."""
    ids = np.frombuffer(FIRST + content, np.uint8)
    network, coder, model = _Odds(packed), stream.queue.RangeEncoder(), stream.model.Categorical(perfect=False)
    for start in range(0, len(content), PIECE_BYTES):
        coded = ids[start + 1 : start + 1 + PIECE_BYTES]
        coder.encode(coded.astype(np.int32), model, network.after(ids[start : start + len(coded)]))
        done(len(coded))
    words: bytes = coder.get_compressed().astype(WORD).tobytes()
    return words


def decode(packed: Packed, coded: bytes, length: int, done: Progress) -> bytes:
    """Returns the `length` bytes that `encode` coded with the same weights and backend.

    It reads byte by byte, because the odds of a byte depend on the one before. Raises ValueError for coded bytes that
    no content has; other content may come out of changed ones.
    """
    if len(coded) % WORD.itemsize:
        raise ValueError(f"{len(coded)} coded bytes, expected whole words of {WORD.itemsize}")
    network, coder = _Odds(packed), stream.queue.RangeDecoder(np.frombuffer(coded, WORD).astype(np.uint32))
    content, last = bytearray(), np.frombuffer(FIRST, np.uint8)
    while len(content) < length:
        odds = network.after(last)[0]
        try:
            byte = coder.decode(stream.model.Categorical(odds, perfect=False))
        except AssertionError as error:  # so constriction says it
            raise ValueError(str(error)) from None
        content.append(byte)
        last = np.array([byte], np.uint8)
        if len(content) % REPORTED_BYTES == 0:
            done(REPORTED_BYTES)
    done(length % REPORTED_BYTES)
    return bytes(content)
