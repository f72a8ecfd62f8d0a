"""Comments whose delimiters are not whole: the repair that makes them whole is proposed."""

import time

import numpy as np
import pytest

from soupstate.model.faults.checks.comments import comments, raw_elements
from soupstate.model.page.marks import Syntax

WHOLE = "<p>a</p>\n<!-- begin menu -->\n<ul><li>x</li></ul>\n<!--end menu--><p>b</p>"


def proposed(page: str, syntax: int = Syntax.TEXT) -> dict[str, str]:
    """The mended page and the kind of each repair."""
    found = comments(page, np.full(len(page), syntax, np.uint8))
    repairs = [r for _, several in found for r in several]
    return {page[: r.start] + r.replacement + page[r.end :]: r.kind for r in repairs}


@pytest.mark.parametrize(
    ("whole", "broken"),
    [
        ("menu -->\n<ul", "menu \n<ul"),
        ("menu -->\n<ul", "menu->\n<ul"),
        ("menu -->\n<ul", "menu -- \n<ul"),
        ("menu -->\n<ul", "menu --\n<ul"),
        ("menu -->\n<ul", "menu ->\n<ul"),
        ("menu--><p>b", "menu<p>b"),
        ("menu--><p>b", "menu--<p>b"),
        ("menu--><p>b", "menu->b"),
        ("<!-- begin", "<!- begin"),
        ("<!-- begin", "<-- begin"),
        ("<!-- begin", "!-- begin"),
        ("<!--end", "<--end"),
    ],
)
def test_the_repair_is_proposed(whole: str, broken: str) -> None:
    page = WHOLE.replace(whole, broken)
    assert page != WHOLE
    wanted = page.replace(broken, whole) if whole in WHOLE else page
    if broken in ("menu->\n<ul", "menu->b"):  # as likely without the space or the tag
        wanted = page.replace("menu->", "menu-->")
    elif broken == "menu -- \n<ul":
        wanted = page.replace("-- \n", "--> \n")
    assert wanted in proposed(page)


@pytest.mark.parametrize(
    "page",
    [
        WHOLE,
        "",
        "<!---->",
        "<!-->",
        "<!--[if IE]><p>x</p><![endif]-->",
        "<!-- a --!><p>",
        "<!doctype html>",
        "a - b -- c",
    ],
)
def test_whole_comments_are_left_alone(page: str) -> None:
    assert proposed(page) == {}


def test_scripts_are_left_alone() -> None:
    assert proposed("<!-- if (i --> 0) <b> !-- <--", Syntax.RAW) == {}


def test_markup_in_a_comment_and_a_comment_in_a_comment() -> None:
    assert "<!-- x--> <p>y</p><!-- z -->" in proposed("<!-- x <p>y</p><!-- z -->")
    assert "<!-- x --><p>y</p><!-- z -->" in proposed("<!-- x <p>y</p><!-- z -->")
    assert set(proposed("<!-- old: <b>y</b> -->").values()) == {"eof-in-comment"}


@pytest.mark.timed
def test_time_is_linear() -> None:
    page = "<!-- <b>" * 50_000 + "->" * 50_000
    started = time.process_time()
    assert len(list(comments(page, np.zeros(len(page), np.uint8)))) == 1
    assert time.process_time() - started < 5


SCRIPTS = """<head>
<script>
  if (a < b) document.write("<p>" + x);
</script>
<style>p > b { color: red }</style>
<title>Boats</title><link rel="x">
</head>
"""


@pytest.mark.parametrize("lost", ["</script>", "</style>", "</title>"])
def test_a_lost_end_of_a_script_is_proposed(lost: str) -> None:
    broken = SCRIPTS.replace(lost, "")
    found = [r for _, several in raw_elements(broken) for r in several]
    assert SCRIPTS in [broken[: r.start] + r.replacement + broken[r.end :] for r in found]
    assert {r.kind for r in found} == {"missing-end-tag"}


@pytest.mark.timed
def test_scripts_that_end_are_left_alone() -> None:
    assert list(raw_elements(SCRIPTS)) == []
    assert list(raw_elements("<script><!--\nx\n//--></script>")) == []
    started = time.process_time()
    assert len(list(raw_elements("<script>\n<p>" * 50_000 + "<b " * 50_000 + "\n " * 50_000))) == 1
    assert time.process_time() - started < 5
