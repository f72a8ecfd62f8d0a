"""Learns from corrections: small parts of a network learn, its recurrence stands still.

What is learned is measured on a part of the sample of training that nothing learns from, before and after.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from soupstate.model.net.block_head import BlockHead
from soupstate.model.net.checkpoint import Checkpoint
from soupstate.model.net.corrected_head import CorrectedHead
from soupstate.model.net.learned import Learned
from soupstate.model.train.data.corrected_pages import Lessons
from soupstate.model.train.data.replay import Replay
from soupstate.model.train.run.correct_blocks import correct_blocks, main_figures, mean_f1
from soupstate.model.train.run.correct_marks import (
    Outputs,
    correct_marks,
    first_outputs,
    mark_figures,
    taught_figures,
)

MOST_FALL = 0.002  # of a figure on the sample, unless it is allowed


@dataclass(frozen=True)
class Figures:
    """Figures by name, before and after. sample: on the pages kept apart. corrected: on the corrected pages."""

    sample: dict[str, tuple[float, float]]
    corrected: dict[str, tuple[float, float]]

    def fallen(self, allowed: frozenset[str] = frozenset()) -> list[str]:
        """Returns the figures on the sample that fell by more than MOST_FALL, but for those that are allowed to."""
        fell = [name for name, (before, after) in self.sample.items() if before - after > MOST_FALL]
        return [name for name in fell if name not in allowed]

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(self.sample | other.sample, self.corrected | other.corrected)


NO_FIGURES = Figures({}, {})


def unlearned(checkpoint: Checkpoint) -> Checkpoint:
    """Returns the checkpoint as it was before it learned from any correction; its history stays."""
    blocks = checkpoint.blocks.first if isinstance(checkpoint.blocks, CorrectedHead) else checkpoint.blocks
    return replace(checkpoint, blocks=blocks, marks=None)


def learn_marks(
    checkpoint: Checkpoint, old: Checkpoint, replay: Replay, lessons: Lessons
) -> tuple[Checkpoint, Figures]:
    """Returns an `unlearned` checkpoint with what corrections teach of marks, and figures. old: before."""
    first = first_outputs(checkpoint)
    taught, kept = replay.parted_marks()
    marks = correct_marks(first, lessons.marks, lessons.marked, taught)
    before = first if old.marks is None else Outputs(old.marks.weight, old.marks.bias)
    after = Outputs(marks.weight, marks.bias)
    figures = Figures(
        _beside(mark_figures(first, old.marks, kept), mark_figures(first, marks, kept)),
        _beside(taught_figures(before, lessons.marks), taught_figures(after, lessons.marks)),
    )
    return replace(checkpoint, marks=marks), figures


def learn_main(
    checkpoint: Checkpoint, old: Checkpoint, replay: Replay, lessons: Lessons, progress: Callable[[int], None]
) -> tuple[Checkpoint, Figures]:
    """Returns an `unlearned` checkpoint with what corrections teach of main content, and figures. old: before.

    progress(steps): how many were taken. Raises ValueError where there is no block head.
    """
    if not isinstance(checkpoint.blocks, BlockHead) or old.blocks is None:
        raise ValueError("these weights have no block head, so they cannot learn main content")
    taught, kept = replay.parted()
    new = correct_blocks(checkpoint.blocks, lessons.main, taught, progress)
    figures = Figures(
        _beside(main_figures(old.blocks, kept), main_figures(new, kept)),
        {"main": (mean_f1(old.blocks, lessons.main), mean_f1(new, lessons.main))},
    )
    return replace(checkpoint, blocks=new), figures


def recorded(checkpoint: Checkpoint, lessons: Lessons, digest: str, date: str) -> Checkpoint:
    """Returns the checkpoint with a note of the corrections that it has learned.

    digest: of all that stood in the store. date: ISO 8601, of the day.
    """
    note = Learned(digest, date, lessons.pages, dict(lessons.used), dict(lessons.unused))
    return replace(checkpoint, corrections=(*checkpoint.corrections, note))


def _beside(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    return {name: (value, after[name]) for name, value in before.items()}
