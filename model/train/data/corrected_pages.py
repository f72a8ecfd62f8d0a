"""Lessons from corrections: what a corrected page says of the blocks that a network finds in it."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from soupstate.model.corrections.correction import (
    Correction,
    LinkCorrection,
    MainCorrection,
    MarkCorrection,
    page_digest,
)
from soupstate.model.corrections.store import Standing
from soupstate.model.net.reader import Marking, Reader
from soupstate.model.page.block_figures import described, names_in
from soupstate.model.page.blocks import MOST_BLOCKS, Blocks, blocks_of
from soupstate.model.page.cuts import TEXT
from soupstate.model.page.skim import Skimmed, skim
from soupstate.model.page.spans import TagSpan, TextSpan
from soupstate.model.page.stop import Watch
from soupstate.model.train.data.block_examples import label
from soupstate.model.train.data.labelled import words_of
from soupstate.model.train.data.mark_sample import HEADS, MarkLesson
from soupstate.model.train.data.mark_states import SpanStates, span_states
from soupstate.model.train.data.replay import Sampled, sampled

SHOWN_DIGITS = 12  # of a digest, in messages

Floats = NDArray[np.float32]


@dataclass
class Lessons:
    """What corrections teach. pages: how many there are. main: pages whose main content is known, as numbers.

    marks: spans whose class is known. marked: of each page that has some, the hashes of the names in its tags.
    used, unused: how many corrections of each kind. reasons: why some were not used, one line each.
    """

    pages: int = 0
    main: list[Sampled] = field(default_factory=list)
    marks: list[MarkLesson] = field(default_factory=list)
    marked: list[NDArray[np.int64]] = field(default_factory=list)
    used: Counter[str] = field(default_factory=Counter)
    unused: Counter[str] = field(default_factory=Counter)
    reasons: list[str] = field(default_factory=list)

    def refuse(self, page: Standing, correction: Correction, reason: str) -> None:
        """Notes a correction that teaches nothing."""
        self.unused[correction.KIND] += 1
        self.reasons.append(f"{page.url or 'page ' + page_digest(page.html)[:SHOWN_DIGITS]}: {reason}")


def add_marks(lessons: Lessons, reader: Reader, pages: Iterable[Standing], progress: Callable[[int], object]) -> None:
    """Reads the pages with corrections of marks and links, and adds what they teach. progress(1): after each page."""
    for page in pages:
        some = [one for one in page.corrections if isinstance(one, MarkCorrection | LinkCorrection)]
        if some:
            skimmed = skim(page.html)
            read = span_states(reader, skimmed.text)
            added = [_add_mark(lessons, page, one, read, skimmed) for one in some]
            if any(added):
                lessons.marked.append(names_in(skimmed.text))
        progress(1)


def _add_mark(
    lessons: Lessons, page: Standing, correction: MarkCorrection | LinkCorrection, read: SpanStates, skimmed: Skimmed
) -> bool:
    """Adds the spans most of which lie in a corrected stretch. Returns whether there are some."""
    if isinstance(correction, MarkCorrection):
        name, kind = correction.mark, correction.label
    else:
        name, kind = "link", int(correction.right)
    if name not in HEADS:
        lessons.refuse(page, correction, f"{name} is decided byte by byte, and cannot be learned")
        return False
    wanted, found = TagSpan if name == "event" else TextSpan, False
    for span, state, size in zip(read.marking.spans, read.states, read.sizes.tolist(), strict=True):
        if not isinstance(span, wanted) or not size or (isinstance(span, TextSpan) and span.blank):
            continue
        start, end = skimmed.extent(span.start, span.end)
        if 2 * (min(end, correction.end) - max(start, correction.start)) > end - start:
            lessons.marks.append(MarkLesson(HEADS.index(name), state, size, kind))
            found = True
    if found:
        lessons.used[correction.KIND] += 1
    else:
        lessons.refuse(page, correction, f"the network sees no {'tag' if name == 'event' else 'text'} there")
    return found


def add_main(lessons: Lessons, reader: Reader, pages: Iterable[Standing], progress: Callable[[int], object]) -> None:
    """Reads the pages with corrections of main content, and adds what they teach. progress(1): after each page."""
    for page in pages:
        lessons.pages += 1
        for correction in page.corrections:
            if isinstance(correction, MainCorrection):
                skimmed = skim(page.html)
                _add_main(lessons, page, correction, reader.mark(skimmed.text), skimmed)
        progress(1)


def _add_main(lessons: Lessons, page: Standing, correction: MainCorrection, marking: Marking, skimmed: Skimmed) -> None:
    watch = Watch()
    blocks = blocks_of(marking.page, marking.spans, watch)
    if not blocks or len(blocks) == MOST_BLOCKS:
        lessons.refuse(page, correction, f"it has {'no' if not blocks else 'too many'} blocks of text")
        return
    texts = blocks.texts
    spans = correction.spans
    labels = text_labels(texts, correction.text or "") if spans is None else span_labels(blocks, skimmed, spans)
    none = not correction.spans and not (correction.text or "").split()
    if not none and not (labels > 0).any():
        lessons.refuse(page, correction, "the network sees no text in what is said to be main content")
        return
    lessons.main.append(sampled(described(marking.page, blocks, watch), labels, texts))
    lessons.used[correction.KIND] += 1


def text_labels(texts: Sequence[str], right: str) -> Floats:
    """Returns for each block (blocks,) whether it is part of the text that is right, 0 or 1.

    Where the text consists of whole blocks, in the order of the page, these are its blocks, also if they are short.
    Else the blocks are those that share runs of words with it, see `label`; those give shares.
    """
    wanted = words_of(right)
    labels, at = np.zeros(len(texts), np.float32), 0
    for i, text in enumerate(texts):
        words = words_of(text)
        if words and wanted[at : at + len(words)] == words:
            labels[i], at = 1.0, at + len(words)
    return labels if at == len(wanted) else label(list(texts), right)


def span_labels(blocks: Blocks, skimmed: Skimmed, spans: Sequence[tuple[int, int]]) -> Floats:
    """Returns for each block (blocks,) the share of its texts' characters that lies in spans of the whole page."""
    inside = np.zeros(len(skimmed.whole) + 1, np.int64)
    for start, end in spans:
        inside[start + 1 : end + 1] = 1
    before = np.cumsum(inside)  # characters in spans before each offset
    shares = np.zeros(len(blocks), np.float32)
    cut = blocks.spans.cut
    for i, (first, end) in enumerate(zip(blocks.first.tolist(), blocks.end.tolist(), strict=True)):
        own = first + np.flatnonzero(cut.kind[first:end] == TEXT)
        texts = [skimmed.extent(*each) for each in zip(cut.start[own].tolist(), cut.end[own].tolist(), strict=True)]
        shares[i] = sum(before[end] - before[start] for start, end in texts) / sum(end - start for start, end in texts)
    return shares
