"""Lanes: deterministic, restored exactly, marks moved by the delay, and right where a page ends."""

from pathlib import Path

import numpy as np
import pytest

from model.train.lanes import IGNORED, NO_TARGET, Batch, Lanes, Stretches
from model.train.shards import BYTE, INPUTS, Shards, write_shard

MARKS = 3
LENGTHS = (40, 7, 100, 1, 33, 64, 5, 90)
WHOLE = Stretches(window=16, beginning=32, beginning_share=0.0, whole_share=1.0)
MIXED = Stretches(window=24, beginning=48, beginning_share=0.4, whole_share=0.1)


@pytest.fixture
def shards(tmp_path: Path) -> Shards:
    """Lesson i, byte t: byte t, first mark 100 + i, second mark t, third ignored now and then."""
    lessons = []
    for i, n in enumerate(LENGTHS):
        rows = np.zeros((n, INPUTS + MARKS), np.uint8)
        rows[:, BYTE] = np.arange(n)
        rows[:, 1:INPUTS] = np.arange(n)[:, None] + np.arange(1, INPUTS)
        rows[:, INPUTS] = 100 + i
        rows[:, INPUTS + 1] = np.arange(n)
        rows[:, INPUTS + 2] = np.where(np.arange(n) % 2, IGNORED, 1)
        lessons.append(rows)
    write_shard(tmp_path / "a", lessons[:3], INPUTS + MARKS)
    write_shard(tmp_path / "b", lessons[3:], INPUTS + MARKS)
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


@pytest.mark.parametrize("delay", [0, 1, 4, 9])
@pytest.mark.parametrize("stretches", [WHOLE, MIXED])
def test_rows_targets_and_marks(shards: Shards, delay: int, stretches: Stretches) -> None:
    """At the place of byte t stand byte t, the target byte t + 1 and the marks of byte t - delay of the stretch."""
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
            assert np.array_equal(batch.inputs[b, :n], rows[at:until, :INPUTS])
            assert not batch.inputs[b, n:].any()
            for t in range(lanes.steps):
                position = at + t
                target = position + 1 if t < n and position + 1 < len(rows) else NO_TARGET
                assert batch.targets[b, t] == target
                marked = position - delay
                known = t < n and marked >= begin
                expected = rows[marked, INPUTS:] if known else np.full(MARKS, IGNORED)
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
