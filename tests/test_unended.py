"""Tags that have lost their >: where it belongs, and that the search proposes it first."""

import numpy as np
import pytest

import soupstate
from soupstate.model.faults.apply import apply_fix
from soupstate.model.faults.checks.unended import unended
from soupstate.model.page.marks import Syntax
from soupstate.model.page.stop import Watch

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Boat trips</title></head>
<body>
<h1>Boat trips</h1>
<p>The ferry leaves <a href=/times.html>on Friday</a> from the main pier, and comes back on Sunday.</p>
<h2>Prices</h2>
<p class="lead">A trip costs six pounds. Children <b>travel free</b> with a grown-up.</p>
<ul>
<li>North quay</li>
<li>South quay</li>
<li class=near>East quay</li>
<li>The old lighthouse</li>
</ul>
<table><tr><th>Day</th><th>Open</th></tr><tr><td>Saturday</td><td>nine to one</td></tr></table>
</body></html>
"""
# What stands in the page, and how it stands without its >.
LOST = [
    ("/times.html>on Friday", "/times.html on Friday"),
    ("<h2>Prices", "<h2 Prices"),
    ("<h1>Boat trips", "<h1Boat trips"),
    ("<li>North", "<li North"),
    ("<li>South", "<li South"),
    ("<li>South", "<liSouth"),
    ("near>East", "near East"),
    ("<li>The", "<li The"),
    ("<b>travel", "<b travel"),
    ("<th>Day", "<th Day"),
    ("<td>nine", "<td nine"),
    ("</b> with", "</b with"),
    ("</a> from", "</a from"),
    ('class="lead">A trip', 'class="lead" A trip'),
]


@pytest.mark.parametrize(("whole", "lost"), LOST)
def test_the_lost_bracket_is_the_first_fix_and_the_only_report(whole: str, lost: str) -> None:
    assert PAGE.count(whole) == 1
    broken = PAGE.replace(whole, lost)
    found = soupstate.check(broken)
    assert found[0].kind == "unclosed-tag" and found[0].probability >= 0.8
    mended = apply_fix(broken, found[0].fixes[0])
    assert mended.replace("> ", ">") == PAGE.replace("> ", ">"), "but for the space that stands in its place"
    near = broken.index(lost)
    assert [f.kind for f in found if f.probability >= 0.5 and abs(f.start - near) < 60] == ["unclosed-tag"]


def places(page: str, mark: Syntax = Syntax.TAG) -> list[tuple[str, bool]]:
    """Returns the page with each lost > put in alone, and whether that is sure."""
    syntax = np.full(len(page), mark, np.uint8)
    return [(apply_fix_at(page, u.repair.start), u.sure) for u in unended(page, syntax, Watch())]


def apply_fix_at(page: str, at: int) -> str:
    return f"{page[:at]}>{page[at:]}"


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("<h2 Prices</h2>", [("<h2> Prices</h2>", True)]),
        ("<H2 Prices</h2>", [("<H2> Prices</h2>", True)]),
        ("<a href=/x on Friday</a>", [("<a href=/x> on Friday</a>", True)]),
        ("<a href='/x' class = y hidden on Friday</a>", [("<a href='/x' class = y hidden> on Friday</a>", True)]),
        ('<a href="/x"Friday</a>', [('<a href="/x">Friday</a>', True)]),
        ("<h1Boat trips</h1>", [("<h1>Boat trips</h1>", True)]),
        ("<p Take the <b>bus</b></p>", [("<p> Take the <b>bus</b></p>", False)]),
        ("<li One</li><li Two</li>", [("<li> One</li><li Two</li>", True), ("<li One</li><li> Two</li>", True)]),
        ("<h2>Prices</h2>", []),
        ("<a href=/x></a>", []),
        ('<a href="/x Friday</a>', []),  # a quote is missing, too
        ("<a href=/x class= Friday = y</a>", []),
        ("<p>Take <b>the bus</b in May.</p>", [("<p>Take <b>the bus</b> in May.</p>", True)]),
        ("<h2>Boats</h2\n<p>", []),  # no text: the networks say where the > belongs
        ("<p>a<b and c</p>", []),
        ("<pre</p>", []),
        ("<br line</br>", []),
        ("<script var x</script>", []),
        ("<message text</message>", []),
        ("<li" + " word" * 100 + "</li>", []),
    ],
)
def test_where_it_belongs(page: str, expected: list[tuple[str, bool]]) -> None:
    assert places(page) == expected


def test_what_the_network_takes_for_no_tag_is_left_alone() -> None:
    for mark in (Syntax.RAW, Syntax.COMMENT, Syntax.VALUE, Syntax.HREF):
        assert places("<h2 Prices</h2>", mark) == []
