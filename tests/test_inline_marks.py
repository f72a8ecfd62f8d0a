"""Strong, emphasised and code texts: tags that pair decide, and lost tags reach no further than their block."""

import time

import numpy as np
import pytest

import soupstate
from soupstate.model.page.cuts import Cutter
from soupstate.model.page.inline_marks import settle_inline
from soupstate.model.page.marks import Syntax
from soupstate.model.page.stop import Stopped, Watch
from soupstate.model.train.data.teacher import COLUMN, teach

PAGE = "<!doctype html><html><head><title>Notes</title></head><body><h1>Notes</h1>{}</body></html>"


@pytest.mark.parametrize(
    ("html", "markdown"),
    [
        ("<p>Set <code>a<em>b</em>c</code> and <code>x <strong>y</strong> z</code>.</p>", "Set `abc` and `x y z`."),
        ("<p>He <b>ran <i>fast</i> away</b> then.</p>", "He **ran *fast* away** then."),
        ("<p>foo <b></b> bar <i></i>more <code></code>end</p>", "foo bar more end"),
        ("<p>The <kbd>Ctrl</kbd> key, <samp>ok <var>n</var></samp>.</p>", "The `Ctrl` key, `ok n`."),
        ("<p>Heat it to <meter value=350>350 degrees</meter>, <u>slowly</u>.</p>", "Heat it to 350 degrees, slowly."),
        ("<p>A <blink>b</blink> or <output>4</output> <data value=3>three</data>.</p>", "A b or 4 three."),
        ("<p>one<br>two</p>", "one\\\ntwo"),
        ("<p><STRONG>Loud</STRONG> and quiet</p>", "**Loud** and quiet"),
    ],
)
def test_tags_that_pair_decide(html: str, markdown: str) -> None:
    assert soupstate.extract(PAGE.format(html)).markdown == f"# Notes\n\n{markdown}"


def settled(page: str, guess: int) -> list[tuple[str, int]]:
    """The texts of an ASCII page, and whether each is strong, where the network takes all texts for `guess`."""
    syntax = np.array(teach(page)[:, COLUMN["syntax"]], np.uint8)
    ids = np.frombuffer(page.encode(), np.uint8)
    cut = Cutter().feed(ids, syntax, last=True)
    strong, *others = (np.full(len(cut.kind), guess, np.uint8) for _ in range(3))
    settle_inline(ids.data, cut, np.zeros(len(cut.kind), np.uint8), (strong, others[0], others[1]), Watch())
    spans = zip(cut.start.tolist(), cut.end.tolist(), strong.tolist(), strict=True)
    return [(page[start:end], mark) for start, end, mark in spans if syntax[start] == Syntax.TEXT]


@pytest.mark.parametrize("guess", [0, 1])
def test_where_all_tags_pair_the_network_is_not_asked(guess: int) -> None:
    page = "<p>a<b>b<i>c</i></b>d</p><div><strong>e<p>f</p></strong>g</div>"
    assert settled(page, guess) == [("a", 0), ("b", 1), ("c", 1), ("d", 0), ("e", 1), ("f", 1), ("g", 0)]


@pytest.mark.parametrize("guess", [0, 1])
def test_a_lost_end_tag_leaves_its_block_to_the_network(guess: int) -> None:
    page = "<p>a<b>b</p><p>c<b>d</b>e</p>"
    assert settled(page, guess) == [("a", 0), ("b", guess), ("c", 0), ("d", 1), ("e", 0)]


@pytest.mark.parametrize("guess", [0, 1])
def test_a_lost_start_tag_leaves_its_block_to_the_network(guess: int) -> None:
    page = "<p>a</p><p>b</b>c</p><p><b>d</b>e</p>"
    assert settled(page, guess) == [("a", 0), ("b", guess), ("c", 0), ("d", 1), ("e", 0)]


def test_a_page_without_such_tags_has_no_such_text() -> None:
    assert settled("<p>a<u>b</u></p>", 1) == [("a", 0), ("b", 0)]


@pytest.mark.timed
@pytest.mark.parametrize("scrap", ["<b>x", "x</b>", "<b>x</b>", "<p><b>x", "<b><p>x</b>", "</p>x<b>"])
def test_it_takes_time_in_proportion_to_the_page(scrap: str) -> None:
    def seconds(size: int) -> float:
        page = scrap * (size // len(scrap))
        ids = np.frombuffer(page.encode(), np.uint8)
        syntax = np.where(np.isin(ids, list(b"x")), Syntax.TEXT, Syntax.TAG).astype(np.uint8)
        cut = Cutter().feed(ids, syntax, last=True)
        marks = tuple(np.zeros(len(cut.kind), np.uint8) for _ in range(3))
        started = time.process_time()
        settle_inline(ids.data, cut, np.zeros(len(cut.kind), np.uint8), (marks[0], marks[1], marks[2]), Watch())
        return time.process_time() - started

    seconds(2_000)
    assert seconds(100_000) < 40 * seconds(10_000) + 0.05


def test_it_can_be_given_up() -> None:
    page = b"<b>x</b>"
    ids = np.frombuffer(page, np.uint8)
    cut = Cutter().feed(ids, np.full(len(ids), Syntax.TAG, np.uint8), last=True)
    marks = tuple(np.zeros(len(cut.kind), np.uint8) for _ in range(3))
    with pytest.raises(Stopped):
        settle_inline(
            ids.data, cut, np.zeros(len(cut.kind), np.uint8), (marks[0], marks[1], marks[2]), Watch(lambda: True)
        )
