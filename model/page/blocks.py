"""Cuts a page's text into blocks.

A block ends where a tag does more than change a letter's look: at blocks, rows, cells, items and line breaks. The block
head (`soupstate.model.net.block_head`) decides from what is said of them (`soupstate.model.page.block_figures`) which
are main content. No parser takes part.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soupstate.model.page.cuts import TITLE
from soupstate.model.page.entities import text_of
from soupstate.model.page.spans import ENDS_LINE, TEXT_HEADS, TYPEFACE_COLUMNS, Spans
from soupstate.model.page.stop import Watch, watched

# A longer page is described in parts of so many blocks, each as if it were a page.
MOST_BLOCKS = 4096
PIECE_CHARACTERS = 65_536  # of a text: the words of a long one, all at once, take ten times its memory
PIECE = re.compile(rf"[\s\S]{{1,{PIECE_CHARACTERS}}}\S*")
COUNTED = ("link", "strong", "emphasis", "code", "main")  # marks whose characters are counted
COUNTED_COLUMNS = [TEXT_HEADS.index(name) for name in COUNTED]

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Blocks:
    """Some consecutive blocks of a page. texts: of each, white space folded. title: the page's titles so far.

    after, first, last, end (blocks,): indices of spans. The tags from `after` to `first` stand between the last text
    before and the block. `first` and `last` are its first and last text that is not blank. What goes with it up to
    `end` are blank texts, and tags that end no line. sizes (blocks,): characters of its texts. counted (blocks,
    COUNTED): characters that have these marks.
    """

    spans: Spans
    texts: list[str]
    title: str
    after: Numbers
    first: Numbers
    last: Numbers
    end: Numbers
    sizes: Numbers
    counted: Numbers

    def __len__(self) -> int:
        return len(self.texts)

    def mark(self, name: str) -> NDArray[np.uint8]:
        """Returns a mark (blocks,) of the first text of each, one of TEXT_HEADS."""
        return self.spans.mark(name)[self.first]

    def counts(self, some: NDArray[np.bool_]) -> tuple[Numbers, Numbers]:
        """Returns how many spans stand in the tags before each block (blocks,), and in it (blocks,).

        some: whether a span is counted, from `after[0]` to `end[-1]`.
        """
        so_far = np.concatenate([np.zeros(1, np.int64), np.cumsum(some, dtype=np.int64)])
        after, first, end = (so_far[at - self.after[:1]] for at in (self.after, self.first, self.end))
        return first - after, end - first

    @property
    def window(self) -> slice:
        """All spans of the blocks, with the tags before the first one."""
        return slice(int(self.after[0]), int(self.end[-1])) if len(self) else slice(0, 0)

    def tags(self, most: int | None = None) -> tuple[Numbers, Numbers]:
        """Returns the indices of the tags before each block, one block after the other, and their number (blocks,).

        most: of the tags of a block, the last ones.
        """
        at = self.window.start + np.flatnonzero(self.spans.cut.is_tag[self.window])
        begin, end = np.searchsorted(at, self.after), np.searchsorted(at, self.first)
        if most is not None:
            begin = np.maximum(begin, end - most)
        sizes = end - begin
        return at[np.arange(sizes.sum()) + np.repeat(end - np.cumsum(sizes), sizes)], sizes


def blocks_of(page: str, spans: Spans, watch: Watch) -> Blocks:
    """Returns the blocks of a page, the first MOST_BLOCKS at most. Raises Stopped."""
    return next(parts_of(page, spans, watch))


def parts_of(page: str, spans: Spans, watch: Watch) -> Iterator[Blocks]:
    """Yields the blocks of a page, MOST_BLOCKS at a time. Of a page that has none it yields none of them once.

    Hidden and unseen text has blocks of its own. A page of many blocks takes little memory where parts are not kept.
    Raises Stopped.
    """
    watch()
    texts = np.flatnonzero(spans.solid)
    breaks = np.flatnonzero(ENDS_LINE[spans.event])
    visible, passed = spans.mark("visible")[texts], np.searchsorted(breaks, texts)  # the latter: breaks so far
    begins = np.flatnonzero(np.append(True, (np.diff(passed) > 0) | (visible[1:] != visible[:-1]))[: len(texts)])
    first, last = texts[begins], texts[np.append(begins[1:], len(texts))[: len(begins)] - 1]
    after = np.append(0, last + 1)[: len(first)]
    end = np.append(breaks, len(spans))[np.searchsorted(breaks, last)]
    end[:-1] = np.minimum(end[:-1], first[1:])
    begins, first = np.append(begins, len(texts)), np.append(first, len(spans))
    titles = _Titles(page, spans, watch)
    for at in range(0, max(1, len(last)), MOST_BLOCKS):
        some = slice(at, min(at + MOST_BLOCKS, len(last)))
        inside = slice(begins[some.start], begins[some.stop])
        written, sizes, counted = _texts(page, spans, texts[inside], begins[some] - inside.start, watch)
        yield Blocks(
            spans, written, titles.until(int(first[some.stop])), after[some], first[some], last[some], end[some], sizes,
            counted,
        )  # fmt: skip


class _Titles:
    """The titles of a page, up to a span that moves on. left: indices of their spans, the next one apart."""

    def __init__(self, page: str, spans: Spans, watch: Watch) -> None:
        self.page, self.spans, self.watch = page, spans, watch
        self.left, self.texts = iter(np.flatnonzero(spans.cut.kind == TITLE).tolist()), list[str]()
        self.next = next(self.left, None)

    def until(self, span: int) -> str:
        """Returns the titles before a span. Raises Stopped."""
        cut = self.spans.cut
        while self.next is not None and self.next < span:
            self.texts += text_of(self.page, int(cut.start[self.next]), int(cut.end[self.next]), self.watch)
            self.next = next(self.left, None)
        return " ".join(self.texts)


def _texts(
    page: str, spans: Spans, texts: Numbers, begins: Numbers, watch: Watch
) -> tuple[list[str], Numbers, Numbers]:
    """Returns the texts of blocks, their sizes (blocks,), and their characters (blocks, COUNTED) that have marks.

    texts: indices of spans. begins (blocks,): where in `texts` each block begins.
    """
    marks = spans.marks[texts]
    extents = zip(spans.cut.start[texts].tolist(), spans.cut.end[texts].tolist(), strict=True)
    read = ["".join(text_of(page, start, end, watch)) for start, end in watched(extents, watch)]
    sizes = np.array([len(text) for text in read], np.int64)
    if not len(begins):
        return [], sizes, np.zeros((0, len(COUNTED)), np.int64)
    counted = np.add.reduceat(sizes[:, None] * marks[:, COUNTED_COLUMNS], begins)
    # A blank text parts two texts, and so does their typeface if it is the same: links side by side stay two words.
    blank = spans.cut.blank[texts[0] : texts[-1] + 1]
    blanks = np.cumsum(blank, dtype=np.int64)[texts - texts[0]]
    typeface = marks[:, TYPEFACE_COLUMNS]
    parted = np.append(False, (np.diff(blanks) > 0) | (typeface[1:] == typeface[:-1]).all(1))
    read = [f" {text}" if part else text for text, part in zip(read, parted.tolist(), strict=True)]
    ends = np.append(begins[1:], len(texts)).tolist()
    written = [folded(read[begin:end]) for begin, end in zip(begins.tolist(), ends, strict=True)]
    return written, np.add.reduceat(sizes, begins), counted


def folded(parts: Iterable[str]) -> str:
    """Returns a text that is given in parts, white space folded."""
    return " ".join(filter(None, (" ".join(piece.split()) for piece in pieces("".join(parts)))))


def pieces(text: str) -> list[str]:
    """Returns a text in pieces of whole words."""
    return [text] if len(text) <= PIECE_CHARACTERS else PIECE.findall(text)
