"""Lanes: deterministic, restored exactly, marks moved by the delay, and right where a page ends."""

import copy
from pathlib import Path

import numpy as np
import pytest

from soupstate.model.page.marks import COLUMN, HEADS
from soupstate.model.train.data.inputs import INPUTS, WARM, input_rows
from soupstate.model.train.data.lanes import IGNORED, MOST_SAMPLES, NO_TARGET, Batch, Lanes, Stretches, places_by_class
from soupstate.model.train.data.shards import BYTE, MARKS, Shards, write_shard

COLUMNS = MARKS + 3
LENGTHS = (40, 7, 100, 1, 33, 64, 5, 90)
WHOLE = Stretches(window=16, beginning=32, beginning_share=0.0, whole_share=1.0)
MIXED = Stretches(window=24, beginning=48, beginning_share=0.4, whole_share=0.1)


@pytest.fixture
def shards(tmp_path: Path) -> Shards:
    """Lesson i, byte t: byte t % 11 + i, first mark 100 + i, second mark t, third ignored now and then."""
    lessons = []
    for i, n in enumerate(LENGTHS):
        rows = np.zeros((n, COLUMNS), np.uint8)
        rows[:, BYTE] = np.arange(n) % 11 + i
        rows[:, MARKS] = 100 + i
        rows[:, MARKS + 1] = np.arange(n)
        rows[:, MARKS + 2] = np.where(np.arange(n) % 2, IGNORED, 1)
        lessons.append(rows)
    write_shard(tmp_path / "a", lessons[:3], COLUMNS)
    write_shard(tmp_path / "b", lessons[3:], COLUMNS)
    return Shards(tmp_path)


def make(shards: Shards, stretches: Stretches = MIXED, delay: int = 4, seed: int = 1, steps: int = 10) -> Lanes:
    return Lanes(shards, 5, steps, delay, stretches, seed)


def same(a: Batch, b: Batch) -> bool:
    return all(np.array_equal(getattr(a, k), getattr(b, k)) for k in vars(a))


def test_deterministic_by_seed(shards: Shards) -> None:
    one, two, other = make(shards), make(shards), make(shards, seed=2)
    batches = [(one.next(), two.next(), other.next()) for _ in range(20)]
    assert all(same(a, b) for a, b, _ in batches)
    assert not all(same(a, c) for a, _, c in batches)


@pytest.mark.parametrize("after", [0, 1, 13])
def test_restored_lanes_go_on(shards: Shards, after: int) -> None:
    lanes = make(shards)
    for _ in range(after):
        lanes.next()
    state = {k: v.copy() for k, v in lanes.state().items()}
    wanted = [lanes.next() for _ in range(20)]
    fresh = make(shards, seed=99)
    fresh.restore(state["lanes.places"], state["lanes.random"])
    assert all(same(fresh.next(), b) for b in wanted)
    lanes.restore(state["lanes.places"], state["lanes.random"])
    assert all(same(lanes.next(), b) for b in wanted)


def test_restored_with_half_a_number_left(shards: Shards) -> None:
    """Numbers below 2**32 are drawn two at a time: the second one is part of the state."""
    stretches = Stretches(24, 48, 0.0, 0.0, balanced_share=1.0)
    lanes, halves = make(shards, stretches), set()
    for _ in range(12):
        lanes.next()
        fresh = make(shards, stretches, seed=99)
        fresh.restore(*lanes.state().values())  # type: ignore[arg-type]
        halves.add(lanes.random.bit_generator.state["has_uint32"])
        wanted = Lanes(shards, 5, 10, 4, stretches, 1)
        wanted.places, wanted.random = lanes.places.copy(), copy.deepcopy(lanes.random)
        assert all(same(fresh.next(), wanted.next()) for _ in range(5))
    assert halves == {0, 1}


@pytest.mark.parametrize("delay", [0, 1, 4, 9])
@pytest.mark.parametrize("stretches", [WHOLE, MIXED])
def test_rows_targets_and_marks(shards: Shards, delay: int, stretches: Stretches) -> None:
    """At the place of byte t stand the inputs of byte t, the target byte t + 1 and the marks of byte t - delay."""
    lanes = make(shards, stretches, delay)
    place = lanes.places.copy()
    seen = 0
    for _ in range(60):
        batch = lanes.next()
        for b, (lesson, begin, until, end) in enumerate(lanes.places.tolist()):
            at = begin if batch.fresh[b] else place[b, 2]
            assert batch.fresh[b] == (place[b, 2] == place[b, 3])
            n = until - at
            rows = shards.lesson(lesson)
            assert n == min(lanes.steps, end - at) and 0 <= begin <= at < until <= end <= len(rows)
            assert batch.depth_known[b] == (begin == 0)
            assert np.array_equal(batch.inputs[b, :n], input_rows(rows[:, BYTE])[at:until])
            assert not batch.inputs[b, n:].any()
            for t in range(lanes.steps):
                position = at + t
                target = rows[position + 1, BYTE] if t < n and position + 1 < len(rows) else NO_TARGET
                assert batch.targets[b, t] == target
                marked = position - delay
                known = t < n and marked >= begin
                expected = rows[marked, MARKS:] if known else np.full(3, IGNORED)
                assert np.array_equal(batch.marks[b, t], expected), (lesson, begin, position)
                seen += known
        place = lanes.places.copy()
    assert seen > 500


def test_whole_pages_are_read_to_the_end(shards: Shards) -> None:
    lanes = make(shards, WHOLE)
    ends = set()
    for _ in range(100):
        lanes.next()
        for lesson, begin, at, end in lanes.places.tolist():
            assert begin == 0 and end == LENGTHS[lesson]
            if at == end:
                ends.add(lesson)
    assert ends == set(range(len(LENGTHS)))


def test_windows_and_beginnings(shards: Shards) -> None:
    windows = make(shards, Stretches(window=24, beginning=48, beginning_share=0.0, whole_share=0.0))
    beginnings = make(shards, Stretches(window=24, beginning=48, beginning_share=1.0, whole_share=0.0))
    starts = set()
    for _ in range(200):
        windows.next()
        beginnings.next()
        for lesson, begin, _, end in windows.places.tolist():
            assert end - begin == min(24, LENGTHS[lesson])
            starts.add((lesson, begin))
        for lesson, begin, _, end in beginnings.places.tolist():
            assert (begin, end) == (0, min(48, LENGTHS[lesson]))
    assert len({begin for lesson, begin in starts if lesson == 2}) > 20


def test_state_is_a_copy(shards: Shards) -> None:
    lanes = make(shards)
    lanes.next()
    state = lanes.state()
    before = state["lanes.places"].copy()
    lanes.next()
    assert np.array_equal(state["lanes.places"], before)


def marked_shards(folder: Path) -> Shards:
    """Lessons of all lengths, some shorter than a window; marks are common ones but for a few rare places."""
    random = np.random.default_rng(4)
    lessons = []
    for n in [30, 2000, 75, 111, 1, 900, 60, 37, 500, 38]:
        rows = np.zeros((n, MARKS + len(HEADS)), np.uint8)
        rows[:, BYTE] = random.integers(97, 123, n)
        rows[:, MARKS + COLUMN["syntax"]] = random.integers(0, 4, n)
        rows[:, MARKS + COLUMN["depth"]] = random.integers(1, 9, n)
        rows[:, MARKS + COLUMN["main"]] = IGNORED
        lessons.append(rows)
    # The class "cell 2" begins the second lesson; "cell 1" ends it; "block 7" fills short ones.
    lessons[1][:40, MARKS + COLUMN["cell"]] = 2
    lessons[1][-50:, MARKS + COLUMN["cell"]] = 1
    for i in (0, 2, 3, 7):
        lessons[i][:, MARKS + COLUMN["block"]] = 7
    write_shard(folder / "a", lessons[:4], MARKS + len(HEADS))
    write_shard(folder / "b", lessons[4:], MARKS + len(HEADS))
    return Shards(folder)


def test_places_by_class(tmp_path: Path) -> None:
    shards = marked_shards(tmp_path)
    rows = np.concatenate([shards.lesson(i) for i in range(len(shards))])
    found = places_by_class(shards)
    classes = [("syntax", 1), ("syntax", 2), ("syntax", 3), ("block", 7), ("cell", 1), ("cell", 2)]
    assert len(found) == len(classes)
    for places, (head, value) in zip(found, classes, strict=True):
        assert 0 < len(places) <= MOST_SAMPLES and len(set(places.tolist())) == len(places)
        assert (rows[places, MARKS + COLUMN[head]] == value).all()
    again = places_by_class(shards)
    assert all(np.array_equal(a, b) for a, b in zip(found, again, strict=True))


def test_balanced_windows_hold_their_class(tmp_path: Path) -> None:
    """Every class gets its share of windows, each around a place of that class, wherever in a lesson it stands."""
    shards = marked_shards(tmp_path)
    window = 64
    lanes = Lanes(shards, 4, 64, 0, Stretches(window, 64, 0.0, 0.0, balanced_share=1.0), 3)
    holding = {("block", 7): 0, ("cell", 1): 0, ("cell", 2): 0}
    begins, stretches = set(), 0
    for _ in range(200):
        batch = lanes.next()
        for b, (lesson, begin, _, end) in enumerate(lanes.places.tolist()):
            n = len(shards.lesson(lesson))
            assert end - begin == min(window, n)
            if not batch.fresh[b]:
                continue
            stretches += 1
            begins.add((lesson, begin))
            marks = shards.lesson(lesson)[begin:end, MARKS:]
            assert marks[:, COLUMN["syntax"]].any() or n == 1
            for head, value in holding:
                holding[head, value] += bool((marks[:, COLUMN[head]] == value).any())
    assert stretches > 500
    for (head, value), count in holding.items():  # a class in six
        assert 0.12 < count / stretches < 0.3, (head, value)
    assert len({begin for lesson, begin in begins if lesson == 1 and begin > 1800}) > 20


def test_copy_input_of_a_window_far_into_a_page(tmp_path: Path) -> None:
    """It knows the WARM bytes before the stretch, also after a restart in its midst."""
    random = np.random.default_rng(5)
    words = [random.integers(97, 123, 6, np.uint8) for _ in range(50)]
    page = np.concatenate([words[i] for i in random.integers(0, 50, (2 * WARM) // 6)])
    write_shard(tmp_path / "a", [np.stack([page] * COLUMNS, 1)], COLUMNS)
    shards = Shards(tmp_path)
    lanes = Lanes(shards, 2, 20, 4, Stretches(200, 200, 0.0, 0.0), 1)
    for _ in range(12):
        batch = lanes.next()
        restored = Lanes(shards, 2, 20, 4, Stretches(200, 200, 0.0, 0.0), 7)
        restored.restore(*lanes.state().values())  # type: ignore[arg-type]
        following = restored.next()
        for b, (_, begin, until, end) in enumerate(lanes.places.tolist()):
            wanted = input_rows(page, begin, end)[until - begin - 20 : until - begin]
            assert np.array_equal(batch.inputs[b], wanted)
            if until < end:
                n = min(20, end - until)
                wanted = input_rows(page, begin, end)[until - begin : until - begin + n]
                assert np.array_equal(following.inputs[b, :n], wanted)
    assert batch.inputs.shape == (2, 20, INPUTS)
