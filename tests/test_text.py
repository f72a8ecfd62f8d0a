"""The visible text of pages as the teacher marks them: as a browser's innerText has it."""

import html

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soupstate.model.page.render.text import text
from soupstate.model.page.spans import spans_of_marks
from soupstate.model.train.data.teacher import teach


def shown(page: str) -> str:
    return text(page, spans_of_marks(page, teach(page)))


@pytest.mark.parametrize(
    ("page", "wanted"),
    [
        ("<p>a</p><p>b</p>c", "a\n\nb\n\nc"),
        ("<p>a\n  b\tc&nbsp;d</p>", "a b c\xa0d"),
        ("a<br>b<hr>c", "a\nb\nc"),
        ("<br>a<br><br>b<br></div><div>c</div><p>d<br><br><br></p>e", "a\n\nb\nc\n\nd\n\ne"),
        ("<pre>a<br>\n  b</pre>", "a\n\n  b"),
        ("<ul><li>a<li>b<ul><li>c</ul>d</ul>", "a\nb\nc\nd"),
        ("<table><tr><td>a<td>b<tr><th>c</table>d", "a\tb\nc\nd"),
        ("<table><tr><td><td>b<td></tr><tr><td></td></tr></table>", "\tb"),
        ("<table><tr><td><p>a</p><p>b</p></td><td>c<br>d</td><td>e</td></table>", "a\n\nb\n\nc\nd\te"),
        ("<table><tr><td>a<td><table><tr><td>b<td>c</table><td>d</table>", "a\nb\tc\nd"),
        ("<h1>a</h1>b<blockquote>c</blockquote>", "a\nb\nc"),
        ("<b>W</b>ord and <i>m</i>ore <code>x</code>s", "Word and more xs"),
        ("<span>Log in</span> <span>Help</span>", "Log in Help"),
        ("H<sub>2</sub>O, <a href=/x>here</a>. (<i>three</i>)", "H2O, here. (three)"),
        ("wo<wbr>rd", "word"),
        ("a<!-- c -->b", "ab"),
        ("<p> <b> a </b> </p>", "a"),
        ("<p>a<p> <p>&nbsp;<p>b", "a\n\nb"),
        ("<pre>a\n  b\n\n c </pre>", "a\n  b\n\n c"),
        ("<pre>\n<b>a</b>b\n</pre>c", "ab\nc"),
        ("<textarea>a\nb</textarea>", "a b"),
        ("&lt;b&gt; &amp;amp; &copy", "<b> &amp; ©"),
        ("a\r\nb", "a b"),
        ("<p hidden>a</p><p>b</p><template>c</template><svg><text>d</text></svg><noscript>e</noscript>", "b"),
        ("<title>t</title><style>s</style><script>x</script><p>a", "a"),
        ("", ""),
        ("<p></p>", ""),
    ],
)
def test_pages(page: str, wanted: str) -> None:
    assert shown(page) == wanted


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc", "Co", "Cn"]), max_size=20), max_size=6))
@settings(max_examples=200, deadline=None)
def test_any_text_comes_back(parts: list[str]) -> None:
    page = "".join(f"<p>{html.escape(part)}</p>" for part in parts)
    lines = (line.split() for line in shown(page).split("\n"))
    assert [line for line in lines if line] == [part.split() for part in parts if part.split()]
