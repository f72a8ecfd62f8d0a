"""Settles which text is hidden by an element: one with `hidden`, a closed `dialog`, `template`, `noscript`, `svg`.

The network sees most of these, but on a small page it has little to go by. Here the tags that it found decide, where
they nest: text inside such an element is not shown, and text where no such element can be open is. An element whose end
cannot be told from the tags hides nothing by rule; what is hidden there is for the network to say. So an element that
nobody closed never takes the rest of a page along.
"""

import re
from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray

from soupstate.kernels.marking import TAG as WELL_FORMED
from soupstate.model.page.cuts import CLOSING, TEXT, Cut
from soupstate.model.page.elements import BLOCKS, EMPHASIS, HEADINGS, LISTS, OPTIONAL_END, STRONG, VOID
from soupstate.model.page.marks import Visible
from soupstate.model.page.stop import SPAN, Watch
from soupstate.model.page.well_formed import attribute_names, tag_name

HIDES = {"template": Visible.UNSEEN, "noscript": Visible.UNSEEN, "svg": Visible.HIDDEN, "iframe": Visible.HIDDEN}
NEVER_HIDDEN = ("html", "body")  # pages with these hidden are shown by a script
CLOSES_P = BLOCKS | LISTS | {*HEADINGS, "table", "hr", "pre", "blockquote", "p"}
IGNORED_ENDS = STRONG | EMPHASIS | {"p", "a", "span", "font", "br"}  # of these a stray end tag closes nothing else
MAY_HIDE = re.compile(rb"<(?:template|noscript|svg|iframe|dialog)\b|[\s/]hidden\b", re.I)
# A page that hides more than half of its text, and more than so many characters, has probably lost an end tag.
MUCH = 500
DEEPEST = 256  # elements that are followed; deeper nesting is for the network to say


class _Nesting:
    """The elements that are open inside elements that hide. value: what a hiding element makes of its text."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.hiding: list[tuple[int, int, Visible]] = []  # index in `names`, index of the span, value
        self.done: list[tuple[int, int, Visible]] = []  # first span, last span, value
        self.maybe = 0  # elements that may still hide, by rule or not

    def start(self, span: int, name: str, tag: bytes) -> None:
        if self.names and self.names[-1] in OPTIONAL_END:
            top = self.names[-1]
            if top == name or (top == "p" and name in CLOSES_P):
                self._close(len(self.names) - 1, span)
        if name in VOID or (tag.endswith(b"/>") and "svg" in (*self.names, name)):
            return
        value = HIDES.get(name)
        if value is None and name not in NEVER_HIDDEN and (_has_hidden(tag) or _is_closed_dialog(name, tag)):
            value = Visible.HIDDEN
        if value is not None:
            self.hiding.append((len(self.names), span, value))
            self.maybe += 1
        if value is not None or self.names:
            self.names.append(name)
        if len(self.names) > DEEPEST:
            self.names.clear()
            self.hiding.clear()

    def end(self, span: int, name: str) -> None:
        if name in self.names:
            self._close(len(self.names) - 1 - self.names[::-1].index(name), span)
        elif self.names and name not in IGNORED_ENDS:  # it closes an element outside, and all that is open inside
            self.names.clear()
            self.hiding.clear()

    def _close(self, index: int, span: int) -> None:
        """Closes the element at an index, and those inside it."""
        del self.names[index:]
        while self.hiding and self.hiding[-1][0] >= index:
            at, first, value = self.hiding.pop()
            if at == index:
                self.done.append((first, span, value))
                self.maybe -= 1


def _has_hidden(tag: bytes) -> bool:
    return b"hidden" in tag.lower() and b"hidden" in attribute_names(tag)


def _is_closed_dialog(name: str, tag: bytes) -> bool:
    return name == "dialog" and WELL_FORMED.fullmatch(tag) is not None and b"open" not in attribute_names(tag)


def _may_hide(page: memoryview, cut: Cut, tags: NDArray[np.int64]) -> list[int]:
    """Returns which of the tags (k,), indices of spans, may begin an element that hides: indices of tags, ascending."""
    at = np.array([found.start() for found in MAY_HIDE.finditer(page)], np.int64)
    inside = np.searchsorted(cut.start[tags], at, "right") - 1
    some: list[int] = np.unique(inside[(inside >= 0) & (at < cut.end[tags][inside])]).tolist() if len(tags) else []
    return some


def settle_hidden(page: memoryview, cut: Cut, visible: NDArray[np.uint8], watch: Watch) -> None:
    """Corrects the visibility (spans,) of a page's texts. Offsets of `cut` are those of the bytes of the page.

    It takes time in proportion to the page. Raises Stopped.
    """
    text = (cut.kind == TEXT) & ~cut.blank
    tags = np.flatnonzero(cut.is_tag)
    hiding = _may_hide(page, cut, tags)
    if not hiding:
        visible[text] = Visible.SHOWN
        return
    nesting = _Nesting()
    unsure = np.zeros(len(cut.kind), np.bool_)  # whether an element may hide that the rules do not know the end of
    before = 0
    rows = list(zip(tags.tolist(), *(each[tags].tolist() for each in (cut.start, cut.end, cut.kind)), strict=True))
    at = 0
    while at < len(rows):
        if not nesting.names:  # until the next tag that may hide, tags change nothing
            following = bisect_left(hiding, at)
            if following == len(hiding):
                break
            at = hiding[following]
        span, start, end, kind = rows[at]
        at += 1
        watch()
        unsure[before:span] = nesting.maybe > 0
        before = span
        name = tag_name(page, start, end)
        if not name:
            continue
        if kind == CLOSING:
            nesting.end(span, name)
        else:
            nesting.start(span, name, bytes(page[start:end]))
    unsure[before:] = nesting.maybe > 0
    visible[text & ~unsure] = Visible.SHOWN
    length = np.where(text & (visible == Visible.SHOWN), cut.end - cut.start, 0)
    total = np.concatenate([[0], np.cumsum(length)])
    for first, last, value in nesting.done:
        watch(SPAN + last - first)
        hidden = total[last] - total[first]
        if hidden <= max(MUCH, total[-1] // 2):
            some = slice(first, last)
            visible[some] = np.where(text[some] & (visible[some] == Visible.SHOWN), value, visible[some])
