"""Links of pages as the teacher marks them: targets, addresses, texts, places."""

import pytest

from soupstate.model.page.marks import COLUMN
from soupstate.model.page.render.addresses import base_url, resolve
from soupstate.model.page.render.links import Link, links
from soupstate.model.page.render.title import title
from soupstate.model.page.spans import spans_of_marks
from soupstate.model.page.stop import Watch
from soupstate.model.train.data.teacher import teach


def found(page: str, url: str | None = None) -> list[Link]:
    return links(page, spans_of_marks(page, teach(page)), url)


def texts(page: str) -> list[tuple[str, str]]:
    return [(link.href, link.text) for link in found(page)]


def test_a_link() -> None:
    page = '<p>See <a href=" /a?b=1&amp;c=2&copy=3 " rel="next nofollow">the\n <b>next</b> &amp;\tlast</a> page</p>'
    (link,) = found(page, "https://example.org/x/y")
    assert link == Link(
        href="/a?b=1&c=2&copy=3",
        url="https://example.org/a?b=1&c=2&copy=3",
        text="the next & last",
        rel="next nofollow",
        start=page.index("<a"),
        end=page.index("</a>"),
    )


def test_texts() -> None:
    assert texts("<a href=1></a><a href=2> </a><a href=3>x</a>y") == [("1", ""), ("2", ""), ("3", "x")]
    assert texts("<a href=1><img src=s alt=t></a>") == [("1", "")]
    assert texts("<a href=1>a<!--c-->b<script>c</script>d</a>") == [("1", "abd")]
    assert texts("<a href=1><h3>a</h3><p>b</p></a>") == [("1", "ab")]
    assert texts("<a href=1>a<span hidden>b</span></a>") == [("1", "ab")]  # in the tree, hidden or not


def test_alternative_texts() -> None:
    page = "<a href=1><img src=s alt=' t&amp;u '> <img src=s alt=v></a><a href=2><img src=s alt=w>x</a><img alt=y>"
    assert [(link.text, link.alt) for link in found(page)] == [("", "t&u v"), ("x", "")]


def test_unseen_text() -> None:
    assert texts("<p><a href=1>a<noscript>b</noscript></a>") == [("1", "a")]
    assert texts("<p><noscript><a href=1>a <i>b</i></a></noscript>") == [("1", "a b")]


def test_what_is_no_link() -> None:
    assert texts("<a>a</a><a name=n>b</a><link href=c><area href=d><a href>e</a><a href=''>f</a>") == []
    assert texts("<!-- <a href=1>x</a> --><script>'<a href=1>x</a>'</script><textarea><a href=1>x</textarea>") == []


def test_links_that_are_not_closed() -> None:
    assert texts("<a href=1>a<a href=2>b</a>c") == [("1", "a"), ("2", "b")]
    assert texts("<p><a href=1>a</p><p>b</a>c") == [("1", "ab")]
    assert texts("<a href=1>a<a name=n>b</a>c") == [("1", "a")]
    assert texts("<a href=1>a</a>b<a href=''>c</a>") == [("1", "a")]


@pytest.mark.parametrize(
    ("href", "base", "url"),
    [
        ("b", "http://h/a/c?q#f", "http://h/a/b"),
        ("/b", "http://h/a/c", "http://h/b"),
        ("//i/b", "https://h/", "https://i/b"),
        ("?q", "http://h/a", "http://h/a?q"),
        ("#f", "http://h/a", "http://h/a#f"),
        ("../b", "http://h/a/c/d", "http://h/a/b"),
        ("mailto:a@b", "http://h/", "mailto:a@b"),
        ("https://i/", None, "https://i/"),
        ("b", None, None),
        ("/a:b", None, None),
        ("//i/b", None, None),
        ("#f", None, None),
        ("http://[broken", "http://h/", None),
        ("http://[broken", None, None),
    ],
)
def test_resolve(href: str, base: str | None, url: str | None) -> None:
    assert resolve(href, base) == url


def test_base() -> None:
    page = "<head><base target=_top><base href=' /deep/er/ '><base href=/no/></head><a href=x>y</a>"
    spans = spans_of_marks(page, teach(page))
    assert base_url(page, spans, "http://h/a/b", Watch()) == "http://h/deep/er/"
    assert base_url(page, spans, None, Watch()) is None
    assert [link.url for link in links(page, spans, "http://h/a/b")] == ["http://h/deep/er/x"]
    assert [link.url for link in links(page, spans)] == [None]
    absolute = "<base href=https://i/j/><a href=x>y</a>"
    assert (
        [link.url for link in found(absolute)]
        == [link.url for link in found(absolute, "http://h/")]
        == ["https://i/j/x"]
    )
    assert base_url("<p>x", spans_of_marks("<p>x", teach("<p>x")), "http://h/", Watch()) == "http://h/"


def test_a_link_whose_event_is_in_doubt() -> None:
    """A target makes a link, whatever the tag's event is said to be."""
    page = "<a href=/x>y</a>"
    marks = teach(page)
    marks[:11, COLUMN["event"]] = 0
    assert [(link.href, link.text) for link in links(page, spans_of_marks(page, marks))] == [("/x", "y")]


def test_title() -> None:
    def titled(page: str) -> str | None:
        return title(page, spans_of_marks(page, teach(page)))

    assert titled("<title>\n A &amp;\n B </title><title>C</title>") == "A & B"
    assert titled("<title> </title><p>x") is None
    assert titled("<p>x") is None
    assert titled("<svg><title>no</title></svg><title>yes</title>") == "yes"
