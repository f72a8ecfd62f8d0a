"""Lines, columns, excerpts and titles."""

import pytest
from made_spans import spans_of

from soupstate.model.page.line_index import EXCERPT, LineIndex
from soupstate.model.page.render.title import title
from soupstate.model.page.spans import Span, Spans, TitleSpan


def test_lines_end_in_three_ways() -> None:
    page = "ab\ncd\r\ne😀f\r\rg"
    places = LineIndex(page)
    expected = {"a": (1, 1), "b": (1, 2), "c": (2, 1), "e": (3, 1), "😀": (3, 2), "f": (3, 3), "g": (5, 1)}
    for character, place in expected.items():
        assert places.line_column(page.index(character)) == place
    assert places.line_column(len(page)) == (5, 2)
    assert LineIndex("").line_column(0) == (1, 1)
    assert [places.excerpt(page.index(c), len(page)) for c in "acfg"] == ["ab", "cd", "e😀f", "g"]


@pytest.mark.parametrize("start", [0, 1, 59, 60, 150, 298, 299])
@pytest.mark.parametrize("length", [0, 1, 50, 120, 500])
def test_excerpts_of_long_lines(start: int, length: int) -> None:
    line = "".join(chr(0x4E00 + i) for i in range(300))
    page = f"first\n{line}\nlast"
    at = page.index(line) + start
    excerpt = LineIndex(page).excerpt(at, at + length)
    assert len(excerpt) == EXCERPT
    assert excerpt in line
    wanted = line[start : start + length]
    assert (wanted in excerpt) or (len(wanted) > EXCERPT and excerpt in wanted)


def test_title() -> None:
    page = "<title> </title><title>\n A &amp;&#x20; B </title><title>C</title>"
    spans: list[Span] = []
    for text in (" </", "\n A", "C"):
        start = page.index(text)
        spans.append(TitleSpan(start, page.index("</", start)))
    assert title(page, spans_of(spans)) == "A & B"
    assert title(page, spans_of(spans[:1])) is None
    assert title("", Spans.none()) is None
