"""Teaches the outputs of marks what corrections say: a second outputs' layer, for pages like the corrected ones.

The mark of a span is the class with the greatest sum of outputs over its bytes, so its mean state and its size say all
that counts. The second layer begins as the first, and stays near it: on the sample of training it shall answer as the
first does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy, kl_div, log_softmax

from soupstate.model.net.checkpoint import Checkpoint
from soupstate.model.net.corrected_marks import CorrectedMarks
from soupstate.model.net.templates import Templates, templates_of
from soupstate.model.page.marks import IGNORED, OUTPUT
from soupstate.model.train.data.mark_sample import HEADS, MarkLesson, MarkSample
from soupstate.model.train.run.block_fit import one_thread

STEPS = 800
LEARNING_RATE = 0.02  # at the start; it falls to 0
NEAR = 10.0  # weight of the first layer's answers on the sample, in nats of Kullback-Leibler divergence
MOST_BYTES = 16  # of a span that count, so that a long one is not everything

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Outputs:
    """A layer of outputs. weight (outputs, H), bias (outputs,)."""

    weight: Floats
    bias: Floats

    def classes(self, head: int, states: Floats) -> NDArray[np.int64]:
        """Returns the class (n,) by a head of spans with these mean states (n, H)."""
        columns = OUTPUT[HEADS[head]]
        found: NDArray[np.int64] = (states @ self.weight[columns].T + self.bias[columns]).argmax(1)
        return found


def first_outputs(checkpoint: Checkpoint) -> Outputs:
    """Returns the outputs of a network that no correction has taught."""
    return Outputs(checkpoint.weights.heads.copy(), checkpoint.weights.heads_bias.copy())


def correct_marks(
    first: Outputs, lessons: Sequence[MarkLesson], pages: Sequence[NDArray[np.int64]], sample: MarkSample
) -> CorrectedMarks:
    """Returns the second layer, and the templates that it is for. It takes one thread.

    pages: of each corrected page, the hashes of the names in its tags. Raises ValueError without lessons.
    """
    if not lessons:
        raise ValueError("no correction says what a mark is")
    with one_thread():
        second = _second(first, lessons, sample)
    return CorrectedMarks(second.weight, second.bias, templates_of(pages, sample.names))


def _second(first: Outputs, lessons: Sequence[MarkLesson], sample: MarkSample) -> Outputs:
    weight, bias = (torch.tensor(part, requires_grad=True) for part in (first.weight, first.bias))
    old = torch.from_numpy(first.weight), torch.from_numpy(first.bias)
    heads = sorted({lesson.head for lesson in lessons})
    new = [_batch([lesson for lesson in lessons if lesson.head == head]) for head in heads]
    near = [_near(head, sample) for head in heads]
    before = [_scores(*old, head, *kept) for head, kept in zip(heads, near, strict=True)]
    optimizer = torch.optim.Adam([weight, bias], LEARNING_RATE)
    for step in range(STEPS):
        loss = torch.zeros(())
        for head, (states, sizes, kinds), kept, answers in zip(heads, new, near, before, strict=True):
            loss = loss + cross_entropy(_scores(weight, bias, head, states, sizes), kinds)
            if len(answers):
                now = log_softmax(_scores(weight, bias, head, *kept), 1)
                loss = loss + NEAR * kl_div(now, log_softmax(answers, 1), log_target=True, reduction="batchmean")
        optimizer.param_groups[0]["lr"] = LEARNING_RATE * (1 - step / STEPS)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    rounded = weight.detach().numpy().astype(np.float16).astype(np.float32)  # as files hold it
    return Outputs(rounded, bias.detach().numpy())


def _batch(lessons: Sequence[MarkLesson]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    states = torch.from_numpy(np.stack([lesson.state for lesson in lessons]))
    sizes = torch.tensor([float(min(lesson.size, MOST_BYTES)) for lesson in lessons])
    return states, sizes, torch.tensor([lesson.kind for lesson in lessons])


def _near(head: int, sample: MarkSample) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns the states and sizes of the spans of the sample that have a class by a head."""
    some = sample.classes[:, head] != IGNORED
    sizes = np.minimum(sample.sizes[some], MOST_BYTES).astype(np.float32)
    return torch.from_numpy(sample.states[some]), torch.from_numpy(sizes)


def _scores(
    weight: torch.Tensor, bias: torch.Tensor, head: int, states: torch.Tensor, sizes: torch.Tensor
) -> torch.Tensor:
    """Returns the summed outputs (n, classes) of a head over spans."""
    columns = OUTPUT[HEADS[head]]
    return (states @ weight[columns].T + bias[columns]) * sizes[:, None]


def taught_figures(outputs: Outputs, lessons: Sequence[MarkLesson]) -> dict[str, float]:
    """Returns by head, as `mark link`, the share of the corrected spans that have the right class."""
    found: dict[str, float] = {}
    for head in sorted({lesson.head for lesson in lessons}):
        some = [lesson for lesson in lessons if lesson.head == head]
        got = outputs.classes(head, np.stack([lesson.state for lesson in some]))
        found[f"mark {HEADS[head]}"] = float(np.mean(got == [lesson.kind for lesson in some]))
    return found


def marks_known(sample: MarkSample) -> list[str]:
    """Returns the names of the heads by which spans of the sample have classes."""
    return [name for head, name in enumerate(HEADS) if (sample.classes[:, head] != IGNORED).any()]


def mark_figures(first: Outputs, marks: CorrectedMarks | None, sample: MarkSample) -> dict[str, float]:
    """Returns by head, as `mark link`, the mean over its classes of the F1 of spans.

    first: the layer of pages that are like no corrected page. The rules that settle marks afterwards do not count.
    """
    second = None if marks is None else _like(marks.templates, sample)
    found: dict[str, float] = {}
    for name in marks_known(sample):
        head = HEADS.index(name)
        some = sample.classes[:, head] != IGNORED
        got, right = first.classes(head, sample.states[some]), sample.classes[some, head]
        if marks is not None and second is not None:
            got = np.where(second[some], Outputs(marks.weight, marks.bias).classes(head, sample.states[some]), got)
        f1 = [_f1(got == kind, right == kind) for kind in np.unique(right)]
        found[f"mark {name}"] = sum(f1) / len(f1)
    return found


def _like(templates: Templates, sample: MarkSample) -> NDArray[np.bool_]:
    """Returns which spans are of pages like those that were corrected."""
    pages = np.array([templates.hold(names) for names in sample.names], np.bool_)
    which: NDArray[np.bool_] = pages[sample.page]
    return which


def _f1(got: NDArray[np.bool_], right: NDArray[np.bool_]) -> float:
    return float(2 * (got & right).sum() / (got.sum() + right.sum()))
