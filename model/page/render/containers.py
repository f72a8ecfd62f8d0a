"""Puts blocks into the quotes and lists that hold them: what stands before each line of a block, and between blocks.

The tags say in which order quotes and lists hold each other, and where one ends and the next begins. How deep a text is
in each, its marks say. Where the two disagree, the marks count.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import takewhile

from soupstate.model.page.marks import LIST_DEPTHS, QUOTE_DEPTHS

MOST = 999_999_999  # the greatest number of an item (CommonMark 0.31, 5.2)
DEEPEST = {True: LIST_DEPTHS - 1, False: QUOTE_DEPTHS - 1}  # lists, quotes


def number_of(written: str | None) -> int | None:
    """Returns the number in a `start` or `value` attribute; None where Markdown has no such number.

    >>> number_of("3"), number_of("-1"), number_of("x")
    (3, None, None)
    """
    written = (written or "").strip()
    return int(written) if written.isascii() and written.isdigit() and len(written) <= len(str(MOST)) else None


@dataclass(slots=True, eq=False)
class Holder:
    """A quote, or a list with its last item. ordered: None where no tag says it."""

    is_list: bool
    ordered: bool | None = None
    in_item: bool = False
    pending: bool = False  # the item's marker is still to be written
    value: int | None = None  # the number that the item asks for
    number: int = 0  # of the last item
    mark: str = ""  # what its markers are made with: "-" or "*", "." or ")"; "" where no item is written
    width: int = 0  # of the last marker
    last: "Holder | None" = None  # the list that stood last in it, if no other block came after

    def marker(self, before: "Holder | None", ordered: bool) -> str:
        """Returns the marker of the pending item. before: the list that stands right before this one."""
        if not self.mark:
            self.ordered = ordered if self.ordered is None else self.ordered
            usual, other = ".)" if self.ordered else "-*"
            # Of two lists side by side, the second needs another mark, or it would go on with the first.
            self.mark = other if before and before is not self and before.mark == usual else usual
        self.number = self.number + 1 if self.value is None else self.value
        self.pending = False
        marker = f"{min(self.number, MOST)}{self.mark} " if self.ordered else f"{self.mark} "
        self.width = len(marker)
        return marker


@dataclass(frozen=True, slots=True)
class Placed:
    """A block in its place. gap: the line between it and the block before; None: they have no line between them.

    same: whether the block before stands in the same quotes, lists and items.
    """

    text: str
    gap: str | None
    same: bool


@dataclass(slots=True)
class Containers:
    """The quotes and lists that are open."""

    open: list[Holder] = field(default_factory=list)
    beyond: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})  # that are open beyond the DEEPEST
    root: Holder = field(default_factory=lambda: Holder(False))
    before: tuple[Holder, ...] = ()  # those that held the last block

    def begin_quote(self) -> None:
        self._begin(Holder(False))

    def begin_list(self, *, ordered: bool, start: int | None) -> None:
        """Begins a list. start: the number of its first item."""
        self._begin(Holder(True, ordered, number=(1 if start is None else start) - 1))

    def begin_item(self, value: int | None) -> None:
        """Begins an item of the innermost list. value: its number, where it has its own."""
        if not any(holder.is_list for holder in self.open):
            self.open.append(Holder(True))
        holder = self._innermost_list()
        holder.in_item = holder.pending = True
        holder.value, holder.last = value, None

    def end_item(self) -> None:
        if any(holder.is_list for holder in self.open):
            holder = self._innermost_list()
            holder.pending = False
            holder.in_item = bool(self.beyond[True])

    def end(self, *, is_list: bool) -> None:
        """Ends the innermost list or quote, and what is open inside it."""
        if self.beyond[is_list]:
            self.beyond[is_list] -= 1
            return
        for i in reversed(range(len(self.open))):
            if self.open[i].is_list == is_list:
                del self.open[i:]
                return

    def placed(self, lines: Iterable[str], *, depth: int, quote: int, ordered: bool) -> Placed:
        """Returns the lines of a block whose text has these marks: its depth in lists and in quotes, and its list."""
        self._settle_lists(depth)
        self._settle_quotes(quote)
        return self._written(lines, ordered)

    def placed_by_tags(self, lines: Iterable[str]) -> Placed:
        """Returns the lines of a block without text, of which the tags alone say where it is."""
        return self._written(lines, False)

    def begins_item(self) -> bool:
        """Whether the next block begins an item."""
        return any(holder.pending for holder in self.open)

    def _begin(self, holder: Holder) -> None:
        if sum(h.is_list == holder.is_list for h in self.open) < DEEPEST[holder.is_list]:
            self.open.append(holder)
        else:
            self.beyond[holder.is_list] += 1

    def _innermost_list(self) -> Holder:
        """Returns the innermost list, and ends the quotes inside it."""
        while not self.open[-1].is_list:
            self.open.pop()
        return self.open[-1]

    def _settle_lists(self, depth: int) -> None:
        """Ends items that are open beyond the depth that a text has. A marker that waits there is one of the rest."""
        items = [holder for holder in self.open if holder.in_item]
        while len(items) > max(depth, any(holder.pending for holder in items)):
            last = items.pop()
            self.open.remove(last)
            if last.pending and items:
                items[-1].pending, items[-1].value = True, last.value
        if not depth:
            self.beyond[True] = 0

    def _settle_quotes(self, depth: int) -> None:
        quotes = [holder for holder in self.open if not holder.is_list]
        while len(quotes) > depth:
            self.open.remove(quotes.pop())
            self.beyond[False] = 0
        if len(quotes) < depth:
            at = next((i for i, holder in enumerate(self.open) if holder.pending and not holder.mark), len(self.open))
            self.open[at:at] = [Holder(False) for _ in range(depth - len(quotes))]

    def _holding(self) -> tuple[Holder, ...]:
        """Returns what holds a block. A list right inside of a list belongs to the item that stands right before it."""
        last = max((i for i, holder in enumerate(self.open) if holder.in_item), default=-1)
        found: list[Holder] = []
        for i, holder in enumerate(self.open):
            parent = found[-1] if found else self.root
            if not holder.is_list or holder.in_item or (i < last and parent.last is holder):
                found.append(holder)
        return tuple(found)

    def _written(self, lines: Iterable[str], ordered: bool) -> Placed:
        holders, before = self._holding(), self.before
        common = [a for a, _ in takewhile(lambda pair: pair[0] is pair[1], zip(holders, before, strict=False))]
        begins = any(holder.pending for holder in holders)
        gap = "".join(" " * holder.width if holder.is_list else "> " for holder in common).rstrip(" ")
        parent, first, rest = self.root, "", ""
        for holder in holders:
            if not holder.is_list:
                mark = indent = "> "
                parent.last = None
            else:
                mark = holder.marker(parent.last, ordered) if holder.pending else " " * holder.width
                indent = " " * holder.width
                parent.last = holder
            first, rest, parent = first + mark, rest + indent, holder
        parent.last = None
        self.before = holders
        text = "\n".join(((rest if i else first) + line).rstrip(" ") for i, line in enumerate(lines))
        new = holders[len(common) :]
        tight = begins and _is_tight(common, new, before[len(common) :])
        return Placed(text, None if tight else gap, not begins and not new and len(common) == len(before))


def _is_tight(common: list[Holder], new: tuple[Holder, ...], ended: tuple[Holder, ...]) -> bool:
    """Whether no empty line is before an item. common: what holds it and the block before; new, ended: one of them.

    A list that begins with another number than 1 needs one, because it cannot interrupt a paragraph (CommonMark, 5.2).
    """
    if not any(holder.is_list for holder in common) or any(not holder.is_list for holder in (*new, *ended)):
        return False
    later = bool(new) and bool(new[0].ordered) and new[0].number != 1
    return not later and not (new and ended)
