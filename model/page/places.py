"""Places of a page as people name them: line, column, and the words around."""

import re
from bisect import bisect_right

LINE_END = re.compile(r"\r\n|\n|\r")
EXCERPT = 120  # characters of a line that are shown


class Places:
    """Lines of a page, found once; they end at \\n, \\r\\n or \\r. Offsets count code points of the page."""

    def __init__(self, page: str) -> None:
        self.page = page
        self.starts = [0]
        self.ends: list[int] = []
        for end in LINE_END.finditer(page):
            self.ends.append(end.start())
            self.starts.append(end.end())
        self.ends.append(len(page))

    def line_column(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both counted from 1; column counts code points."""
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1

    def window(self, start: int, end: int) -> tuple[int, int]:
        """Where the excerpt begins and ends: the line of `start`, or so much around page[start:end] as fits EXCERPT."""
        line = bisect_right(self.starts, start) - 1
        first, last = self.starts[line], self.ends[line]
        if last - first > EXCERPT:
            room = max(0, EXCERPT - (min(end, last) - start))
            first = max(first, min(start - room // 2, last - EXCERPT))
            last = min(last, first + EXCERPT)
        return first, last

    def excerpt(self, start: int, end: int) -> str:
        """The words around page[start:end], all in one line."""
        first, last = self.window(start, end)
        return self.page[first:last]
