"""Lessons from corrections: what a corrected page says of the blocks that a network finds in it."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from soupstate.model.corrections.correction import Correction, MainCorrection, page_digest
from soupstate.model.corrections.store import Standing
from soupstate.model.net.reader import Marking, Reader
from soupstate.model.page.blocks import MOST_BLOCKS, Block, blocks_of, described
from soupstate.model.page.skim import Skimmed, skim
from soupstate.model.page.spans import TextSpan
from soupstate.model.page.stop import Watch
from soupstate.model.train.data.block_examples import label
from soupstate.model.train.data.replay import Sampled, sampled

SHOWN_DIGITS = 12  # of a digest, in messages

Floats = NDArray[np.float32]


@dataclass
class Lessons:
    """What corrections teach. pages: how many were read. main: pages whose main content is known, as numbers.

    used, unused: how many corrections of each kind. reasons: why some were not used, one line each.
    """

    pages: int = 0
    main: list[Sampled] = field(default_factory=list)
    used: Counter[str] = field(default_factory=Counter)
    unused: Counter[str] = field(default_factory=Counter)
    reasons: list[str] = field(default_factory=list)

    def refuse(self, page: Standing, correction: Correction, reason: str) -> None:
        """Notes a correction that teaches nothing."""
        self.unused[correction.KIND] += 1
        self.reasons.append(f"{page.url or 'page ' + page_digest(page.html)[:SHOWN_DIGITS]}: {reason}")


def lessons_of(reader: Reader, pages: Iterable[Standing], progress: Callable[[int], None]) -> Lessons:
    """Reads corrected pages. progress(pages): how many were read."""
    lessons = Lessons()
    for page in pages:
        skimmed = skim(page.html)
        marking = reader.mark(skimmed.text)
        lessons.pages += 1
        for correction in page.corrections:
            if isinstance(correction, MainCorrection):
                _add_main(lessons, page, correction, marking, skimmed)
            else:
                lessons.unused[correction.KIND] += 1
        progress(lessons.pages)
    return lessons


def _add_main(lessons: Lessons, page: Standing, correction: MainCorrection, marking: Marking, skimmed: Skimmed) -> None:
    watch = Watch()
    blocks, title = blocks_of(marking.page, marking.spans, watch)
    if not blocks or len(blocks) == MOST_BLOCKS:
        lessons.refuse(page, correction, f"it has {'no' if not blocks else 'too many'} blocks of text")
        return
    if not correction.spans and not (correction.text or "").split():
        lessons.refuse(page, correction, "that a page has no main content cannot be learned")
        return
    texts = [block.text for block in blocks]
    spans = correction.spans
    labels = label(texts, correction.text or "") if spans is None else span_labels(blocks, skimmed, spans)
    if not (labels > 0).any():
        lessons.refuse(page, correction, "the network sees no text in what is said to be main content")
        return
    lessons.main.append(sampled(described(marking.page, blocks, title, watch), labels, texts))
    lessons.used[correction.KIND] += 1


def span_labels(blocks: Sequence[Block], skimmed: Skimmed, spans: Sequence[tuple[int, int]]) -> Floats:
    """Returns for each block (blocks,) the share of its texts' characters that lies in spans of the whole page."""
    inside = np.zeros(len(skimmed.whole) + 1, np.int64)
    for start, end in spans:
        inside[start + 1 : end + 1] = 1
    before = np.cumsum(inside)  # characters in spans before each offset
    shares = np.zeros(len(blocks), np.float32)
    for i, block in enumerate(blocks):
        texts = [skimmed.extent(part.start, part.end) for part in block.inside if isinstance(part, TextSpan)]
        shares[i] = sum(before[end] - before[start] for start, end in texts) / sum(end - start for start, end in texts)
    return shares
