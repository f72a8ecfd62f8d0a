"""Elements hide their text where the tags say so, and never the rest of a page."""

import time

import numpy as np
import pytest

from soupstate.model.page.cuts import TEXT, Cutter
from soupstate.model.page.hidden import MUCH, settle_hidden
from soupstate.model.page.marks import Syntax, Visible
from soupstate.model.page.stop import Stopped, Watch, never

LONG = "word " * MUCH


def shown(page: str, network: int = Visible.SHOWN) -> str:
    """The words that are shown where the network says the same of all text."""
    ids = np.frombuffer(page.encode(), np.uint8)
    path, syntax = np.zeros(len(ids), np.uint8), Syntax.TEXT
    for at, unit in enumerate(page):
        if unit == "<":
            syntax = Syntax.END_TAG if page[at + 1] == "/" else Syntax.TAG
        path[at] = syntax
        if unit == ">":
            syntax = Syntax.TEXT
    cut = Cutter().feed(ids, path, last=True)
    visible = np.full(len(cut.kind), network, np.uint8)
    settle_hidden(ids.data, cut, visible, Watch(never))
    some = np.flatnonzero((cut.kind == TEXT) & (visible == Visible.SHOWN))
    return " ".join("".join(page[cut.start[i] : cut.end[i]] for i in some).split())


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("<p>a</p><p hidden>b</p><p>c</p>", "ac"),
        ("<div hidden><div>a</div>b</div>c", "c"),
        ("<div hidden=until-found>a<b>b</b></div>c", "c"),
        ("<DIV HIDDEN>a<br><p>b<p>c</DIV>d", "d"),
        ("a<template><p>b</p></template>c", "ac"),
        ("a<noscript>b</noscript>c<svg><path d=x /><text>d</text></svg>e", "ace"),
        ("<p hidden>a<p>b", "b"),
        ("<ul><li hidden>a<li>b</ul>c", "bc"),
        ("<input hidden>a", "a"),
        ("<div data-hidden aria-hidden=true class=hidden style='display:none'>a</div>", "a"),
        ("<html hidden><body hidden>a</body></html>", "a"),
        ("a<dialog><p>b</p></dialog>c<dialog open>d</dialog><dialog class=open>e</dialog>", "acd"),
        ("<template><template>a</template>b</template>c", "c"),
    ],
)
def test_what_is_hidden(page: str, expected: str) -> None:
    assert shown(page) == expected


@pytest.mark.parametrize(
    "page",
    [
        "<div hidden>a<p>b</p>c",  # never closed
        "<dialog>a<p>b</p>c",
        "<section><div hidden>abc</section>",  # closed by what is outside
        "<section><template>abc</section>",
        '<div hidden class="x>abc</div>',  # not well formed
    ],
)
def test_an_element_without_an_end_hides_nothing_by_rule(page: str) -> None:
    assert shown(page) == "abc" or "class=" in page
    assert shown(page, Visible.HIDDEN) == "" or "class=" in page


def test_most_of_a_page_is_not_hidden_by_rule() -> None:
    assert shown(f"<div hidden>{LONG}</div>a").startswith("word")
    assert shown(f"<div hidden>{LONG}</div>{LONG}{LONG}").count("word") == 2 * MUCH


def test_text_that_nothing_can_hide_is_shown() -> None:
    assert shown("<p>a</p><code>b</code>", Visible.UNSEEN) == "ab"
    assert shown("<noscript>a</noscript>b", Visible.UNSEEN) == "b"
    assert shown("a<noscript>b", Visible.UNSEEN) == "a"  # from here on the network decides


@pytest.mark.timed
@pytest.mark.parametrize("unit", ["<svg>", "<p hidden>", "<b hidden><i>", "<template></b>", "<b hidden>x</b>"])
def test_hostile_nesting_takes_little_time(unit: str) -> None:
    start = time.process_time()
    shown(unit * (200_000 // len(unit)))
    assert time.process_time() - start < 3


def test_it_stops() -> None:
    ids = np.frombuffer(b"<p hidden>" * 200, np.uint8)
    path = np.full(len(ids), Syntax.TAG, np.uint8)
    cut = Cutter().feed(ids, path, last=True)
    with pytest.raises(Stopped):
        settle_hidden(ids.data, cut, np.zeros(len(cut.kind), np.uint8), Watch(lambda: True))
