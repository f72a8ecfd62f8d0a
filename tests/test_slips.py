"""Slips: single faults as people make them."""

import re
from collections import Counter

import numpy as np
import pytest
from test_crawl_samples import SAMPLES

from soupstate.model.train.data.damage import apply
from soupstate.model.train.data.slips import SLIPS, slip
from soupstate.model.train.data.teacher import teach

HARBOUR = next(s.html for s in SAMPLES if s.name == "news-harbour")
PAGE = HARBOUR + "<!-- a comment --><table><tr><td>&amp;</td></tr></table><ul><li>a</li></ul><p><b><i>x</i></b></p>"
TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)[^<>]*>")


def tags(page: str) -> Counter[tuple[str, str]]:
    return Counter((m[1], m[2]) for m in TAG.finditer(page))


@pytest.mark.parametrize("name", SLIPS)
def test_every_slip_changes_a_page_at_one_place(name: str) -> None:
    marks, made = teach(PAGE), 0
    for seed in range(12):
        edit = SLIPS[name][1](PAGE, marks, np.random.default_rng(seed))
        if edit is None:
            continue
        broken, _ = apply(PAGE, marks, edit)
        assert broken != PAGE and broken[: edit.start] == PAGE[: edit.start]
        assert broken.endswith(PAGE[edit.end :]) and abs(len(broken) - len(PAGE)) <= 400
        made += 1
    assert made > 3


@pytest.mark.parametrize(
    ("name", "lost", "new"),
    [
        ("lost end tag", {"/"}, set()),
        ("lost start tag", {""}, set()),
        ("stray end tag", set(), {"/"}),
        ("stray start tag", set(), {""}),
        ("end tag renamed", {"/"}, {"/"}),
        ("start tag renamed", {""}, {""}),
    ],
)
def test_slips_of_tags(name: str, lost: set[str], new: set[str]) -> None:
    marks, made = teach(PAGE), 0
    for seed in range(12):
        edit = SLIPS[name][1](PAGE, marks, np.random.default_rng(seed))
        if edit is not None:
            before, after = tags(PAGE), tags(apply(PAGE, marks, edit)[0])
            assert {slash for slash, _ in before - after} == lost and {slash for slash, _ in after - before} == new
            made += 1
    assert made > 3


def test_slips_are_drawn_by_their_shares() -> None:
    marks, random = teach(PAGE), np.random.default_rng(1)
    drawn = [slip(PAGE, marks, random) for _ in range(60)]
    edits = [edit for edit in drawn if edit]
    assert len(edits) > 40 and len({(e.start, e.end, e.insert) for e in edits}) > 30


def test_a_page_without_tags_has_few_slips() -> None:
    page = "Only words."
    marks, random = teach(page), np.random.default_rng(1)
    assert sum(slip(page, marks, random) is not None for _ in range(40)) < 10
