"""Lost tags that the layout of a page tells of."""

import re
import time

import pytest

from soupstate.model.faults.checks.indentation import Indentation
from soupstate.model.faults.checks.mismatches import Tag
from soupstate.model.page.stop import Watch

PAGE = """<body>
  <div id="a">
    <ul>
      <li>
        <p>one</p>
      </li>
    </ul>
    <div id="b">
      <div id="c">
        <p>two</p>
      </div>
      <div id="d">
        <p>three</p>
      </div>
    </div>
    <p>
      four
    </p>
  </div>
</body>
"""
TAG = re.compile(r"<(/?)([a-z]+)[^<>]*>")


def proposed(page: str) -> list[str]:
    """The mended pages."""
    tags = [Tag(m[2], m.start(), m.end(), bool(m[1])) for m in TAG.finditer(page)]
    found = Indentation(page, tags, {"div": "<div>"}, Watch())
    assert all(0 <= at <= len(page) for at, _ in found)
    return [page[: r.start] + r.replacement + page[r.end :] for _, several in found for r in several]


def test_a_page_that_is_indented_well_is_left_alone() -> None:
    assert proposed(PAGE) == []
    assert proposed(PAGE.replace("  ", "\t")) == []


@pytest.mark.parametrize("lost", ["      </div>\n      <div", "    </div>\n    <p>", "    </ul>\n", "      </li>\n"])
def test_a_lost_end_tag_is_proposed_where_it_stood(lost: str) -> None:
    tag = lost.split("\n")[0].strip()
    assert PAGE.replace(lost, lost.replace(tag, "", 1)) != PAGE
    assert PAGE in proposed(PAGE.replace(lost, lost.replace(tag, "", 1)))


@pytest.mark.parametrize("lost", ['<div id="b">', '<div id="c">', '<div id="d">'])
def test_a_lost_start_tag_is_proposed_where_it_stood(lost: str) -> None:
    assert PAGE.replace(lost, "<div>") in proposed(PAGE.replace(lost, ""))


def test_a_forgotten_line_is_found_by_what_follows() -> None:
    broken = PAGE.replace("      </div>\n      <div", "      <div")
    mended = {page.replace(" ", "").replace("\n", "") for page in proposed(broken)}
    assert PAGE.replace(" ", "").replace("\n", "") in mended


def test_pages_without_indentation_say_nothing() -> None:
    flat = re.sub(r"^ +", "", PAGE, flags=re.M)
    assert proposed(flat) == []
    assert proposed(PAGE.replace("\n", "")) == proposed("") == proposed("<div>") == []
    ragged = "<div>\n" + "".join(f"{' ' * (n % 3)}<ul>\n{' ' * (n % 4)}</ul>\n" for n in range(20)) + "</div>"
    assert proposed(ragged) == []


@pytest.mark.timed
def test_time_is_linear_in_the_page() -> None:
    page = "".join(f"{' ' * (n % 50)}<div>\n" for n in range(30_000)) + PAGE
    started = time.process_time()
    proposed(page)
    assert time.process_time() - started < 10
