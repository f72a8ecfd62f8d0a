"""Markdown of pages as the teacher marks them, read back by a CommonMark parser."""

import html
import re
from collections import Counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from selectolax.lexbor import LexborHTMLParser
from test_crawl_samples import SAMPLES

from soupstate.model.page.render.markdown import markdown
from soupstate.model.page.render.references import destination
from soupstate.model.page.render.text import text
from soupstate.model.page.spans import spans_of_marks
from soupstate.model.train.data.teacher import teach
from soupstate.model.train.evaluation.score import dom_items, markdown_items, recall, words


def written(page: str, url: str | None = None) -> str:
    return markdown(page, spans_of_marks(page, teach(page)), url)


def rendered(page: str) -> str:
    return MarkdownIt("commonmark").enable("table").render(written(page))


def read_back(page: str) -> str:
    """Text of the Markdown as a reader sees it, white space folded."""
    root = LexborHTMLParser(rendered(page)).root
    return " ".join((root.text(separator="") if root else "").split())


def items(page: str) -> dict[str, list[object]]:
    return {kind: sorted(counter.elements()) for kind, counter in markdown_items(written(page)).items()}


@pytest.mark.parametrize(
    ("page", "wanted"),
    [
        ("<h1>a</h1><p>b</p><h3>c <i>d</i></h3>e", "# a\n\nb\n\n### c *d*\n\ne\n"),
        ("<p>a<br>b</p><hr>c", "a\\\nb\n\n---\n\nc\n"),
        ("<ul><li>a<li>b</ul><ol><li>c<li>d</ol>", "- a\n- b\n\n1. c\n2. d\n"),
        ("<ul><li>a<ul><li>b<ol><li>c</ol></ul><li>d</ul>", "- a\n  - b\n    1. c\n- d\n"),
        ("<blockquote>a<p>b<blockquote>c</blockquote></blockquote>d", "> a\n>\n> b\n>\n> > c\n\nd\n"),
        ("<pre>a\n  *b*\n</pre>", "```\na\n  *b*\n```\n"),
        ("<p><a href=/x>a</a> <img src=s alt='b'>", "[a](/x) ![b](s)\n"),
        ("<p>a <b>b</b><i>c</i> <code>d</code>", "a **b**<em>c</em> `d`\n"),
        ("<table><tr><th>a<th>b<tr><td>c<td>d</table>", "| a | b |\n| --- | --- |\n| c | d |\n"),
        ("<table><tr><td>a<td>b<tr><td>c<td>d</table>", "| a | b |\n| --- | --- |\n| c | d |\n"),
        ("<ol start=3><li>a<li>b<li value=9>c<li>d</ol>e<ol><li>f</ol>", "3. a\n4. b\n9. c\n10. d\n\ne\n\n1. f\n"),
        ("<ol start=-2><li>a</ol>", "1. a\n"),
        ("<ul><li>a<ol start=3><li>b<li>c</ol><li>d</ul>", "- a\n\n  3. b\n  4. c\n- d\n"),
        ("<ul><li>a</li><li></li></ul><p>b</p>", "- a\n\nb\n"),
        ("<dl><dt>a</dt><dd>b</dd><dd><p>c</p><p>d</p></dd><dt>e</dl>f", "a\n: b\n: c\n\n  d\n\ne\n\nf\n"),
        ("<dd>a</dd>", ": a\n"),
        ("<dl><dt>a</dt><dt>b</dt><dd>c</dd><dt>d<dd>e</dl>", "a\nb\n: c\n\nd\n: e\n"),
        ("<figure><img src=s alt=b><figcaption>c</figcaption></figure>", "![b](s)\n\nc\n"),
        ("<h1>a</h1><p>b</p><h1>a</h1><h1>c</h1>", "# a\n\nb\n\n# c\n"),
        ("<p>a<br><br>b<br> <br>c<br></p>", "a\n\nb\n\nc\n"),
        ("<p><br>a <br>b</p>", "a\\\nb\n"),
        ("<p>Hi! a < b, a &lt;b> &lt;</p>", "Hi! a < b, a \\<b> \\<\n"),
        ("<p>Hi!<a href=/x>a</a> Hi!<img src=s>", "Hi\\![a](/x) Hi!![](s)\n"),
        ("<a href=https://h.example/a>https://h.example/a</a>", "<https://h.example/a>\n"),
        ("<a href=https://h.example/a_>https://h.example/a_</a>", "[https://h.example/a\\_](https://h.example/a_)\n"),
        ("<p>a</p><div hidden>b</div><noscript>c</noscript><svg>d</svg>", "a\n"),
        ("", ""),
        ("<p> </p>", ""),
    ],
)
def test_written(page: str, wanted: str) -> None:
    assert written(page).rstrip("\n") == wanted.rstrip("\n")


def test_nested_lists_come_back() -> None:
    page = "<ul><li>a<ol><li>b<li>c<ul><li>d<p>e</p></ul><li>f</ol><li>g</ul><p>h"
    tree = LexborHTMLParser(rendered(page))
    depth_of = {}
    for item in tree.css("li"):
        depth, node = 0, item
        while node is not None:
            depth += node.tag == "li"
            node = node.parent
        first = item.text(deep=False).strip() or item.css_first("p").text().strip()
        depth_of[first] = depth, item.parent.tag if item.parent else ""
    assert depth_of == {"a": (1, "ul"), "b": (2, "ol"), "c": (2, "ol"), "d": (3, "ul"), "f": (2, "ol"), "g": (1, "ul")}
    assert [p.text() for p in tree.css("body > p")] == ["h"]
    assert "e" in tree.css("li li li")[0].text()


def test_ordered_lists_count() -> None:
    page = "<ol>" + "".join(f"<li>n{i}" for i in range(1, 13)) + "</ol><p>x</p><ol><li>a<li>b</ol>"
    assert [line.split()[0] for line in written(page).split("\n") if ". " in line] == [
        *(f"{i}." for i in range(1, 13)),
        *("1.", "2."),
    ]
    assert rendered(page).count("<ol>") == 2 and rendered(page).count("<li>") == 14


def test_blocks_inside_an_item() -> None:
    page = "<ol><li><p>a<p>b<pre>c\n d</pre><li><blockquote>e</blockquote></ol>"
    tree = LexborHTMLParser(rendered(page))
    first, second = tree.css("ol > li")
    assert [p.text() for p in first.css("p")] == ["a", "b"] and first.css_first("pre").text() == "c\n d\n"
    assert "e" in second.text() or "e" in tree.body.text()


@pytest.mark.parametrize(
    "code", ["a", "a`b", "``` inside\n```", "````\n~~~", "  indented\n\n\ttab", "<b> &amp; *x*", "`", "# no"]
)
def test_code_blocks_come_back(code: str) -> None:
    page = f"<p>x</p><pre>\n{html.escape(code)}</pre>y"
    assert items(page)["code"] == ["\n".join(line.rstrip() for line in code.split("\n"))]


@pytest.mark.parametrize("code", ["a", "a`b", "``", "`a`", "a``b`c", "*x* _y_ \\ &amp; <b>", "[a](b)", "|"])
def test_code_spans_come_back(code: str) -> None:
    tree = LexborHTMLParser(rendered(f"<p>x <code>{html.escape(code)}</code> y"))
    assert tree.css_first("code").text() == code


def test_tables_come_back() -> None:
    page = (
        "<table><caption>k</caption><thead><tr><th>a|b<th>`c`</thead><tr><td>d\\|e<td><p>f</p><p>g</p>"
        "<tr><td><ul><li>h<li>i</ul><td><a href=/x>j|k</a><br>l<tr><td><td>m</table>n"
    )
    tree = LexborHTMLParser(rendered(page))
    rows = [[" ".join(c.text(separator=" ").split()) for c in tr.css("th,td")] for tr in tree.css("tr")]
    assert rows == [["a|b", "`c`"], ["d\\|e", "f g"], ["h i", "j|k l"], ["", "m"]]
    assert [p.text() for p in tree.css("body > p")] == ["k", "n"]
    assert items(page)["link"] == [("/x", "j|k")]


def test_ragged_and_nested_tables() -> None:
    ragged = "<table><tr><th>a<th>b<th>c<tr><td>d<tr><td>e<td>f</table>"
    assert items(ragged)["row"] == [("a", "b", "c"), ("d", "", ""), ("e", "f", "")]
    nested = "<table><tr><th>a<td><table><tr><th>b<td>c</table></table>"
    assert items(nested)["row"] == [("b", "c")]
    assert read_back(nested).split() == ["a", "b", "c"]
    unclosed = "<table><tr><th>a<td>b"
    assert items(unclosed)["row"] == [("a", "b")]


@pytest.mark.parametrize(
    ("page", "strong", "emphasis"),
    [
        ("a<b>b</b>c", ["b"], []),
        ("a<b>b:</b>c", ["b:"], []),
        ("<b>(b)</b>c", ["(b)"], []),
        ("a<b> b </b>c", ["b"], []),
        ("<b>a</b><b>b</b><i>c</i><i>d</i>", ["ab"], ["cd"]),
        ("<b>a.</b><b>b</b>", ["a.", "b"], []),
        ("<b>a<i>b</i></b>", ["ab"], ["b"]),
        ("<b><i>b</i></b>", ["b"], ["b"]),
        ("<i>a<b>b</b>c</i>", ["b"], ["abc"]),
        ("<b>a</b><i>b</i>", ["a"], ["b"]),
        ("<b>a <a href=/x>l</a> b</b>", ["a l b"], []),
        ("<b>a*b</b> <i>*</i>", ["a*b"], ["*"]),
        ("<b>a<br>\nb</b>", ["a b"], []),
        ("<b>«a»</b>, “<i>b</i>”", ["«a»"], ["b"]),
        ("漢<b>字。</b>漢", ["字。"], []),
        ("<b>:</b>\xad", [":"], []),
        ("€<b>:</b>€<i>:</i>\u2028", [":"], [":"]),
        ("<b> </b>x<i></i>", [], []),
    ],
)
def test_emphasis_comes_back(page: str, strong: list[str], emphasis: list[str]) -> None:
    found = items(f"<p>{page}</p>")
    assert (found.get("strong", []), found.get("emphasis", [])) == (sorted(strong), sorted(emphasis))


@pytest.mark.parametrize(
    "address",
    [
        "/x",
        "/a(b)c",
        "/a(b",
        "/a)b(",
        "/a((b)c",
        "/a\\b",
        "/?a=1&copy=2&amp;amp;b",
        "/&copy;",
        "/a*b_c_d*",
        "/a[b]c",
        "#f",
        "https://example.org/a,b;c:d@e!f$g~h'i",
    ],
)
def test_destinations_come_back(address: str) -> None:
    page = f'<p><a href="{html.escape(address)}">t</a>, <img src="{html.escape(address)}" alt="i">'
    # The parser writes what no URL may hold in percent escapes.
    address = address.replace("\\", "%5C").replace("[", "%5B").replace("]", "%5D")
    found = items(page)
    assert found["link"] == [(address, "t")]
    assert found["image"] == [(address, "i")]


@pytest.mark.parametrize("address", ["/a b", "/a<b>", '/a"b', "/a b)(c", "/a\tb"])
def test_destinations_in_brackets(address: str) -> None:
    wanted = (
        address.replace("\t", "%09").replace(" ", "%20").replace("<", "%3C").replace(">", "%3E").replace('"', "%22")
    )
    assert items(f"<p><a href='{address}'>t</a>")["link"] == [(wanted, "t")]
    assert destination(address).startswith("<") == (address != '/a"b')


def test_texts_of_links_and_images() -> None:
    page = (
        "<p><a href=/1>a ] b [ c</a> <a href=/2><img src=s alt='d ] *e*'></a> <a href=/3><b>f</b> g</a> <a href=/4></a>"
    )
    found = items(page)
    assert found["link"] == [("/1", "a ] b [ c"), ("/3", "f g")]
    assert found["image"] == [("s", "d ] *e*")]
    assert rendered(page).count("<a href") == 3  # the picture's too


def test_addresses_are_made_absolute() -> None:
    page = "<base href=/b/><p><a href=x>t</a><img src=../s><a href='http://[broken'>u</a>"
    assert "[t](https://h/b/x)![](https://h/s)" in written(page, "https://h/a")
    assert "[t](x)![](../s)" in written(page)


def test_images_still_to_be_loaded_are_left_out() -> None:
    assert written("<p>a<img src='data:image/svg+xml,%3Csvg%3E' alt=x>b") == "ab"


LITERAL = [
    *(
        "*a*",
        "_a_",
        "__a__",
        "a_b_c",
        "**",
        "# a",
        "#",
        "#a",
        "####### a",
        "- a",
        "+ a",
        "* a",
        "-",
        "1. a",
        "1) a",
        "1.",
        "2026. Next",
    ),
    *(
        "&copy;",
        "&amp;copy;",
        "&#65;",
        "&copy",
        "<b>a</b>",
        "<!-- a -->",
        "<http://a.b>",
        "a < b",
        "[a](b)",
        "[a]: b",
        "[a]",
        "![a](b)",
        "!",
    ),
    *(
        "`a`",
        "``",
        "~~~",
        "```",
        "> a",
        "a > b",
        ">",
        "---",
        "***",
        "===",
        "a\\*b",
        "\\",
        "\\\\",
        "a\\",
        "| a | b |",
        "|",
        "a | b",
        "--- | ---",
    ),
    *(
        "http://a.b/c_d_e",
        "a@b.c",
        ":",
        "    a",
        "a  ",
        "=",
        "+",
        "!\\[",
        "$a$",
        "^",
        "~a~",
        "~~a~~",
        "www.a.b",
        "*",
        "_",
        "a*",
        "*a",
        "\u200b",
    ),
]


@pytest.mark.parametrize(
    "page",
    [
        *("<p>{}</p>", "x<p>{}", "<ul><li>{}<li>y</ul>", "<h2>{}</h2>", "<table><tr><th>{}<td>y</table>", "<p>x<br>{}"),
        *("<blockquote>{}", "<p><b>{}</b>", "<p>x <a href=/y>{}</a>", "<p>{} <i>x</i>", "<p><i>x</i>{}"),
    ],
)
def test_literal_characters_survive(page: str) -> None:
    for literal in LITERAL:
        source = page.format(html.escape(literal))
        wanted = LexborHTMLParser(source).body.text(separator=" ")
        assert "".join(read_back(source).split()) == "".join(wanted.split()), literal


WRITTEN = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Co", "Cn"]) | st.sampled_from("*_#`[]()<>&!\\|~+-=.1 \n"),
    max_size=25,
)


@given(WRITTEN)
@settings(max_examples=400, deadline=None)
@example("a\n- b")
@example("a\n===")
@example("1986. A great year")
def test_any_text_comes_back(source: str) -> None:
    page = f"<p>{html.escape(source)}</p>"
    assert read_back(page).split() == source.split()


@given(st.lists(st.tuples(WRITTEN, st.sampled_from(["", "b", "i", "code", "a href=/x"])), max_size=5))
@settings(max_examples=300, deadline=None)
def test_any_inline_text_comes_back(parts: list[tuple[str, str]]) -> None:
    page = "<p>" + "".join(
        f"<{tag}>{html.escape(t)}</{tag.split(' ')[0]}>" if tag else html.escape(t) for t, tag in parts
    )
    wanted = "".join(t for t, _ in parts)
    assert "".join(read_back(page).split()) == "".join(wanted.split())


@given(st.lists(st.lists(WRITTEN, min_size=2, max_size=2), min_size=1, max_size=3))
@settings(max_examples=150, deadline=None)
def test_any_cells_come_back(rows: list[list[str]]) -> None:
    page = "<table>" + "".join("<tr>" + "".join(f"<th>{html.escape(c)}</th>" for c in row) for row in rows) + "</table>"
    wanted = "".join(c for row in rows for c in row)
    assert "".join(read_back(page).split()) == "".join(wanted.split())


@pytest.mark.parametrize("sample", [s for s in SAMPLES if not s.malformed], ids=lambda s: s.name)
def test_samples(sample: object) -> None:
    """All words of the visible text are in the Markdown, and all items of the kinds it can keep whole.

    Without the options that are not selected, which Markdown leaves out.
    """
    page: str = re.sub(r"<option(?![^>]*\sselected)[^>]*>[^<]*", "", sample.html)  # type: ignore[attr-defined]
    spans = spans_of_marks(page, teach(page))
    made = markdown(page, spans)
    tree = LexborHTMLParser(MarkdownIt("commonmark").enable("table").render(made))
    shown = words(text(page, spans))
    assert (
        recall(Counter("".join(shown)), Counter("".join(words(tree.body.text(separator=" ") if tree.body else ""))))
        == 1
    )
    truth, got = dom_items(page), markdown_items(made)
    for kind in ("heading", "image", "code"):
        assert got.get(kind, Counter()) == truth.get(kind, Counter()), kind
