"""Pairing: which tags have no partner by the rules of the standard."""

import re
import time

import pytest

from soupstate.model.faults.checks.mismatches import Tag
from soupstate.model.faults.checks.pairing import Pairing, pair
from soupstate.model.page.stop import Watch


def pairing(page: str) -> Pairing:
    tags = [Tag(m[2], m.start(), m.end(), bool(m[1])) for m in re.finditer(r"<(/?)([a-z0-9]+)[^<>]*>", page)]
    return pair(page, tags, Watch())


@pytest.mark.parametrize(
    "page",
    [
        "<ul><li>A<ul><li>B</li></ul></li></ul>",
        "<ul><li>A<ul><li>B</ul><li>C</ul>",
        "<p>one<p>two<div><p>three</div>",
        "<dl><dt>a<dd>b<dt>c</dl><select><optgroup><option>a<option>b</select>",
        "<table><tr><td>a<td>b<tr><th>c<tbody><tr><td>d</table>",
        "<ruby>a<rt>b</ruby><br><img/>",
        "<html><head><title>x</title><body><p>y",
    ],
)
def test_tags_of_good_pages_pair(page: str) -> None:
    found = pairing(page)
    assert found.unpaired == {}
    assert not (found.stray or found.unclosed or found.swapped or found.left)


def test_an_end_tag_without_a_start_tag_is_stray() -> None:
    assert [tag.start for tag in pairing("<p>a</b></p>").stray] == [4]


def test_stray_end_tags_in_a_list_leave_the_list_whole() -> None:
    page = "<div><ul><li>a</div></div></li><li>b</li></ul></div>"
    found = pairing(page)
    assert [tag.start for tag in found.stray] == [page.index("</div>"), page.index("</div></li>")]
    assert found.unpaired.keys() == {"div"}
    assert not found.unclosed and not found.left


def test_an_element_that_its_parent_closed_over_is_unclosed() -> None:
    page = "<p>a <b>b</p><p><b>c</b></p>"
    found = pairing(page)
    assert [(tag.name, end.start) for tag, end in found.unclosed] == [("b", page.index("</p>"))]
    assert found.certain("b", page.index("</b>"))
    assert not found.certain("b", page.index("b</p>"))


def test_end_tags_in_the_wrong_order_are_one_fault() -> None:
    found = pairing("<p><b><i>x</b></i></p>")
    assert [tag.name for tag in found.swapped] == ["b"]
    assert not (found.stray or found.unclosed or found.left)


def test_an_element_may_stay_open_until_the_page_ends() -> None:
    assert [tag.name for tag in pairing("<p>a</p><ul><li>b").left] == ["ul"]


@pytest.mark.timed
@pytest.mark.parametrize("scrap", ["<b>", "</b>", "<b></i>", "<i><b></i>", "<table></b>", "<b><i></b><u></i>"])
def test_pairing_takes_time_in_proportion_to_the_page(scrap: str) -> None:
    def seconds(scraps: int) -> float:
        started = time.process_time()
        pairing(scrap * scraps)
        return time.process_time() - started

    seconds(100)
    assert seconds(5_000) < 40 * seconds(500) + 0.05
