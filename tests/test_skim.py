"""Pages cut short: only bodies that are closed and never shown lose their middles."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_crawl_samples import SAMPLES

from soupstate.model.page.render.links import links
from soupstate.model.page.render.markdown import markdown
from soupstate.model.page.render.text import text
from soupstate.model.page.skim import KEPT, SHORTEST_CUT, may_be_open, skim
from soupstate.model.page.spans import spans_of_marks
from soupstate.model.train.data.teacher import teach

LONG = "0123456789" * 40
SHOWN = "<p>text that is shown, and more of it than is left of a script</p>" * 8


@pytest.mark.parametrize(
    ("begin", "end"),
    [("<script>", "</script>"), ('<STYLE type="a">', "</style >"), ("<svg width=1>", "</svg>"), ("<!--", "-->")],
)
def test_a_long_body_keeps_its_ends(begin: str, end: str) -> None:
    assert skim(f"a{begin}{LONG}{end}b").text == f"a{begin}{LONG[:KEPT]}{LONG[-KEPT:]}{end}b"
    assert skim(f"a{begin}{LONG[:SHORTEST_CUT]}{end}b").text == f"a{begin}{LONG[:SHORTEST_CUT]}{end}b"


@pytest.mark.parametrize(
    "page",
    [
        SHOWN,
        "<script>" + SHOWN,  # never closed
        "<script>" + SHOWN + "<script>x()</script>" + SHOWN,
        "<!-- open " + SHOWN + "<!-- closed -->" + SHOWN,
        "<style>p{}" + SHOWN + "<style>p{}</style>",
        "<svg>" + SHOWN + "<svg></svg>",
        "<textarea>" + SHOWN + "</textarea><title>" + LONG + "</title>",
    ],
)
def test_what_may_be_text_is_left_whole(page: str) -> None:
    assert skim(page).text == page


def test_of_white_space_the_ends_are_left() -> None:
    assert skim("<p>a</p>\n \t  <p>b    c     d</p>").text == "<p>a</p>\n <p>b    c  d</p>"
    assert skim("<pre>a     b</pre>").text == "<pre>a     b</pre>"
    assert skim("a     <!-- open " + SHOWN + "<!-- closed -->").text == "a     <!-- open " + SHOWN + "<!-- closed -->"


def test_a_body_that_may_be_open_is_told() -> None:
    script, comment = "<script>a<script>b</script>", "<!-- a <!-- b -->"
    page = f"<p>{script}<style></style><!-- x -->{comment}<svg>c"
    told = [page[start:end] for start, end in may_be_open(page)]
    assert told == [script, comment, "<svg>c"]
    assert list(may_be_open("<script>a</script><!-- b --> --><svg></svg></svg>")) == []


@pytest.mark.parametrize(
    "whole",
    [
        "<!--[if !IE]><!--><p>a</p><!--<![endif]-->",  # a conditional comment that other browsers show
        "<!-->a<!-- b -->",  # the first is empty (WHATWG HTML, 13.2.5.43)
        "<!-- a --!><!-- b -->",
        "<!-- a <!---><!-- b -->",
        "<!-- a <!--!><!-- b -->",
        "<script>document.write('<script src=\"a.js\"><\\/script>')</script>",
        '<script>if (!window.a) document.write("<script>")</script>',
    ],
)
def test_a_body_that_was_closed_is_not_open(whole: str) -> None:
    assert list(may_be_open(whole)) == []
    page = f"{whole}<script>{LONG}</script>"
    assert skim(page).text == page.replace(LONG, LONG[:KEPT] + LONG[-KEPT:])


@pytest.mark.parametrize("between", ["a('<script>') <p>b</p> ", '<p>She said "yes"', "<p title='a'"])
def test_a_second_start_that_no_script_writes_is_found(between: str) -> None:
    page = f"<script>{between}<script>c</script>"
    assert list(may_be_open(page)) == [(0, len(page))]


@pytest.mark.parametrize("start", ['("<script>', '"<script>', "<svg><script>", "<!--[if a]><!-->", "<style><!--"])
def test_many_starts_take_time_in_proportion(start: str) -> None:
    def seconds(n: int) -> float:
        page, begin = start * n + "<script>", time.process_time()
        skim(page)
        list(may_be_open(page))
        return time.process_time() - begin

    assert min(seconds(8000) for _ in range(3)) < 40 * min(seconds(500) for _ in range(3)) + 0.05


def test_nothing_is_cut_beside_a_comment_that_may_be_open() -> None:
    page = f"<script>{LONG}</script><!-- open {SHOWN}<!-- closed --><style>{LONG}</style>"
    assert skim(page).text == page
    assert skim(page.replace("<!-- open ", "")).text != page


def test_a_body_inside_one_that_was_begun_again_is_found() -> None:
    page = f"<script>{SHOWN}<script>{LONG}</script>{SHOWN}"
    assert skim(page).text == page.replace(LONG, LONG[:KEPT] + LONG[-KEPT:])


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: s.name)
def test_places_are_those_of_the_whole_page(sample) -> None:  # type: ignore[no-untyped-def]
    page = f"<script>{LONG}</script>      {sample.html}<!--{LONG}--><svg>{LONG}</svg>."
    skimmed = skim(page)
    short = skimmed.text
    places = [skimmed.place(at) for at in range(len(short))]
    assert "".join(page[at] for at in places) == short
    assert places == sorted(set(places)) and skimmed.extent(0, len(short)) == (0, len(page))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: s.name)
def test_answers_stay_the_same(sample) -> None:  # type: ignore[no-untyped-def]
    page, short = sample.html, skim(sample.html).text
    spans, fewer = spans_of_marks(page, teach(page)), spans_of_marks(short, teach(short))
    assert [(a.href, a.text) for a in links(short, fewer)] == [(a.href, a.text) for a in links(page, spans)]
    assert text(short, fewer) == text(page, spans)
    assert markdown(short, fewer) == markdown(page, spans)


@given(
    st.lists(
        st.sampled_from(["<script>", "</script>", "<!--", "-->", "<svg>", "</svg>", LONG, "<p>x</p>"]), max_size=12
    )
)
def test_what_is_left_is_in_order_and_stays(pieces: list[str]) -> None:
    page = "".join(pieces)
    short = skim(page).text
    assert skim(short).text == short
    rest = iter(page)
    assert all(character in rest for character in short)  # a subsequence
    assert short[:KEPT] == page[:KEPT] and short[-KEPT:] == page[-KEPT:]
