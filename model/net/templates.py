"""Templates: what pages are known by that were corrected, so that what they teach changes no other pages.

Two pages are alike when their tags have the same names: those of elements, and the words in classes and ids. A name
that few pages have says more than one that many have.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from soupstate.model.page.block_figures import BUCKETS

# The least likeness of a page to one that was corrected. Among 2,085 labelled pages, of 219 whose site has others 83%
# reach it with one of them, and 8% of pages reach it with some page of another site; see docs/decisions/corrections.md.
ALIKE = 0.3
MOST_PAGES = 16_384  # whose names are kept; each page that is read is compared with all of them
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

    def likenesses(self, names: NDArray[np.int64]) -> Floats:
        """Returns the likeness of a page to each of these (pages,): 0 to 1, the weighted Jaccard index of their names.

        names (k,): those of the page, each once.

        Source of the index: Ioffe 2010, "Improved Consistent Sampling, Weighted Minhash and L1 Sketching", section 1.
        """
        own = np.zeros(BUCKETS, np.float32)
        own[names] = self.worth[names]
        common = np.add.reduceat(own[self.names], self.starts)
        union = own.sum() + self._totals - common
        found: Floats = common / np.maximum(union, np.float32(1e-6))
        return found

    def likeness(self, names: NDArray[np.int64]) -> float:
        """Returns the greatest likeness of a page with these names (k,) to one of these."""
        return float(self.likenesses(names).max())

    def hold(self, names: NDArray[np.int64]) -> bool:
        """Returns whether a page with these names (k,) is like one of these."""
        return self.likeness(names) >= ALIKE


def templates_of(corrected: Sequence[NDArray[np.int64]], sample: Sequence[NDArray[np.int64]]) -> Templates:
    """Returns the templates of corrected pages, by the names in the tags of each page.

    A name's worth falls with the number of pages of a sample that have it: it is the inverse document frequency of
    Spärck Jones (1972), with one page more of either kind. Raises ValueError where no page has a name, and for
    more than MOST_PAGES lists of names.
    """
    counts = np.zeros(BUCKETS, np.float32)
    for names in sample:
        counts[names] += 1
    worth = np.log((len(sample) + 1) / (counts + 1)).astype(np.float32)
    worth[0] = 0  # stands where there is no name
    lists = list({names.tobytes(): names for names in corrected if len(names)}.values())
    if len(lists) > MOST_PAGES:
        raise ValueError(f"more than {MOST_PAGES} corrected pages whose tags have different names")
    if not lists:
        raise ValueError("the corrected pages have no tags by which pages like them are known")
    starts = np.cumsum([0, *map(len, lists[:-1])])
    return Templates(np.concatenate(lists).astype(np.uint16), starts.astype(np.uint32), worth)
