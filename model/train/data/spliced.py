"""Pages put together from two labelled ones: main content of one, with what stands around that of another."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from soupstate.model.page.block_figures import Described, Ragged, placed
from soupstate.model.train.data.block_examples import CONTENT, Example

Part = tuple[Example, NDArray[np.int64]]  # some blocks of a page


def spliced(content: Example, frame: Example) -> Example:
    """Returns a page with the blocks of `frame` before and after its main content, and in between those of `content`.

    What lies between the first and the last block of main content goes with it, and blocks of the frame with unknown
    labels are left out. Figures of repetition and of the title stay those of the two pages. Returns `content` itself
    where one of the two has no main content.
    """
    inner, outer = np.flatnonzero(content.labels > CONTENT), np.flatnonzero(frame.labels > CONTENT)
    if not len(inner) or not len(outer):
        return content
    around = frame.known > 0
    before, after = around.copy(), around.copy()
    before[outer[0] :] = after[: outer[-1] + 1] = False
    parts = [
        (frame, np.flatnonzero(before)),
        (content, np.arange(inner[0], inner[-1] + 1)),
        (frame, np.flatnonzero(after)),
    ]
    return Example(
        content.name,
        content.site,
        _described(parts),
        np.concatenate([page.labels[at] for page, at in parts]),
        np.concatenate([page.known[at] for page, at in parts]),
        [page.texts[i] for page, at in parts for i in at.tolist()],
        content.gold,
        content.kind,
    )


def _described(parts: Sequence[Part]) -> Described:
    figures, weights = (
        np.concatenate([getattr(page.blocks, name)[at] for page, at in parts]) for name in ("figures", "weights")
    )
    words, names = (
        _ragged([_lists(getattr(page.blocks, name), at) for page, at in parts]) for name in ("words", "names")
    )
    return Described(placed(figures, weights), words, names, weights)


def _lists(ragged: Ragged, at: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Returns the lists of some blocks. ragged: numbers of all blocks, and where each block's begin."""
    lists = np.split(ragged[0], ragged[1][1:])
    return [lists[i] for i in at.tolist()]


def _ragged(parts: Sequence[Sequence[NDArray[np.int64]]]) -> Ragged:
    lists = [each for part in parts for each in part]
    sizes = np.array([len(each) for each in lists], np.int64)
    return np.concatenate(lists), np.cumsum(sizes) - sizes
