"""Slips that stand close together: two are reported, and one that shows at two places is reported once."""

import pytest

from soupstate.app.faults import repair
from soupstate.model.faults.apart import two_slips
from soupstate.model.faults.apply import LIKELY
from soupstate.model.faults.find import find_faults, search
from soupstate.model.faults.judging import reported
from soupstate.model.net.checkpoint import DEFAULT, load_checkpoint
from soupstate.model.net.reader import Reader
from soupstate.model.page.stop import Stopped, never

READER = Reader(load_checkpoint(DEFAULT))
WHOLE = (
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Shop</title>\n'
    '<link rel="stylesheet" href="/s.css">\n</head>\n<body>\n<h1>Shop</h1>\n'
    '<p>Buy <a href="/mug.html">a mug</a> or <a href="/jar.html">a jar</a> today.</p>\n'
    '<p class="intro">Open from nine.</p>\n</body>\n</html>\n'
)
TWO = WHOLE.replace('mug.html"', "mug.html").replace('"intro', "intro")


def test_two_lost_quotes_are_two_faults_and_both_are_mended() -> None:
    found = [fault for fault in find_faults(READER, READER.read(TWO)) if fault.probability >= LIKELY]
    assert sorted(fault.start for fault in found) == [TWO.index(">a mug"), TWO.index("intro")]
    done = repair(READER, TWO)
    assert (done.page, done.mended, done.left) == (WHOLE, 2, [])


@pytest.mark.parametrize("lost", ["</a> or", "</a> today", '"/jar', "</h1>"])
def test_one_slip_is_one_fault(lost: str) -> None:
    page = WHOLE.replace(lost, lost.replace("</a>", "").replace('"', "").replace("</h1>", ""), 1)
    reading = READER.read(page)
    found = search(READER, reading, []).found
    assert not two_slips(READER, reading, found, never)
    assert sum(fault.probability >= LIKELY for fault in find_faults(READER, reading)) <= 1


def test_what_may_be_inserted_on_either_side_of_a_line_break_is_one_fault() -> None:
    page = WHOLE.replace("<body>\n", "<body>\n<!-- written by the shop --\n")
    (fault,) = (f for f in find_faults(READER, READER.read(page)) if f.probability >= LIKELY)
    assert (fault.start, fault.fixes[0].replacement) == (page.index("\n<h1>"), ">")


def test_pairs_that_are_two_are_both_reported() -> None:
    reading = READER.read(TWO)
    found = search(READER, reading, []).found
    two = two_slips(READER, reading, found, never)
    assert len(two) == 1
    alone, both = reported(TWO, found), reported(TWO, found, two)
    more = [candidate for candidate in both if candidate not in alone]
    assert len(more) == 1 and more[0].edits[0].key in next(iter(two))


def test_it_stops() -> None:
    reading = READER.read(TWO)
    found = search(READER, reading, []).found
    with pytest.raises(Stopped):
        two_slips(READER, reading, found, lambda: True)
