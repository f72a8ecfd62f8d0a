"""Lines of a page: the line and column of an offset, and the words around it."""

import re

import numpy as np
from numpy.typing import NDArray

LINE_END = re.compile(r"\r\n|\n|\r")
EXCERPT = 120  # characters of a line that are shown


class LineIndex:
    """The lines of a page. They end at \\n, \\r\\n or \\r. Offsets count code points of the page.

    starts, ends (lines,): where the text of each line begins and ends.
    """

    def __init__(self, page: str) -> None:
        self.page = page
        found = np.fromiter((at for end in LINE_END.finditer(page) for at in end.span()), np.int64)
        self.starts: NDArray[np.int64] = np.concatenate([[0], found[1::2]])
        self.ends: NDArray[np.int64] = np.concatenate([found[::2], [len(page)]])

    def line_column(self, offset: int) -> tuple[int, int]:
        """Returns the line and the column of an offset, both counted from 1; the column counts code points."""
        line = int(np.searchsorted(self.starts, offset, "right"))
        return line, offset - int(self.starts[line - 1]) + 1

    def window(self, start: int, end: int) -> tuple[int, int]:
        """Returns where the excerpt begins and ends: the line of `start`, or EXCERPT characters around the place."""
        line = int(np.searchsorted(self.starts, start, "right")) - 1
        first, last = int(self.starts[line]), int(self.ends[line])
        if last - first > EXCERPT:
            room = max(0, EXCERPT - (min(end, last) - start))
            first = max(first, min(start - room // 2, last - EXCERPT))
            last = min(last, first + EXCERPT)
        return first, last

    def excerpt(self, start: int, end: int) -> str:
        """Returns the words around page[start:end], all from one line."""
        first, last = self.window(start, end)
        return self.page[first:last]
