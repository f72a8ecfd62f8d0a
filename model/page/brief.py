"""Cuts out of a page what says nothing about its marks, so that less has to be read.

Attributes that tell neither what an element is nor how it is shown are cut, such as `class` or `onclick`. So are the
middles of long values, of long texts, and of the white space around a text. A tag counts only if it is whole, with both
quotes of each value, and no bracket is in a value; a text only if it follows such a tag or an end tag. So where a quote
or a bracket may be missing nothing is cut, and the network sees what it needs to see past it. Answers are made from the
page as it was: the spans are moved back to it, with every word of their texts.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soupstate.kernels.brief import brief_cuts
from soupstate.model.page.skim import may_be_open

Offsets = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Brief:
    """A page with its cuts made. Offsets count code points.

    text: what is left to read. starts (parts,): where each part of the page begins in `text`. moved (parts,): by how
    much further it begins in the page.
    """

    text: str
    starts: Offsets
    moved: Offsets

    def begins(self, offsets: Offsets) -> Offsets:
        """Returns where spans that begin at these offsets of `text` begin in the page."""
        return offsets + self.moved[np.searchsorted(self.starts, offsets, "right") - 1]

    def ends(self, offsets: Offsets) -> Offsets:
        """Returns where spans that end at these offsets of `text` end in the page."""
        return offsets + self.moved[np.searchsorted(self.starts, offsets - 1, "right") - 1]

    @property
    def places(self) -> Offsets:
        """Where each character of `text` is in the page: (characters,)."""
        return self.begins(np.arange(len(self.text), dtype=np.int32))


def brief(page: str) -> Brief:
    """Makes the cuts of a page."""
    ids = np.frombuffer(page.encode("utf-8"), np.uint8)
    kept = np.array(list(may_be_open(page)), np.int64).reshape(-1, 2)
    if len(ids) == len(page):
        cuts = brief_cuts(ids, kept)
    else:
        begins = np.append(np.flatnonzero((ids & 0xC0) != 0x80), len(ids))  # of the characters, in bytes
        cuts = np.searchsorted(begins, brief_cuts(ids, begins[kept]))
    first, last = np.append(0, cuts[:, 1]), np.append(cuts[:, 0], len(page))
    starts = np.append(0, np.cumsum(last - first)[:-1])
    text = "".join(page[start:end] for start, end in zip(first.tolist(), last.tolist(), strict=True))
    return Brief(text, starts.astype(np.int32), (first - starts).astype(np.int32))
