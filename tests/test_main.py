"""Main content: the cheapest division of a page's text, given what the network says of every run."""

import numpy as np

from soupstate.model.net.main_content import CHANCE, LEAST_CHARACTERS, SWITCH_COST, choose, main_content
from soupstate.model.net.reader import Marking
from soupstate.model.page.marks import Event, Visible
from soupstate.model.page.spans import Span, TagSpan, TextSpan, TitleSpan


def text(start: int, length: int, *, main: int) -> TextSpan:
    return TextSpan(start, start + length, False, main=main)


def kept(spans: list[Span]) -> list[tuple[int, int]]:
    found = main_content(Marking("x" * 9999, 0.0, spans))
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
    assert list(main_content(Marking("x" * 999, 0.0, [hidden, title]))) == [title]


def test_tags_go_with_the_text_beside_them() -> None:
    menu = TagSpan(0, 5, Event.LINK, False, href=(1, 2))
    opening, closing = TagSpan(100, 103, Event.BLOCK, False), TagSpan(403, 407, Event.BLOCK, True)
    footer = TagSpan(900, 903, Event.BLOCK, False)
    body = text(103, 300, main=1)
    spans: list[Span] = [menu, text(5, 90, main=0), opening, body, closing, footer, text(903, 90, main=0)]
    assert list(main_content(Marking("x" * 999, 0.0, spans))) == [opening, body, closing]


LONG = "x" * LEAST_CHARACTERS


def chosen(*blocks: tuple[float, str]) -> list[int]:
    chances, texts = zip(*blocks, strict=True)
    return np.flatnonzero(choose(np.array(chances, np.float32), texts)).tolist()


def test_likely_blocks_are_chosen() -> None:
    assert chosen((0.9, LONG), (CHANCE - 0.01, "a"), (CHANCE, "b"), (0.2, "c")) == [0, 2]


def test_the_likeliest_join_where_little_is_chosen() -> None:
    assert chosen((0.9, "a"), (0.3, "b"), (0.05, "c")) == [0, 1]
    assert chosen((0.2, "a"), (0.4, LONG), (0.3, "b")) == [1]
    assert chosen((0.05, "a"), (0.01, "b")) == []


def test_a_text_is_chosen_once() -> None:
    assert chosen((0.8, "a"), (0.9, "a"), (0.7, LONG)) == [1, 2]
