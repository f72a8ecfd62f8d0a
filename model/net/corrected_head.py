"""What corrections teach the choice of main content: a second block head, for pages like those that were corrected.

The first head judges all other pages as before, so a correction moves no page of another template.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soupstate.model.net.block_head import BlockHead
from soupstate.model.net.templates import Templates
from soupstate.model.page.block_figures import Described

Floats = NDArray[np.float32]
EMPTY = np.float32(0.1)  # least chance of the likeliest block of a page that has main content


@dataclass(frozen=True, eq=False)
class CorrectedHead:
    """Two block heads: `first` judges pages, and `second` those that are like the `templates`."""

    first: BlockHead
    second: BlockHead
    templates: Templates

    def judge(self, blocks: Described) -> tuple[Floats, Floats]:
        """Returns what `BlockHead.judge` returns. The page's type is always the first head's.

        Where the second head judges, and no block has a chance of EMPTY, all chances are 0: there is no main content.
        """
        chances, kinds = self.first.judge(blocks)
        if self.templates.hold(names_of(blocks)):
            chances = self.second.judge(blocks)[0]
            chances = np.where(chances.max(initial=0) < EMPTY, np.float32(0), chances)
        return chances, kinds

    def reliable(self, chances: Floats) -> Floats:
        """Returns chances (blocks,) after calibration, as the first head was calibrated; none stays none."""
        return self.first.reliable(chances) if chances.any() else chances

    def expected_f1(self, f1: float) -> float:
        """Returns what `BlockHead.expected_f1` of the first head returns."""
        return self.first.expected_f1(f1)


def names_of(blocks: Described) -> NDArray[np.int64]:
    """Returns the hashes of the names in the tags before a page's blocks, each once, ascending."""
    return np.unique(blocks.names[0])
