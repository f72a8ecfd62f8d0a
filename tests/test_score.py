"""Figures: definitions worked by hand."""

from collections import Counter

import pytest

from soupstate.model.train.evaluation.score import (
    dom_items,
    dom_links,
    dom_text,
    f1,
    markdown_items,
    recall,
    shingles,
    squeeze,
    words,
)


def test_words() -> None:
    assert words("Don't stop_me, 3.5 漢字かな 한글 naïve") == [
        "Don",
        "t",
        "stop_me",
        "3",
        "5",
        *"漢字かな한글",
        "naïve",
    ]
    assert words(None) == words(" .-! ") == []


def test_f1_of_multisets() -> None:
    assert f1("aab", "aab") == f1([], []) == 1
    assert f1("aab", "abb") == pytest.approx(2 / 3)
    assert f1("ab", "abcd") == pytest.approx(2 * 0.5 * 1 / 1.5)
    assert f1("ab", []) == f1([], "a") == f1("a", "b") == 0


def test_recall() -> None:
    assert recall("aab", "axb") == pytest.approx(2 / 3)
    assert recall("", "a") == 1 and recall("a", "") == 0


def test_shingles_and_squeeze() -> None:
    assert shingles(list("abcde")) == [("a", "b", "c", "d"), ("b", "c", "d", "e")]
    assert shingles(["a", "b"]) == [("a", "b")] and shingles([]) == []
    assert squeeze(" a\n b\xa0 ") == "a b" and squeeze(None) == ""


def test_links_of_the_tree() -> None:
    page = (
        "<a href=' /x?a&amp;b '>one <b>two</b><script>no</script> three</a><a>no</a><a href=''>no</a>"
        "<p><a href=y>a<p>b</a><noscript><a href=z>c</a></noscript>"
    )
    assert dom_links(page) == [("/x?a&b", "one two three"), ("y", "a"), ("y", "b"), ("z", "c")]


def test_text_of_the_tree() -> None:
    page = "<title>t</title><p>a<span>b</span><br>c<script>d</script><p hidden>d<svg>e</svg><noscript>f</noscript>"
    assert words(dom_text(page)) == ["ab", "c"]
    assert words(dom_text("\ufeff<title>t</title><p>a")) == ["a"]


def test_items() -> None:
    page = (
        "<h2>A <i>b</i></h2><h3> </h3><ul><li>one<ul><li>two</ul><li><p>three</ul><p><a href=/x>l</a><a href=/y></a>"
        "<img src=s alt=' t '><img alt=u><strong>S</strong><pre>\n x  \ny</pre><blockquote>q</blockquote>"
        "<table><tr><th>h<td>d</table><table><tr><td>layout</table>"
    )
    assert dom_items(page) == {
        "heading": Counter([("h2", "A b")]),
        "link": Counter([("/x", "l")]),
        "image": Counter([("s", "t")]),
        "strong": Counter(["S"]),
        "emphasis": Counter(["b"]),
        "quote": Counter(["q"]),
        "item": Counter(["one", "two", "three"]),
        "code": Counter([" x\ny"]),
        "row": Counter([("h", "d")]),
    }
    markdown = "## A *b*\n\n- one\n  - two\n- three\n\n[l](/x) ![t](s) **S**\n\n"
    markdown += "```\n x\ny\n```\n\n> q\n\n| h | d |\n| --- | --- |\n"
    assert markdown_items(markdown) == dom_items(page)
    assert markdown_items("") == {}


def test_words_of_items_end_at_blocks() -> None:
    found = dom_items("<blockquote><p>a</p><p>b</p></blockquote><table><tr><th>c<br>d<td>e<tr><td>f<td>g</table>")
    assert found["quote"] == Counter(["a b"]) and found["row"] == Counter([("c d", "e"), ("f", "g")])


def test_nested_items() -> None:
    page = "<ul><li>one<ol><li>two</ol><li>three</ul><li>four<img src='data:,' data-src=/i alt=a>"
    found = dom_items(page, nested=True)
    assert found == {
        "top item": Counter([(1, "ul", "one"), (1, "ul", "three"), (0, None, "four")]),
        "nested item": Counter([(2, "ol", "two")]),
        "image": Counter([("/i", "a")]),
    }
    got = markdown_items("- one\n  1. two\n- three\n", nested=True)
    assert got["nested item"] == found["nested item"] and got["top item"].total() == 2
