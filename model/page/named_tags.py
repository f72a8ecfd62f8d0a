"""The tags of a page that have one of some names."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soupstate.kernels.tag_names import FIRST_NAME, tag_names
from soupstate.model.page.cuts import Cut
from soupstate.model.page.stop import SPAN, Watch


@dataclass(frozen=True)
class NamedTags:
    """Tags in order. told: the names that are told apart.

    spans (k,): the index of each. names (k,): that of its name in `told`. closing (k,): whether it is an end tag.
    """

    told: Sequence[str]
    spans: NDArray[np.int64]
    names: NDArray[np.int16]
    closing: NDArray[np.bool_]

    @classmethod
    def found(cls, page: memoryview, cut: Cut, told: Sequence[str], watch: Watch) -> "NamedTags":
        """Returns the tags of a page with these names, in lower case. Raises Stopped.

        Offsets of `cut` are those of the page's bytes.
        """
        spans = np.flatnonzero(cut.is_tag)
        watch(SPAN * len(spans))
        numbers = tag_names(np.frombuffer(page, np.uint8), cut.start[spans], told) - FIRST_NAME
        return cls(told, spans, numbers >> 1, (numbers & 1) > 0)._where(numbers >= 0)

    def of(self, names: Iterable[str]) -> "NamedTags":
        """Returns the tags with one of these names."""
        return self._where(np.isin(self.names, [self.told.index(name) for name in names]))

    def _where(self, which: NDArray[np.bool_]) -> "NamedTags":
        return NamedTags(self.told, self.spans[which], self.names[which], self.closing[which])
