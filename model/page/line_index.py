"""Lines of a page: the line and column of an offset, and the words around it."""

import re
from bisect import bisect_right

LINE_END = re.compile(r"\r\n|\n|\r")
EXCERPT = 120  # characters of a line that are shown


class LineIndex:
    """The lines of a page. They end at \\n, \\r\\n or \\r. Offsets count code points of the page."""

    def __init__(self, page: str) -> None:
        self.page = page
        self.starts = [0]
        self.ends: list[int] = []
        for end in LINE_END.finditer(page):
            self.ends.append(end.start())
            self.starts.append(end.end())
        self.ends.append(len(page))

    def line_column(self, offset: int) -> tuple[int, int]:
        """Returns the line and the column of an offset, both counted from 1; the column counts code points."""
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1

    def window(self, start: int, end: int) -> tuple[int, int]:
        """Returns where the excerpt begins and ends: the line of `start`, or EXCERPT characters around the place."""
        line = bisect_right(self.starts, start) - 1
        first, last = self.starts[line], self.ends[line]
        if last - first > EXCERPT:
            room = max(0, EXCERPT - (min(end, last) - start))
            first = max(first, min(start - room // 2, last - EXCERPT))
            last = min(last, first + EXCERPT)
        return first, last

    def excerpt(self, start: int, end: int) -> str:
        """Returns the words around page[start:end], all from one line."""
        first, last = self.window(start, end)
        return self.page[first:last]
