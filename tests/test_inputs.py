"""The network's inputs: bytes and their copy input, which knows what stands before a stretch."""

import numpy as np
import pytest

from soupstate.kernels.copy import CONTEXTS, PREDICTIONS, copies, copy_state
from soupstate.model.train.data.inputs import BYTE, INPUTS, LENGTH, PREDICTED, SLOT, WARM, input_rows

HTML = b"".join(b'<li class="item"><a href="/p/%d">Item %d</a></li>\n' % (i, i * i) for i in range(60))
SMALL = np.frombuffer(HTML, np.uint8)


def test_columns() -> None:
    rows = input_rows(SMALL)
    found, _ = copies(SMALL, copy_state())
    assert rows.shape == (len(SMALL), INPUTS) and rows.dtype == np.uint16
    assert INPUTS == 1 + 2 * PREDICTIONS + CONTEXTS
    assert np.array_equal(rows[:, BYTE], SMALL)
    assert np.array_equal(rows[:, PREDICTED], found.predicted)
    assert np.array_equal(rows[:, LENGTH], found.length)
    assert np.array_equal(rows[:, SLOT], found.slot)
    assert found.length.any() and rows[:, SLOT].max() > 255


@pytest.mark.parametrize(("begin", "end"), [(0, 100), (0, None), (1, 2), (700, 1500), (700, None), (500, 500), (0, 0)])
def test_a_stretch_of_a_short_page_is_cut_from_the_whole(begin: int, end: int | None) -> None:
    """Shorter than WARM: nothing is forgotten."""
    assert np.array_equal(input_rows(SMALL, begin, end), input_rows(SMALL)[begin:end])


def test_of_a_long_page_it_knows_what_is_near() -> None:
    """A passage comes back at the end: its beginning is WARM bytes before the stretch, or one byte more."""
    passage = np.random.default_rng(1).integers(0, 256, 50, np.uint8)
    begin = 200 + WARM
    ids = np.zeros(begin + 50, np.uint8)
    ids[begin:] = passage
    near, far = ids.copy(), ids.copy()
    near[200:250], far[150:200] = passage, passage
    assert np.array_equal(input_rows(near, begin), input_rows(near[200:])[WARM:])
    assert input_rows(near, begin)[10:, LENGTH].all(1).sum() == 0  # older bytes there are none of
    assert (input_rows(near, begin)[10:-1, PREDICTED][:, 0] == passage[11:]).all()
    assert not input_rows(far, begin)[10:, LENGTH][:, :2].any()
    assert (input_rows(far)[begin + 10 : -1, PREDICTED][:, 0] == passage[11:]).all()


def test_columns_of_rows_and_files_can_be_read() -> None:
    """Bytes come as a column of a lesson, which is not contiguous; they are left as they are."""
    lesson = np.stack([SMALL, SMALL ^ 1], 1)
    lesson.flags.writeable = False
    assert np.array_equal(input_rows(lesson[:, 0], 90, 400), input_rows(SMALL)[90:400])
