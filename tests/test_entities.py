"""Character references are undone as html5lib undoes them, in text and in attributes."""

import html
from html.entities import html5

import html5lib
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from soupstate.model.page.entities import unescape_attribute, unescape_text


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
