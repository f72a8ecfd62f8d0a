"""What marks need beside the network: sums of rows, and the ends of well-formed tags."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soupstate.kernels.compiled import cpp
from soupstate.kernels.marking import (
    reference_span_classes,
    reference_tag_ends,
    span_classes,
    tag_ends,
)

# Pieces that make tags, nearly tags, and what is none.
PIECES = [*"<>=/\"' \n\vx0é", "<a", "<A-b", "</p", "href", 'b="1"', "c = 'd'", "e=f/"]


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join), st.integers(1, 40))
def test_tags_end_where_the_expression_says(page: str, longest: int) -> None:
    ids = np.frombuffer(page.encode(), np.uint8)
    starts = np.arange(len(ids))
    assert tag_ends(ids, starts, longest).tolist() == reference_tag_ends(ids, starts, longest).tolist()


def test_a_tag_ends() -> None:
    page = b"""<p><a href=/x?y=z title='1 > 0'>t</a><b c="><i>"""
    ids = np.frombuffer(page, np.uint8)
    starts = np.flatnonzero(ids == ord("<"))
    ends = tag_ends(ids, starts, 100)
    assert [page[start:end] for start, end in zip(starts, ends, strict=True)] == [
        b"<p>",
        b"<a href=/x?y=z title='1 > 0'>",
        b"",
        b"",
        b"<i>",
    ]


def test_a_page_of_open_quotes_takes_time_in_proportion() -> None:
    ids = np.frombuffer(b"<a b='" * 200_000, np.uint8)
    assert tag_ends(ids, np.arange(0, len(ids), 6), 8192).sum() == 0


@pytest.mark.skipif(cpp is None, reason="the kernels are not compiled")
def test_starts_beyond_the_page_are_refused() -> None:
    ids = np.frombuffer(b"<a>", np.uint8)
    with pytest.raises(ValueError, match="numbers below 3"):
        tag_ends(ids, np.array([3]), 9)
    with pytest.raises(ValueError, match="beyond the page"):
        cpp.tag_ends(ids, np.array([5]), 9, np.zeros(1, np.int64))


@given(st.integers(0, 2**32 - 1))
def test_classes_have_the_greatest_sums(seed: int) -> None:
    random = np.random.default_rng(seed)
    rows = random.normal(size=(9, 7)).astype(np.float32)
    first, last = np.sort(random.integers(0, 10, (2, 5)), axis=0)
    heads = np.array([[0, 3], [3, 4], [2, 7]])
    classes = span_classes(rows, first, last, heads)
    assert classes.tolist() == reference_span_classes(rows, first, last, heads).tolist()


def test_of_equal_sums_the_first_counts() -> None:
    rows = np.array([[1, 2, 2], [0, 1, 1]], np.float32)
    first, last = np.array([0, 1, 2]), np.array([2, 2, 2])
    assert span_classes(rows, first, last, np.array([[0, 3], [1, 3]])).tolist() == [[1, 0], [1, 0], [0, 0]]


@pytest.mark.parametrize(("first", "last"), [(-1, 1), (2, 1), (0, 4)])
def test_spans_beyond_the_rows_are_refused(first: int, last: int) -> None:
    given = np.zeros((3, 2), np.float32), np.array([first]), np.array([last]), np.array([[0, 2]])
    with pytest.raises(ValueError, match="stretches of 3 rows"):
        span_classes(*given)
    if cpp is not None:
        with pytest.raises(ValueError, match="no such rows"):
            cpp.span_classes(*given, np.zeros((1, 1), np.uint8))
