"""Teaches the ranking of faults what corrections say: weights of edits' features, for pages like the corrected ones.

The log-odds of the first ranking stay as they are, and the weights are added to them. A logistic loss with a ridge
penalty fits them to what people said, and to the first ranking where nobody said anything.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from soupstate.model.corrections.correction import FixCorrection
from soupstate.model.faults.taught import features_of
from soupstate.model.net.corrected_faults import FEATURES, CorrectedFaults, groups_of
from soupstate.model.net.templates import templates_of
from soupstate.model.train.data.fault_lessons import FaultLessons, FaultPage, Item, is_right

RIDGE = 0.1  # of squared weights, in nats
MOST_STEPS = 500  # of L-BFGS; about a hundred are needed

Floats = NDArray[np.float64]


def correct_faults(lessons: FaultLessons, sample: Sequence[NDArray[np.int64]]) -> CorrectedFaults:
    """Returns what corrections teach. sample: of other pages, the hashes of the names in each one's tags.

    Raises ValueError without lessons.
    """
    if not lessons.items:
        raise ValueError("no correction says what is a fault")
    templates = templates_of([page.names for page in lessons.pages], sample)
    empty = CorrectedFaults(np.zeros(FEATURES, np.float32), lessons.fixes, templates, groups_of(templates))
    groups = {id(page): empty.group_of(page.searched.page) or 0 for page in lessons.pages}
    features = [features_of(item.page.searched.page, item.repair, groups[id(item.page)]) for item in lessons.items]
    weight = fitted(lessons.items, features).astype(np.float16).astype(np.float32)  # as files hold it
    return replace(empty, weight=weight)


def fitted(items: Sequence[Item], hashes: Sequence[NDArray[np.int64]]) -> Floats:
    """Returns the weights (FEATURES,) of features: those of a convex loss, by L-BFGS (Liu and Nocedal 1989).

    hashes: the features of each item.
    """
    sizes = [len(each) for each in hashes]
    features, starts = np.concatenate(hashes), np.cumsum([0, *sizes[:-1]])
    odds, target, weight = (
        np.array([getattr(item, name) for item in items], np.float64) for name in ("odds", "target", "weight")
    )

    def loss(w: Floats) -> tuple[float, Floats]:
        z = odds + np.add.reduceat(w[features], starts)
        slope = weight * (1 / (1 + np.exp(-z)) - target)
        value = float((weight * (np.logaddexp(0, z) - target * z)).sum() + RIDGE / 2 * (w @ w))
        return value, np.bincount(features, np.repeat(slope, sizes), FEATURES) + RIDGE * w

    found: Floats = minimize(loss, np.zeros(FEATURES), jac=True, method="L-BFGS-B", options={"maxiter": MOST_STEPS}).x
    return found


def fault_figures(taught: CorrectedFaults | None, pages: Sequence[FaultPage]) -> dict[str, float]:
    """Returns by kind, `fault` and `fix`, the share of corrections that what is reported agrees with."""
    right: dict[str, list[bool]] = {}
    for page in pages:
        reports = page.reports(taught)
        for said in page.said:
            name = "fix" if isinstance(said, FixCorrection) else "fault"
            right.setdefault(name, []).append(is_right(page, said, reports))
    return {name: sum(values) / len(values) for name, values in sorted(right.items())}
