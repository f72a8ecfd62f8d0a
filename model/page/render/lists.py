"""Puts blocks into lists: markers, their numbers, and the columns where the content of items begins."""

from collections.abc import Iterable
from dataclasses import dataclass, field

MOST = 999_999_999  # the greatest number of an item (CommonMark 0.31, 5.2)


def number_of(written: str | None) -> int | None:
    """Returns the number in a `start` or `value` attribute; None where Markdown has no such number.

    >>> number_of("3"), number_of("-1"), number_of("x")
    (3, None, None)
    """
    written = (written or "").strip()
    return int(written) if written.isascii() and written.isdigit() and len(written) <= len(str(MOST)) else None


@dataclass(slots=True)
class Lists:
    """The lists that are open where the next block stands."""

    indents: dict[int, int] = field(default_factory=dict)  # list depth -> column of its content
    counters: dict[int, int] = field(default_factory=dict)  # list depth -> number of its last item
    fresh: bool = False  # a list has begun since the last block
    start: int | None = None  # the number of its first item
    value: int | None = None  # the number of the next item

    def begin(self, start: int | None) -> None:
        """Begins a list."""
        self.fresh, self.start = True, start

    def placed(self, lines: Iterable[str], depth: int, *, item: bool, ordered: int) -> str:
        """Returns a block's lines after its item's marker, or indented below it. depth 0: outside lists."""
        if not depth:
            self.indents.clear()
            self.counters.clear()
            self.fresh, self.start, self.value = False, None, None
            return "\n".join(lines)
        for deeper in [d for d in self.indents if d > depth or (item and d == depth)]:
            del self.indents[deeper]
        for deeper in [d for d in self.counters if d > depth]:
            del self.counters[deeper]
        column = max((c for d, c in self.indents.items() if d <= depth), default=0)
        if self.fresh:
            self.counters[depth] = (1 if self.start is None else self.start) - 1
            self.fresh, self.start = False, None
        marker = ""
        if item:
            self.counters[depth] = self.counters.get(depth, 0) + 1 if self.value is None else self.value
            self.value = None
            marker = f"{min(self.counters[depth], MOST)}. " if ordered else "- "
            self.indents[depth] = column + len(marker)
        rest = " " * (column + len(marker))
        first, *others = lines
        return "\n".join([" " * column + marker + first, *(rest + line if line else "" for line in others)])
