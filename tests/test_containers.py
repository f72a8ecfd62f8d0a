"""Quotes and lists in Markdown: which holds which, where one ends and the next begins."""

import pytest
from markdown_it import MarkdownIt
from selectolax.lexbor import LexborHTMLParser
from test_markdown import written

from soupstate.model.page.render.containers import Containers


@pytest.mark.parametrize(
    ("page", "wanted"),
    [
        ("<ul><li>a<hr>b</li><li>c</li></ul>", "- a\n\n  ---\n\n  b\n- c"),
        ("<ul><li><hr>a</ul><hr>", "- a\n\n---"),
        ("<blockquote>a<hr>b</blockquote><hr>", "> a\n>\n> ---\n>\n> b\n\n---"),
        ("<ul><li>a</ul><ul><li>b</ul><ul><li>c</ul>", "- a\n\n* b\n\n- c"),
        ("<ol><li>a</ol><ol><li>b</ol>", "1. a\n\n1) b"),
        ("<ul><li>a</ul><ol><li>b</ol>", "- a\n\n1. b"),
        ("<ul><li>a</ul><p>x<ul><li>b</ul>", "- a\n\nx\n\n- b"),
        ("<ul><li>a<ul><li>b</ul><ul><li>c</ul></ul>", "- a\n  - b\n\n  * c"),
        ("<ul><li>a</li><ul><li>b</li></ul><li>c</li></ul>", "- a\n  - b\n- c"),
        ("<ul><ul><li>a</li></ul></ul>", "- a"),
        ("<ul><li>a</li><section>x</section><ul><li>b</li></ul></ul>", "- a\n\nx\n\n- b"),
        ("<ul><li><ul><li>a<li>b</ul><li>c</ul>", "- - a\n  - b\n- c"),
        ("<ul><li>a<blockquote>b<p>c</blockquote>d</ul>", "- a\n\n  > b\n  >\n  > c\n\n  d"),
        ("<blockquote><ul><li>a<li>b</ul></blockquote>", "> - a\n> - b"),
        ("<blockquote>a</blockquote><blockquote>b</blockquote>", "> a\n\n> b"),
        ("<blockquote><blockquote>a</blockquote><blockquote>b</blockquote></blockquote>", "> > a\n>\n> > b"),
        ("<blockquote><table><tr><th>a<th>b</table></blockquote>", "> | a | b |\n> | --- | --- |"),
        ("<ul><li>x<table><tr><th>a<th>b</table></ul>", "- x\n\n  | a | b |\n  | --- | --- |"),
        ("<ul><li>a<p><img src=s alt=b></ul>", "- a\n\n  ![b](s)"),
        ("<ol><li>a</li>x<li>b</ol>", "1. a\n\nx\n\n2. b"),
        ("<li>a<li>b", "- a\n- b"),
    ],
)
def test_order_of_quotes_and_lists(page: str, wanted: str) -> None:
    assert written(page) == wanted


def test_lists_side_by_side_come_back() -> None:
    page = "<ul><li>a<li>b</ul><ul><li>c</ul><ol><li>d</ol><ol><li>e<li>f</ol>"
    tree = LexborHTMLParser(MarkdownIt("commonmark").render(written(page)))
    found = [[item.text().strip() for item in of.css("li")] for of in tree.css("ul, ol")]
    assert found == [["a", "b"], ["c"], ["d"], ["e", "f"]]


def test_deep_lists_and_quotes() -> None:
    """Beyond the greatest depth of the marks, levels count as the last one; an end tag ends its own list."""
    deep = "".join(f"<ul><li>{i}" for i in range(9)) + "</ul>" * 3 + "<li>x" + "</ul>" * 5 + "<li>y</ul>z"
    lines = written(deep).split("\n")
    assert lines[5:10] == [" " * 10 + f"- {i}" for i in (5, 6, 7, 8, "x")] and lines[10:] == ["- y", "", "z"]
    quotes = "".join(f"<blockquote>{i}" for i in range(5)) + "</blockquote>" * 4 + "x</blockquote>y"
    assert written(quotes).split("\n")[-3:] == ["> x", "", "y"]


def test_marks_count_where_the_tags_disagree() -> None:
    containers = Containers()
    containers.begin_list(ordered=False, start=None)
    containers.begin_item(None)
    containers.begin_list(ordered=False, start=None)
    containers.begin_item(None)
    assert containers.placed(["a"], depth=1, quote=0, ordered=False).text == "- a"
    assert containers.placed(["b"], depth=0, quote=0, ordered=False).text == "b"
    assert containers.placed(["c"], depth=0, quote=2, ordered=False).text == "> > c"
    containers.end(is_list=True)
    containers.end_item()
    containers.begin_item(7)
    placed = containers.placed(["d", "", "e"], depth=1, quote=1, ordered=True)
    assert placed.text == "> 7. d\n>\n>    e" and placed.gap == ">"


def test_many_open_containers_take_time_in_proportion() -> None:
    page = "<ul><li>a<blockquote>" * 2000
    assert written(page).count("a") == 2000
