"""Fixes judged by html5lib's count of parse errors."""

import pytest

from soupstate.model.net.checkpoint import DEFAULT, load_checkpoint
from soupstate.model.net.reader import Reader
from soupstate.model.train.evaluation.evaluate import LIKELY
from soupstate.model.train.evaluation.mending import evaluate_mending, parse_errors

ENTRIES = "".join(f'<li class="entry"><a href="/boats/{n}.html">Boat {n}</a></li>\n' for n in range(12))
PAGE = f"<!DOCTYPE html><html><head><title>Boats</title></head><body><ul>{ENTRIES}</ul></body></html>"
BROKEN = PAGE.replace('href="/boats/7.html"', 'href="/boats/7.html').replace("Boat 3</a>", "Boat 3/a>")


def test_parse_errors() -> None:
    assert parse_errors(PAGE) == 0
    assert parse_errors("<p>x") == 0  # that it has no doctype is not counted
    assert parse_errors("<p>x</b>") == 1
    assert parse_errors(BROKEN) > 1


def test_fixes_are_judged() -> None:
    figures = evaluate_mending(Reader(load_checkpoint(DEFAULT)), [PAGE, BROKEN])
    assert figures["pages"] == 2 and figures["malformed pages"] == 1
    of_first = [value for name, value in figures.items() if name.startswith("fixes of a page's first fault")]
    assert len(of_first) == 3 and sum(of_first) <= 2
    assert figures["fixes of a page's first fault that lower the errors"] == 1
    of_likely = [value for name, value in figures.items() if name.startswith(f"fixes of {LIKELY}")]
    assert sum(of_likely) == pytest.approx(figures[f"faults of {LIKELY} or more a page"] * 2)
    assert figures[f"fixes of {LIKELY} or more that lower the errors"] >= 1
