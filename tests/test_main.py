"""Main content: the cheapest division of a page's text, given what the network says of every run."""

from soupstate.model.page.marks import Event, Visible
from soupstate.model.page.render.main import SWITCH_COST, main_content
from soupstate.model.page.spans import Span, TagSpan, TextSpan, TitleSpan


def text(start: int, length: int, *, main: int) -> TextSpan:
    return TextSpan(start, start + length, False, main=main)


def kept(spans: list[Span]) -> list[tuple[int, int]]:
    return [(s.start, s.end) for s in main_content("x" * 9999, spans) if isinstance(s, TextSpan) and not s.blank]


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
    assert list(main_content("x" * 999, [hidden, title])) == [title]


def test_tags_go_with_the_text_beside_them() -> None:
    menu = TagSpan(0, 5, Event.LINK, False, href=(1, 2))
    opening, closing = TagSpan(100, 103, Event.BLOCK, False), TagSpan(403, 407, Event.BLOCK, True)
    footer = TagSpan(900, 903, Event.BLOCK, False)
    body = text(103, 300, main=1)
    spans: list[Span] = [menu, text(5, 90, main=0), opening, body, closing, footer, text(903, 90, main=0)]
    assert list(main_content("x" * 999, spans)) == [opening, body, closing]
