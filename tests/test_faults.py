"""Faults: what is proposed as a repair, where markup does not fit together, and how both become ranked faults."""

import re
import time

import numpy as np
import pytest
import readme

from soupstate.app.faults import repair
from soupstate.model.faults.apply import LIKELY
from soupstate.model.faults.checks.mismatches import Mismatches, pieces
from soupstate.model.faults.checks.references import references
from soupstate.model.faults.edits import FAULT_KINDS, repairs
from soupstate.model.faults.find import find_faults, search, structural_places
from soupstate.model.faults.judging import LEFT_OUT
from soupstate.model.net.checkpoint import DEFAULT, load_checkpoint
from soupstate.model.net.reader import Reader
from soupstate.model.page.marks import Syntax
from soupstate.model.page.spans import TagSpan, spans_of_marks
from soupstate.model.page.stop import Stopped
from soupstate.model.train.data.teacher import teach

CLEAN = (
    '<!DOCTYPE html>\n<html>\n<head>\n<title>Boats for hire</title>\n</head>\n<body>\n<ul class="menu">\n'
    + "".join(f'<li class="entry"><a href="/boats/{n}.html">Boat {n}</a></li>\n' for n in range(12))
    + '</ul>\n<div class="text"><p>All our boats have <b>two oars</b>, and a seat for the dog.</p></div>\n'
    + "</body>\n</html>\n"
)


def mended(page: str, at: int, names: list[str] | None = None) -> set[str]:
    return {page[: r.start] + r.replacement + page[r.end :] for r in repairs(page, at, names or [])}


@pytest.mark.parametrize(
    ("clean", "broken", "at"),
    [
        ('<a href="/x">one</a>', '<a href="/x>one</a>', 11),
        ('<a href="/x">one</a>', '<a href=/x">one</a>', 8),
        ('<a href="/x">one</a>', '<a href="/x"one</a>', 12),
        ('<a href="/x">one</a>', '<a href"/x">one</a>', 7),
        ('<a href="/x">one</a>', 'a href="/x">one</a>', 2),
        ("<p>one</p> two", "<p>one/p> two", 8),
        ("<i>one</i>", "<i>one<i>", 7),
        ("<p>A &amp; B</p>", "<p>A &amp B</p>", 9),
        ("<p>A &amp; B</p>", "<p>A amp; B</p>", 8),
        ("<p>1 2</p>", "<p>1 < 2</p>", 5),
        ("<div>x</div>", "<dvi>x</div>", 2),
        ("<p>x<br>y</p>", "<p>x<<br>y</p>", 4),
        ("<b><i>x</i></b>", "<b><i>x</b></i>", 9),
    ],
)
def test_the_edit_that_mends_is_proposed(clean: str, broken: str, at: int) -> None:
    wanted = clean if "1 2" not in clean else "<p>1  2</p>"
    assert wanted in mended(broken, at)


def test_a_lost_end_tag_is_proposed_by_the_names_before_it() -> None:
    assert "<li><a>x</a></li>" in mended("<li><a>x</li>", 9, ["a", "li"])


def test_nothing_is_proposed_that_would_unbalance_quotes_or_brackets() -> None:
    page = "<a href=/x>one</a>"
    for k in range(len(page)):
        for other in mended(page, k):
            assert other.count('"') % 2 == 0, other


def test_pieces_are_brackets_and_quotes_without_another() -> None:
    page = '<script>if (a < b) c()</script><p>a > b</p><a href="x>y</a>'
    syntax = teach(page)[:, 0]
    found = {page[a:b].strip() for a, b in pieces(page, syntax)}
    assert {"a >", '<a href="x>'} <= found
    assert not any("c()" in piece for piece in found)  # scripts are left alone


def mended_by_mismatches(page: str) -> tuple[set[int], set[str]]:
    """Places, and pages after one of the repairs."""
    found = list(Mismatches(page, spans_of_marks(page, teach(page)), np.zeros(len(page), np.float32)))
    edits = [r for _, proposed in found for r in proposed]
    return {at for at, _ in found}, {page[: r.start] + r.replacement + page[r.end :] for r in edits}


def test_mismatches_are_end_tags_that_close_something_else() -> None:
    page = "<div><p>one<p>two<br></div><ul><li><a>x</li></ul>"
    places, mended = mended_by_mismatches(page)
    assert places == {page.index("</li>")}
    assert page.replace("x</li>", "x</a></li>") in mended


@pytest.mark.parametrize(
    ("whole", "broken"),
    [
        ("<div><p><i>one</i> two</p></div>", "<div><p><i>one two</p></div>"),
        ("<ul><li>a</li><li>b</li><li>c</li><li>d</li><li>e</li></ul>",
         "<ul><li>a</li><li>b</li><li>c<li>d</li><li>e</li></ul>"),
        ("<table><tr><td>a</td></tr></table>", "<table><td>a</td></tr></table>"),
        ('<p><b class="x">a</b> <b class="x">b</b> <b class="x">c</b></p>',
         '<p><b class="x">a</b> <b class="x">b</b> c</b></p>'),
        ("<p><b><i>x</i></b></p>", "<p><b><i>x</b></i></p>"),
        ("<p><i>one</i> two</p>", "<p><i>one<i> two</p>"),
        ("<p>one</p>", "<p>one</b></p>"),
        ("<h2>one</h2><p>x</p>", "<h2>one</h3><p>x</p>"),
        ("<h3 id=a>one</h3><p>x</p>", "<h2 id=a>one</h3><p>x</p>"),
        ("<TABLE><TR><TH>a</TH><TD>b</TD></TR></TABLE>", "<TABLE><TR><TH>a</TD><TD>b</TD></TR></TABLE>"),
        ("<p><em>one</em> two</p>", "<p><em>one</i> two</p>"),
        ("<div><p>one</p></div>", "<div><p><i>one</p></div>"),
        ("<p>one</p>", "<div><p>one</p>"),
    ],
)  # fmt: skip
def test_the_lost_tag_is_among_the_repairs(whole: str, broken: str) -> None:
    if "<i>one " in broken:  # the place is the network's to find; where the element ends at the latest is proposed
        whole = "<div><p><i>one two</i></p></div>"
    wanted = whole if broken != "<p>one</b></p>" else "<p>one</p>"
    assert wanted in mended_by_mismatches(broken)[1]


@pytest.mark.timed
def test_deep_pages_take_no_longer_than_long_ones() -> None:
    page = "<i><b>x</b>" * 20_000 + "&" + "a" * 100_000
    spans = [TagSpan(m.start(), m.end(), 0, m[1] == "/") for m in re.finditer("<(/?)[^<>]*>", page)]
    started = time.process_time()
    assert len(list(Mismatches(page, spans, np.zeros(len(page), np.float32)))) == 3
    assert len(list(references(page, np.zeros(len(page), np.uint8)))) == 0
    assert time.process_time() - started < 5


@pytest.mark.parametrize("page", ["<p>one<p>two", "<ul><li>a<li>b</ul>", "<table><tbody><tr><td>a<td>b</table>", CLEAN])
def test_end_tags_that_may_be_left_out_are_not_missed(page: str) -> None:
    assert mended_by_mismatches(page)[0] == set()


@pytest.fixture(scope="module")
def reader() -> Reader:
    """With the shipped weights: whether faults are found is a matter of what was learned."""
    return Reader(load_checkpoint(DEFAULT))


@pytest.mark.parametrize(
    ("whole", "broken"),
    [
        ('href="/boats/7.html">', 'href="/boats/7.html>'),
        ("Boat 9</a>", "Boat 9/a>"),
        ('class="entry"><a href="/boats/5', 'class="entry"<a href="/boats/5'),
    ],
)
def test_the_first_fault_mends_the_page(reader: Reader, whole: str, broken: str) -> None:
    page = CLEAN.replace(whole, broken)
    assert page != CLEAN
    faults = find_faults(reader, reader.read(page))
    fix = faults[0].fixes[0]
    assert page[: fix.start] + fix.replacement + page[fix.end :] == CLEAN
    assert fix.bits_saved > 0
    assert abs(faults[0].start - page.index(broken)) <= len(broken)


def test_faults_are_ranked_and_stand_in_the_page(reader: Reader) -> None:
    page = "日本語 😀" + CLEAN.replace("</b>", "") + '<a href="x>y</a>'
    faults = find_faults(reader, reader.read(page))
    assert all(0 <= f.start <= f.end <= len(page) for f in faults)
    likely = [f.probability if f.fixes else 0.0 for f in faults]
    assert likely == sorted(likely, reverse=True) and all(0 <= f.probability <= 1 for f in faults)
    assert {f.kind for f in faults} <= set(FAULT_KINDS)
    for fault in faults:
        bits = [fix.bits_saved for fix in fault.fixes]
        assert bits == sorted(bits, reverse=True)


def test_an_empty_page_has_no_faults_and_a_stopped_search_says_so(reader: Reader) -> None:
    assert find_faults(reader, reader.read("")) == []
    with pytest.raises(Stopped):
        find_faults(reader, reader.read(CLEAN.replace("</ul>", "")), lambda: True)


@pytest.mark.parametrize(
    "page", ["<", "<p", "<div>", "<p>x</p></div>", "<a href='", "<!--", "</b>", "<ul><li>a<b></ul>", "&"]
)
def test_scraps_of_a_page_are_looked_at(reader: Reader, page: str) -> None:
    for fault in find_faults(reader, reader.read(page)):
        assert 0 <= fault.start <= fault.end <= len(page)


def test_places_are_near_markup(reader: Reader) -> None:
    reading = reader.read(CLEAN)
    markup = np.isin(reading.syntax, (Syntax.TAG, Syntax.END_TAG, Syntax.ATTRIBUTE))
    for at in structural_places(reading):
        assert markup[max(0, at - 1) : at + 1].any() or CLEAN[at] in "<>\"'=/&;!-" or CLEAN[at - 1] in "<>\"'=/&;!-"


def test_an_end_tag_after_an_open_script_closes_something(reader: Reader) -> None:
    """The script of this page never ends, and hides a <p>. So the first </p> is hardly a fault."""
    page = readme.fenced(readme.README.read_text("utf-8"), "page")
    reading = reader.read(page)
    found = [candidate.fault for candidate in search(reader, reading, []).found]
    stray = [fault for fault in found if (fault.kind, fault.start) == ("unexpected-end-tag", page.index("</p>"))]
    assert len(stray) == 1 and stray[0].probability <= LEFT_OUT


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        ("<h2Prices</h2>\n<p>The boat costs four euros.</p>", ""),
        ("<p>Press <Enter> to go on with the game.</p>", ""),
        ("<p>Use a List<String> for the names of the boats.</p>", "List&lt;String> for"),
        ("<p>We know that 5 < 6 isn't 7 > 6, as the master says.</p>", "7 > 6"),
        ("<p>Drop < here to leave the game at once.</p>", ""),
    ],
)
def test_no_fix_removes_words(reader: Reader, text: str, mended: str) -> None:
    """What is text, or may be, stays when a page is mended; and two words are never joined."""
    head = '<!doctype html>\n<html lang="en"><head><title>Links</title></head><body>\n<h1>Links</h1>\n'
    page = f"{head}{text}\n</body></html>"
    result = repair(reader, page).page
    for word in re.findall(r"[A-Za-z]{3,}", text.replace("h2Prices", "Prices").replace("List<", "List ")):
        assert re.search(rf"(?<![A-Za-z]){word}(?![A-Za-z])", result), (word, result)
    assert mended in result


def test_two_tags_without_their_end_are_two_faults(reader: Reader) -> None:
    page = (
        '<!doctype html>\n<html lang="en"><head><title>Quay</title></head><body>\n<h1>Quay</h1>\n<p>The quay is '
        "<b>98 metres</b long.</p>\n<h2>Boats</h2\n<p>Some boats lie there in <em>summer</em>.</p>\n</body></html>"
    )
    found = [fault for fault in find_faults(reader, reader.read(page)) if fault.probability >= LIKELY]
    assert {(f.start, f.fixes[0].replacement) for f in found} == {
        (page.index("</b ") + 3, ">"),
        (page.index("</h2\n") + 4, ">"),
    }


@pytest.mark.parametrize(
    ("page", "new", "proposed"),
    [
        ('<p data-ref|code="">', "-", False),
        ("a - b|c", "!", False),
        ("<!-| note -->", "-", True),
        ("<|-- note -->", "!", True),
        ("<!-- note -|>", "-", True),
    ],
)
def test_what_completes_no_delimiter_is_no_slip_in_a_comment(page: str, new: str, proposed: bool) -> None:
    at = page.index("|")
    found = {(r.start, r.end, r.replacement) for r in repairs(page.replace("|", ""), at, [])}
    assert ((at, at, new) in found) is proposed
