"""Cuts a page's text into blocks, and describes each by figures, its words and the tags that lead to it.

A block ends where a tag does more than change a letter's look: at blocks, rows, cells, items and line breaks. The block
head (`soupstate.model.net.block_head`) decides from them what is main content. No parser takes part.
"""

import math
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soupstate.model.page.entities import text_of
from soupstate.model.page.marks import Block as Kind
from soupstate.model.page.marks import Cell, Event, Visible
from soupstate.model.page.spans import INLINE, Span, TagSpan, TextSpan, TitleSpan
from soupstate.model.page.stop import SPAN, Watch, watched

CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
WORD = re.compile(f"[{CJK}]|[^\\W{CJK}]+")  # a CJK character is a word
NAME = re.compile(r"[a-z][a-z0-9]+|/[a-z]+[0-9]?")  # in tags: names of elements, and words in classes and ids
PIECE_CHARACTERS = 65_536  # of a text: the words of a long one, all at once, take ten times its memory
PIECE = re.compile(rf"[\s\S]{{1,{PIECE_CHARACTERS}}}\S*")
PUNCTUATION = re.compile(r"[.,;:!?。，、！？；：]")
SENTENCE_END = re.compile(r"[.!?。！？…:：\"'”’)]$")
CAPITAL, DIGIT = re.compile(r"[A-Z]"), re.compile(r"\d")
UNTOLD = frozenset("class id href div style www http https com".split())  # they say nothing of a block

BUCKETS = 8192  # hashes of words and of names in tags
FIRST_WORDS, LAST_WORDS = 22, 10  # of a block; those between are not looked at
LAST_TAGS, TAG_CHARACTERS, TAG_NAMES = 8, 160, 12  # looked at before a block; of each, at the beginning
TAG = re.compile(f"</?[A-Za-z][^<>]{{0,{TAG_CHARACTERS}}}")
TAGS_KEPT, WORDS_KEPT = 2048, 16_384  # hashes that are remembered, because tags and words come again and again
MOST_TAGS = 4096  # whose names tell what template a page has
MOST_EVENTS = 3  # tags of one event before a block that are counted
FIGURES = 42 + len(Event)
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


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a block. count: of all. different, common: of those that differ, and of the title's among them.

    at_ends: the first and the last ones in lower case, in order.
    """

    count: int
    different: int
    common: int
    at_ends: list[str]


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
    hashed_words = [list(map(_hash, found.at_ends)) for found in words]
    hashed_names = [list(chain.from_iterable(hashed for _, hashed in each)) for each in names]
    return Described(
        figures,
        _ragged(hashed_words),
        _ragged(hashed_names),
        1 + np.log1p(np.array([found.count for found in words], np.float32)),
    )


def figures_of(
    page: str, blocks: list[Block], title: str, watch: Watch
) -> tuple[Floats, list[Words], list[list[tuple[str, list[int]]]]]:
    """Returns the figures (blocks, FIGURES) of blocks, their words, and what `_names` returns. Raises Stopped."""
    texts, words, of_title = list[str](), list[Words](), set(WORD.findall(title.lower()))
    for block in blocks:
        texts.append(block.text)
        words.append(_words(texts[-1], of_title))
        watch(SPAN + len(texts[-1]))
    names = [_names(page, block) for block in blocks]
    counts = np.array([found.count for found in words], np.float32)
    figures = np.stack(
        [
            *_of_text(texts, blocks, counts),
            *_of_place(counts),
            *_of_marks([block.first for block in blocks]),
            *_of_repetition([text.lower() for text in texts]),
            *_of_repetition([" ".join(way for way, _ in each if way) for each in names], itself=1),
            *_of_title(of_title, words),
            *_of_heading(blocks),
            *_of_tags(blocks),
        ],
        axis=1,
        dtype=np.float32,
    )
    return figures, words, names


def _words(text: str, title: set[str]) -> Words:
    """Returns the words of a block's text. title: those of the title."""
    count, own = 0, set[str]()
    first, last = list[str](), list[str]()
    for piece in pieces(text.lower()):
        found = WORD.findall(piece)
        count += len(found)
        own.update(found)
        kept = FIRST_WORDS - len(first)
        first += found[:kept]
        last = (last + found[kept:])[-LAST_WORDS:]
    return Words(count, len(own), len(title & own), first + last)


def _of_text(texts: list[str], blocks: list[Block], words: Floats) -> list[Column]:
    length = np.array([len(text) for text in texts], np.float64)
    size, own = np.maximum(1, length), np.maximum(1, np.array([block.characters for block in blocks], np.float64))
    linked = np.array([block.linked for block in blocks]) / own
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
        np.array([len(PUNCTUATION.findall(text)) for text in texts]) / size * 10,
        np.array([SENTENCE_END.search(text) is not None for text in texts]),
        np.array([len(CAPITAL.findall(text)) for text in texts]) / size * 5,
        np.array([len(DIGIT.findall(text)) for text in texts]) / size * 3,
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


def _of_repetition(found: list[str], itself: int = 0) -> list[Column]:
    counts = Counter(found)
    return [np.log1p([counts[each] - 1 + itself for each in found])]


def _of_title(title: set[str], words: list[Words]) -> list[Column]:
    common = np.array([found.common for found in words])
    return [common / np.maximum(1, [found.different for found in words]), common / max(1, len(title))]


def _of_heading(blocks: list[Block]) -> list[Column]:
    n = len(blocks)
    heading = next((i for i, block in enumerate(blocks) if block.first.block == Kind.H1), None)
    if heading is None:
        return [np.zeros(n), np.zeros(n), np.ones(n)]
    away = np.arange(n) - heading
    return [away >= 0, np.copysign(np.log1p(np.abs(away)), away), np.zeros(n)]


def _of_tags(blocks: list[Block]) -> list[Column]:
    sizes = [len(block.tags) for block in blocks]
    owner = np.repeat(np.arange(len(blocks)), sizes)
    closing = np.array([tag.closing for block in blocks for tag in block.tags], np.float64)
    event = np.array([tag.event for block in blocks for tag in block.tags], np.int64)
    events = np.bincount(owner * len(Event) + event, minlength=len(blocks) * len(Event))
    counted = np.minimum(events.reshape(len(blocks), len(Event)), MOST_EVENTS)
    return [np.log1p(sizes), np.log1p(np.bincount(owner, closing, len(blocks))), *counted.T]


def _names(page: str, block: Block) -> list[tuple[str, list[int]]]:
    """Returns for each of the last tags before a block the element's name and the hashes of all that are told."""
    last = block.tags[-LAST_TAGS:]
    return [_of_tag(page[tag.start : min(tag.end, tag.start + TAG_CHARACTERS)]) for tag in last]


@lru_cache(TAGS_KEPT)
def _of_tag(tag: str) -> tuple[str, list[int]]:
    told = told_names(tag)
    return told[0] if told else "", [_hash(name) for name in told]


def told_names(tag: str) -> list[str]:
    """Returns the name of a tag's element, and with a point after each the names and words of its attributes.

    >>> told_names('<p class="by-line">')
    ['p', 'by.', 'line.']
    """
    names = NAME.findall(tag.lower())[:TAG_NAMES]
    return [*names[:1], *(f"{name}." for name in names[1:] if name not in UNTOLD)]


def names_in(page: str) -> NDArray[np.int64]:
    """Returns the hashes of the names in a page's tags, each once, ascending. The first MOST_TAGS tags count."""
    found: set[int] = set()
    for tag in islice(TAG.finditer(page), MOST_TAGS):
        found.update(_of_tag(tag[0])[1])
    return np.array(sorted(found), np.int64)


@lru_cache(WORDS_KEPT)
def _hash(word: str) -> int:
    return zlib.crc32(word.encode("utf-8", "replace")) % BUCKETS


def _ragged(lists: list[list[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns the numbers of all lists, and where each list begins. An empty list becomes [0]."""
    lists = [each or [0] for each in lists]
    starts = np.cumsum([0, *map(len, lists[:-1])]) if lists else np.zeros(0, np.int64)
    return np.array([number for each in lists for number in each], np.int64), starts.astype(np.int64)
