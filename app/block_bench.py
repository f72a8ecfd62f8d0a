"""Measures what the choice of main content takes, beside the reading of the same pages."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from soupstate.model.net.main_content import choose
from soupstate.model.net.reader import Marking, Reader
from soupstate.model.page.block_figures import described
from soupstate.model.page.blocks import parts_of
from soupstate.model.page.skim import skim
from soupstate.model.page.stop import Watch


@dataclass
class BlockCost:
    """Processor time in seconds, of all pages together. blocks: their number."""

    pages: int = 0
    blocks: int = 0
    reading: float = 0.0
    cutting: float = 0.0
    describing: float = 0.0
    judging: float = 0.0  # and choosing

    @property
    def share(self) -> float:
        """The time of the whole stage as a share of that of reading."""
        return (self.cutting + self.describing + self.judging) / max(self.reading, 1e-9)


def block_cost(reader: Reader, pages: Iterable[str]) -> BlockCost:
    """Measures pages of HTML one by one. Raises ValueError for a network without a block head."""
    if reader.checkpoint.blocks is None:
        raise ValueError("the network has no block head")
    cost = BlockCost()
    for page in pages:
        skimmed = skim(page).text
        start = time.process_time()
        marking = reader.mark(skimmed)
        cost.reading += time.process_time() - start
        cost.pages += 1
        _measure(marking, cost)
    return cost


def _measure(marking: Marking, cost: BlockCost) -> None:
    assert marking.block_head
    watch = Watch()
    start = time.process_time()
    parts = list(parts_of(marking.page, marking.spans, watch))
    cut = time.process_time()
    cost.cutting += cut - start
    for blocks in parts:
        begun = time.process_time()
        told = described(marking.page, blocks, watch)
        done = time.process_time()
        choose(marking.block_head.reliable(marking.block_head.judge(told)[0]), told.sizes, blocks.texts)
        cost.judging += time.process_time() - done
        cost.describing += done - begun
        cost.blocks += len(blocks)
