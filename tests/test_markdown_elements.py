"""Markdown of what marks do not say, and the text of a tag does: names of elements and values of attributes."""

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from selectolax.lexbor import LexborHTMLParser
from test_markdown import items, rendered, written

from soupstate.model.page.render.front_matter import front_matter
from soupstate.model.page.render.markdown import markdown
from soupstate.model.page.spans import spans_of_marks
from soupstate.model.train.data.teacher import teach


@pytest.mark.parametrize(
    ("page", "wanted"),
    [
        ("<del>a</del> <s>b c</s> <strike>d</strike>", "~~a~~ ~~b c~~ ~~d~~"),
        ("x<del>(a)</del>y ~~z~~ ~", "x<del>(a)</del>y \\~\\~z\\~\\~ ~"),
        ("H<sub>2</sub>O, x<sup>2</sup> <mark>a <b>b</b></mark>", "H<sub>2</sub>O, x<sup>2</sup> <mark>a **b**</mark>"),
        ("<q>a <b>b</b></q> in <cite>c d</cite>", '"a **b**" in *c d*'),
        ("<p><s>a<p>b", "~~a~~\n\nb"),  # one that is never closed ends with its block
        ("<b><i>a</i></b> <i><b>b</b> c</i> <i>d <b>e</b></i>", "***a*** ***b** c* *d **e***"),
        ("<b><i>a</i>b</b>, <i><b>c</b></i>", "__*a*b__, ***c***"),
        ("<b>a&nbsp;</b>b", "**a**\xa0b"),
        ("<code>a<b>b</b><s>c</s></code> <b><code>d</code></b>", "`abc` **`d`**"),
        ("<pre><q>a</q><sub>b</sub></pre>", "```\nab\n```"),
        ("<b>a <b>b</b> c</b> <kbd><kbd>C</kbd>+<kbd>X</kbd></kbd>", "**a b c** `C+X`"),
        ("<b>a <a href=x><img src=s alt=b> c</a> d</b> e", "**a [![b](s) c](x) d** e"),
        ("<b>a</b><img src=s><b>b</b> <q>c <img src=s> d</q>", '**a**![](s)**b** "c ![](s) d"'),
        ("<i><cite>a</cite> b</i>", "*a b*"),
    ],
)
def test_looks_of_letters(page: str, wanted: str) -> None:
    assert written(page) == wanted


@pytest.mark.parametrize(
    ("page", "language"),
    [
        ('<pre class="lang-py">a', "py"),
        ("<pre><code class='hljs language-c++'>a", "c++"),
        ('<div class="highlight highlight-source-shell"><pre>a', "shell"),
        ('<div class="highlight-python3 notranslate"><div class="highlight"><pre>a', "python3"),
        ('<pre class="brush: js; toolbar: false">a', "js"),
        ('<pre data-lang="go">a', "go"),
        ('<div class="lang-en"><pre>a', ""),
        ('<pre class="language-none">a', ""),
        ('<pre class="language-`x`">a', ""),
        ('<p><code class="language-js">x</code></p><pre>a', ""),
    ],
)
def test_languages_of_code(page: str, language: str) -> None:
    assert f"```{language}\na\n```" in written(page)


@pytest.mark.parametrize(
    "page",
    [
        "<table><tr><td>a<td>b</table>",  # one row
        "<table><tr><td>a<tr><td>b</table>",  # one column
        "<table><tr><td>a<td>b<tr><td>c</table>",
        "<table><tr><td>a<td><h2>b</h2><tr><td>c<td>d</table>",
        f"<table><tr><td>a<td><p>{'b' * 81}</p><tr><td>c<td>d</table>",  # a long block
        "<table><tr><td>a<td><tr><td>b<td><tr><td>c<td>d</table>",  # one row with two texts
        "<table><tr><td>a<td rowspan=2>b<tr><td>c<td>d</table>",  # uneven
        "<table><tr><td>a<td><img src=s><tr><td>c<td>d</table>",
        "<table><tr><td>a<td><ul><li>b</ul><tr><td>c<td>d</table>",
        "<table><tr><td>a<td><table><tr><td>b</table><tr><td>c<td>d</table>",
    ],
)
def test_layout_tables_are_text(page: str) -> None:
    assert "|" not in written(page)


def test_a_table_without_header_cells_that_holds_data() -> None:
    page = "<table><caption>k</caption><tbody><tr><td>a<br>b</td><td>c</td></tr></tbody><tr><td>d<td>e</table>"
    assert written(page) == "k\n\n| a<br>b | c |\n| --- | --- |\n| d | e |"
    inside = "<table><tr><td>x<td><table><tr><td>a<td>b<tr><td>c<td>d</table></table>"
    assert items(inside)["row"] == [("a", "b"), ("c", "d")]


def test_short_blocks_in_cells() -> None:
    page = "<table><tr><td><p>a</p><td><div>b</div><p>c</p><tr><td><center>d</center><td>e</table>"
    assert written(page) == "| a | b<br>c |\n| --- | --- |\n| d | e |"


def test_blocks_in_cells_of_tables_with_headers() -> None:
    page = "<table><tr><th>a<th>b<tr><td><pre>\nx = 1\n  y|z\n</pre>c<td><ul><li>d<li>e</ul><p>f</table>"
    assert written(page).split("\n")[2] == "| `x = 1`<br> `y\\|z`<br>c | d<br>e<br>f |"


def test_rows_without_text_are_left_out() -> None:
    assert written("<table><tr><td><td><tr><th>a<th>b<tr><td> <td><tr><td>c</table>").count("\n") == 2


def test_cells_over_several_rows() -> None:
    page = "<table><tr><th>a<th>b<th>c<tr><td rowspan=2>d<td>e<td>f<tr><td>g<td>h<tr><td>i<td>j<td>k</table>"
    assert items(page)["row"] == [("", "g", "h"), ("a", "b", "c"), ("d", "e", "f"), ("i", "j", "k")]
    both = "<table><tr><td rowspan='2' colspan=2>a<td>b<tr><td>c<tr><td>d<td>e<td>f</table>"
    assert written(both) == "| a |  | b |\n| --- | --- | --- |\n|  |  | c |\n| d | e | f |"
    tall = "<table><tr>" + "<th rowspan=9999>a" * 500 + "<tr><td>b" * 5000 + "</table>"
    assert len(written(tall)) < 20 * len(tall)


def test_cells_over_several_columns() -> None:
    page = "<table><tr><th colspan=2>a<th>b<tr><td>c<td>d<td>e<tr><td colspan='2'>f<td>g<tr><td colspan=9>h</table>"
    assert written(page) == "| a |  | b |\n| --- | --- | --- |\n| c | d | e |\n| f |  | g |\n| h |  |  |"
    assert written("<table><tr><th colspan=2>a<th>b<tr><td>c<td colspan=2>d</table>").count("|") == 12
    assert written("<table><tr><th colspan=1000>a<tr><td colspan=x>b</table>") == "| a |\n| --- |\n| b |"


@pytest.mark.parametrize(
    ("image", "wanted"),
    [
        ("<img src='data:image/gif;base64,R0' data-src=/a.png alt=x>", "![x](/a.png)"),
        ("<img src=/blank.gif data-lazy-src='/a.png?b&amp;c'>", "![](/a.png?b&c)"),
        ("<img src='' data-original=/a.png>", "![](/a.png)"),
        ("<img src=/s.png data-src=/a.png>", "![](/s.png)"),
        ("<img data-src='/a b.png ' alt='x &amp; y'>", "![x & y](</a b.png>)"),
        ("<img srcset=', /a,b.png 1x, /c.png 2x' alt=x>", "![x](/a,b.png)"),
        ("<img src=/s.png srcset='/a.png 2x'>", "![](/s.png)"),
        ("<img data-srcset='/a.png, /b.png 2x'>", "![](/a.png)"),
        ("<img srcset=' , '>", ""),
        ("<img src='' alt=x>", "![x]()"),
        ("<img src=''>", ""),
        ("<img src='data:image/gif;base64,R0' data-src='javascript:x()'>", ""),
        ("<img src='data:,' data-src=' JAVASCRIPT:x()' alt=x>", ""),
    ],
)
def test_images_that_are_loaded_later(image: str, wanted: str) -> None:
    assert written(f"<p>{image}") == wanted


@pytest.mark.parametrize(
    ("page", "wanted"),
    [
        ("a<select><option>b<option selected>c<option class=selected>d</select>e", "a\n\nc\n\ne"),
        ("<select><option>a</option><option>b</option></select>c", "c"),
        ("<table><tr><th>a<th><select><option>b<option selected>c</select><tr><td>d<td>e</table>", "| a | c |"),
    ],
)
def test_options(page: str, wanted: str) -> None:
    assert written(page).startswith(wanted)


def test_titles() -> None:
    page = '<a href=/x title="Tea">tea!</a> <a href=/x title=\'a "b" &amp;amp;\'>c</a> <img src=s title="d\ne" alt=f>'
    assert written(page) == '[tea!](/x) [c](/x "a \\"b\\" &amp;amp;") ![f](s "d e")'
    tree = LexborHTMLParser(rendered(page))
    assert [n.attributes["title"] for n in tree.css("[title]")] == ['a "b" &amp;', "d e"]
    assert written("<a href='javascript:x()' title='b'>a</a>") == "a"


def test_references() -> None:
    page = "<p><a href=/x title=t>a</a> <a href='/y z'>b</a> <img src=/x> <a href=/x>c</a> <a href='javascript:x'>d</a>"
    made = markdown(page, spans_of_marks(page, teach(page)), references=True)
    assert made == '[a][1] [b][2] ![][3] [c][3] d\n\n[1]: /x "t"\n[2]: </y z>\n[3]: /x'
    tree = LexborHTMLParser(MarkdownIt("commonmark").render(made))
    assert [a.attributes["href"] for a in tree.css("a")] == ["/x", "/y%20z", "/x"]
    assert markdown("<p>a", spans_of_marks("<p>a", teach("<p>a")), references=True) == "a"


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
@example("---")
@example("a: b # c\u2028\x85\ufeff")
@example("null")
@settings(max_examples=200, deadline=None)
def test_front_matter_is_read_back(title: str) -> None:
    made = front_matter(title=title, url=None, language="no")
    assert made.startswith("---\n") and made.endswith("\n---")
    assert "\n---" not in made[4:-4]
    assert yaml.safe_load(made[4:-4]) == {"title": title, "language": "no"}


def test_front_matter_without_anything_known() -> None:
    assert front_matter(title=None) == "---\n---"
