"""Well-formed start tags are read by rule; the network keeps the others."""

import re
import time

import numpy as np
import pytest
from numpy.typing import NDArray

import soupstate
from soupstate.model.page.cuts import Cutter
from soupstate.model.page.elements import RAW_TEXT
from soupstate.model.page.marks import Syntax
from soupstate.model.page.raw_text import may_be_open, title_text
from soupstate.model.page.well_formed import LONGEST, attribute_names, settle_syntax


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


def settled(
    page: str, path: NDArray[np.uint8], at: int = 0, end: int | None = None, before: NDArray[np.uint8] | None = None
) -> NDArray[np.uint8]:
    """The settled syntax of bytes at .. end - 1 of a page with this path."""
    ids, end = bytes_of(page), len(path) if end is None else end
    before = path if before is None else before
    return settle_syntax(ids, at, path[at:end], before, may_be_open(ids, RAW_TEXT), last=end == len(ids))


def values(page: str, path: NDArray[np.uint8] | None = None) -> list[tuple[str, str]]:
    """The values that answers use."""
    cut = Cutter().feed(bytes_of(page), settled(page, network(page) if path is None else path), last=True)
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
    assert np.array_equal(settled(page, path), path)


@pytest.mark.parametrize("title", ["x>y <b", "><b>", "<b", "<b><i class="])
def test_where_a_value_ends_in_another_tag_the_network_decides(title: str) -> None:
    page = f'<a title="{title}" href=/a>x'
    path = network(page)
    assert np.array_equal(settled(page, path), path)


@pytest.mark.parametrize("title", ["<b>", "<b>not</b> here", "a > b", "?x=<1>&y=2"])
def test_values_may_hold_brackets(title: str) -> None:
    assert values(f'<a title="{title}" href=/a>x') == [("href", "/a")]
    assert text_of(f"<div data-tip='{title}'>shown") == "shown"


def test_text_in_a_value_is_no_text() -> None:
    page = '<div title="a long text that the network takes for text">x'
    path = network(page)
    path[20:40] = Syntax.TEXT
    found = settled(page, path)
    assert (found[:-1] != Syntax.TEXT).all() and found[-1] == Syntax.TEXT


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
    assert np.array_equal(settled(page, path), path)


def test_text_after_a_tag_is_no_attribute() -> None:
    page = "a=b <i class=c>one two</i> <title>three</title>"
    path = network(page)
    for words, syntax in (("a=b", Syntax.VALUE), ("two", Syntax.ATTRIBUTE), ("three", Syntax.VALUE)):
        path[page.index(words) : page.index(words) + len(words)] = syntax
    found = settled(page, path)
    assert (found[:3] == Syntax.TEXT).all() and (found[page.index("two") :][:3] == Syntax.TEXT).all()
    assert (found[page.index("three") :][:5] == Syntax.TITLE).all()


@pytest.mark.parametrize("page", ["<b>x</b>a href=y>z</a>", "<script>a = b</script>", "x='y'>z<b>"])
def test_a_tag_that_lost_its_bracket_is_left_to_the_network(page: str) -> None:
    path = network(page)
    start = page.index("a ") if "a " in page else 0
    path[start : page.index(">", start) if "a " in page else 5] = Syntax.ATTRIBUTE
    if "script" in page:
        path[start : start + 5] = Syntax.ATTRIBUTE
        path[start + 5 :] = network(page)[start + 5 :]
    assert np.array_equal(settled(page, path), path)


def test_a_byte_order_mark_is_no_text() -> None:
    page = "\ufeffone"
    assert settled(page, np.zeros(6, np.uint8)).tolist() == [Syntax.COMMENT] * 3 + [Syntax.TEXT] * 3


def test_parts_agree_with_the_whole() -> None:
    page = "<p>one <a class=b href=/c title='d e'>two</a> " * 20
    path = network(page)
    path[np.random.default_rng(3).integers(0, len(path), 50)] = Syntax.VALUE
    path[bytes_of(page) == ord("<")] = Syntax.TAG
    whole = settled(page, path)
    for size in (40, 50, 300):
        done, before = 0, np.zeros(len(path), np.uint8)
        upto = size
        while done < len(path):
            part = settled(page, path, done, min(upto, len(path)), before)
            before[done : done + len(part)] = part
            done += len(part)
            upto += size
        assert np.array_equal(before, whole), size


def test_names_of_attributes() -> None:
    assert attribute_names(b"<p HIDDEN class=a data-x='hidden'>") == {b"hidden", b"class", b"data-x"}
    assert attribute_names(b"<p hidden class='a>") == set()


def test_where_raw_text_may_be() -> None:
    page = "a<script>b</script>c<SCRIPTS>d<style e"
    raw = "".join("r" if flag else "." for flag in may_be_open(bytes_of(page), RAW_TEXT))
    assert raw == "." + "r" * 17 + "." * (page.index("<style") - 18) + "r" * 8


@pytest.mark.timed
@pytest.mark.parametrize("unit", ["<a ", "<a b=", '<a b="', "<a b='<a c=\"", "<a href=/x>", "<script", '<a b="c" '])
@pytest.mark.slow
def test_hostile_tags_take_little_time(unit: str) -> None:
    ids = bytes_of(unit * (400_000 // len(unit)))
    path = np.full(len(ids), Syntax.TAG, np.uint8)
    start = time.process_time()
    raw, at = may_be_open(ids, RAW_TEXT), 0
    while at < len(ids):
        end = min(len(ids), at + 2 * LONGEST)
        at += len(settle_syntax(ids, at, path[at:end], path, raw, last=end == len(ids)))
    assert time.process_time() - start < 3


@pytest.mark.parametrize(
    ("page", "title"),
    [
        ("<!doctype html><title>Tea</title><p>x", b"Tea"),
        ("<TITLE lang=en>A & B</TITLE ><p>x", b"A & B"),
        ("<p>x<title></title>", b""),
        ("<title>lost<p>x</title>", b""),  # the end tag comes too late
        ("<title>lost", b""),
        ("<svg><title>Icon</title></svg><title>x</title>", b""),
        ("<body><title>x</title>", b""),
        (" " * 9000 + "<title>x</title>", b""),
    ],
)
def test_title_text(page: str, title: bytes) -> None:
    ids = np.frombuffer(page.encode(), np.uint8)
    assert ids[title_text(ids)].tobytes() == title


@pytest.mark.parametrize("page", ["<!doctype html><title>Tea</title><p>Green tea is good.</p>", "<title>T</title><p>x"])
def test_the_titles_of_tiny_pages(page: str) -> None:
    found = soupstate.extract(page)
    assert found.title and found.title in page and found.title not in found.text


def text_of(page: str, path: NDArray[np.uint8] | None = None) -> str:
    syntax = settled(page, network(page) if path is None else path)
    return "".join(c for c, s in zip(page, syntax.tolist(), strict=True) if s == Syntax.TEXT)


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("if a <b then c.<p>d", "if a <b then c.d"),
        ("if i<n and j<m, then <b>k", "if i<n and j<m, then k"),
        ("x <y we stop", "x <y we stop"),
        ("i+j<n+m.<p>d", "i+j<n+m.d"),
        ("<b then<p>d", "d"),  # it may have lost its >
        ("<p<p>a", "a"),
        ("<div class=a b c<p>d", "d"),
        ("<my-element<p>a", "a"),
        ("<script>if (a <b c d) <p>", "if (a "),  # not where raw text may be open
    ],
)
def test_what_never_ends_may_be_text(page: str, text: str) -> None:
    assert text_of(page) == text


@pytest.mark.parametrize(
    "text",
    ["5 < 6, and 7 > 3", "<12 years", "p <0.05", "5<6", "I <3 it", "a <- b", "x <= 5 and y >= 6", "a[i]<<2", "<\u044f"],
)
def test_what_begins_no_tag_is_text(text: str) -> None:
    """The network takes it for a tag, to a bracket or to the next tag."""
    page = f"{text} is it<p>".encode().decode("latin-1")
    path = network(page)
    first = page.index("<")
    path[first : page.index(">", first) + 1] = Syntax.TAG
    ids = np.frombuffer(page.encode("latin-1"), np.uint8)
    found = settle_syntax(ids, 0, path, path, may_be_open(ids, RAW_TEXT), last=True)
    assert (found[: len(page) - 3] == Syntax.TEXT).all() and (found[len(page) - 3 :] == Syntax.TAG).all()


@pytest.mark.parametrize("tag", ["< p>", "< /p>", "<% x %>", '< a href="/a">'])
def test_what_may_be_a_tag_all_the_same_is_left_to_the_network(tag: str) -> None:
    page = f"a{tag}b"
    path = np.full(len(page), Syntax.TEXT, np.uint8)
    path[1 : 1 + len(tag)] = Syntax.TAG
    assert np.array_equal(settled(page, path), path)


def test_a_tag_of_which_the_network_sees_the_end_stays() -> None:
    page = "<pHello dear reader</p>x"
    path = network(page)
    path[2:19] = Syntax.TEXT
    assert text_of(page, path) == "Hello dear readerx"


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ('<p class="note"The first cup is free.</p>', "The first cup is free."),
        ('<p>See <a href="/x"here</a> today', "See here today"),
        ("<p>At <em class=x the quiet pier</em>", "At the quiet pier"),
        ("<p id=a title='b c' late at night", "late at night"),
        ('<p>Tea <input type="checkbox" checked<br>and rain', "Tea and rain"),
        ('<p lang=de class="a"\u00dcberall ist Tee<p>Ja', "\u00dcberall ist Tee\n\nJa"),
    ],
)
def test_text_follows_the_values_of_a_tag_that_lost_its_end(page: str, text: str) -> None:
    assert soupstate.extract(page).text == text


@pytest.mark.parametrize(
    ("page", "text", "href"),
    [
        ("<h2 Prices</h2><p>x", " Pricesx", ""),
        ("<H2 Prices and times</h2>", " Prices and times", ""),
        ("<h1Boat trips</h1>", "Boat trips", ""),
        ("<ul><li>North<li South quay</li>", "North South quay", ""),
        ("<li class=near East quay</li>", " East quay", ""),
        ("<td hidden class='a' nine to one</td>", " nine to one", ""),
        ("<b don't run</b>", " don't run", ""),
        ("<a href=/times.html on Friday</a>", " on Friday", "/times.html"),
        ('<a class=x href="/t"on Friday</a>', "on Friday", "/t"),
        # No such tags: others are open or their quotes are not whole.
        ("<h2 Prices<p>x", "x", ""),
        ("<pre</p>x", "x", ""),
        ('<a href="/t on</a>x', "x", ""),
        ("<li class= a = b</li>x", "x", ""),
        ("<message text</message>x", "<message textx", ""),
    ],
)
def test_a_tag_that_lost_its_end_before_the_text_of_its_element(page: str, text: str, href: str) -> None:
    found = settled(page, network(page)[: len(page)])
    assert text_of(page) == text
    assert "".join(c for c, s in zip(page, found.tolist(), strict=True) if s == Syntax.HREF) == href


@pytest.mark.parametrize(
    ("whole", "lost"), [("<h2>Prices", "<h2 Prices"), ("<li>South", "<li South"), ("<h1>Boat", "<h1Boat")]
)
def test_headings_and_items_without_their_bracket_stay_what_they_are(whole: str, lost: str) -> None:
    page = "<h1>Boat trips</h1>\n<p>To the island.</p>\n<h2>Prices</h2>\n<p>Six pounds.</p>\n<ul>\n"
    page += "".join(f"<li>{name} quay</li>\n" for name in ("North", "South", "East")) + "</ul>\n<p>Ask the crew.</p>\n"
    assert soupstate.extract(page.replace(whole, lost)).markdown == soupstate.extract(page).markdown
    assert page.count(whole) == 1


def test_such_a_tag_waits_for_its_text() -> None:
    page = "a<h2 Prices and times</h2>b"
    path, before = network(page), np.zeros(len(page), np.uint8)
    assert len(settled(page, path, 0, 12, before)) == 1
    assert text_of(page) == "a Prices and timesb"


def test_of_a_link_that_lost_its_end_the_address_stays() -> None:
    (link,) = soupstate.extract('<p>See <a href="/x"here</a> today').links or ()
    assert (link.href, link.text) == ("/x", "here")
    page = soupstate.extract("<p>The ferry leaves <a href=/times.html on Friday</a> and on Sunday.</p>")
    assert page.markdown.strip() == "The ferry leaves [on Friday](/times.html) and on Sunday."


def test_end_tags_that_lost_their_end() -> None:
    page = "<p>a</p<p>b</div\n<p>c</x<p>d</p"
    path = np.full(len(page), Syntax.TEXT, np.uint8)
    for tag in re.finditer("<p>", page):
        path[slice(*tag.span())] = Syntax.TAG
    assert text_of(page, path) == "abc</xd"


def test_no_word_is_lost_after_the_name_of_an_end_tag() -> None:
    assert soupstate.extract("<p>Of <em>Tea</emmanages well, and <i>more</is here.</p>").text == (
        "Of Teamanages well, and mores here."
    )


@pytest.mark.parametrize(
    ("page", "markdown"),
    [
        ("<p>It is <b>6</b metres wide and <i>long</i enough.</p>", "It is **6** metres wide and *long* enough."),
        ("<p>It costs <em>4 euros</em and children go free.</p>", "It costs *4 euros* and children go free."),
        ("<h2>Boats</h2 for two\n<p>Both leave at ten.</p>", "## Boats\n\nfor two\n\nBoth leave at ten."),
        ("<p>The <a href=/a>ferry</a is <b>late", "The [ferry](/a) is **late**"),
        ('<p>The <b>pier</b class="x">is long.</p>', "The **pier**is long."),
        ("<p>One cup.</p>\n<p Take the <a href=/f>ferry</a> home.</p>", "One cup.\n\nTake the [ferry](/f) home."),
        ('<p>He told <b>us</b "two" cups.</p>', 'He told **us** "two" cups.'),
        ("<h3>Our <span>new</spanOffices</h3><p>x", "### Our newOffices\n\nx"),
        ("<p>In <b>tea<br>x</bRain <i>and</i3 more.</p>", "In **tea\\\nx**Rain *and*3 more."),
        ("<p>In <b>tea<br>x</b12 metres <i>and</i> more.</p>", "In **tea\\\nx**12 metres *and* more."),
        ("<p>a -> <p then it holds, and <b>q</b> too.</p>", r"a -> \<p then it holds, and **q** too."),
        ("<p>One</br/<b>two</b></p><table><tr><td>a</td nowrap <td>b</table>", "One\\\n**two**\n\na\n\nb"),
        # Whole tags, whose values hold what seems to be such a tag.
        (
            '<p><a href="/y" title="Use </b or <i> here">Tea</a> and cake</p>',
            '[Tea](/y "Use </b or <i> here") and cake',
        ),
        ("<div data-t='<b>x</b and <i>y</i>>'>Hello there</div>", "Hello there"),
        ('<img src="/a.png" alt="x" data-caption="<b>Boat</b by <i>Anna</i>>">', "![x](/a.png)"),
        ("<ul><li Two cups of <b>tea</b>\n<li>Milk</ul>", "- Two cups of **tea**\n- Milk"),
        ("<p>so if p <p then it holds, and <b>q</b> too.</p>", r"so if p \<p then it holds, and **q** too."),
    ],
)
def test_words_after_a_name_without_its_bracket_are_text(page: str, markdown: str) -> None:
    assert soupstate.extract(page).markdown.strip() == markdown


def test_an_unended_tag_waits_for_more() -> None:
    page = "a <b then c d e<p>f</p<p>g"
    path, before = network(page), np.zeros(len(page), np.uint8)
    assert len(settled(page, path, 0, 8, before)) == 2
    path[19:22] = Syntax.TEXT
    assert len(settled(page, path, 18, 21, before)) == 1
    assert not (settled(page, path)[2:15] != Syntax.TEXT).any()


@pytest.mark.timed
@pytest.mark.parametrize(
    "unit", ["<b then c d", "<h2" + "a" * 300, "<b c d</i>", "<b " + "a=b " * 50, "</em and", "<q></qx"]
)
def test_many_unended_tags_take_time_in_proportion(unit: str) -> None:
    def seconds(times: int) -> float:
        page = unit * (times * 11 // len(unit))
        started = time.perf_counter()
        settled(page, network(page))
        return time.perf_counter() - started

    assert seconds(20_000) < 8 * seconds(5_000) + 0.5
