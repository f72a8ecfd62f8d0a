"""Pairs start tags with end tags by the rules of the standard, and proves which tags have no partner.

It is no parser: it builds no tree, and only says of a name whether all its tags pair, and of a tag whether it cannot.
"""

from collections import Counter
from dataclasses import dataclass, field

from soupstate.model.faults.checks.mismatches import Tag
from soupstate.model.page.elements import OPTIONAL_END, VOID
from soupstate.model.page.stop import Watch, watched

# 13.1.2.4: a start tag ends these elements, if one of them was opened last
ENDS = {
    "p": frozenset({"p"}),
    "li": frozenset({"p", "li"}),
    "dt": frozenset({"p", "dt", "dd"}),
    "dd": frozenset({"p", "dt", "dd"}),
    "option": frozenset({"option"}),
    "optgroup": frozenset({"option", "optgroup"}),
    "rt": frozenset({"rt", "rp"}),
    "rp": frozenset({"rt", "rp"}),
    "td": frozenset({"p", "li", "td", "th"}),
    "th": frozenset({"p", "li", "td", "th"}),
    "tr": frozenset({"p", "li", "td", "th", "tr", "caption", "colgroup"}),
    "tbody": frozenset({"p", "li", "td", "th", "tr", "thead", "tbody", "tfoot", "caption", "colgroup"}),
    "body": frozenset({"head"}),
}
ENDS |= {"thead": ENDS["tbody"], "tfoot": ENDS["tbody"]}
# 13.2.4.2: an end tag of these does not reach beyond such an element
SCOPE = {"li": frozenset({"ul", "ol"}), "dt": frozenset({"dl"}), "dd": frozenset({"dl"})}
CELLS = frozenset({"td", "th", "table", "caption", "template"})
TABLE_PARTS = CELLS | {"tr", "tbody", "thead", "tfoot", "body", "html"}
DEEPEST = 60  # open elements that an end tag is compared with
AHEAD = 64  # tags read ahead to tell a stray end tag from one that is missing


@dataclass(slots=True)
class Pairing:
    """unpaired: by name, the part of the page in which a tag of that name has no partner, or not surely the right one.

    omitted: names with an end tag left out, as the standard allows. stray: end tags that close nothing. unclosed:
    (element, the end tag before which it had to end). swapped: the first of two end tags in the wrong order. left:
    elements that are open at the end of the page. surplus: by name, the start tags less the end tags.
    """

    unpaired: dict[str, tuple[int, int]] = field(default_factory=dict)
    omitted: set[str] = field(default_factory=set)
    stray: list[Tag] = field(default_factory=list)
    unclosed: list[tuple[Tag, Tag]] = field(default_factory=list)
    swapped: list[Tag] = field(default_factory=list)
    left: list[Tag] = field(default_factory=list)
    surplus: Counter[str] = field(default_factory=Counter)

    def doubt(self, name: str, start: int, end: int) -> None:
        """Notes that tags of this name may have no partner in page[start:end]."""
        first, last = self.unpaired.get(name, (start, end))
        self.unpaired[name] = min(first, start), max(last, end)

    def certain(self, name: str, at: int) -> bool:
        """Whether all tags of this name have their partners around page[at]."""
        first, last = self.unpaired.get(name, (1, 0))
        return not first <= at <= last


def pair(page: str, tags: list[Tag], watch: Watch) -> Pairing:
    """Returns which tags of a page have a partner. Takes time in proportion to the number of tags."""
    walk = _Walk(page, tags)
    for i, tag in enumerate(watched(tags, watch)):
        walk.result.surplus[tag.name] += -1 if tag.closes else 1
        if not tag.closes:
            walk.start(tag)
        elif tag.name not in VOID:
            walk.end(i, tag)
    for tag in walk.opened:
        if tag.name not in OPTIONAL_END:
            walk.result.left.append(tag)
            walk.result.doubt(tag.name, tag.start, len(page))
        else:
            walk.result.omitted.add(tag.name)
    return walk.result


class _Walk:
    """The open elements while the tags of a page are read."""

    def __init__(self, page: str, tags: list[Tag]) -> None:
        self.page, self.tags = page, tags
        self.opened: list[Tag] = []
        self.open: Counter[str] = Counter()
        self.result = Pairing()

    def start(self, tag: Tag) -> None:
        while self.opened and self.opened[-1].name in ENDS.get(tag.name, ()):
            self._pop(omitted=True)
        if tag.name not in VOID and self.page[tag.end - 2 : tag.end] != "/>":
            self.opened.append(tag)
            self.open[tag.name] += 1

    def end(self, i: int, tag: Tag) -> None:
        depth = self._depth(tag.name)
        if depth is None:
            self._stray(tag)
            return
        opened = self.opened[-depth - 1]
        inside = self.opened[len(self.opened) - depth :]
        crossed = [t for t in inside if t.name not in OPTIONAL_END]
        following = self.tags[i + 1] if i + 1 < len(self.tags) else None
        if not crossed and following and self._left_out(inside, tag, following):
            crossed = [t for t in inside if t.name == following.name][-1:]
        if len(crossed) == 1 and following and following.closes and following.name == crossed[0].name:
            self.result.swapped.append(tag)
            self.result.doubt(tag.name, opened.start, following.end)
            self.result.doubt(following.name, opened.start, following.end)
            for closed in (opened, *inside):
                self.open[closed.name] -= closed is not crossed[0]
            self.opened[-depth - 1 :] = crossed
            return
        if crossed and self._is_stray(i, tag, crossed[-1]):
            self._stray(tag)
            return
        for element in reversed(crossed):
            self.result.unclosed.append((element, tag))
            self.result.doubt(element.name, opened.start, tag.end)
            self.result.doubt(tag.name, opened.start, tag.end)
        for _ in range(depth):
            self._pop(omitted=True)
        self._pop(omitted=False)

    def _left_out(self, inside: list[Tag], tag: Tag, following: Tag) -> bool:
        """Whether the end tag that directly follows this one is that of an element that this one closes over, though it
        may be left out, and of no other open element: then the two are in the wrong order.

        inside: the elements that this one closes over.
        """
        if not following.closes or self.page[tag.end : following.start].strip():
            return False
        closed = sum(t.name == following.name for t in inside)
        return closed == self.open[following.name] > 0

    def _depth(self, name: str) -> int | None:
        """Returns how many elements were opened after the one that this end tag may close; None without such a one."""
        if not self.open[name]:
            return None
        limits = SCOPE.get(name, frozenset()) | (frozenset({"table"}) if name in TABLE_PARTS else CELLS)
        for depth, element in enumerate(reversed(self.opened[-DEEPEST:])):
            if element.name == name:
                return depth
            if element.name in limits:
                return None
        return None

    def _stray(self, tag: Tag) -> None:
        self.result.stray.append(tag)
        self.result.doubt(tag.name, self.opened[-1].start if self.opened else 0, tag.end)

    def _is_stray(self, i: int, tag: Tag, last: Tag) -> bool:
        """Whether the next end tag that closes an element from before closes the last one: then this one is extra."""
        inside: list[str] = []
        for following in self.tags[i + 1 : i + 1 + AHEAD]:
            if not following.closes:
                if following.name not in VOID and self.page[following.end - 2 : following.end] != "/>":
                    inside.append(following.name)
            elif following.name in inside:
                while inside.pop() != following.name:
                    continue
            elif following.name not in (tag.name, *VOID):
                after = [t.name for t in self.opened if t.start >= last.start]
                return following.name in after
        return False

    def _pop(self, *, omitted: bool) -> None:
        last = self.opened.pop()
        self.open[last.name] -= 1
        if omitted and last.name in OPTIONAL_END:
            self.result.omitted.add(last.name)
