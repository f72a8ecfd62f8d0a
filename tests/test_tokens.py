"""Tokens cover a page, and stand where html5lib's tokenizer and turbohtml's source locations say."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import html5lib
import pytest
import turbohtml
from html5lib._tokenizer import HTMLTokenizer
from html5lib.constants import tokenTypes
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_crawl_samples import SAMPLES

from soupstate.model.page.entities import unescape_attribute
from soupstate.model.train.data.tokens import Token, tokens

Attributes = tuple[tuple[str, str], ...]
KINDS = {"text", "raw", "start", "end", "comment", "doctype", "void"}


@dataclass(frozen=True)
class Found:
    """A token as two tokenizers can both say it: its end, and a start tag's attributes (the first of a name)."""

    kind: str
    name: str
    end: int
    attributes: Attributes = ()


class RecordingTokenizer(HTMLTokenizer):
    """Writes down every token but text as it is handed to the tree's construction, with the place where it ends."""

    def __iter__(self) -> Iterator[dict[str, Any]]:
        kinds = {tokenTypes[k]: k for k in ("StartTag", "EndTag", "Comment", "Doctype")}
        for token in super().__iter__():
            kind = kinds.get(token["type"])
            line, column = self.stream.position()
            if kind == "StartTag":
                self.parser.record("start", token["name"], line, column, tuple(sorted(token["data"].items())))
            elif kind == "EndTag":
                self.parser.record("end", token["name"], line, column)
            elif kind:
                self.parser.record(kind.lower(), "", line, column)
            yield token


class Witness(html5lib.HTMLParser):
    """html5lib: the tokens of a page while its tree is made."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.length = len(page)
        self.starts = [0, *(i + 1 for i, c in enumerate(page) if c == "\n")]
        self.found: list[Found] = []
        self.parse(page)

    def mainLoop(self) -> None:
        self.tokenizer.__class__ = RecordingTokenizer
        super().mainLoop()

    def record(self, kind: str, name: str, line: int, column: int, attributes: Attributes = ()) -> None:
        end = min(self.length, self.starts[line - 1] + column)  # html5lib counts the end of a page as a character
        self.found.append(Found(kind, name, end, attributes))


def ours(page: str) -> list[Found]:
    found = []
    for t in tokens(page):
        if t.kind == "start":
            found.append(Found("start", t.name, t.end, tuple(sorted(values(page, t).items()))))
        elif t.kind == "end":
            found.append(Found("end", t.name, t.end))
        elif t.kind in ("comment", "doctype") and not is_dropped(page, t):
            found.append(Found(t.kind, "", t.end))
    return found


def is_dropped(page: str, token: Token) -> bool:
    """Whether a tokenizer makes no comment of it: `</>`, `</` at the page's end, CDATA in svg (whose text is text)."""
    written = page[token.start : token.end]
    return written in ("</>", "</") or (written.startswith("<![CDATA[") and "<svg" in page)


def values(page: str, token: Token) -> dict[str, str]:
    """Attributes of a start tag; of two with one name the first."""
    found: dict[str, str] = {}
    for name, _, _, start, end in token.attributes:
        found.setdefault(name, unescape_attribute(page[start:end]) if start >= 0 else "")
    return found


def assert_covers(page: str) -> None:
    at = 0
    for t in tokens(page):
        assert t.kind in KINDS
        assert t.start == at < t.end <= len(page), f"{t} at {at}"
        at = t.end
        if t.kind == "start":
            assert page[t.start] == "<" and page[t.end - 1] == ">"
            assert page[t.start + 1 : t.name_end].lower() == t.name
            inside = t.name_end
            for name, start, end, value, value_end in t.attributes:
                assert inside <= start < end < t.end
                assert page[start : start + len(name)].lower() == name
                assert value < 0 or start + len(name) < value <= value_end <= end
                inside = end
    assert at == len(page)


def assert_turbohtml_agrees(page: str) -> int:
    """Every element of turbohtml's tree that has a source location has a start tag there; their number."""
    starts = {t.start: t for t in tokens(page) if t.kind == "start"}
    seen = 0
    for element in turbohtml.parse(page, source_locations=True).find_all(True):
        place = element.source_location
        if place is None:  # implied: no tag in the source
            continue
        token = starts[place.start_tag.start_offset]
        assert token.end == place.start_tag.end_offset
        spans: dict[str, tuple[int, int]] = {}
        for name, start, end, value, value_end in token.attributes:
            empty = value == value_end and page[end - 1] not in "\"'"  # `a= >`: where it ends is a matter of taste
            spans.setdefault(name, (start, start + len(name) if empty else end))
        assert spans == {k: (s.start_offset, s.end_offset) for k, s in place.attrs.items()}
        seen += 1
    return seen


NASTY = {
    "empty comments": "a<!-->b<!--->c<!---->d<!-- -- > --!>e",
    "comment to the end": "<p>a<!-- <b>never closed</b> - -->x<!-- -",
    "comment in comment": "<!-- <!-- --> <i>seen</i> --> <b>",
    "bogus comments": "a</ x>b<?php echo '<b>'; ?>c<!x>d<!-x->e</>f<//>g",
    "doctypes": "<!DOCTYPE html PUBLIC '-//W3C//DTD'><!doctype><p><!DocType x [>]>",
    "script": "<script>if (a<b) document.write('<p>'+\"</p>\");</script><p>after",
    "script in comment": "<script><!-- x <script> y </script> z --> </script><b>seen</b>",
    "script, open comment": "<script><!--<script>a</script>b</script><b>seen</b>",
    "script, comment closed": "<script><!-- <script> --> </script><b>seen</b></script>",
    "script, comment, no inner": "<script><!-- a </script><b>seen</b> -->",
    "script, short comment": "<script><!--><script></script><b>seen</b></script>",
    "script, shorter comment": "<script><!---><script></script><b>seen</b></script>",
    "script, near ends": "<script></scripty></ script></scr</script x='>'>a",
    "script to the end": "<p>a<script>var x = '<b>';",
    "style": "<style>a>b{content:'</p>'}<!-- </style><b>x",
    "textarea and title": "<title>a <b>&amp; </titlex></title><textarea><p>x</p></TEXTAREA ><i>y</i>",
    "title to the end": "<title>a <b>c</b>",
    "raw elements": "<xmp><b></xmp><iframe><b></iframe><noembed><i></noembed><noframes><p></noframes><u>x</u>",
    "noscript": "<body><noscript><img src=a></noscript><b>x",
    "plaintext": "<p>a<plaintext><b>x</b></plaintext><i>",
    "CDATA in svg": "<svg><text>a</text><![CDATA[ <b>x</b> ]]><title>a<b>c</title></svg><b>d</b>",
    "CDATA outside": "<p><![CDATA[ a > b ]]></p>",
    "HTML in svg": "<svg><foreignObject><p>a<textarea><b></textarea></p></foreignObject><style>a<b</style></svg>",
    "out of svg": "<svg><g><p>out</p><style>a<b></style><i>x</i>",
    "closed svg": "<svg/><style><b></style><math /><title><b></title>",
    "unquoted": "<a href=/x/y/ class=b/><a href=?a=b&c=d>t</a><a href=a\"b'c<d>t",
    "quoted": "<a href='a>b' title=\"c'd\" x='\"'>t</a>",
    "spaces": "<a\n\thref \f= \n 'x'  y = z\n><b / ><br/  /c/d=1/>",
    "no value": "<input disabled checked= ><input a b=c d><input a=>",
    "duplicates": "<a href=1 HREF=2 href='3' class=x Class=y>",
    "no space between": "<a href='x'class=\"y\"id=z>t",
    "odd names": "<a =b ==c \"d\" 'e'=f <g h<i=j>t<a:b c:d=e><x-y_z.1>",
    "references": '<a href="?a=1&copy=2&copy;3&amp;b&lt&#65;&#x42;&nosuch;&notit;&not">t',
    "line ends in values": "<a title='a\n\nb' href=\n'x\n'>",
    "end of page in tag": "<p>a<a href='x",
    "end of page in value": "<p>a<a href=x",
    "end of page in name": "<p>a<br",
    "end of page after quote": "<p>a<a b='c'",
    "end of page in end tag": "<p>a</p",
    "end tag with attributes": "<p>a</p class='>'>b</p/>c",
    "stray brackets": "a < b <3 <- <= << <<p> >> x<",
    "last bracket": "<p>a</",
    "upper case": "<SCRIPT>a<b></Script><P CLASS=X>",
    "only a bracket": "<",
    "wide characters": "<p title='漢字 😀'>😀<b>é</b>",
}


@pytest.mark.parametrize("page", NASTY.values(), ids=NASTY.keys())
def test_nasty(page: str) -> None:
    assert_covers(page)
    assert ours(page) == Witness(page).found
    assert_turbohtml_agrees(page)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: s.name)
def test_samples(sample: Any) -> None:
    page = sample.html
    assert_covers(page)
    page = page.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")  # what both witnesses do first
    found = ours(page)
    assert len(found) > 5
    assert found == Witness(page).found
    assert assert_turbohtml_agrees(page) > 5


def kinds(page: str) -> list[tuple[str, str]]:
    return [(t.kind, page[t.start : t.end]) for t in tokens(page)]


def test_kinds() -> None:
    assert kinds("<!doctype html>a<!--b--><script>c<d</script>") == [
        ("doctype", "<!doctype html>"),
        ("text", "a"),
        ("comment", "<!--b-->"),
        ("start", "<script>"),
        ("raw", "c<d"),
        ("end", "</script>"),
    ]
    assert kinds("<title>a<b</title>x<i y") == [
        ("start", "<title>"),
        ("text", "a<b"),
        ("end", "</title>"),
        ("text", "x"),
        ("void", "<i y"),
    ]
    assert kinds("") == []


def test_places_of_attributes() -> None:
    page = "<a href = 'x y' b c=d/e>"
    (token,) = tokens(page)
    parts = [
        (name, page[start:end], page[value:value_end] if value >= 0 else None)
        for name, start, end, value, value_end in token.attributes
    ]
    assert parts == [("href", "href = 'x y'", "x y"), ("b", "b", None), ("c", "c=d/e", "d/e")]


NAMES = ("p", "b", "a", "script", "style", "title", "textarea", "xmp", "table", "td", "li", "body", "html", "noscript")
PIECES = [
    *"<>!?/-='\" \n\t&ax1é漢😀",
    *(f"<{name}>" for name in NAMES),
    *(f"</{name}>" for name in NAMES),
    *(
        "<!--",
        "-->",
        "--!>",
        "</",
        "/>",
        "<?",
        "<a",
        "<br/>",
        "<img src=x>",
        "<div class='c'>",
        "<!doctype>",
        "<![CDATA[",
    ),
    *("]]>", "&amp;", "&lt", "&#65;", " href=", " b c", '="y"'),
]
SOUP = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


@given(SOUP | st.text("<>/!-='\" ax\n&", max_size=60))
@settings(max_examples=150, deadline=None)
@example("<a b='c' 'd>")
@example("<!-")
def test_soup(page: str) -> None:
    assert_covers(page)
    assert ours(page) == Witness(page).found


@given(st.text(max_size=80))
@settings(max_examples=100, deadline=None)
def test_any_text_is_covered(page: str) -> None:
    assert_covers(page)
