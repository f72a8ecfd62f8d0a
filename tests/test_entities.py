"""Character references are undone as html5lib undoes them, in text and in attributes."""

import html
from html.entities import html5

import html5lib
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from soupstate.model.page.entities import SLICE, attribute_of, text_of, unescape_attribute, unescape_text
from soupstate.model.page.stop import Stopped, Watch

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def in_text(source: str) -> str:
    """What html5lib makes of it as a paragraph's text."""
    found = html5lib.parseFragment(f"<p>{source}</p>", namespaceHTMLElements=False)
    return found.find("p").text or ""


def in_attribute(source: str) -> str:
    """What html5lib makes of it as an attribute's value."""
    found = html5lib.parseFragment(f'<p title="{source}">', namespaceHTMLElements=False)
    return found.find("p").get("title")


CASES = [
    *(
        "&amp;",
        "&amp",
        "&AMP;x",
        "&lt;b&gt;",
        "&copy;",
        "&copy",
        "&copyx",
        "&copy=1",
        "&copy;=1",
        "&copy_",
        "&notit;",
        "&notin;",
    ),
    *(
        "&notin",
        "&nosuch;",
        "&nosuch",
        "&;",
        "&",
        "& amp;",
        "&#65;",
        "&#65",
        "&#65x",
        "&#x41;",
        "&#X41",
        "&#xg;",
        "&#;",
        "&#x;",
    ),
    *(
        "&#128;",
        "&#150;",
        "&#0;",
        "&#xD800;",
        "&#x110000;",
        "&#99999999999;",
        "&#13;",
        "&#10;",
        "&#x1F600;",
        "&nbsp;",
        "&nbsp",
    ),
    *(
        "?a=1&b=2&lt=3&reg&sect=4&para5",
        "&amp;amp;",
        "&amp&amp",
        "&NotEqualTilde;",
        "&acE;",
        "&hearts;&hearts",
        "&ampx=1",
        "&a&b",
    ),
    *(
        "a\nb",
        "&CounterClockwiseContourIntegral;",
        "&timesbar;",
        "&times;bar;",
        "&timesb",
        "&frac12",
        "&sup1x",
        "&there4;",
    ),
]


@pytest.mark.parametrize("source", CASES)
def test_cases(source: str) -> None:
    assert unescape_text(source) == in_text(source)
    assert unescape_attribute(source) == in_attribute(source)


def test_attributes_keep_what_looks_like_a_parameter() -> None:
    assert unescape_attribute("/s?a=1&copy=2&amp;lt=3&reg;=4") == "/s?a=1&copy=2&lt=3®=4"
    assert unescape_text("a&copy=2") == "a©=2"
    assert unescape_attribute("&notit;") == "&notit;"
    assert unescape_text("&notit;") == "¬it;"


def test_line_ends_are_folded() -> None:
    assert unescape_text("a\r\nb\rc\n") == unescape_attribute("a\r\nb\rc\n") == "a\nb\nc\n"


NAMES = sorted(html5)
# Control characters and noncharacters, which the standard keeps, are dropped: no text is the poorer.
CODES = st.integers(0, 0x110005).filter(lambda n: html.unescape(f"&#{n};"))
REFERENCES = st.one_of(
    st.sampled_from(NAMES).map(lambda n: "&" + n),
    st.sampled_from(NAMES).map(lambda n: "&" + n.rstrip(";")),
    CODES.map(lambda n: f"&#{n};"),
    CODES.map(lambda n: f"&#x{n:x}"),
    st.text("&#;xX=lgt \r\n", max_size=6),
)


@given(st.lists(REFERENCES, max_size=5).map("".join))
@example("&#x80;&#13;&#10;")
@settings(max_examples=300, deadline=None)
def test_anything_like_references(source: str) -> None:
    assert unescape_text(source) == in_text(source)
    assert unescape_attribute(source) == in_attribute(source)


@pytest.mark.parametrize("digits", ["1" * 5000, "0" * 5000 + "65", "x" + "f" * 5000, "x" + "0" * 5000 + "41", "9" * 9])
@pytest.mark.parametrize("end", [";", "", " x"])
def test_numbers_of_any_length(digits: str, end: str) -> None:
    """Python and html5lib refuse decimal numbers of more than 4300 digits."""
    source = f"a&#{digits}{end}z"
    expected = f"a{'A' if digits.endswith(('065', '041')) else REPLACEMENT}{end.removeprefix(';')}z"
    assert unescape_text(source) == unescape_attribute(source) == expected


@pytest.mark.parametrize("unit", ["&amp;", "&amp", "a\r\n", "&#65;", "&notin;x", "&", "é&eacute;"])
@pytest.mark.slow
def test_a_long_text_in_slices_is_the_whole_text(unit: str) -> None:
    for before in range(7):
        page = "x" * before + unit * (2 * SLICE // len(unit) + 3)
        slices = list(text_of(page, 0, len(page), Watch()))
        assert len(slices) > 1 and "".join(slices) == unescape_text(page)
        assert attribute_of(page, (0, len(page)), Watch()) == unescape_attribute(page).strip()
    assert attribute_of("page", None, Watch()) == ""
    with pytest.raises(Stopped):
        list(text_of(page, 0, len(page), Watch(lambda: True)))
