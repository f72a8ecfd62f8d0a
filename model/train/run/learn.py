"""Learns from corrections: small parts of a network learn, its recurrence stands still.

What is learned is measured on a part of the sample of training that nothing learns from, before and after.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from soupstate.model.net.block_head import BlockHead
from soupstate.model.net.checkpoint import Checkpoint
from soupstate.model.net.learned import Learned
from soupstate.model.train.data.corrected_pages import Lessons
from soupstate.model.train.data.replay import Replay
from soupstate.model.train.run.correct_blocks import correct_blocks, main_figures

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


def learn(
    checkpoint: Checkpoint, replay: Replay, lessons: Lessons, progress: Callable[[int], None]
) -> tuple[Checkpoint, Figures]:
    """Returns the checkpoint with what corrections teach, and figures. progress(steps): how many were taken.

    Learning begins at the block head as it was before any correction, so the weights hold exactly the corrections that
    they are given. Raises ValueError where there is nothing to learn, or no block head.
    """
    old = checkpoint.blocks
    if old is None:
        raise ValueError("these weights have no block head, so they cannot learn main content")
    if not lessons.main:
        raise ValueError("no correction says what main content is")
    first = old if isinstance(old, BlockHead) else old.first
    taught, kept = replay.parted()
    new = correct_blocks(first, lessons.main, taught, progress)
    figures = Figures(
        _beside(main_figures(old, kept), main_figures(new, kept)),
        _beside(main_figures(old, lessons.main), main_figures(new, lessons.main)),
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
