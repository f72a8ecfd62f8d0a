"""Well-formed start tags are read by rule; the network keeps the others."""

import time

import numpy as np
import pytest
from numpy.typing import NDArray

from soupstate.model.page.cuts import Cutter
from soupstate.model.page.marks import Syntax
from soupstate.model.page.tags import LONGEST, may_be_raw, settle_tags


def bytes_of(page: str) -> NDArray[np.uint8]:
    return np.frombuffer(page.encode(), np.uint8)


def network(page: str) -> NDArray[np.uint8]:
    """A network that knows where tags begin, and nothing of their attributes."""
    path, inside = np.zeros(len(page), np.uint8), False
    for at, character in enumerate(page):
        inside = inside or (character == "<" and page[at + 1 : at + 2].isalpha())
        path[at] = Syntax.TAG if inside else Syntax.TEXT
        inside = inside and character != ">"
    return path


def values(page: str, path: NDArray[np.uint8] | None = None) -> list[tuple[str, str]]:
    """The values that answers use."""
    settled = settle_tags(bytes_of(page), 0, network(page) if path is None else path, last=True)
    cut = Cutter().feed(bytes_of(page), settled, last=True)
    return [
        (name, page[start:end])
        for name, (_, starts, ends) in cut.values.items()
        for start, end in zip(starts, ends, strict=True)
    ]


@pytest.mark.parametrize(
    ("tag", "href"),
    [
        ("<a href=http://x/ target=_blank>", "http://x/"),
        ("<A HREF = /a?b=c&d=e>", "/a?b=c&d=e"),
        ("<a href='/a?src=' alt='' title=''>", "/a?src="),
        ("<a style='a: b' class=c href=\"/d\" id=e>", "/d"),
        ("<a\n href = '/a' href='/b'/>", "/a"),
        ("<a data-href=/no href=/yes>", "/yes"),
        ('<a title="one &lt; two" href="/a b">', "/a b"),
    ],
)
def test_a_value_ends_where_the_rules_say(tag: str, href: str) -> None:
    assert values(f"<p>{tag}x</a>") == [("href", href)]


def test_rel_and_empty_values() -> None:
    assert values('<a rel="" href="/a">x</a><a rel=nofollow href="">y</a>') == [("href", "/a"), ("rel", "nofollow")]


@pytest.mark.parametrize(
    "tag",
    [
        '<a href="/a>',
        '<a href="/a class="b">',
        '<a href="/a id=" title="b">',
        '<a href=/a">',
        '<a href="/a" <b>',
        '<a href="/a"class="b">',
        "<a href=/a",
    ],
)
def test_the_network_keeps_a_tag_that_is_not_well_formed(tag: str) -> None:
    page = f"{tag}x"
    path = network(page)
    path[8:11] = Syntax.HREF
    assert np.array_equal(settle_tags(bytes_of(page), 0, path, last=True), path)


def test_a_tag_in_a_value_is_left_to_the_network() -> None:
    page = '<a title="<b>" href=/a>x'
    path = network(page)
    assert np.array_equal(settle_tags(bytes_of(page), 0, path, last=True), path)  # it sees text after <b>
    path[: page.index(">x") + 1] = Syntax.TAG
    path[page.index("<b>")] = Syntax.VALUE
    assert values(page, path) == [("href", "/a")]


def test_text_in_a_value_is_no_text() -> None:
    page = '<div title="a long text that the network takes for text">x'
    path = network(page)
    path[20:40] = Syntax.TEXT
    settled = settle_tags(bytes_of(page), 0, path, last=True)
    assert (settled[:-1] != Syntax.TEXT).all() and settled[-1] == Syntax.TEXT


def test_values_that_other_elements_have_are_not_used() -> None:
    page = "<h3 id='a'>x</h3><img src=/i>y"
    path = network(page)
    path[8] = Syntax.HREF
    assert values(page, path) == []  # of an image the network says whether it is shown
    path[page.index("/i")] = Syntax.SRC
    assert values(page, path) == [("src", "/i")]


def test_nothing_begins_where_the_network_sees_no_tag() -> None:
    page = "<!-- <a href=/a>x</a> -->"
    path = np.full(len(page), Syntax.COMMENT, np.uint8)
    assert np.array_equal(settle_tags(bytes_of(page), 0, path, last=True), path)


def test_parts_agree_with_the_whole() -> None:
    page = "<p>one <a class=b href=/c title='d e'>two</a> " * 20
    ids, path = bytes_of(page), network(page)
    whole = settle_tags(ids, 0, path, last=True)
    for size in (7, 50, 300):
        parts: list[NDArray[np.uint8]] = []
        done = upto = 0
        while done < len(ids):
            upto = min(len(ids), upto + size)
            parts.append(settle_tags(ids, done, path[done:upto], last=upto == len(ids)))
            done += len(parts[-1])
        assert np.array_equal(np.concatenate(parts), whole), size


def test_where_raw_text_may_be() -> None:
    page = "a<script>b</script>c<SCRIPTS>d<style e"
    raw = "".join("r" if flag else "." for flag in may_be_raw(bytes_of(page)))
    assert raw == "." + "r" * 17 + "." * (page.index("<style") - 18) + "r" * 8


@pytest.mark.parametrize("unit", ["<a ", "<a b=", '<a b="', "<a b='<a c=\"", "<a href=/x>", "<script", '<a b="c" '])
def test_hostile_tags_take_little_time(unit: str) -> None:
    ids = bytes_of(unit * (400_000 // len(unit)))
    path = np.full(len(ids), Syntax.TAG, np.uint8)
    start = time.process_time()
    at = 0
    while at < len(ids):
        end = min(len(ids), at + 2 * LONGEST)
        at += len(settle_tags(ids, at, path[at:end], last=end == len(ids)))
    may_be_raw(ids)
    assert time.process_time() - start < 3
