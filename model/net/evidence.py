"""Evidence: the heads' outputs of one page, gathered while it is read, and the decisions taken from them.

The syntax of a byte comes from the best path of classes: the evidence of every byte plus the likelihood of each change
of class between two bytes. The other outputs are summed over atoms, the stretches between `<` and `>`, which the kernel
does. A span's marks are decided from the sums over its atoms.

Both are decided while the page is read, so that neither outputs nor sums of a whole page are ever kept.
"""

import numpy as np
from numpy.typing import NDArray

from soupstate.kernels.marking import span_classes
from soupstate.kernels.viterbi import viterbi_back, viterbi_forward, viterbi_settled
from soupstate.model.net.checkpoint import Checkpoint
from soupstate.model.page.boundaries import boundary_kinds
from soupstate.model.page.brief import Brief
from soupstate.model.page.counted import OpenElements, settle_counted
from soupstate.model.page.cuts import Cut, Cutter, joined
from soupstate.model.page.elements import RAW_TEXT
from soupstate.model.page.hidden import settle_hidden
from soupstate.model.page.inline_marks import settle_inline, settle_links
from soupstate.model.page.marks import OUTPUT, OUTPUTS, Syntax
from soupstate.model.page.nested_lists import settle_lists
from soupstate.model.page.raw_text import may_be_open, title_text
from soupstate.model.page.spans import TEXT_HEADS, TYPEFACE_COLUMNS, Spans
from soupstate.model.page.stop import Stop, Watch, never
from soupstate.model.page.well_formed import settle_syntax

LT, GT = 0x3C, 0x3E
# Nats per byte against the class of comments. A comment that is shown by mistake costs a line; text that is taken for
# the rest of an open comment costs the page. Chosen on 18 labelled training pages: 2 finds more of such text, and no
# clean page loses anything.
COMMENT_PRICE = 2.0
# Nats per byte against the class of scripts and the like, outside of what may be one by its tags. Only a misspelt start
# tag is worth it. Without it a network saw scripts in long titles of links, and lost a third of a page's links.
RAW_PRICE = 2.0
TITLE_PRICE = 2.0  # the same for titles
# The price of each class, by whether a script and the like may be open, and by whether a title may be.
PRICES = np.zeros((4, len(Syntax)), np.float32)
PRICES[:, Syntax.COMMENT] = COMMENT_PRICE
PRICES[[0, 2], Syntax.RAW] = RAW_PRICE
PRICES[[0, 1], Syntax.TITLE] = TITLE_PRICE
# The path is decided as far as nothing can change it any more, once this many bytes are undecided. On the 80 held-out
# pages all but the last 16 bytes, at most, were then settled. UNDECIDED bounds what a page can leave open.
DECIDED_AT_ONCE, UNDECIDED = 8192, 1024
MOST_ATOMS = 2048  # undecided ones, from which the path is decided, too

VISIBLE_COLUMN = TEXT_HEADS.index("visible")
LINK_COLUMN = TEXT_HEADS.index("link")
LIST_COLUMN, ORDERED_COLUMN, QUOTE_COLUMN = (TEXT_HEADS.index(name) for name in ("list", "ordered", "quote"))
MARK_HEADS = np.array([[OUTPUT[name].start, OUTPUT[name].stop] for name in ("event", *TEXT_HEADS)])
Floats = NDArray[np.float32]


class Evidence:
    """Gathers the heads' outputs of one page. The marks of byte t are read off the state `delay` bytes later.

    Outputs are log-likelihoods up to a constant per head. begins (n,): where atoms begin.
    """

    def __init__(self, ids: NDArray[np.uint8], checkpoint: Checkpoint) -> None:
        self.ids, self.delay, self.changes = ids, checkpoint.delay, checkpoint.changes
        self.begins = ids == LT
        self.begins[1:] |= ids[:-1] == GT
        self.begins[:1] = True
        self.scores = np.zeros(len(Syntax), np.float32)
        self.pointers: list[NDArray[np.uint8]] = []  # of the bytes that are not decided
        self.raw, self.title = may_be_open(ids, RAW_TEXT), may_be_open(ids, ("title",))
        self.titled = title_text(ids)
        self.seen = 0  # bytes whose outputs were added
        self.syntax = np.empty(len(ids), np.uint8)  # up to `cutter.at`
        self.atoms = np.zeros(0, np.int64)  # the first bytes of the atoms of spans that are not decided
        self.sums = np.zeros((0, OUTPUTS), np.float32)
        self.cutter = Cutter()
        self.cuts: list[Cut] = []
        self.marks: list[tuple[NDArray[np.uint8], NDArray[np.uint8]]] = []  # event, marks of texts

    @property
    def begins_later(self) -> NDArray[np.bool_]:
        """The bytes (n + delay,) with whose states the atoms begin."""
        return np.concatenate([np.zeros(self.delay, np.bool_), self.begins])

    def add(self, at: int, syntax: Floats, sums: Floats) -> None:
        """Takes the outputs for syntax (n, Syntax) after bytes at .. at + n - 1, and the sums of all outputs there.

        sums (1 + atoms that begin, OUTPUTS): see `Chunk.sums`.
        """
        syntax = syntax[max(0, self.delay - at) :]
        first, last = self.seen, self.seen + len(syntax)
        before = int(self.ids[first - 1]) if first else ord(" ")
        kinds = boundary_kinds(self.ids[first:last], before)
        priced = self.raw[first:last] + 2 * self.title[first:last].view(np.uint8)
        pointers, self.scores = viterbi_forward(syntax, kinds, self.changes, self.scores, (priced, PRICES))
        self.pointers.append(pointers)
        if len(self.sums):  # else the first sum is of states before the first byte's
            self.sums[-1] += sums[0]
        self.sums = np.concatenate([self.sums, sums[1:]])
        self.atoms = np.concatenate([self.atoms, first + np.flatnonzero(self.begins[first:last])])
        self.seen = last
        many = last - self.cutter.at >= DECIDED_AT_ONCE or len(self.atoms) > MOST_ATOMS
        if last > first and (many or last == len(self.ids)):
            self._decide()

    def decided(
        self, stop: Stop = never, counted: OpenElements | None = None, whole: Brief | None = None
    ) -> tuple[NDArray[np.uint8], Spans]:
        """Returns the syntax (characters,) and the spans of a page that was read to its end. Raises Stopped.

        counted: the open elements by the depth layer, where there is one.
        """
        first = (self.ids & 0xC0) != 0x80
        if not self.cuts:
            self.cuts.append(self.cutter.feed(self.ids, self.syntax, last=True))
            self.marks.append(self._marks(self.cuts[0]))
        cut = joined(self.cuts)
        event, marks = (np.concatenate(column) for column in zip(*self.marks, strict=True))
        settle_hidden(self.ids.data, cut, marks[:, VISIBLE_COLUMN], Watch(stop))
        strong, emphasis, code = (marks[:, column] for column in TYPEFACE_COLUMNS)
        settle_inline(self.ids.data, cut, event, (strong, emphasis, code), Watch(stop))
        settle_links(self.ids.data, cut, marks[:, LINK_COLUMN], Watch(stop))
        lists = marks[:, LIST_COLUMN], marks[:, ORDERED_COLUMN]
        settled = settle_lists(self.ids.data, cut, event, *lists, Watch(stop))
        if counted is not None:
            settle_counted(cut, counted, settled, lists, marks[:, QUOTE_COLUMN], Watch(stop))
        if not first.all():
            characters = np.concatenate([np.zeros(1, np.int32), np.cumsum(first, dtype=np.int32)])
            cut = cut.moved(characters.__getitem__, characters.__getitem__)
        if whole:
            cut = cut.moved(whole.begins, whole.ends)
        return self.syntax[first], Spans.decided(cut, event, marks)

    def _decide(self) -> None:
        """Decides the syntax as far as it is settled, and the marks of the spans that end before."""
        done, last = self.cutter.at, self.seen == len(self.ids)
        pointers = np.concatenate(self.pointers)
        settled = len(pointers) if last else max(viterbi_settled(pointers), len(pointers) - UNDECIDED)
        while not last and settled and self.ids[done + settled] & 0xC0 == 0x80:
            settled -= 1  # to the end of a character
        path = viterbi_back(pointers, int(self.scores.argmax()))[:settled]
        ids = self.ids[done : done + settled]
        inside = (ids & 0xC0) == 0x80
        if inside.any():  # a character has the syntax of its first byte
            path = path[np.maximum.accumulate(np.where(inside, 0, np.arange(settled)))]
        path = settle_syntax(self.ids, done, path, self.syntax, self.raw, last=last)
        titled = path[max(0, self.titled.start - done) : max(0, self.titled.stop - done)]
        titled[titled == Syntax.TEXT] = Syntax.TITLE
        settled = len(path)
        self.pointers = [pointers[settled:]]
        self.syntax[done : done + settled] = path
        cut = self.cutter.feed(ids[:settled], path, last=last)
        self.cuts.append(cut)
        self.marks.append(self._marks(cut))
        self._forget()

    def _marks(self, cut: Cut) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Returns the classes with the most evidence over the atoms of each span: of the event, and of TEXT_HEADS."""
        first = np.searchsorted(self.atoms, cut.start, "right") - 1
        last = np.searchsorted(self.atoms, cut.end, "left")
        classes = span_classes(self.sums, first, last, MARK_HEADS)
        return classes[:, 0], classes[:, 1:]

    def _forget(self) -> None:
        """Drops the atoms of decided spans, and merges those inside the span that has not ended."""
        pending = self.cutter.pending
        first = max(0, int(np.searchsorted(self.atoms, pending, "right")) - 1)
        self.atoms, self.sums = self.atoms[first:], self.sums[first:]
        inside = slice(*np.searchsorted(self.atoms, [pending, self.cutter.at]))
        inner = slice(inside.start, inside.stop - 1)  # the last one may go on
        if inner.stop - inner.start > 1:
            merged = self.sums[inner].sum(0, dtype=np.float64).astype(np.float32)
            self.sums = np.concatenate([self.sums[: inner.start], merged[None], self.sums[inner.stop :]])
            self.atoms = np.delete(self.atoms, slice(inner.start + 1, inner.stop))
