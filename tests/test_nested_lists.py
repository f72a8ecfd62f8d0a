"""Depth in lists by counting: where the tags nest the count decides, elsewhere the marks stay."""

import re
import time

import numpy as np
import pytest

from soupstate.model.net.evidence import LIST_COLUMN, ORDERED_COLUMN
from soupstate.model.page.cuts import CLOSING, TAG, Cut
from soupstate.model.page.marks import LIST_DEPTHS, Event
from soupstate.model.page.nested_lists import settle_lists
from soupstate.model.page.spans import TextSpan, spans_of_marks
from soupstate.model.page.stop import Stopped, Watch
from soupstate.model.train.data.teacher import teach

FLAT = (1, 0)  # depth and kind that the network says of every text
NEW = "<ul><li>Fruit<ul><li>Apples</li></ul></li><li>Roots<ol><li>Leeks<li>Onions</ol>More</li></ul><p>End"


def settled(page: str, said: tuple[int, int] = FLAT, watch: Watch | None = None) -> dict[str, tuple[int, int]]:
    """The depth and kind of each text of an ASCII page, where the network says the same of all."""
    spans = spans_of_marks(page, teach(page))
    depth, ordered = (np.full(len(spans), value, np.uint8) for value in said)
    settle_lists(memoryview(page.encode()), spans.cut, spans.event, depth, ordered, watch or Watch())
    return {
        page[span.start : span.end].strip(): (int(depth[i]), int(ordered[i]))
        for i, span in enumerate(spans)
        if isinstance(span, TextSpan) and not span.blank
    }


def test_the_count_decides() -> None:
    assert settled(NEW) == {
        **{"Fruit": (1, 0), "Apples": (2, 0), "Roots": (1, 0), "Leeks": (2, 1), "Onions": (2, 1)},
        **{"More": (1, 0), "End": FLAT},
    }
    assert settled("<UL><LI>a<OL START=3><LI>b</OL></UL>") == {"a": (1, 0), "b": (2, 1)}
    assert settled("<ul>bare<li><div>in a block</div></li></ul>") == {"bare": (0, 0), "in a block": (1, 0)}


def test_it_says_what_the_teacher_says() -> None:
    deep = "<ul><li>x" * 9 + "</ul>" * 9
    for page in (NEW, deep, "<ol><li><p>a<p>b<li>c<dl><dt>d<dd>e</dl></ol>"):
        spans = spans_of_marks(page, teach(page))
        depth, ordered = spans.marks[:, LIST_COLUMN].copy(), spans.marks[:, ORDERED_COLUMN].copy()
        settle_lists(memoryview(page.encode()), spans.cut, spans.event, depth, ordered, Watch())
        text = [i for i, span in enumerate(spans) if isinstance(span, TextSpan) and not span.blank]
        assert depth[text].tolist() == spans.marks[text, LIST_COLUMN].tolist()
        listed = [i for i in text if depth[i]]
        assert ordered[listed].tolist() == spans.marks[listed, ORDERED_COLUMN].tolist()
    assert max(value for value, _ in settled(deep).values()) <= LIST_DEPTHS - 1


@pytest.mark.parametrize(
    "page",
    [
        "<ul><li>a<ul><li>b</ul><p>c",  # no end
        "<div><ul><li>a<ul><li>b</ul></div><p>c",  # the end tag of a block that was opened before
        "<ul><li>a<ol><li>b</ul></ol><p>c",  # an end tag that closes another list
        "<li>a</li></ul><p>b",  # no beginning
    ],
)
def test_where_tags_do_not_nest_the_network_decides(page: str) -> None:
    assert set(settled(page, (3, 1)).values()) == {(3, 1)}


def test_a_list_that_the_network_does_not_see_is_none() -> None:
    assert set(settled(NEW, (0, 0)).values()) == {(0, 0)}


def test_lists_after_one_that_does_not_nest_count() -> None:
    found = settled("<div><ul><li>a</div><ul><li>b<ul><li>c</ul></ul>", (3, 1))
    assert found == {"a": (3, 1), "b": (1, 0), "c": (2, 0)}


@pytest.mark.timed
@pytest.mark.parametrize("unit", ["<ul>", "<ul><li>", "<ul><li></ul>", "</ul>", "<ul></div>", "<ul></ol>"])
@pytest.mark.slow
def test_time_grows_with_the_page(unit: str) -> None:
    def seconds(count: int) -> float:
        page = unit * count
        found = list(re.finditer("<[^>]+>", page))
        kind = np.array([CLOSING if tag[0][1] == "/" else TAG for tag in found], np.uint8)
        start, end = (np.array(column, np.int32) for column in zip(*(tag.span() for tag in found), strict=True))
        event = np.array([Event.LIST if tag[0] == "<ul>" else Event.ITEM for tag in found], np.uint8)
        cut, depth = Cut(kind, start, end, np.zeros(len(kind), np.bool_), {}), np.ones(len(kind), np.uint8)
        begun = time.process_time()
        settle_lists(memoryview(page.encode()), cut, event, depth, depth.copy(), Watch())
        return time.process_time() - begun

    seconds(500)
    assert seconds(30_000) < 40 * seconds(3_000) + 0.05


def test_stopping() -> None:
    with pytest.raises(Stopped):
        settled(NEW, watch=Watch(lambda: True))
