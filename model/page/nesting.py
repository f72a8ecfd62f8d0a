"""What opens and closes in a format, and where: HTML's elements, and the objects and arrays of JSON.

The depth layer (`soupstate.model.net.depth`) has one cell for each kind of what is open.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soupstate.model.page.elements import COUNTED_KINDS, DIV_KIND, INNER_KINDS, KIND_NAMES
from soupstate.model.page.tag_places import opens, tag_places

# What a cell holds at most; that of `div` and that of other elements hold more. Of 1,200 training pages three have more
# open elements of another kind, 17 at most. Without a bound one page of 240 ran away to 77 open fonts.
MOST_OPEN = 12
# With DEEPEST, a page came out four too low after 46 open `div`: R^2 on 160 training pages was .85 instead of .92.
MOST_DIVS = 255
BRACKETS = b"{}[]"  # the kinds of places in JSON, in this order


@dataclass(frozen=True, eq=False)
class Nesting:
    """names: of the cells. places: returns the bytes of a text at which something may open or close, and their kinds.

    opens (kinds of places, cells): which cells may go up there. pairs (differences, cells): which cells each difference
    adds (1) and subtracts (-1). most (cells,): what a cell holds at most.
    """

    names: tuple[str, ...]
    places: Callable[[bytes], tuple[NDArray[np.int64], NDArray[np.uint8]]]
    opens: NDArray[np.bool_]
    pairs: NDArray[np.int8]
    most: NDArray[np.uint8]

    @property
    def cells(self) -> int:
        """The number of cells."""
        return len(self.names)

    @property
    def tag_kinds(self) -> int:
        """The number of kinds of places."""
        return len(self.opens)

    @property
    def tables(self) -> int:
        """The number of counts and of differences."""
        return self.cells + len(self.pairs)


def json_places(text: bytes) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Returns the bytes (k,) that are brackets or braces, also those in strings, and which of BRACKETS each is (k,).

    >>> [part.tolist() for part in json_places(b'[{"a]"')]
    [[0, 1, 4], [2, 0, 3]]
    """
    ids = np.frombuffer(text, np.uint8)
    kind = np.full(256, len(BRACKETS), np.uint8)
    kind[list(BRACKETS)] = np.arange(len(BRACKETS))
    kinds = kind[ids]
    places = np.flatnonzero(kinds < len(BRACKETS))
    return places, kinds[places]


def _html() -> Nesting:
    pairs = np.zeros((len(INNER_KINDS), len(COUNTED_KINDS)), np.int8)
    for row, (inner, outer) in zip(pairs, INNER_KINDS, strict=True):
        row[inner], row[list(outer)] = 1, -1
    most = np.full(len(COUNTED_KINDS), MOST_OPEN, np.uint8)
    most[[0, DIV_KIND]] = MOST_DIVS
    return Nesting(KIND_NAMES, tag_places, opens(), pairs, most)


def _json() -> Nesting:
    opening = np.array([[True, False], [False, False], [False, True], [False, False]])
    return Nesting(("objects", "arrays"), json_places, opening, np.array([[1, -1]], np.int8), np.full(2, 255, np.uint8))


NESTINGS = {"html": _html(), "json": _json()}
HTML_NESTING = NESTINGS["html"]
