"""Character references that are not whole: where, and what mends them."""

import numpy as np
import pytest

from soupstate.model.faults.checks.references import references
from soupstate.model.page.marks import Syntax


def mended(page: str) -> list[tuple[str, str]]:
    found = references(page, np.full(len(page), Syntax.TEXT, np.uint8))
    return [(page[: r.start] + r.replacement + page[r.end :], r.kind) for _, several in found for r in several]


@pytest.mark.parametrize(
    ("broken", "whole", "kind"),
    [
        ("a &amp b", "a &amp; b", "missing-semicolon-after-character-reference"),
        ("a&nbspb", "a&nbsp;b", "missing-semicolon-after-character-reference"),
        ("&mdash x", "&mdash; x", "missing-semicolon-after-character-reference"),
        ("&#8217 x", "&#8217; x", "missing-semicolon-after-character-reference"),
        ("a nbsp; b", "a &nbsp; b", "missing-ampersand"),
        ("it rsquo; s", "it &rsquo; s", "missing-ampersand"),
        ("representednbsp;by", "represented&nbsp;by", "missing-ampersand"),
        ("itrsquo;s", "it&rsquo;s", "missing-ampersand"),
        ("x #8217;s", "x &#8217;s", "missing-ampersand"),
        ("x &8217;s", "x &#8217;s", "unknown-named-character-reference"),
        ("a &nbp; b", "a &nbsp; b", "unknown-named-character-reference"),
        ("a &apm; b", "a &amp; b", "unknown-named-character-reference"),
    ],
)
def test_the_repair_is_proposed(broken: str, whole: str, kind: str) -> None:
    assert (whole, kind) in mended(broken)


@pytest.mark.parametrize(
    "page", ["a &amp; b", "&#8217;&#x2019;", "&notin;", "R&D", "?a=1&copy=2", "&nosuchname;", "x; y", ""]
)
def test_nothing_is_proposed(page: str) -> None:
    assert mended(page) == []


def test_scripts_are_left_alone() -> None:
    page = "if (a &amp b) nbsp;"
    assert not list(references(page, np.full(len(page), Syntax.RAW, np.uint8)))
