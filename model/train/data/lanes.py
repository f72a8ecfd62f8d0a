"""Lanes: rows of continuing text, cut from shuffled stretches of lessons.

Lanes that read whole pages show the network few sites, and short windows alone never teach the state to last. So a lane
reads one stretch after another: windows anywhere in the corpus, beginnings of pages, and now and then a whole page.
Other windows lie around marks of an evenly chosen class, so that rare classes (a <pre>, a data table) are seen as often
as common ones. A lane's state is carried from batch to batch and reset where a new stretch begins.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soupstate.kernels.copy import copy_state
from soupstate.model.page.marks import HEADS, IGNORED
from soupstate.model.train.data.inputs import INPUTS, Inputs, input_rows
from soupstate.model.train.data.shards import BYTE, MARKS, Rows, Shards

NO_TARGET = -100  # torch's ignore_index
SAMPLE_STEP = 37  # every 37th byte is sampled for its class
MOST_SAMPLES = 5000  # per class
LONGEST_STRETCH = 200_000  # bytes of a whole page


@dataclass(frozen=True)
class Stretches:
    """How lanes choose what to read next: shares of page beginnings and of whole pages; the rest are windows."""

    window: int = 4096  # bytes
    beginning: int = 16384  # bytes
    beginning_share: float = 0.3
    whole_share: float = 0.03
    balanced_share: float = 0.0  # share of windows around a class that is chosen evenly among all classes of all heads


@dataclass
class Batch:
    """inputs (B, T, INPUTS) uint16, targets (B, T) int64, marks (B, T, M) uint8, fresh (B,): states to reset."""

    inputs: Inputs
    targets: NDArray[np.int64]
    marks: Rows
    fresh: NDArray[np.bool_]
    depth_known: NDArray[np.bool_]  # (B,): whether the stretch began with its page
    marked: NDArray[np.bool_]  # (B, M): whether any of the lane's bytes has such a mark


def places_by_class(shards: Shards) -> list[NDArray[np.int64]]:
    """Returns up to MOST_SAMPLES places of each class but 0 of each head, in bytes counted through all lessons."""
    random = np.random.default_rng(0)
    found: list[NDArray[np.int64]] = []
    sampled = [np.ascontiguousarray(rows[::SAMPLE_STEP, MARKS:]) for rows in shards.rows]
    first = np.cumsum([0, *(len(rows) for rows in shards.rows)])
    marks = np.concatenate(sampled)
    at = np.concatenate([start + SAMPLE_STEP * np.arange(len(s)) for start, s in zip(first, sampled, strict=False)])
    for column in range(marks.shape[1]):
        if HEADS[column].classes == 1:
            continue
        for value in range(1, HEADS[column].classes):
            places = at[np.flatnonzero(marks[:, column] == value)]
            if len(places):
                found.append(random.choice(places, min(MOST_SAMPLES, len(places)), replace=False))
    return found


class Lanes:
    """An endless stream of batches. `state` returns all that it remembers, and `restore` takes it back.

    What each lane reads depends on the seed alone, so several processes can fill one batch, each some of the lanes.
    """

    def __init__(self, shards: Shards, count: int, steps: int, delay: int, stretches: Stretches, seed: int) -> None:
        self.shards, self.steps, self.delay, self.stretches = shards, steps, delay, stretches
        self.random = np.random.Generator(np.random.PCG64(seed))
        self.ends = np.cumsum(shards.lengths())
        self.classes = places_by_class(shards) if stretches.balanced_share else []
        self.places = np.zeros((count, 4), np.int64)  # lesson, begin, position, end; position == end: done
        self.inputs: list[Inputs | None] = [None] * count  # of each lane's stretch, once it is filled
        self.copy_state = copy_state()

    def state(self) -> dict[str, NDArray[np.uint64] | NDArray[np.int64]]:
        """Returns the lanes' places and the random generator's words."""
        whole: dict[str, Any] = {**self.random.bit_generator.state}
        inner = whole["state"]
        words = [v >> s & (2**64 - 1) for v in (inner["state"], inner["inc"]) for s in (0, 64)]
        words += [whole["has_uint32"], whole["uinteger"]]  # half of a number of 64 bits that was not used yet
        return {"lanes.places": self.places.copy(), "lanes.random": np.array(words, np.uint64)}

    def restore(self, places: NDArray[np.int64], words: NDArray[np.uint64]) -> None:
        """Restores what `state` returned. Older checkpoints have four words: they lack the unused half of a number."""
        self.places = places.copy()
        self.inputs = [None] * len(places)
        w = [int(x) for x in words]
        state: dict[str, Any] = {**self.random.bit_generator.state}
        state["state"] = {"state": w[0] | w[1] << 64, "inc": w[2] | w[3] << 64}
        state["has_uint32"], state["uinteger"] = w[4:] or (0, 0)
        self.random.bit_generator.state = state

    def _choose(self) -> tuple[int, int, int, int]:
        kind, where = self.random.random(2)
        s = self.stretches
        if kind < s.beginning_share + s.whole_share:
            lesson = min(int(where * len(self.shards)), len(self.shards) - 1)
            longest = s.beginning if kind < s.beginning_share else LONGEST_STRETCH
            n = int(self.ends[lesson] - (self.ends[lesson - 1] if lesson else 0))
            return lesson, 0, 0, min(n, longest)
        at, before = int(where * self.ends[-1]), 0
        if kind > 1 - s.balanced_share and self.classes:
            places = self.classes[int(where * len(self.classes))]
            at, before = int(places[self.random.integers(len(places))]), int(self.random.integers(s.window))
        lesson = int(np.searchsorted(self.ends, at, "right"))
        first = int(self.ends[lesson - 1]) if lesson else 0
        n = int(self.ends[lesson]) - first
        begin = max(0, min(at - first - before, n - s.window))
        return lesson, begin, begin, min(begin + s.window, n)

    def arrays(self) -> dict[str, tuple[tuple[int, ...], type[np.generic]]]:
        """Returns the shape and type of each array of a batch."""
        (columns,) = self.shards.columns
        lanes, steps, marks = len(self.places), self.steps, columns - MARKS
        return {
            "inputs": ((lanes, steps, INPUTS), np.uint16),
            "targets": ((lanes, steps), np.int64),
            "marks": ((lanes, steps, marks), np.uint8),
            "fresh": ((lanes,), np.bool_),
            "depth_known": ((lanes,), np.bool_),
            "marked": ((lanes, marks), np.bool_),
        }

    def empty(self) -> Batch:
        """Returns a batch to fill."""
        return Batch(**{name: np.empty(shape, kind) for name, (shape, kind) in self.arrays().items()})

    def next(self) -> Batch:
        """Returns the next batch. Rows beyond the end of a stretch are zero and have no target."""
        batch = self.empty()
        self.fill(batch, range(len(self.places)))
        return batch

    def skip(self) -> NDArray[np.bool_]:
        """Moves all lanes past the next batch. Returns which of them (B,) begin a stretch in it."""
        fresh = self.places[:, 2] >= self.places[:, 3]
        for b in np.flatnonzero(fresh).tolist():
            self.places[b], self.inputs[b] = self._choose(), None
        self.places[:, 2] = np.minimum(self.places[:, 2] + self.steps, self.places[:, 3])
        return fresh

    def fill(self, batch: Batch, lanes: range) -> None:
        """Writes the rows of some lanes in the next batch to `batch`, and moves all lanes past it."""
        before = self.places[:, 2].copy()
        fresh = self.skip()
        for b in lanes:
            begin = int(self.places[b, 1])
            batch.fresh[b], batch.depth_known[b] = fresh[b], begin == 0
            self._fill(batch, b, begin if fresh[b] else int(before[b]))

    def _fill(self, batch: Batch, b: int, at: int) -> None:
        """Writes the rows of lane b from place `at` of its lesson on."""
        lesson, begin, until, end = (int(x) for x in self.places[b])
        rows, n = self.shards.lesson(lesson), until - at
        read = self.inputs[b]
        if read is None:
            read = self.inputs[b] = input_rows(rows[:, BYTE], begin, end, self.copy_state)
        inputs, targets, marks = batch.inputs[b], batch.targets[b], batch.marks[b]
        inputs[:n], inputs[n:] = read[at - begin : at - begin + n], 0
        following = rows[at + 1 : at + 1 + n, BYTE]
        targets[: len(following)], targets[len(following) :] = following, NO_TARGET
        marks[:] = IGNORED
        known = max(at - self.delay, begin)
        marks[known - at + self.delay : n] = rows[known : max(known, at + n - self.delay), MARKS:]
        batch.marked[b] = (marks != IGNORED).any(0)
