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
    """An endless stream of batches. `state` returns all that it remembers, and `restore` takes it back."""

    def __init__(self, shards: Shards, count: int, steps: int, delay: int, stretches: Stretches, seed: int) -> None:
        self.shards, self.steps, self.delay, self.stretches = shards, steps, delay, stretches
        self.random = np.random.Generator(np.random.PCG64(seed))
        self.ends = np.cumsum(shards.lengths())
        self.classes = places_by_class(shards) if stretches.balanced_share else []
        self.places = np.zeros((count, 4), np.int64)  # lesson, begin, position, end; position == end: done
        self.inputs: list[Inputs] = [np.zeros((0, INPUTS), np.uint16)] * count  # of each lane's stretch

    def state(self) -> dict[str, NDArray[np.uint64] | NDArray[np.int64]]:
        """Returns the lanes' places and the random generator's words."""
        inner = self.random.bit_generator.state["state"]
        words = [v >> s & (2**64 - 1) for v in (inner["state"], inner["inc"]) for s in (0, 64)]
        return {"lanes.places": self.places.copy(), "lanes.random": np.array(words, np.uint64)}

    def restore(self, places: NDArray[np.int64], words: NDArray[np.uint64]) -> None:
        """Restores what `state` returned."""
        self.places = places.copy()
        for b in range(len(places)):
            self._open(b)
        w = [int(x) for x in words]
        state: dict[str, Any] = {**self.random.bit_generator.state}
        state["state"] = {"state": w[0] | w[1] << 64, "inc": w[2] | w[3] << 64}
        state["has_uint32"], state["uinteger"] = 0, 0
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

    def _open(self, lane: int) -> None:
        lesson, begin, _, end = (int(x) for x in self.places[lane])
        self.inputs[lane] = input_rows(self.shards.lesson(lesson)[:, BYTE], begin, end)

    def next(self) -> Batch:
        """Returns the next batch. Rows beyond the end of a stretch are zero and have no target."""
        count, steps = len(self.places), self.steps
        columns = next(iter(self.shards.columns))
        inputs = np.zeros((count, steps, INPUTS), np.uint16)
        targets = np.full((count, steps), NO_TARGET, np.int64)
        marks = np.full((count, steps, columns - MARKS), IGNORED, np.uint8)
        fresh = np.zeros(count, np.bool_)
        for b in range(count):
            lesson, begin, at, end = (int(x) for x in self.places[b])
            if at >= end:
                lesson, begin, at, end = self.places[b] = self._choose()
                self._open(b)
                fresh[b] = True
            rows = self.shards.lesson(lesson)
            n = min(steps, end - at)
            inputs[b, :n] = self.inputs[b][at - begin : at - begin + n]
            following = rows[at + 1 : at + 1 + n, BYTE]
            targets[b, : len(following)] = following
            known = max(at - self.delay, begin)
            marks[b, known - at + self.delay : n] = rows[known : max(known, at + n - self.delay), MARKS:]
            self.places[b] = lesson, begin, at + n, end
        return Batch(inputs, targets, marks, fresh, self.places[:, 1] == 0)
