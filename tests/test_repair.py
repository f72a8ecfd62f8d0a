"""Mending in passes: `soupstate.mend`, and the rule by which passes end."""

from dataclasses import replace
from pathlib import Path

import pytest

import soupstate
from soupstate.app import faults
from soupstate.app.faults import MOST_PASSES, likely, repair
from soupstate.model.faults.apply import mend
from soupstate.model.faults.fault import Fault, Fix
from soupstate.model.faults.judging import REPORTED

ROWS = "".join(f'<li class="entry"><a href="/boats/{n}.html">Boat {n}</a></li>\n' for n in range(12))
WHOLE = f"<!DOCTYPE html>\n<html><head><title>Boats</title></head><body>\n<ul>\n{ROWS}</ul></body></html>\n"
BROKEN = WHOLE.replace('/boats/7.html">', "/boats/7.html>").replace("Boat 8</a>", "Boat 8/a>")


def test_one_call_mends_faults_that_lie_close_together() -> None:
    found = soupstate.check(BROKEN)
    assert soupstate.mend(BROKEN, found) != WHOLE, "one pass leaves out what is close to a fix"
    assert soupstate.mend(BROKEN) == WHOLE
    assert soupstate.mend(BROKEN.encode()) == WHOLE.encode()
    done = repair(soupstate.Soupstate().reader, BROKEN)
    assert (done.page, done.mended, done.left) == (WHOLE, 2, [])


def test_a_page_without_text_is_as_it_was() -> None:
    assert soupstate.mend("") == "" and soupstate.mend(b" \n") == b" \n"


def fault(place: int, probability: float = 0.9) -> Fault:
    return Fault(place, place, 1, place + 1, 9.0, probability, "unpaired-quote", "", "", (Fix(place, place, "x", 1.0),))


def test_faults_from_the_threshold_on_in_the_order_of_the_page() -> None:
    found = [fault(7, 0.5), fault(1, 0.49), fault(3, 0.9)]
    assert [f.start for f in likely(found)] == [3, 7] and [f.start for f in likely(found, 0.1)] == [1, 3, 7]


# How many faults are found after each pass, and what then comes out: the number of fixes, and of faults that are left.
PASSES = [
    ([2, 1, 0], 3, 0),
    ([2, 3], 0, 2),  # worse: undone
    ([2, 2, 0], 2, 2),  # no better: the last one
    ([0], 0, 0),
    ([REPORTED, REPORTED, 3, 0], 2 * REPORTED + 3, 0),  # the list was full, so there were more
    ([1] + [1] * 50, 1, 1),
    (list(range(18, 0, -1)), sum(range(9, 19)), 8),  # MOST_PASSES
]


@pytest.mark.parametrize(("numbers", "mended", "left"), PASSES)
def test_when_passes_end(numbers: list[int], mended: int, left: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule alone, with lists of faults that no real page gives at will."""
    lists = iter([[fault(200 * k) for k in range(number)] for number in numbers])
    monkeypatch.setattr(faults, "likely_faults", lambda *_: next(lists))
    page = "." * 5000
    done = repair(soupstate.Soupstate().reader, page)
    assert (done.mended, len(done.left), len(done.page)) == (mended, left, len(page) + mended)
    assert MOST_PASSES == 10


# Faults of each page that comes out, as (place, probability); then the number of fixes, and of faults that are left.
UNCOVERED = [
    ([[(0, 0.9)], [(2000, 0.9)], []], 2, 0),
    ([[(0, 0.6)], [(2000, 0.9)], []], 2, 0),
    ([[(0, 0.9)], [(50, 0.9)], []], 1, 1),  # near the fix, and as likely
    ([[(0, 0.9)], [(50, 0.6)], []], 2, 0),
    ([[(0, 0.9)], [(50, 0.6)], [(50, 0.7)]], 1, 1),
    ([[(0, 0.9)], [(2000, 0.9)], [(4000, 0.9)], [(2000, 0.9)], [(0, 0.9), (4000, 0.9)]], 1, 1),  # never better
    ([[(0, 0.9)], *([(2000 + 200 * k, 0.9)] for k in range(20))], 1, 1),
    ([[(0, 0.9)], [(2000, 0.9)], [(4000, 0.6)], [(2000, 0.7), (3000, 0.6)]], 2, 1),
    ([[(1000, 0.9), (2000, 0.9)], [(950, 0.9), (2500, 0.9)], []], 2, 2),  # one of two is near
]


@pytest.mark.parametrize(("found", "mended", "left"), UNCOVERED)
def test_faults_that_others_hid_are_mended_too(
    found: list[list[tuple[int, float]]], mended: int, left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = iter([[fault(*pair) for pair in pairs] for pairs in found])
    monkeypatch.setattr(faults, "likely_faults", lambda *_: next(lists))
    page = "." * 9000
    done = repair(soupstate.Soupstate().reader, page)
    assert (done.mended, len(done.left), len(done.page)) == (mended, left, len(page) + mended)


def test_a_lost_quote_behind_an_open_script() -> None:
    """Both are mended. A parser then sees all of the page."""
    page = (Path(__file__).parents[1] / "web" / "examples" / "ferry.html").read_text("utf-8")
    assert "/tickets.html>at" in page and "<script>" in page and "</script>" not in page
    assert [f.kind for f in likely(soupstate.check(page))] == ["missing-end-tag", "unpaired-quote"]
    done = repair(soupstate.Soupstate().reader, page)
    assert 'href="/tickets.html">at the pier' in done.page and done.left == []
    assert "<script>" not in done.page or "</script>" in done.page.partition("<script>")[2].partition("<p>")[0]


def test_where_fixes_are_once_they_are_applied() -> None:
    done = mend("." * 1000, [replace(fault(100), fixes=(Fix(100, 100, "x" * 300, 1.0),)), fault(500)])
    assert len(done.page) == 1301
    for place, near in ((3, False), (4, True), (496, True), (497, False), (703, False), (704, True), (897, True)):
        assert done.is_near(fault(place)) is near, place
    assert not done.is_near(fault(898))
