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

import numpy as np
from numpy.typing import NDArray

from soupstate.model.page.entities import text_of
from soupstate.model.page.marks import Block as Kind
from soupstate.model.page.marks import Cell, Event, Visible
from soupstate.model.page.render.text import typeface
from soupstate.model.page.spans import INLINE, Span, TagSpan, TextSpan, TitleSpan
from soupstate.model.page.stop import SPAN, Watch, watched

CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
WORD = re.compile(f"[{CJK}]|[^\\W{CJK}]+")  # a CJK character is a word
NAME = re.compile(r"[a-z][a-z0-9]+|/[a-z]+[0-9]?")  # in tags: names of elements, and words in classes and ids
PUNCTUATION = re.compile(r"[.,;:!?。，、！？；：]")
SENTENCE_END = re.compile(r"[.!?。！？…:：\"'”’)]$")
CAPITAL, DIGIT = re.compile(r"[A-Z]"), re.compile(r"\d")
UNTOLD = frozenset("class id href div style www http https com".split())  # they say nothing of a block

BUCKETS = 8192  # hashes of words and of names in tags
FIRST_WORDS, LAST_WORDS = 22, 10  # of a block; those between are not looked at
LAST_TAGS, TAG_CHARACTERS, TAG_NAMES = 8, 160, 12  # looked at before a block; of each, at the beginning
MOST_EVENTS = 3  # tags of one event before a block that are counted
FIGURES = 42 + len(Event)
# A longer page is described in parts of so many blocks, each as if it were a page.
MOST_BLOCKS = 4096

Floats = NDArray[np.float32]


@dataclass(slots=True)
class Block:
    """A block of a page. first, last: its first span of text, whose marks are its own, and the last one.

    tags: those since the block before. spans: indices of its spans of text. linked to main count characters.
    """

    first: TextSpan
    last: TextSpan
    tags: list[TagSpan]
    spans: list[int] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    characters: int = 0
    links: int = 0  # tags that begin a link
    linked: int = 0  # characters
    strong: int = 0
    emphasis: int = 0
    code: int = 0
    main: int = 0  # characters that the `main` head takes for main content

    @property
    def text(self) -> str:
        """The block's text, white space folded."""
        return " ".join("".join(self.parts).split())


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
            elif current and span.event == Event.LINK:
                current.links += 1
        elif isinstance(span, TitleSpan):
            titles.extend(text_of(page, span.start, span.end, watch))
        elif span.blank:
            if current:
                current.parts.append(" ")
        else:
            if current is None or current.first.visible != span.visible:
                if len(blocks) == MOST_BLOCKS:
                    yield blocks, " ".join(titles)
                    blocks = []
                current = Block(span, span, tags, links=sum(tag.event == Event.LINK for tag in tags))
                blocks.append(current)
            elif typeface(current.last) == typeface(span):
                current.parts.append(" ")  # as in the page's text
            tags = []
            _add(current, i, span, text_of(page, span.start, span.end, watch))
    yield blocks, " ".join(titles)


def _add(block: Block, index: int, span: TextSpan, parts: Iterable[str]) -> None:
    before = len(block.parts)
    block.parts.extend(parts)
    size = sum(map(len, block.parts[before:]))
    block.spans.append(index)
    block.last = span
    block.characters += size
    block.linked += size * span.link
    block.strong += size * span.strong
    block.emphasis += size * span.emphasis
    block.code += size * span.code
    block.main += size * span.main


def described(page: str, blocks: list[Block], title: str, watch: Watch) -> Described:
    """Describes blocks, at most MOST_BLOCKS, as those of a page with this title. Raises Stopped."""
    texts = [block.text for block in blocks]
    lower = [text.lower() for text in texts]
    words = [WORD.findall(text) for text in lower]
    counts = np.array([len(found) for found in words], np.float32)
    names = [_names(page, block) for block in blocks]
    ways = [" ".join(found[0] for found in each if found) for each in names]
    same_text, same_way = Counter(lower), Counter(ways)
    of_title = set(WORD.findall(title.lower()))
    heading = next((i for i, block in enumerate(blocks) if block.first.block == Kind.H1), None)
    figures = np.zeros((len(blocks), FIGURES), np.float32)
    before = np.concatenate([[0.0], np.cumsum(counts)])
    for i, block in enumerate(blocks):
        watch(SPAN + len(texts[i]))
        figures[i] = [
            *_of_text(texts[i], block, float(counts[i])),
            *_of_place(i, len(blocks), float(before[i]), float(before[-1])),
            *_of_marks(block),
            math.log1p(same_text[lower[i]] - 1),
            math.log1p(same_way[ways[i]]),
            *_of_title(of_title, set(words[i])),
            *_of_heading(i, heading),
            *_of_tags(block.tags),
        ]
    hashed_names = [[_hash(name) for found in each for name in _told(found)] for each in names]
    return Described(figures, _ragged([_hashes(found) for found in words]), _ragged(hashed_names), 1 + np.log1p(counts))


def _of_text(text: str, block: Block, words: float) -> list[float]:
    size, own = max(1, len(text)), max(1, block.characters)
    linked = block.linked / own
    return [
        math.log1p(words),
        math.log1p(size),
        size / max(1.0, words) / 10,
        words * (1 - linked) / 50,
        linked,
        math.log1p(block.links),
        block.strong / own,
        block.emphasis / own,
        block.code / own,
        len(PUNCTUATION.findall(text)) / size * 10,
        float(bool(SENTENCE_END.search(text))),
        len(CAPITAL.findall(text)) / size * 5,
        len(DIGIT.findall(text)) / size * 3,
        block.main / own,
    ]


def _of_place(i: int, blocks: int, before: float, words: float) -> list[float]:
    return [
        i / blocks,
        before / max(1.0, words),
        math.log1p(i),
        math.log1p(blocks - i),
        math.log1p(before),
        math.log1p(blocks),
        math.log1p(words),
    ]


def _of_marks(block: Block) -> list[float]:
    marks = block.first
    return [
        float(known)
        for known in (
            marks.block == Kind.H1,
            marks.block == Kind.H2,
            Kind.H3 <= marks.block <= Kind.H6,
            marks.block == Kind.PREFORMATTED,
            marks.list > 0,
            marks.list > 1,
            marks.ordered,
            marks.quote > 0,
            marks.cell == Cell.DATA,
            marks.cell == Cell.HEADER,
            marks.visible == Visible.HIDDEN,
            marks.visible == Visible.UNSEEN,
        )
    ]


def _of_title(title: set[str], words: set[str]) -> list[float]:
    common = len(title & words)
    return [common / max(1, len(words)), common / max(1, len(title))]


def _of_heading(i: int, heading: int | None) -> list[float]:
    if heading is None:
        return [0.0, 0.0, 1.0]
    return [float(i >= heading), math.copysign(math.log1p(abs(i - heading)), i - heading), 0.0]


def _of_tags(tags: list[TagSpan]) -> list[float]:
    events = [0.0] * len(Event)
    for tag in tags:
        events[tag.event] = min(events[tag.event] + 1, MOST_EVENTS)
    return [math.log1p(len(tags)), math.log1p(sum(tag.closing for tag in tags)), *events]


def _names(page: str, block: Block) -> list[list[str]]:
    """Returns the names in each of the last tags before a block; the first one is the element's."""
    last = block.tags[-LAST_TAGS:]
    return [
        NAME.findall(page[tag.start : min(tag.end, tag.start + TAG_CHARACTERS)].lower())[:TAG_NAMES] for tag in last
    ]


def _told(names: list[str]) -> list[str]:
    return [*names[:1], *(f"{name}." for name in names[1:] if name not in UNTOLD)]


def _hashes(words: list[str]) -> list[int]:
    if len(words) > FIRST_WORDS + LAST_WORDS:
        words = words[:FIRST_WORDS] + words[-LAST_WORDS:]
    return [_hash(word) for word in words]


def _hash(word: str) -> int:
    return zlib.crc32(word.encode("utf-8", "replace")) % BUCKETS


def _ragged(lists: list[list[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns the numbers of all lists, and where each list begins. An empty list becomes [0]."""
    lists = [each or [0] for each in lists]
    starts = np.cumsum([0, *map(len, lists[:-1])]) if lists else np.zeros(0, np.int64)
    return np.array([number for each in lists for number in each], np.int64), starts.astype(np.int64)
