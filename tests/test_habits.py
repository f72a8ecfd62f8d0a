"""Habits: a tag that the page has between two such tags everywhere but in one place is probably missing there."""

import re

import pytest

from soupstate.model.faults.checks.habits import habits
from soupstate.model.faults.checks.mismatches import Tag
from soupstate.model.faults.edits import evened, inserted, misordered, renamed, unexpected_end, unexpected_start
from soupstate.model.page.stop import Watch

CARD = '<div class="card">\n<h3>Boat {}</h3>\n<p>Sails on day {}.</p>\n</div>\n'
PAGE = '<div id="all">\n' + "".join(CARD.format(k, k + 1) for k in range(4)) + "</div>"


def proposed(page: str, unclosed: str = "", unopened: str = "") -> list[tuple[int, str, int]]:
    """Where each tag is proposed, the tag, and how often the page has it there."""
    tags = [Tag(m[2], m.start(), m.end(), bool(m[1])) for m in re.finditer(r"<(/?)([a-z0-9]+)[^<>]*>", page)]
    found = habits(page, tags, set(unclosed.split()), set(unopened.split()), Watch())
    return [(usual.repair.start, usual.repair.replacement, usual.times) for usual in found]


@pytest.mark.parametrize("lost", ['<div class="card">', "</div>"])
def test_a_lost_tag_is_written_as_elsewhere(lost: str) -> None:
    at = PAGE.index(lost, PAGE.index("day 2"))
    broken = PAGE[:at] + PAGE[at + len(lost) :]
    names = {"unclosed": "div"} if lost.startswith("</") else {"unopened": "div"}
    found = proposed(broken, **names)
    assert (at, lost, 2) in found
    assert {text for _, text, _ in found} == {lost}


def test_an_intact_page_lacks_nothing() -> None:
    assert proposed(PAGE, "div h3 p", "div h3 p") == []


def test_only_tags_without_a_partner_are_missing() -> None:
    broken = PAGE.replace('<div class="card">\n<h3>Boat 2', "<h3>Boat 2")
    assert proposed(broken, unopened="div") and proposed(broken, unclosed="div", unopened="p") == []


def test_what_a_page_has_once_is_no_habit() -> None:
    assert proposed("<b>x</b><i>y</i><b>z</b><p>", unclosed="i", unopened="i") == []


def test_what_a_page_lacks_as_often_as_not_is_no_habit() -> None:
    """Two of five cards have a class of their own."""
    page = PAGE
    for k in (1, 3):
        page = page.replace(f'<div class="card">\n<h3>Boat {k}', f"<h3>Boat {k}")
    assert proposed(page + "<hr>" + "</div><h3>" * 2, unopened="div") == []


def test_tags_far_apart_do_not_follow_each_other() -> None:
    broken = PAGE.replace('<div class="card">\n<h3>Boat 2', "Here is much text. " * 20 + "<h3>Boat 2")
    assert proposed(broken, unopened="div") == []


@pytest.mark.parametrize(
    ("repair", "surplus", "wanted"),
    [
        (inserted(0, "</div>", "div"), {"div": 1}, 1),
        (inserted(0, "</div>", "div"), {"div": 0}, -1),
        (inserted(0, '<div class="a">', "div"), {"div": -2}, 1),
        (unexpected_end(9, 13, "b"), {"b": -1}, 1),
        (unexpected_start(0, 3, "p"), {"p": 0}, -1),
        (renamed(1, "p", "q"), {"p": 1, "q": -1}, 2),
        (renamed(11, "b", "p"), {"p": 1, "b": -1}, 2),
        (renamed(11, "b", "p"), {}, -2),
    ],
)
def test_numbers_of_tags_after_a_repair(repair, surplus: dict[str, int], wanted: int) -> None:  # type: ignore[no-untyped-def]
    assert evened("<p>some x</b>", repair, surplus) == wanted


def test_repairs_that_are_not_about_numbers() -> None:
    swap = misordered("<b><i>x</b></i>", 7)
    assert swap and evened("<b><i>x</b></i>", swap, {"b": 1, "i": 2}) == 0
