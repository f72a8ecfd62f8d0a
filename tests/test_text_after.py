"""Short comments and the text after them, as React, Vue and Svelte write them between texts."""

import re

import numpy as np
import pytest
from numpy.typing import NDArray

import soupstate
from soupstate.model.page.marks import Syntax
from soupstate.model.page.text_after import SHORT, settle_comments


def corrected(page: bytes, path: NDArray[np.uint8] | None = None, raw: bool = False, at: int = 0) -> str:
    """The page's bytes that are text, after the rule, and a dot for each other byte. Before it, all is comment."""
    ids = np.frombuffer(page, np.uint8)
    path = np.full(len(ids), Syntax.COMMENT, np.uint8) if path is None else path
    before, some = path.copy(), path[at:].copy()
    settle_comments(ids, at, some, before, np.full(len(ids), raw))
    return "".join(chr(c) if s == Syntax.TEXT else "." for c, s in zip(page[at:], some, strict=True))


def test_what_follows_a_short_comment_is_text() -> None:
    page = b"<!-- -->2<!-- --> <!--[-->5 of 6<!--]--!>!"
    text = corrected(page)
    assert [(m.start(), m[0]) for m in re.finditer(r"[^.]+", text)] == [
        *((8, "2"), (page.index(b"5"), "5 of 6"), (page.rindex(b"!"), "!"))
    ]


def test_text_may_be_long_or_have_brackets_and_comments_may_end_at_once() -> None:
    assert corrected(b"<!-- a -->5 > 3 <b>") == 10 * "." + "5 > 3 ..."
    assert corrected(b"<!-->x<!--->y<b>") == "....." + "x......y..."
    page = b"<!-- a -->" + b"x" * (SHORT + 9)
    assert corrected(page) == 10 * "." + SHORT * "x" + 9 * "."


def test_what_stays_a_comment() -> None:
    for page in (
        b"<!-- a > b",
        b"<!-- <b> -->x -- <b>",  # brackets inside
        b"<!--" + b"a" * (SHORT + 1) + b"-->x<b>",
        b"<!-- -->  <b>",
    ):
        assert set(corrected(page)) == {"."}, page
    assert set(corrected(b"<!-- -->x<b>", raw=True)) == {"."}
    page = b"<!-- -->x<b>"
    assert set(corrected(page, np.full(len(page), Syntax.RAW, np.uint8))) == {"."}


@pytest.mark.parametrize("at", range(20))
def test_parts_of_a_page_are_corrected_as_the_whole(at: int) -> None:
    page = b"<p><!-- -->two of 3<!-- --> <b>"
    assert corrected(page, at=at) == corrected(page)[at:]


def test_a_short_comment_goes_to_its_end() -> None:
    page = b"<!-- Title End -->!"
    path = np.full(len(page), Syntax.TEXT, np.uint8)
    path[:4] = Syntax.COMMENT
    assert corrected(page, path) == "." * 18 + "!"
    path[0] = Syntax.TEXT  # the network saw no comment begin
    assert corrected(page, path)[0] == "<" and "Title End" in corrected(page, path)


def test_numbers_between_comments_are_shown() -> None:
    page = (
        "<!doctype html><html><head><title>Boat trips</title></head><body><main><h1>Boat trips</h1>"
        '<div class="card"><span class="price">€<!-- -->45</span> <span>for <!-- -->2<!-- --> <!-- -->adults</span>'
        "<p>and <!-- -->3<!-- --> more, from <!-- react-text: 5 -->09<!-- /react-text -->:<!-- react-text: 7 -->30"
        "<!-- /react-text --> on</p></div><ul><li>Rated <!--[-->5<!--]--> of <!--[-->5<!--]--></li>"
        "<li>Step <!-- -->1<!-- -->: <!-- -->Come to the pier</li></ul>"
        "<p>Hello <!-- HTML_TAG_START --><b>world</b><!-- HTML_TAG_END -->!</p></main></body></html>"
    )
    text = soupstate.extract(page).text
    assert text and text.split("\n") == [
        *("Boat trips", "€45 for 2 adults", "", "and 3 more, from 09:30 on", ""),
        *("Rated 5 of 5", "Step 1: Come to the pier", "", "Hello world!"),
    ]


def test_words_of_comments_are_not_shown() -> None:
    """What follows such a comment may be long, and may hold brackets."""
    long = "The harvest of the tea began on Friday at the hill. " * 7
    page = f"<a href=/x><!--google_ad_section_start-->{long}</a><h1>Boat trips<!-- B -->5 > 3 and more</h1><p>More"
    assert soupstate.extract(page).text == f"{long.strip()}\nBoat trips5 > 3 and more\n\nMore"
    page = "<p>Prices: <!-- -->5 > 3<!-- --> always</p><p>Total: <!--->12<!-- x --> cups</p>"
    assert soupstate.extract(page).text == "Prices: 5 > 3 always\n\nTotal: 12 cups"
