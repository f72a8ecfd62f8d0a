"""Words of texts and names in tags, counted and hashed, and characters of some kinds, counted.

A hash is the CRC-32 (RFC 1952) of a word in UTF-8, below a number of buckets. It runs in C++ where the module was
built; the references are beside it.
"""

import re
import zlib
from collections.abc import Sequence, Sized
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from soupstate.kernels.compiled import cpp

CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
WORD = re.compile(f"[{CJK}]|[^\\W{CJK}]+")  # a CJK character is a word
NAME = re.compile(r"[a-z][a-z0-9]+|/[a-z]+[0-9]?", re.A | re.I)  # in tags: names of elements, and words in classes
UNTOLD = frozenset("class id href div style www http https com".split())  # they say nothing of what is beside a tag
TAG_NAMES = 12  # of a tag that are looked at
DIGIT, CAPITAL, PUNCTUATION = re.compile(r"\d"), re.compile(r"[A-Z]"), re.compile(r"[.,;:!?。，、！？；：]")
# The class of a character has a bit for each of these: a part of a word, a word of its own, what is counted.
CLASSES = re.compile(f"[^\\W{CJK}]+"), re.compile(f"[{CJK}]+"), DIGIT, CAPITAL, PUNCTUATION
CODE_POINTS = 0x40000  # beyond are no words (Unicode 16.0: planes 4 to 13 are empty, 15 and 16 private)

Numbers = NDArray[np.int64]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Words:
    """Words of texts. count, different, common (texts,): all, those that differ, and those of the title among these.

    hashes: of the first and the last ones of each text, one text after the other. sizes (texts,): how many of each.
    """

    count: Numbers
    different: Numbers
    common: Numbers
    hashes: Numbers
    sizes: Numbers


@dataclass(frozen=True)
class Names:
    """Names in tags. firsts (tags,): a hash of each tag's first name, below 2^32, or 0 where it has none.

    hashes: of all that is told, one tag after the other. sizes (tags,): how many of each.
    """

    firsts: NDArray[np.uint32]
    hashes: Numbers
    sizes: Numbers


def count_words(texts: Sequence[str], title: str, first: int, last: int, buckets: int) -> Words:
    """Counts the words of texts in lower case. Of each text the first and the last so many words are hashed.

    title: in lower case too.
    """
    if cpp is None:
        return reference_count_words(texts, title, first, last, buckets)
    counts, sizes = np.empty((len(texts), 3), np.int64), np.empty(len(texts), np.int64)
    written, ends = _written(texts)
    of_title = np.frombuffer(title.encode("utf-8", "surrogatepass"), np.uint8)
    hashes = cpp.count_words(
        texts=written, ends=ends, title=of_title, classes=_classes(), first=first, last=last, buckets=buckets,
        counts=counts, sizes=sizes,
    )  # fmt: skip
    return Words(counts[:, 0], counts[:, 1], counts[:, 2], hashes, sizes)


def joined(parts: Sequence[Words]) -> Words:
    """Returns the words of all parts, of which there is at least one."""
    names = ("count", "different", "common", "hashes", "sizes")
    return Words(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def reference_count_words(texts: Sequence[str], title: str, first: int, last: int, buckets: int) -> Words:
    """Returns what `count_words` returns, by a regular expression."""
    words = [WORD.findall(text) for text in texts]
    ends = [[*each[:first], *each[max(first, len(each) - last) :]] for each in words]
    own, of_title = list(map(set, words)), set(WORD.findall(title))
    return Words(
        _sizes(words),
        _sizes(own),
        _sizes([each & of_title for each in own]),
        np.array([_hash(word, buckets) for each in ends for word in each], np.int64),
        _sizes(ends),
    )


def count_characters(texts: Sequence[str]) -> Numbers:
    """Returns how many digits, capitals and signs of punctuation (texts, 3) each text has."""
    if cpp is None:
        return reference_count_characters(texts)
    counts = np.empty((len(texts), 3), np.int64)
    cpp.count_characters(*_written(texts), _classes(), counts)
    return counts


def reference_count_characters(texts: Sequence[str]) -> Numbers:
    """Returns what `count_characters` returns, by regular expressions."""
    counts = [[len(kind.findall(text)) for kind in (DIGIT, CAPITAL, PUNCTUATION)] for text in texts]
    return np.array(counts, np.int64).reshape(-1, 3)


def tell_names(page: Bytes, starts: Numbers, ends: Numbers, buckets: int) -> Names:
    """Hashes what the tags page[starts[i]:ends[i]] tell, see `told_names`. page (n,): one byte for each character.

    Raises ValueError for tags beyond the page.
    """
    if len(starts) and not (starts.min() >= 0 and (starts <= ends).all() and ends.max() <= len(page)):
        raise ValueError(f"starts, ends: expected ascending numbers up to {len(page)}")
    if cpp is None:
        return reference_tell_names(page, starts, ends, buckets)
    firsts, sizes = np.empty(len(starts), np.uint32), np.empty(len(starts), np.int64)
    hashes = cpp.tell_names(
        page=page, starts=np.ascontiguousarray(starts, np.int64), ends=np.ascontiguousarray(ends, np.int64),
        untold=sorted(UNTOLD), most=TAG_NAMES, buckets=buckets, firsts=firsts, sizes=sizes,
    )  # fmt: skip
    return Names(firsts, hashes, sizes)


def reference_tell_names(page: Bytes, starts: Numbers, ends: Numbers, buckets: int) -> Names:
    """Returns what `tell_names` returns, by `told_names`."""
    tags = (page[start:end].tobytes() for start, end in zip(starts.tolist(), ends.tolist(), strict=True))
    told = [told_names(tag.decode("ascii", "replace")) for tag in tags]
    firsts = [_hash(names[0], 1 << 32) if names else 0 for names in told]
    hashes = [_hash(name, buckets) for names in told for name in names]
    return Names(np.array(firsts, np.uint32), np.array(hashes, np.int64), _sizes(told))


def told_names(tag: str) -> list[str]:
    """Returns the first name in a tag, and with a point after each the names and words of its attributes.

    The first one is that of the element, unless that has a single letter.

    >>> told_names('<li class="by-line">')
    ['li', 'by.', 'line.']
    """
    names = [name.lower() for name in NAME.findall(tag)[:TAG_NAMES]]
    return [*names[:1], *(f"{name}." for name in names[1:] if name not in UNTOLD)]


def _sizes(lists: Sequence[Sized]) -> Numbers:
    return np.array(list(map(len, lists)), np.int64)


def _hash(word: str, buckets: int) -> int:
    return zlib.crc32(word.encode()) % buckets


def _written(texts: Sequence[str]) -> tuple[Bytes, Numbers]:
    """Returns texts in UTF-8, one after the other, and where each ends."""
    parts = [text.encode("utf-8", "surrogatepass") for text in texts]
    return np.frombuffer(b"".join(parts), np.uint8), np.cumsum([len(part) for part in parts], dtype=np.int64)


@cache
def _classes() -> Bytes:
    """Returns the classes (CODE_POINTS,) of all characters, which the C++ code looks up."""
    characters = np.arange(CODE_POINTS, dtype="<u4").tobytes().decode("utf-32-le", "surrogatepass")
    classes = np.zeros(CODE_POINTS, np.uint8)
    for bit, kind in enumerate(CLASSES):
        for found in kind.finditer(characters):
            classes[found.start() : found.end()] |= 1 << bit
    return classes
