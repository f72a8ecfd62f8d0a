"""Depth in quotes by counting: where the tags nest the count decides, elsewhere the marks stay."""

import time

import numpy as np
import pytest

from soupstate.model.page.marks import QUOTE_DEPTHS
from soupstate.model.page.nested_quotes import DEEPEST, settle_quotes
from soupstate.model.page.spans import TextSpan, spans_of_marks
from soupstate.model.page.stop import Stopped, Watch, never
from soupstate.model.train.data.teacher import teach

SAID = 9  # depth that the network says of every text


def settled(page: str, watch: Watch | None = None) -> dict[str, int]:
    """The depth of each text of an ASCII page."""
    spans = spans_of_marks(page, teach(page))
    depth = np.full(len(spans), SAID, np.uint8)
    settle_quotes(memoryview(page.encode()), spans.cut, spans.event, depth, watch or Watch(never))
    return {
        page[span.start : span.end].strip(): int(depth[i])
        for i, span in enumerate(spans)
        if isinstance(span, TextSpan) and not span.blank
    }


@pytest.mark.parametrize(
    ("page", "depths"),
    [
        ("a<blockquote>b<p>c</p><BLOCKQUOTE class=x>d</BLOCKQUOTE>e</blockquote>f", [SAID, 1, 1, 2, 1, 0]),
        ("<blockquote><ul><li>a<li>b</ul><div>c</div></blockquote>d", [1, 1, 1, 0]),
        ("<blockquote>a</blockquote>b<blockquote>c<p>d", [1, 0, SAID, SAID]),  # without an end
        ("<div><blockquote>a</div>b<blockquote>c</blockquote>", [SAID, 0, 1]),  # what holds it ends before
        ("<blockquote>a<div><blockquote>b</div>c</blockquote>d", [1, SAID, 1, 0]),
        ("<blockquote>a</blockquote>b</blockquote>c", [1, 0, 0]),
        ("a<p>b</p>", [SAID, SAID]),
        ("<blockquote>" * 5 + "a" + "</blockquote>" * 5 + "b", [QUOTE_DEPTHS - 1, 0]),
    ],
)
def test_where_tags_nest_the_count_decides(page: str, depths: list[int]) -> None:
    assert list(settled(page).values()) == depths


def test_very_deep_quotes_are_for_the_network() -> None:
    page = "<blockquote>" * (DEEPEST + 1) + "a" + "</blockquote>" * (DEEPEST + 1) + "b"
    assert settled(page) == {"a": SAID, "b": SAID}


def test_it_stops() -> None:
    with pytest.raises(Stopped):
        settled("<blockquote>a</blockquote>", Watch(lambda: True))


def test_many_quotes_take_time_in_proportion() -> None:
    def seconds(times: int) -> float:
        spans = spans_of_marks(page := "<blockquote><div>a" * times, teach(page))
        depth = np.zeros(len(spans), np.uint8)
        started = time.perf_counter()
        settle_quotes(memoryview(page.encode()), spans.cut, spans.event, depth, Watch(never))
        return time.perf_counter() - started

    assert seconds(8000) < 10 * seconds(2000) + 0.5
