"""What corrections teach the choice of main content: a second block head, for pages like those that were corrected.

The first head judges all other pages as before, so a correction moves no page of another template. Two pages are alike
when their tags have the same names: those of elements, and the words in classes and ids. A name that few pages have
says more than one that many have.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from soupstate.model.net.block_head import BlockHead
from soupstate.model.page.blocks import BUCKETS, Described

# The least likeness of a page to one that was corrected. Among 2,085 labelled pages, of 219 whose site has others 83%
# reach it with one of them, and 8% of pages reach it with some page of another site; see docs/decisions/corrections.md.
ALIKE = 0.3
MOST_PAGES = 4096  # whose names are kept
LARGEST_WORTH = 100.0

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Templates:
    """The names in the tags of corrected pages. names (n,) uint16: hashes below BUCKETS, each once per page.

    starts (pages,): where each page's names begin. worth (BUCKETS,): how much a name says. Raises ValueError for arrays
    that cannot be these.
    """

    names: NDArray[np.uint16]
    starts: NDArray[np.uint32]
    worth: Floats

    def __post_init__(self) -> None:
        starts = self.starts.astype(np.int64)
        ascending = len(starts) and starts[0] == 0 and (np.diff(np.append(starts, len(self.names))) > 0).all()
        if not ascending or len(starts) > MOST_PAGES:
            raise ValueError(f"templates.starts: not the beginnings of 1 to {MOST_PAGES} lists")
        if (self.names >= BUCKETS).any():
            raise ValueError(f"templates.names: a hash of {BUCKETS} or more")
        if self.worth.shape != (BUCKETS,) or not ((self.worth >= 0) & (self.worth <= LARGEST_WORTH)).all():
            raise ValueError(f"templates.worth: expected {BUCKETS} numbers from 0 to {LARGEST_WORTH:.0f}")

    @cached_property
    def _totals(self) -> Floats:
        totals: Floats = np.add.reduceat(self.worth[self.names], self.starts)
        return totals

    def likeness(self, blocks: Described) -> float:
        """Returns the greatest likeness of a page to one of these: 0 to 1, the weighted Jaccard index of their names.

        Source of the index: Ioffe 2010, "Improved Consistent Sampling, Weighted Minhash and L1 Sketching", section 1.
        """
        own = np.zeros(BUCKETS, np.float32)
        names = names_of(blocks)
        own[names] = self.worth[names]
        common = np.add.reduceat(own[self.names], self.starts)
        union = own.sum() + self._totals - common
        return float((common / np.maximum(union, np.float32(1e-6))).max())

    def hold(self, blocks: Described) -> bool:
        """Returns whether a page is like one of these."""
        return len(blocks.figures) > 0 and self.likeness(blocks) >= ALIKE


@dataclass(frozen=True, eq=False)
class CorrectedHead:
    """Two block heads: `first` judges pages, and `second` those that are like the `templates`."""

    first: BlockHead
    second: BlockHead
    templates: Templates

    def judge(self, blocks: Described) -> tuple[Floats, Floats]:
        """Returns what `BlockHead.judge` returns. The page's type is always the first head's."""
        chances, kinds = self.first.judge(blocks)
        return (self.second.judge(blocks)[0] if self.templates.hold(blocks) else chances), kinds

    def reliable(self, chances: Floats) -> Floats:
        """Returns chances (blocks,) after calibration, as the first head was calibrated."""
        return self.first.reliable(chances)

    def expected_f1(self, f1: float) -> float:
        """Returns what `BlockHead.expected_f1` of the first head returns."""
        return self.first.expected_f1(f1)


def names_of(blocks: Described) -> NDArray[np.int64]:
    """Returns the hashes of the names in a page's tags, each once, ascending."""
    return np.unique(blocks.names[0])
