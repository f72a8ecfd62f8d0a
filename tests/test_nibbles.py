"""Tables in four bits per number: little is lost, and what is packed means the same everywhere."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soupstate.model.net.nibbles import EIGHTHS, MOST, PIECE, ZERO, pack_rows, unpack_rows


def test_what_a_byte_means() -> None:
    """Two codes, the low bits first; each times the factor in eighths, rounded, and never beyond int8."""
    codes = np.array([[(3 + ZERO) | (-5 + ZERO) << 4, ZERO | ZERO << 4], [(7 + ZERO) | (-7 + ZERO) << 4, 15]], np.uint8)
    table = unpack_rows(codes, np.array([12, 255], np.uint8))
    assert table.dtype == np.int8
    assert table.tolist() == [[5, -7, 0, 0], [127, -127, 127, -127]]  # 4.5 and -7.5 round up, and 223 is clipped


@given(st.lists(st.lists(st.integers(-127, 127), min_size=6, max_size=6), max_size=9))
def test_half_a_step_at_most_unless_clipped(rows: list[list[int]]) -> None:
    """The step of a row is at most its largest number over 7. No number is off by more than a clipped one may be."""
    table = np.array(rows, np.int8).reshape(-1, 6)
    codes, factors = pack_rows(table)
    assert codes.shape == (len(rows), 3) and factors.shape == (len(rows),)
    off = np.abs(unpack_rows(codes, factors).astype(int) - table)
    largest = np.abs(table.astype(int)).max(1, initial=0)
    plain = np.square(largest / MOST / 2 + 1)  # rounded with the largest step, and once more to a whole number
    assert (np.square(off).sum(1) <= 6 * plain).all()


def test_rows_of_small_numbers_keep_fine_steps() -> None:
    random = np.random.default_rng(1)
    table = np.clip(random.normal(size=(5000, 24)) * np.geomspace(2, 40, 5000)[:, None], -127, 127).astype(np.int8)
    back = unpack_rows(*pack_rows(table)).astype(float)
    error = np.square(back - table).sum(1) / np.square(table.astype(float)).sum(1)
    assert error.mean() < 0.012  # seven steps to the largest of 24 normal numbers: (2.2 / 7)^2 / 12
    assert error[:500].mean() < 0.03 and error[-500:].mean() < 0.012


@pytest.mark.parametrize("rows", [0, 1, PIECE - 1, PIECE, PIECE + 1])
def test_tables_of_any_length(rows: int) -> None:
    """Numbers that four bits can hold come back as they were, across the pieces in which a table is packed."""
    table = np.random.default_rng(rows).integers(-MOST, MOST + 1, (rows, 4)).astype(np.int8) * np.int8(3)
    table[:, 0] = 3 * MOST
    codes, factors = pack_rows(table)
    assert set(factors.tolist()) <= {3 << EIGHTHS}
    assert np.array_equal(unpack_rows(codes, factors), table)


def test_a_row_of_zeros() -> None:
    assert not unpack_rows(*pack_rows(np.zeros((2, 8), np.int8))).any()
