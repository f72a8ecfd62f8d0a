"""Cuts a page's text into blocks, and describes each by figures, its words and the tags that lead to it.

A block ends where a tag does more than change a letter's look: at blocks, rows, cells, items and line breaks. The block
head (`soupstate.model.net.block_head`) decides from them what is main content. No parser takes part.
"""

import math
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soupstate.kernels.words import Names, Words, count_characters, count_words, joined, tell_names
from soupstate.model.page.entities import text_of
from soupstate.model.page.marks import Block as Kind
from soupstate.model.page.marks import Cell, Event, Visible
from soupstate.model.page.spans import INLINE, Span, TagSpan, TextSpan, TitleSpan
from soupstate.model.page.stop import SPAN, Watch, watched

PIECE_CHARACTERS = 65_536  # of a text: the words of a long one, all at once, take ten times its memory
PIECE = re.compile(rf"[\s\S]{{1,{PIECE_CHARACTERS}}}\S*")
SENTENCE_ENDS = frozenset(".!?。！？…:：\"'”’)")

BUCKETS = 8192  # hashes of words and of names in tags
FIRST_WORDS, LAST_WORDS = 22, 10  # of a block; those between are not looked at
LAST_TAGS, TAG_CHARACTERS = 8, 160  # looked at before a block; of each, at the beginning
TAG = re.compile(f"</?[A-Za-z][^<>]{{0,{TAG_CHARACTERS}}}")
MOST_TAGS = 4096  # whose names tell what template a page has
AT_ONCE = 256  # texts whose words are counted together
MOST_EVENTS = 3  # tags of one event before a block that are counted
FIGURES = 42 + len(Event)
PLACE, HEADING, FIRST_LEVEL = slice(14, 21), slice(37, 40), 21  # figures: where a block stands, whether it is an h1
# A longer page is described in parts of so many blocks, each as if it were a page.
MOST_BLOCKS = 4096

Floats = NDArray[np.float32]
Column = NDArray[Any]  # a figure (blocks,) of every block


def pieces(text: str) -> list[str]:
    """Returns a text in pieces of whole words."""
    return [text] if len(text) <= PIECE_CHARACTERS else PIECE.findall(text)


@dataclass(slots=True)
class Block:
    """A block of a page. first, last: its first span of text, whose marks are its own, and the last one.

    tags: those since the block before. spans: indices of its spans of text. inside: its texts, blank ones too, and the
    tags between and after them, in order. linked to main count characters.
    """

    first: TextSpan
    last: TextSpan
    tags: list[TagSpan]
    spans: list[int] = field(default_factory=list)
    inside: list[TagSpan | TextSpan] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    characters: int = 0
    links: int = 0  # tags that begin a link
    linked: int = 0  # characters
    strong: int = 0
    emphasis: int = 0
    code: int = 0
    main: int = 0  # characters that the `main` head takes for main content
    folded: str | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def text(self) -> str:
        """The block's text, white space folded. It is made once, when the block is whole."""
        if self.folded is None:
            self.folded = " ".join(filter(None, (" ".join(piece.split()) for piece in pieces("".join(self.parts)))))
        return self.folded


@dataclass(frozen=True)
class Described:
    """Some consecutive blocks of a page. figures (blocks, FIGURES).

    words, names: hashes below BUCKETS of the blocks' words and of the names in the tags before them, with the place
    where each block's begin. weights (blocks,): 1 + log(1 + words).
    """

    figures: Floats
    words: tuple[NDArray[np.int64], NDArray[np.int64]]
    names: tuple[NDArray[np.int64], NDArray[np.int64]]
    weights: Floats

    @property
    def sizes(self) -> Floats:
        """The words (blocks,) of each block."""
        return np.expm1(self.weights - 1)


def blocks_of(page: str, spans: Sequence[Span], watch: Watch) -> tuple[list[Block], str]:
    """Returns the blocks of a page, the first MOST_BLOCKS at most, and its titles. Raises Stopped."""
    return next(parts_of(page, spans, watch))


def parts_of(page: str, spans: Sequence[Span], watch: Watch) -> Iterator[tuple[list[Block], str]]:
    """Yields the blocks of a page, MOST_BLOCKS at a time, with the titles so far. Raises Stopped.

    Hidden and unseen text has blocks of its own. A page of many blocks takes little memory where parts are not kept.
    """
    blocks: list[Block] = []
    current: Block | None = None
    tags: list[TagSpan] = []
    titles: list[str] = []
    for i, span in enumerate(watched(spans, watch)):
        if isinstance(span, TagSpan):
            tags.append(span)
            if current and span.event not in INLINE:
                current = None
            elif current:
                current.inside.append(span)
                current.links += span.event == Event.LINK
        elif isinstance(span, TitleSpan):
            titles.extend(text_of(page, span.start, span.end, watch))
        elif span.blank:
            if current:
                current.parts.append(" ")
                current.inside.append(span)
        else:
            if current is None or current.first.visible != span.visible:
                if len(blocks) == MOST_BLOCKS:
                    yield blocks, " ".join(titles)
                    blocks = []
                current = Block(span, span, tags, links=sum(tag.event == Event.LINK for tag in tags))
                blocks.append(current)
            elif _typeface(current.last) == _typeface(span):
                current.parts.append(" ")  # so that links side by side stay two words
            tags = []
            _add(current, i, span, text_of(page, span.start, span.end, watch))
    yield blocks, " ".join(titles)


def _typeface(span: TextSpan) -> tuple[int, int, int]:
    """Returns what may differ between the letters of one word: strong, emphasis and code."""
    return span.strong, span.emphasis, span.code


def _add(block: Block, index: int, span: TextSpan, parts: Iterable[str]) -> None:
    before = len(block.parts)
    block.parts.extend(parts)
    size = sum(map(len, block.parts[before:]))
    block.spans.append(index)
    block.inside.append(span)
    block.last = span
    block.characters += size
    block.linked += size * span.link
    block.strong += size * span.strong
    block.emphasis += size * span.emphasis
    block.code += size * span.code
    block.main += size * span.main


def described(page: str, blocks: list[Block], title: str, watch: Watch) -> Described:
    """Describes blocks, at most MOST_BLOCKS, as those of a page with this title. Raises Stopped."""
    figures, words, names = figures_of(page, blocks, title, watch)
    return Described(
        figures,
        _ragged(words.hashes, words.sizes),
        _ragged(names.hashes, _by_block(names.sizes, blocks)),
        1 + np.log1p(words.count.astype(np.float32)),
    )


def figures_of(page: str, blocks: list[Block], title: str, watch: Watch) -> tuple[Floats, Words, Names]:
    """Returns the figures (blocks, FIGURES) of blocks, their words, and the names in the last tags before each.

    Raises Stopped.
    """
    texts = list[str]()
    for block in blocks:
        texts.append(block.text)
        watch(SPAN + len(texts[-1]))
    lower = [text.lower() for text in texts]
    words = _words(lower, title.lower(), watch)
    names = _names(page, blocks)
    counts = words.count.astype(np.float32)
    figures = np.stack(
        [
            *_of_text(texts, blocks, counts),
            *_of_place(counts),
            *_of_marks([block.first for block in blocks]),
            *_of_repetition(lower),
            *_of_repetition(_ways(names, blocks), itself=1),
            *_of_title(title, words),
            *_of_heading(np.array([block.first.block == Kind.H1 for block in blocks], np.bool_)),
            *_of_tags(blocks),
        ],
        axis=1,
        dtype=np.float32,
    )
    return figures, words, names


def _words(texts: list[str], title: str, watch: Watch) -> Words:
    """Counts the words of texts, AT_ONCE of them together."""
    found = []
    for first in range(0, max(1, len(texts)), AT_ONCE):
        some = texts[first : first + AT_ONCE]
        found.append(count_words(some, title, FIRST_WORDS, LAST_WORDS, BUCKETS))
        watch(SPAN * len(some) + sum(map(len, some)))
    return joined(found)


def _of_text(texts: list[str], blocks: list[Block], words: Floats) -> list[Column]:
    length = np.array([len(text) for text in texts], np.float64)
    size, own = np.maximum(1, length), np.maximum(1, np.array([block.characters for block in blocks], np.float64))
    linked = np.array([block.linked for block in blocks]) / own
    digits, capitals, punctuation = count_characters(texts).T
    return [
        np.log1p(words),
        np.log1p(size),
        size / np.maximum(1, words) / 10,
        words * (1 - linked) / 50,
        linked,
        np.log1p([block.links for block in blocks]),
        np.array([block.strong for block in blocks]) / own,
        np.array([block.emphasis for block in blocks]) / own,
        np.array([block.code for block in blocks]) / own,
        punctuation / size * 10,
        np.array([text[-1:] in SENTENCE_ENDS for text in texts]),
        capitals / size * 5,
        digits / size * 3,
        np.array([block.main for block in blocks]) / own,
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


def _of_marks(first: list[TextSpan]) -> list[Column]:
    block, lists, cell, visible = (
        np.array([getattr(span, name) for span in first]) for name in ("block", "list", "cell", "visible")
    )
    return [
        block == Kind.H1,
        block == Kind.H2,
        (block >= Kind.H3) & (block <= Kind.H6),
        block == Kind.PREFORMATTED,
        lists > 0,
        lists > 1,
        np.array([span.ordered for span in first]),
        np.array([span.quote > 0 for span in first]),
        cell == Cell.DATA,
        cell == Cell.HEADER,
        visible == Visible.HIDDEN,
        visible == Visible.UNSEEN,
    ]


def _of_repetition(found: Sequence[Hashable], itself: int = 0) -> list[Column]:
    counts = Counter(found)
    return [np.log1p([counts[each] - 1 + itself for each in found])]


def _of_title(title: str, words: Words) -> list[Column]:
    (different,) = count_words([title.lower()], "", 0, 0, BUCKETS).different
    return [words.common / np.maximum(1, words.different), words.common / max(1, different)]


def _of_heading(first_level: NDArray[np.bool_]) -> list[Column]:
    """Says where blocks stand, seen from the first heading of the first level. first_level (blocks,): which are one."""
    n = len(first_level)
    if not first_level.any():
        return [np.zeros(n), np.zeros(n), np.ones(n)]
    away = np.arange(n) - int(first_level.argmax())
    return [away >= 0, np.copysign(np.log1p(np.abs(away)), away), np.zeros(n)]


def placed(figures: Floats, weights: Floats) -> Floats:
    """Returns the figures (blocks, FIGURES) of blocks of several pages as they are where these stand on one page.

    weights (blocks,): see `Described`.
    """
    found = figures.copy()
    found[:, PLACE] = np.stack(_of_place(np.expm1(weights - 1)), axis=1)
    found[:, HEADING] = np.stack(_of_heading(figures[:, FIRST_LEVEL] > 0), axis=1)
    return found


def _of_tags(blocks: list[Block]) -> list[Column]:
    sizes = [len(block.tags) for block in blocks]
    owner = np.repeat(np.arange(len(blocks)), sizes)
    closing = np.array([tag.closing for block in blocks for tag in block.tags], np.float64)
    event = np.array([tag.event for block in blocks for tag in block.tags], np.int64)
    events = np.bincount(owner * len(Event) + event, minlength=len(blocks) * len(Event))
    counted = np.minimum(events.reshape(len(blocks), len(Event)), MOST_EVENTS)
    return [np.log1p(sizes), np.log1p(np.bincount(owner, closing, len(blocks))), *counted.T]


def _names(page: str, blocks: list[Block]) -> Names:
    """Returns the names in the last tags before each block, one block after the other."""
    tags = [tag for block in blocks for tag in block.tags[-LAST_TAGS:]]
    starts, ends = (np.array([getattr(tag, name) for tag in tags], np.int64) for name in ("start", "end"))
    first = int(starts[0]) if tags else 0
    ends = np.minimum(ends, starts + TAG_CHARACTERS) - first
    return tell_names(_one_byte_each(page[first : first + int(ends.max(initial=0))]), starts - first, ends, BUCKETS)


def _one_byte_each(text: str) -> NDArray[np.uint8]:
    """Returns a text with a byte for each character, which is that of ASCII or a question mark."""
    return np.frombuffer(text.encode("ascii", "replace"), np.uint8)


def _ways(names: Names, blocks: list[Block]) -> list[bytes]:
    """Returns for each block the first names in the last tags before it, as hashes."""
    named = names.firsts != 0
    ends = np.cumsum(_by_block(named, blocks)).tolist()
    firsts = names.firsts[named].tobytes()
    size = names.firsts.itemsize
    return [firsts[size * start : size * end] for start, end in pairwise([0, *ends])]


def _by_block(values: NDArray[Any], blocks: list[Block]) -> NDArray[np.int64]:
    """Returns the sums (blocks,) of what is given for each of the last tags before blocks."""
    sums = np.concatenate([np.zeros(1, np.int64), np.cumsum(values, dtype=np.int64)])
    ends = np.cumsum([0, *(min(len(block.tags), LAST_TAGS) for block in blocks)])
    of_blocks: NDArray[np.int64] = np.diff(sums[ends])
    return of_blocks


def names_in(page: str) -> NDArray[np.int64]:
    """Returns the hashes of the names in a page's tags, each once, ascending. The first MOST_TAGS tags count."""
    tags = np.array([tag.span() for tag in islice(TAG.finditer(page), MOST_TAGS)], np.int64).reshape(-1, 2)
    end = int(tags[-1, 1]) if len(tags) else 0
    return np.unique(tell_names(_one_byte_each(page[:end]), tags[:, 0], tags[:, 1], BUCKETS).hashes)


def _ragged(numbers: NDArray[np.int64], sizes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns the numbers of all lists, and where each list begins. sizes (lists,). An empty list becomes [0]."""
    ends = np.cumsum(sizes)
    numbers = np.insert(numbers, ends[sizes == 0], 0)
    filled = np.maximum(1, sizes)
    return numbers, np.cumsum(filled) - filled
