"""Describes each block of a page by figures, its words and the tags that lead to it, for the block head."""

import math
import re
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soupstate.kernels.words import Names, Words, count_characters, count_words, joined, tell_names
from soupstate.model.page.blocks import Blocks
from soupstate.model.page.cuts import CLOSING
from soupstate.model.page.marks import Block as Kind
from soupstate.model.page.marks import Cell, Event, Visible
from soupstate.model.page.stop import SPAN, Watch

SENTENCE_ENDS = frozenset(".!?。！？…:：\"'”’)")

BUCKETS = 8192  # hashes of words and of names in tags
FIRST_WORDS, LAST_WORDS = 22, 10  # of a block; those between are not looked at
LAST_TAGS, TAG_CHARACTERS = 8, 160  # looked at before a block; of each, at the beginning
TAG = re.compile(f"</?[A-Za-z][^<>]{{0,{TAG_CHARACTERS}}}")
MOST_TAGS = 4096  # whose names tell what template a page has
AT_ONCE = 256  # texts whose words are counted together
MOST_EVENTS = 3  # tags of one event before a block that are counted
FIGURES = 42 + len(Event)

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]
Ragged = tuple[Numbers, Numbers]  # numbers of several lists, and where each list begins
Column = NDArray[Any]  # a figure (blocks,) of every block


@dataclass(frozen=True)
class Described:
    """Some consecutive blocks of a page. figures (blocks, FIGURES).

    words, names: hashes below BUCKETS of the blocks' words and of the names in the tags before them, with the place
    where each block's begin. weights (blocks,): 1 + log(1 + words).
    """

    figures: Floats
    words: Ragged
    names: Ragged
    weights: Floats

    @property
    def sizes(self) -> Floats:
        """The words (blocks,) of each block."""
        return np.expm1(self.weights - 1)


def described(page: str, blocks: Blocks, watch: Watch) -> Described:
    """Describes blocks as those of a page. Raises Stopped."""
    lower = []
    for text in blocks.texts:
        lower.append(text.lower())
        watch(SPAN + len(text))
    title = blocks.title.lower()
    words = _words(lower, title, watch)
    names, tags = _names(page, blocks)
    counts = words.count.astype(np.float32)
    figures = np.stack(
        [
            *_of_text(blocks, counts),
            *_of_place(counts),
            *_of_marks(blocks),
            *_of_repetition(lower),
            *_of_repetition(_ways(names, tags), itself=1),
            *_of_title(title, words),
            *_of_heading(blocks.mark("block") == Kind.H1),
            *_of_tags(blocks),
        ],
        axis=1,
        dtype=np.float32,
    )
    return Described(
        figures,
        _ragged(words.hashes, words.sizes),
        _ragged(names.hashes, _sums(names.sizes, tags)),
        1 + np.log1p(counts),
    )


def _words(texts: list[str], title: str, watch: Watch) -> Words:
    """Counts the words of texts, AT_ONCE of them together."""
    found = []
    for first in range(0, max(1, len(texts)), AT_ONCE):
        some = texts[first : first + AT_ONCE]
        found.append(count_words(some, title, FIRST_WORDS, LAST_WORDS, BUCKETS))
        watch(SPAN * len(some) + sum(map(len, some)))
    return joined(found)


def _of_text(blocks: Blocks, words: Floats) -> list[Column]:
    length = np.array([len(text) for text in blocks.texts], np.float64)
    size, own = np.maximum(1, length), np.maximum(1, blocks.sizes.astype(np.float64))
    linked, strong, emphasis, code, main = blocks.counted.T / own
    links, inside = blocks.counts(blocks.spans.event[blocks.window] == Event.LINK)
    digits, capitals, punctuation = count_characters(blocks.texts).T
    return [
        np.log1p(words),
        np.log1p(size),
        size / np.maximum(1, words) / 10,
        words * (1 - linked) / 50,
        linked,
        np.log1p(links + inside),
        strong,
        emphasis,
        code,
        punctuation / size * 10,
        np.array([text[-1:] in SENTENCE_ENDS for text in blocks.texts], np.bool_),
        capitals / size * 5,
        digits / size * 3,
        main,
    ]


def _of_place(words: Floats) -> list[Column]:
    n = len(words)
    at, before = np.arange(n), np.cumsum(words, dtype=np.float64) - words
    total = float(words.sum(dtype=np.float64))
    return [
        at / max(1, n),
        before / max(1.0, total),
        np.log1p(at),
        np.log1p(n - at),
        np.log1p(before),
        np.full(n, math.log1p(n)),
        np.full(n, math.log1p(total)),
    ]


def _of_marks(blocks: Blocks) -> list[Column]:
    block, lists, cell, visible = map(blocks.mark, ("block", "list", "cell", "visible"))
    return [
        block == Kind.H1,
        block == Kind.H2,
        (block >= Kind.H3) & (block <= Kind.H6),
        block == Kind.PREFORMATTED,
        lists > 0,
        lists > 1,
        blocks.mark("ordered"),
        blocks.mark("quote") > 0,
        cell == Cell.DATA,
        cell == Cell.HEADER,
        visible == Visible.HIDDEN,
        visible == Visible.UNSEEN,
    ]


def _of_repetition(found: Sequence[Hashable], itself: int = 0) -> list[Column]:
    counts = Counter(found)
    return [np.log1p([counts[each] - 1 + itself for each in found])]


def _of_title(title: str, words: Words) -> list[Column]:
    (different,) = count_words([title], "", 0, 0, BUCKETS).different
    return [words.common / np.maximum(1, words.different), words.common / max(1, different)]


def _of_heading(first_level: NDArray[np.bool_]) -> list[Column]:
    """Says where blocks stand, seen from the first heading of the first level. first_level (blocks,): which are one."""
    n = len(first_level)
    if not first_level.any():
        return [np.zeros(n), np.zeros(n), np.ones(n)]
    away = np.arange(n) - int(first_level.argmax())
    return [away >= 0, np.copysign(np.log1p(np.abs(away)), away), np.zeros(n)]


def _of_tags(blocks: Blocks) -> list[Column]:
    tags, sizes = blocks.tags()
    owner = np.repeat(np.arange(len(blocks)), sizes)
    closing = (blocks.spans.cut.kind[tags] == CLOSING).astype(np.float64)
    events = np.bincount(owner * len(Event) + blocks.spans.event[tags], minlength=len(blocks) * len(Event))
    counted = np.minimum(events.reshape(len(blocks), len(Event)), MOST_EVENTS)
    return [np.log1p(sizes), np.log1p(np.bincount(owner, closing, len(blocks))), *counted.T]


def _names(page: str, blocks: Blocks) -> tuple[Names, Numbers]:
    """Returns the names in the last tags before each block, one block after the other, and how many tags (blocks,)."""
    tags, sizes = blocks.tags(LAST_TAGS)
    starts, ends = blocks.spans.cut.start[tags].astype(np.int64), blocks.spans.cut.end[tags].astype(np.int64)
    first = int(starts[0]) if len(tags) else 0
    ends = np.minimum(ends, starts + TAG_CHARACTERS) - first
    text = _one_byte_each(page[first : first + int(ends.max(initial=0))])
    return tell_names(text, starts - first, ends, BUCKETS), sizes


def _one_byte_each(text: str) -> NDArray[np.uint8]:
    """Returns a text with a byte for each character, which is that of ASCII or a question mark."""
    return np.frombuffer(text.encode("ascii", "replace"), np.uint8)


def _ways(names: Names, tags: Numbers) -> list[bytes]:
    """Returns for each block the first names in the last tags before it, as hashes. tags (blocks,): their number."""
    named = names.firsts != 0
    ends = np.cumsum(_sums(named, tags)).tolist()
    firsts = names.firsts[named].tobytes()
    size = names.firsts.itemsize
    return [firsts[size * start : size * end] for start, end in pairwise([0, *ends])]


def _sums(values: NDArray[Any], sizes: Numbers) -> Numbers:
    """Returns the sums (blocks,) of what is given for each of so many (blocks,) tags."""
    so_far = np.concatenate([np.zeros(1, np.int64), np.cumsum(values, dtype=np.int64)])
    sums: Numbers = np.diff(so_far[np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])])
    return sums


def names_in(page: str) -> NDArray[np.int64]:
    """Returns the hashes of the names in a page's tags, each once, ascending. The first MOST_TAGS tags count."""
    tags = np.array([tag.span() for tag in islice(TAG.finditer(page), MOST_TAGS)], np.int64).reshape(-1, 2)
    end = int(tags[-1, 1]) if len(tags) else 0
    return np.unique(tell_names(_one_byte_each(page[:end]), tags[:, 0], tags[:, 1], BUCKETS).hashes)


def _ragged(numbers: Numbers, sizes: Numbers) -> Ragged:
    """Returns the numbers of all lists, and where each list begins. sizes (lists,). An empty list becomes [0]."""
    ends = np.cumsum(sizes)
    numbers = np.insert(numbers, ends[sizes == 0], 0)
    filled = np.maximum(1, sizes)
    return numbers, np.cumsum(filled) - filled
