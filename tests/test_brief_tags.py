"""Start tags made short: what tells the marks stays, broken tags stay whole, and spans move back to the page."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_crawl_samples import SAMPLES

from soupstate.model.page.brief_tags import BEFORE, KEPT, LONGEST, brief

LONG = "/2026/03/the-night-ferry-returns/photographs.html"


@pytest.mark.parametrize(
    ("page", "short"),
    [
        ('<p class="a b" id=c>x</p>', "<p>x</p>"),
        ("<div\n  class='lead'\n  hidden\n>x", "<div\n  hidden\n>x"),
        ('<a target=_blank href="/a" title="b">x</a>', '<a href="/a">x</a>'),
        ("<input disabled type='hidden' VALUE=\"1\"/>", "<input type='hidden'/>"),
        ("<td COLSPAN=2 width=3>", "<td COLSPAN=2>"),
        ('<img data-src="/a.png" data-src-set="b">', '<img data-src="/a.png">'),
        ("<script async src='/x.js'>f()</script>", "<script>f()</script>"),
        (f'<a href="{LONG}">x</a>', f'<a href="{LONG[:KEPT]}{LONG[-KEPT:]}">x</a>'),
        (f"<a href='{LONG[:LONGEST]}'>x</a>", f"<a href='{LONG[:LONGEST]}'>x</a>"),
        (f"<a href={LONG} id=a>x</a>", f"<a href={LONG}>x</a>"),
        ("<p/class=a />", "<p />"),
        ("<br class=a><b class='ü'>é</b>", "<br><b>é</b>"),
    ],
)
def test_what_tells_no_mark_is_cut(page: str, short: str) -> None:
    assert brief(page).text == short


@pytest.mark.parametrize(
    "page",
    [
        '<a class="b href="/a">x</a>',
        '<a class="b href=/a>x</a><p class="c>',
        "<p class='a>x</p>",
        '<p class="a < b">',
        '<p class="a" <b>x</b>',
        '<p class="a"id="b">',
        "<p class=a'b>",
        "a < b class='c' > d",
        "<!-- class='a' --></p class=a>",
        "<hiddenclass hidden>",
        "",
        "<",
        '<p class="a"',
    ],
)
def test_a_tag_that_may_be_broken_stays_whole(page: str) -> None:
    assert brief(page).text == page
    assert brief(f"{page}<p id=a>").text == f"{page}<p>"


@pytest.mark.parametrize(
    "body", ["<!-- open <p class=a>x<!-- closed -->", "<script>f(<p class=a>x<script>g()</script>", "<!--"]
)
def test_before_a_body_that_may_be_open_tags_stay_whole(body: str) -> None:
    near, far = "<p class=a>" * (BEFORE // 11), "<p class=a>" * 50
    assert brief(f"{far}{near}{body}").text == f"{'<p>' * 50}{near}{body}"
    assert brief(f"{near}{body}{far}").text == f"{near}{body}{far if body == '<!--' else '<p>' * 50}"
    assert (
        brief(f"{near}<!-- a --><script>f()</script>").text == f"{'<p>' * (BEFORE // 11)}<!-- a --><script>f()</script>"
    )


def _whole(page: str) -> None:
    """Checks that a part of the page is left, and that its places are told."""
    short = brief(page)
    n = len(short.text)
    at = np.arange(n, dtype=np.int32)
    begins, ends = short.begins(at), short.ends(at + 1)
    assert "".join(page[k] for k in begins.tolist()) == short.text
    assert np.array_equal(begins + 1, ends)
    assert not n or begins[0] == 0 and ends[-1] == len(page)
    assert np.all(np.diff(begins) > 0)
    assert short.text.count("<") == page.count("<") and short.text.count(">") == page.count(">")


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: s.name)
def test_places_are_those_of_the_page(sample) -> None:  # type: ignore[no-untyped-def]
    _whole(sample.html)


PIECES = ["<a", "<p ", "</p", ">", "/", "=", '"', "'", " ", "\n", "class", "href", "HIDDEN", "src=x", LONG, "ü", "<"]


@given(st.lists(st.sampled_from(PIECES), max_size=24).map("".join))
def test_places_of_any_page(page: str) -> None:
    _whole(page)
