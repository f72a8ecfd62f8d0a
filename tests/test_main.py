"""Main content: the cheapest division of a page's text, given what the network says of every run."""

import numpy as np
import pytest
from made_spans import spans_of

from soupstate.model.net.main_content import (
    FAVORS,
    SWITCH_COST,
    _add_headline,
    _choose_shown,
    _join_lines,
    _join_tables,
    _Places,
    choose,
    main_content,
)
from soupstate.model.net.reader import Marking
from soupstate.model.page.blocks import blocks_of
from soupstate.model.page.marks import Event, Visible
from soupstate.model.page.spans import Span, TagSpan, TextSpan, TitleSpan, spans_of_marks
from soupstate.model.page.stop import Watch
from soupstate.model.train.data.teacher import teach


def text(start: int, length: int, *, main: int) -> TextSpan:
    return TextSpan(start, start + length, False, main=main)


def places_of(texts: list[str], shown: list[bool] | None = None, headlines: list[int] | None = None) -> _Places:
    """Blocks of one span each."""
    number = np.arange(len(texts))
    seen = np.ones(len(texts), np.bool_) if shown is None else np.array(shown)
    ends = number.astype(np.int32)
    return _Places(texts, number, ends, ends + 1, seen, np.isin(number, headlines or []), seen & False)


def kept(spans: list[Span]) -> list[tuple[int, int]]:
    found = main_content(Marking("x" * 9999, 0.0, spans_of(spans))).spans
    return [(s.start, s.end) for s in found if isinstance(s, TextSpan) and not s.blank]


def test_long_content_stays_and_what_surrounds_it_goes() -> None:
    assert kept([text(0, 50, main=0), text(100, 500, main=1), text(700, 60, main=0)]) == [(100, 600)]


def test_a_short_run_goes_with_its_surroundings() -> None:
    short = int(SWITCH_COST)
    spans: list[Span] = [text(0, 300, main=1), text(400, short, main=0), text(500, 300, main=1)]
    assert len(kept(spans)) == 3
    spans[1] = text(400, 2 * short + 2, main=0)
    assert kept(spans) == [(0, 300), (500, 800)]


def test_a_lone_short_run_of_content_is_not_enough() -> None:
    assert kept([text(0, 300, main=0), text(400, 5, main=1), text(500, 300, main=0)]) == []


def test_hidden_text_is_never_content_and_the_title_stays() -> None:
    hidden = TextSpan(0, 300, False, visible=Visible.HIDDEN, main=1)
    title = TitleSpan(400, 410)
    assert list(main_content(Marking("x" * 999, 0.0, spans_of([hidden, title]))).spans) == [title]


def test_tags_go_with_the_text_beside_them() -> None:
    menu = TagSpan(0, 5, Event.LINK, False, href=(1, 2))
    opening, closing = TagSpan(100, 103, Event.BLOCK, False), TagSpan(403, 407, Event.BLOCK, True)
    footer = TagSpan(900, 903, Event.BLOCK, False)
    body = text(103, 300, main=1)
    spans: list[Span] = [menu, text(5, 90, main=0), opening, body, closing, footer, text(903, 90, main=0)]
    assert list(main_content(Marking("x" * 999, 0.0, spans_of(spans))).spans) == [opening, body, closing]


def chosen(*blocks: tuple[float, int], favor: str = "balanced") -> tuple[list[int], float]:
    """Chooses among blocks of a chance and a number of words each; no two have the same text."""
    chances, sizes = (np.array(column, np.float32) for column in zip(*blocks, strict=True))
    found, f1 = choose(chances, sizes, [str(i) for i in range(len(blocks))], FAVORS[favor])
    return np.flatnonzero(found).tolist(), f1


def test_the_choice_has_the_greatest_expected_f1() -> None:
    """Of every number of the likeliest blocks, as the definition says."""
    random = np.random.default_rng(3)
    for _ in range(50):
        chances, sizes = random.random(9).astype(np.float32), random.integers(1, 60, 9).astype(np.float32)
        order, total = np.argsort(-chances), float((chances * sizes).sum())
        expected = [2 * (chances * sizes)[order[:n]].sum() / (sizes[order[:n]].sum() + total) for n in range(1, 10)]
        found, f1 = chosen(*zip(chances.tolist(), sizes.tolist(), strict=True))
        assert f1 == pytest.approx(max(expected), abs=1e-5)
        assert sorted(order[: int(np.argmax(expected)) + 1].tolist()) == found


def test_a_doubtful_page_keeps_what_a_clear_one_leaves_out() -> None:
    assert chosen((0.95, 100), (0.4, 10))[0] == [0]
    assert chosen((0.5, 100), (0.4, 10))[0] == [0, 1]
    assert chosen((0.2, 50))[0] == [0]  # a page is never empty because its blocks are unlikely
    assert chosen((0.0, 50)) == ([], 0.0)


def test_favors() -> None:
    blocks = [(0.9, 100), (0.6, 40), (0.35, 40), (0.1, 40)]
    sizes = [len(chosen(*blocks, favor=favor)[0]) for favor in ("precision", "balanced", "recall")]
    assert sizes == sorted(sizes) and sizes[0] < sizes[2]


def test_a_text_is_chosen_once() -> None:
    chances, sizes = np.array([0.8, 0.9, 0.7], np.float32), np.array([9, 9, 9], np.float32)
    assert np.flatnonzero(choose(chances, sizes, ["a", "a", "b"])[0]).tolist() == [1, 2]
    assert choose(chances, sizes - 7, ["a", "a", "b"])[0].all()  # but short ones, as of cells


def test_hidden_text_counts_where_it_holds_most() -> None:
    def shown(*blocks: tuple[float, int, bool]) -> list[int]:
        chances, sizes = (np.array([block[k] for block in blocks], np.float32) for k in (0, 1))
        places = places_of([str(i) for i in range(len(blocks))], shown=[block[2] for block in blocks])
        return np.flatnonzero(_choose_shown(chances, sizes, places, 1.0, Watch())[0]).tolist()

    assert shown((0.9, 100, True), (0.9, 20, False), (0.8, 50, True)) == [0, 2]
    assert shown((0.9, 10, True), (0.9, 200, False)) == [0, 1]


def test_the_lines_of_a_paragraph_are_taken_as_a_whole() -> None:
    page = "<p>a<br>b <b>c</b><br><br><i>d</i><p>e<br><p>f<p hidden>g</p>"
    blocks = blocks_of(page, spans_of_marks(page, teach(page)), Watch())
    assert blocks.texts == ["a", "b c", "d", "e", "f", "g"]
    chances, sizes = np.array([0.2, 0.8, 0.5, 0.1, 0.9, 0.3], np.float32), np.array([1, 2, 1, 1, 1, 1], np.float32)
    _join_lines(chances, sizes, _Places.of([blocks]))
    mean = (2 * 0.2 + 3 * 0.8 + 2 * 0.5) / 7
    assert chances == pytest.approx([mean, mean, mean, 0.1, 0.9, 0.3])
    _join_lines(chances[:0], sizes[:0], places_of([]))


def test_a_table_is_taken_as_a_whole() -> None:
    page = "<p>x<table><tr><th>a<th>b<tr><td>c<td>d</table><p>y"
    spans = spans_of_marks(page, teach(page))
    blocks = blocks_of(page, spans, Watch())
    chances, sizes = np.arange(6, dtype=np.float32) / 10, np.ones(6, np.float32)
    _join_tables(Marking(page, 0.0, spans), chances, sizes, _Places.of([blocks]), Watch())
    assert chances == pytest.approx([0, 0.25, 0.25, 0.25, 0.25, 0.5])


def test_the_headline_belongs_to_the_content() -> None:
    def with_headline(headlines: list[int], chosen: list[int], blocks: int = 20) -> list[int]:
        found = np.isin(np.arange(blocks), chosen)
        _add_headline(found, places_of([""] * blocks, headlines=headlines))
        return np.flatnonzero(found).tolist()

    assert with_headline([1, 3], [6, 7]) == [3, 6, 7]
    assert with_headline([6], [6, 7]) == [6, 7]
    assert with_headline([0], [15]) == [15]  # too far away
    assert with_headline([9], [6]) == [6]  # after its beginning
    assert with_headline([0], []) == [] and with_headline([], [3]) == [3]
