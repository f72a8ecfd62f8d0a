"""Marks of texts that the depth layer's counts settle: quotes, and lists whose tags do not nest."""

import numpy as np
import pytest

from soupstate.model.net.checkpoint import extractor, load_checkpoint
from soupstate.model.net.reader import Reader
from soupstate.model.page.counted import OpenElements, settle_counted
from soupstate.model.page.cuts import CLOSING, TAG, TEXT, Cut
from soupstate.model.page.elements import COUNTED_KINDS, LI_KIND, OL_KIND, QUOTE_KIND, UL_KIND
from soupstate.model.page.spans import TextSpan
from soupstate.model.page.stop import Stopped, Watch


def counted(*open_at: tuple[int, dict[int, int]]) -> OpenElements:
    """At each byte, how many elements of each kind are open after it."""
    cells = np.zeros((len(open_at), len(COUNTED_KINDS)), np.uint8)
    for row, (_, kinds) in zip(cells, open_at, strict=True):
        row[list(kinds)] = list(kinds.values())
    return OpenElements(np.array([at for at, _ in open_at], np.int64), cells)


def cut_of(*spans: tuple[int, int, int]) -> Cut:
    kind, start, end = (np.array(column) for column in zip(*spans, strict=True))
    blank = np.zeros(len(spans), np.bool_)
    return Cut(kind.astype(np.uint8), start.astype(np.int32), end.astype(np.int32), blank, {})


def test_the_innermost_list_is_the_one_opened_last() -> None:
    ul, ol = UL_KIND, OL_KIND
    found = counted(
        (1, {}), (2, {ol: 1}), (3, {ol: 1, ul: 1}), (4, {ol: 2, ul: 1}), (5, {ol: 1, ul: 1, LI_KIND: 3}), (6, {ol: 1}),
        (7, {}), (8, {ul: 1}), (9, {}), (10, {ul: 1, ol: 1}), (11, {ol: 1}),
    )  # fmt: skip
    assert found.in_ordered(Watch()).tolist() == [0, 1, 0, 1, 0, 1, 0, 0, 0, 1, 1]
    with pytest.raises(Stopped):
        found.in_ordered(Watch(lambda: True))
    assert not len(counted().in_ordered(Watch()))


def test_counts_settle_quotes_and_lists_that_tags_do_not() -> None:
    cut = cut_of((TEXT, 0, 4), (TAG, 4, 8), (TEXT, 8, 12), (CLOSING, 12, 16), (TEXT, 16, 20), (TEXT, 20, 24))
    found = counted((7, {QUOTE_KIND: 5, LI_KIND: 9, OL_KIND: 1}), (15, {QUOTE_KIND: 1, LI_KIND: 2, UL_KIND: 2}))
    depth = np.array([1, 0, 1, 0, 0, 1], np.uint8)
    ordered, quote = np.zeros(6, np.uint8), np.array([2, 2, 0, 0, 0, 0], np.uint8)
    settled = np.array([False, False, False, False, False, True])
    settle_counted(cut, found, settled, (depth, ordered), quote, Watch())
    assert quote.tolist() == [0, 2, 3, 0, 1, 1]
    assert depth.tolist() == [1, 0, 6, 0, 0, 1]  # where either sees no list, or tags have settled it, nothing changes
    assert ordered.tolist() == [0, 0, 1, 0, 0, 0]


def test_the_shipped_networks_count_quotes_in_quotes() -> None:
    words = "A sentence of several words stands here. "
    page = f"<html><body><p>{words}</p><blockquote><p>{words}</p><blockquote><p>{words}</p></blockquote>"
    page += f"<p>{words}</p></blockquote><p>{words}</p></body></html>"
    for weights in (extractor(), None):
        reader = Reader(load_checkpoint(weights) if weights else load_checkpoint())
        texts = [s for s in reader.mark(page).spans if isinstance(s, TextSpan) and not s.blank]
        assert [s.quote for s in texts] == [0, 1, 2, 1, 0]
