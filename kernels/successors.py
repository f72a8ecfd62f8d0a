"""The successors of the copy model in plain Python. cpp/successors.h describes them; both versions return the same."""

import numpy as np
from numpy.typing import NDArray

from soupstate.kernels.weights import CONTEXTS, SLOTS, Bytes

Slots = NDArray[np.uint16]

# Words of the state: the position in the markup (9), the last eight bytes (2), the slots and checks of the current
# contexts, the tables.
MARKUP = ("word", "word_before", "tag", "tag_before", "attribute", "segment", "since", "in_tag", "in_name")
SLOT = len(MARKUP) + 2
CHECK = SLOT + CONTEXTS
TABLE = CHECK + CONTEXTS
SUCCESSOR_WORDS = TABLE + CONTEXTS * SLOTS

HASH_FACTOR = 0x2F0B4C47
UINT32 = 0xFFFFFFFF  # a mask
SEPARATORS = frozenset(b"\"'= /&?,;{(\n")
# The class of each run length, 0 to 255.
RUN_CLASS = [0, 1, 2, 3, 4, 5, 6, 6, 6, *[7] * 7, *[8] * 16, *[9] * 96, *[10] * 128]


def _hash(*values: int) -> int:
    """Returns the hash of the values in order. The first value is the seed."""
    value = values[0]
    for v in values[1:]:
        value = ((value + v + 1) * HASH_FACTOR) & UINT32
    return value


def _in_word(byte: int) -> bool:
    return byte >= 128 or chr(byte).isalnum()


class Successors:
    """Reads bytes. Its memory is `words` (SUCCESSOR_WORDS,) uint32, a part of the copy state."""

    def __init__(self, words: "memoryview[int]") -> None:
        self.words = words

    def read(self, byte: int, predicted: Bytes, length: Bytes, slot: Slots) -> None:
        """Reads one byte and fills predicted and length (2 * CONTEXTS,) and slot (CONTEXTS,)."""
        words = self.words
        self._read_markup(byte)
        words[10] = (words[10] << 8 | words[9] >> 24) & UINT32
        words[9] = (words[9] << 8 | byte) & UINT32
        for k, mixed in enumerate(self._contexts()):
            if words[SLOT + k]:
                entry = TABLE + k * SLOTS + words[SLOT + k] - 1
                words[entry] = _updated(words[entry], words[CHECK + k], byte)
            slot[k] = mixed % SLOTS
            words[SLOT + k], words[CHECK + k] = 1 + mixed % SLOTS, mixed >> 24
            entry = words[TABLE + k * SLOTS + mixed % SLOTS]
            run, check, older, newest = entry.to_bytes(4, "big")
            known = run > 0 and check == mixed >> 24
            changed = known and newest != older
            kind = RUN_CLASS[run] + 10 * changed if known else 0
            predicted[k], length[k] = newest * known, kind
            predicted[CONTEXTS + k], length[CONTEXTS + k] = older * changed, kind * changed

    def _read_markup(self, byte: int) -> None:
        """Updates the position in the markup."""
        p = dict(zip(MARKUP, self.words[: len(MARKUP)], strict=True))
        if _in_word(byte):
            p["word"] = _hash(p["word"], byte)
        elif p["word"]:
            p["word_before"], p["word"] = p["word"], 0
        if byte in b"<>":
            if byte in b"<":
                p["tag_before"], p["tag"] = p["tag"], 0
            p["in_tag"] = p["in_name"] = int(byte in b"<")
            p["attribute"] = p["segment"] = p["since"] = 0
        else:
            p["since"] = _hash(p["since"], byte)
            if p["in_name"]:
                if _in_word(byte) or byte in b"/!":
                    p["tag"] = _hash(p["tag"], byte)
                else:
                    p["in_name"] = 0
            if p["in_tag"] and not p["in_name"] and byte in b"=":
                p["attribute"] = p["word_before"]
            p["segment"] = 0 if byte in SEPARATORS else _hash(p["segment"], byte)
        for i, name in enumerate(MARKUP):
            self.words[i] = p[name]

    def _contexts(self) -> list[int]:
        """Returns the hash of each context."""
        word, before, tag, tag_before, attribute, segment, since, in_tag, _ = self.words[: len(MARKUP)]
        four, four_before = self.words[9], self.words[10]
        last = four & 0xFF
        hashes = (
            _hash(1, last),
            _hash(2, four & 0xFFFF),
            _hash(3, four & 0xFFFFFF),
            _hash(4, four),
            _hash(5, four, four_before & 0xFFFF),
            _hash(6, word, last),
            _hash(7, word, before, last),
            _hash(8, in_tag, tag, attribute, segment),
            _hash(9, in_tag, tag, tag_before, since),
            _hash(10, word, tag, attribute, last),
        )
        mixed = []
        for h in hashes:
            h ^= h >> 15
            h = h * 0x85EBCA6B & UINT32  # the finalizer of MurmurHash3 (A. Appleby)
            mixed.append(h ^ h >> 13)
        return mixed


def _updated(entry: int, check: int, byte: int) -> int:
    """Returns a table entry after `byte` came in a context with that check."""
    run, was, older, newest = entry.to_bytes(4, "big")
    if not run or was != check:
        run, older = 1, byte
    elif newest != byte:
        run, older = 1, newest
    else:
        run = min(run + 1, 255)
    return int.from_bytes((run, check, older, byte), "big")
