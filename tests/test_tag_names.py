"""The elements that tags name: the compiled version equals the regular expressions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soupstate.kernels.compiled import cpp
from soupstate.kernels.tag_names import (
    FIRST_NAME,
    OTHER_END,
    OTHER_START,
    SELF_CLOSING,
    reference_tag_names,
    reference_tag_places,
    tag_names,
    tag_places,
)

NAMES = ("p", "ul", "x-y")
PIECES = [*"<>/=\"' \n\v0é!", "<p", "</P", "ul", "<x-y", "/>"]
PAGES = st.lists(st.sampled_from(PIECES), max_size=30).map(
    lambda pieces: np.frombuffer("".join(pieces).encode(), np.uint8)
)


@given(PAGES)
def test_names_equal_the_expression(page: np.ndarray) -> None:
    starts = np.arange(len(page))
    assert tag_names(page, starts, NAMES).tolist() == reference_tag_names(page, starts, NAMES).tolist()


@given(PAGES)
def test_places_equal_the_expression(page: np.ndarray) -> None:
    found, expected = tag_places(page, NAMES), reference_tag_places(page, NAMES)
    assert [each.tolist() for each in found] == [each.tolist() for each in expected]


def test_tags_have_the_numbers_of_their_names() -> None:
    page = b"""<p><P\n></ul><b></b><ul"a"><p/><x-y<p"""
    ids = np.frombuffer(page, np.uint8)
    numbers = tag_names(ids, np.flatnonzero(ids == ord("<")), NAMES).tolist()
    p, ul, last = (FIRST_NAME + 2 * k for k in range(3))
    assert numbers == [p, p, ul + 1, OTHER_START, OTHER_END, ul, p, last, p]
    places, numbers = (each.tolist() for each in tag_places(ids[: page.index(b"<x")], NAMES))
    assert [page[at : at + 1] for at in places] == [b">", b"\n", b">", b">", b">", b">", b"/", b">"]
    assert numbers == [p, p, ul + 1, OTHER_START, OTHER_END, OTHER_START, p, SELF_CLOSING]


def test_a_page_of_tags_without_an_end_takes_little_time() -> None:
    assert tag_places(np.frombuffer(b"<a" * 1_000_000, np.uint8), NAMES)[0].tolist() == []


@pytest.mark.parametrize("start", [-1, 3])
def test_starts_beyond_the_page_are_refused(start: int) -> None:
    ids = np.frombuffer(b"<a>", np.uint8)
    with pytest.raises(ValueError, match="numbers below 3"):
        tag_names(ids, np.array([start]), NAMES)
    if cpp is not None:
        with pytest.raises(ValueError, match="beyond the page"):
            cpp.tag_names(ids, np.array([start]), NAMES, np.zeros(1, np.int16))
