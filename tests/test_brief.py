"""Pages made brief: what tells the marks stays, broken tags stay whole, and spans move back to the page."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from test_crawl_samples import SAMPLES

from soupstate.kernels.brief import (
    BEFORE,
    KEPT_OF_TEXT,
    KEPT_OF_VALUE,
    LONGEST_TEXT,
    LONGEST_VALUE,
    brief_cuts,
    reference_brief_cuts,
)
from soupstate.kernels.compiled import cpp
from soupstate.model.page.brief import brief

LONG = "/2026/03/the-night-ferry-returns/photographs.html"
TEXT = "The first ferry of the day leaves the harbour at six, and the last one is back at midnight."


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
        (f'<a href="{LONG}">x</a>', f'<a href="{LONG[:KEPT_OF_VALUE]}{LONG[-KEPT_OF_VALUE:]}">x</a>'),
        (f"<a href='{LONG[:LONGEST_VALUE]}'>x</a>", f"<a href='{LONG[:LONGEST_VALUE]}'>x</a>"),
        (f"<a href={LONG} id=a>x</a>", f"<a href={LONG}>x</a>"),
        ("<p/class=a />", "<p />"),
        ("<br class=a><b class='ü'>é</b>", "<br><b>é</b>"),
        (f'<a href="/{"ü" * 20}">x</a>', '<a href="/üüüü">x</a>'),
        (f"<p>{TEXT}</p>", f"<p>{TEXT[:KEPT_OF_TEXT]}{TEXT[-KEPT_OF_TEXT:]}</p>"),
        (f"<p>{TEXT[:LONGEST_TEXT]}</p>", f"<p>{TEXT[:LONGEST_TEXT]}</p>"),
        (f"<p>{'鯨' * 20}</p>", f"<p>{'鯨' * 12}</p>"),
        ("<ul>\n\n\t<li>  One \t\n</ul>", "<ul>\n\t<li>  One \n</ul>"),
        (f"<pre>  {TEXT}   </pre>", f"<pre>  {TEXT[:KEPT_OF_TEXT]}{TEXT[-KEPT_OF_TEXT:]}  </pre>"),
        (f"<p>\n          {TEXT[:3]}\n          </p>", f"<p>\n {TEXT[:3]}\n </p>"),
        (f"<p id=a>a > {TEXT}   <b>", f"<p>a > {TEXT}   <b>"),
        (f"</p >{TEXT}<", f"</p >{TEXT[:KEPT_OF_TEXT]}{TEXT[-KEPT_OF_TEXT:]}<"),
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
        f"{TEXT}   ",
        f"{TEXT}<br>{TEXT}",
        f'<a href="/a>{TEXT}</a',
        f"<p><!-- {TEXT}",
    ],
)
def test_a_tag_that_may_be_broken_stays_whole(page: str) -> None:
    assert brief(page).text == page


@pytest.mark.parametrize("page", ['<a class="b href="/a">x</a>', "<p class='a>x</p>", '<p class="a < b">', "<", ""])
def test_the_tag_after_a_broken_one_is_cut(page: str) -> None:
    assert brief(f"{page}<p id=a>").text == f"{page}<p>"


def test_the_texts_of_comments_and_scripts_stay_whole() -> None:
    short = f"<p>{TEXT[:KEPT_OF_TEXT]}{TEXT[-KEPT_OF_TEXT:]}</p>"
    page = f"<!-- <p>{TEXT}</p> --><p id=a>{TEXT}</p>"
    assert brief(page).text == f"<!-- <p>{TEXT}</p> -->{short}"
    body = f"<script>a</b>{TEXT}<i></SCRIPT>"
    assert brief(f"{body}<p>{TEXT}</p>").text == f"{body}{short}"
    far = "<br>" * BEFORE
    assert brief(f"{page}{far}<!-- <p>{TEXT}</p> <!-- --><br>").text.startswith(f"<!-- <p>{TEXT}</p> -->{short}")


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
    assert np.array_equal(begins, short.places)
    assert np.all(np.diff(begins) > 0)
    assert short.text.count("<") == page.count("<") and short.text.count(">") == page.count(">")


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: s.name)
def test_places_are_those_of_the_page(sample) -> None:  # type: ignore[no-untyped-def]
    _whole(sample.html)


PIECES = [
    "<a", "<p ", "</p", ">", "/", "=", '"', "'", " ", "\n", "class", "href", "HIDDEN", "src=x", LONG, "ü", "<",
    "<script", "<script>", "</Script>", "   ", "鯨" * 14, TEXT, "`", "<!--", "-->", '<img alt="', "<A HREF='",
    ' id="a"', "Data-Lazy-Src", "<svg a>", "</svg", "</scripts>",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=24).map("".join))
def test_places_of_any_page(page: str) -> None:
    _whole(page)


Part = tuple[int, int]


@pytest.mark.skipif(cpp is None, reason="the compiled part is missing")
@given(
    st.lists(st.sampled_from(PIECES), max_size=40).map("".join),
    st.lists(st.tuples(st.integers(0, 30_000), st.integers(0, 99)), max_size=3),
    st.integers(0, 2),
)
@example("<!--<a-->   ", [], 0)  # a tag and a comment end together
def test_the_kernel_cuts_as_the_reference_does(page: str, stretches: list[Part], many: int) -> None:
    ids = np.frombuffer((page + "<br>" * 3000 * many + page).encode("utf-8"), np.uint8)
    rising = np.sort(np.array([(start, start + n) for start, n in stretches], np.int64).reshape(-1, 2), axis=0)
    cuts = brief_cuts(ids, rising)
    assert cuts.tolist() == reference_brief_cuts(ids, rising).tolist()
    assert np.all(np.diff(cuts.ravel()) > 0)


NAMES = (
    "alt colspan data-lazy-src data-original data-src height hidden href id link meta open p rel rowspan script "
    "selected src style title type width"
)


@pytest.mark.skipif(cpp is None, reason="the compiled part is missing")
@pytest.mark.parametrize("name", NAMES.split())
def test_the_kernel_knows_the_same_names(name: str) -> None:
    page = f'<{name} id="a" {name} {name.upper()}=b><p {name}="c" data-{name}=d {name}s>x</{name}>'
    ids, whole = np.frombuffer(page.encode(), np.uint8), np.zeros((0, 2), np.int64)
    assert brief_cuts(ids, whole).tolist() == reference_brief_cuts(ids, whole).tolist()


def test_stretches_must_be_pairs() -> None:
    with pytest.raises(ValueError, match="whole"):
        brief_cuts(np.zeros(3, np.uint8), np.zeros((1, 3), np.int64))
