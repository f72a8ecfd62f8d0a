"""Learns from corrections: small parts of a network learn, its recurrence stands still.

What is learned is measured on a part of the sample of training that nothing learns from, before and after.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from soupstate.model.corrections.correction import KINDS, FaultCorrection, FixCorrection
from soupstate.model.net.block_head import BlockHead
from soupstate.model.net.checkpoint import Checkpoint
from soupstate.model.net.corrected_head import CorrectedHead, names_of
from soupstate.model.net.learned import Learned
from soupstate.model.train.data.corrected_pages import Lessons
from soupstate.model.train.data.fault_lessons import FaultPage, fault_lessons
from soupstate.model.train.data.replay import Replay
from soupstate.model.train.run.correct_blocks import correct_blocks, main_figures, mean_f1
from soupstate.model.train.run.correct_faults import correct_faults, fault_figures
from soupstate.model.train.run.correct_marks import (
    Outputs,
    correct_marks,
    first_outputs,
    mark_figures,
    marks_known,
    taught_figures,
)

FAULT_KINDS = (FaultCorrection.KIND, FixCorrection.KIND)  # of corrections, those that the ranking of faults learns
OTHER_KINDS = tuple(kind for kind in KINDS if kind not in FAULT_KINDS)
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
    return replace(checkpoint, blocks=blocks, marks=None, faults=None)


def figure_names(replay: Replay) -> list[str]:
    """Returns the names of the figures on the kept sample."""
    _, pages = replay.parted()
    _, marks = replay.parted_marks()
    types = {f"main {page.type}" for page in pages}
    return ["main", *sorted(types), *(f"mark {name}" for name in marks_known(marks))]


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


def learn_faults(
    checkpoint: Checkpoint, old: Checkpoint, replay: Replay, lessons: Lessons, pages: list[FaultPage]
) -> tuple[Checkpoint, Figures]:
    """Returns an `unlearned` checkpoint with what corrections teach of faults and fixes, and figures. old: before.

    checkpoint: of the network that has the ranking of faults. pages: those that were corrected. Notes in `lessons`
    which corrections were used.
    """
    taught = fault_lessons(lessons, pages)
    if not taught.items:
        return checkpoint, NO_FIGURES
    faults = correct_faults(taught, [names_of(page.blocks) for page in replay.parted()[0]])
    figures = _beside(fault_figures(old.faults, taught.pages), fault_figures(faults, taught.pages))
    return replace(checkpoint, faults=faults), Figures({}, figures)


def recorded(checkpoint: Checkpoint, lessons: Lessons, kinds: Collection[str], digest: str, date: str) -> Checkpoint:
    """Returns the checkpoint with a note of the corrections that it has learned.

    There is none where it has not learned, and never had. kinds: of corrections, those that this network can learn.
    digest: of all that stood in the store. date: ISO 8601, of the day.
    """
    used = {kind: number for kind, number in lessons.used.items() if kind in kinds}
    if not used and not checkpoint.corrections:
        return checkpoint
    note = Learned(digest, date, lessons.pages, used, dict(lessons.unused))
    return replace(checkpoint, corrections=(*checkpoint.corrections, note))


def _beside(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    return {name: (value, after[name]) for name, value in before.items()}
