"""How likely a reported place is a fault: a logistic regression on what its repairs save and on their kind.

`soupstate.model.train.evaluation.fault_ranking` fits it on pages that were broken on purpose, where the place of the
fault is known. The checkpoint stores the numbers; this module knows what they mean.
"""

import math

import numpy as np
from numpy.typing import NDArray

from soupstate.model.faults.edits import FAULT_KINDS
from soupstate.model.net.checkpoint import Checkpoint, Logistic

FIGURES = (
    "saved",  # log(1 + bits) that the best repair saves
    "short",  # the same over few characters
    "share",  # what it saves as a share of what the best repair of the whole page saves
    "margin",  # log(1 + bits) between the best repair of the place and the next
    "bits",  # log(1 + bits) of surprisal at the place
    "page",  # bits per character of the page
    "size",  # log of the page's characters
    "repeats",  # log of the number of places with the same repair: a habit is no slip
    "mismatch",  # 1 where the markup does not fit together, which is found without the network
    "indented",  # 1 / number of places where the page's indentation asks for an edit, if the best repair is one
    "forward",  # log(1 + bits) saved for the network that reads from the beginning; negative where bits are lost
    "backward",  # the same for the network that reads from the end; 0 where there is none
    "both",  # the lesser of the two
    "habit",  # log(1 + times) that the page has the same tag between the same two, if the best repair inserts one
    "evened",  # by how much the best repair makes the numbers of start and end tags more even; -1 if less even
    "backward bits",  # log(1 + bits) of surprisal at the place for the backward network
)
COLUMNS = len(FIGURES) + len(FAULT_KINDS)
# Before a ranking is fitted: nearly sure of a repair that saves 30 bits, in doubt at 15.
UNFITTED = Logistic((4.0, *(0.0,) * (COLUMNS - 1)), -11.0)


def row(kind: str, figures: dict[str, float]) -> NDArray[np.float64]:
    """Returns what is known of a place (COLUMNS,): its figures by name, and one column for each kind."""
    return np.array([*(figures[name] for name in FIGURES), *(float(kind == k) for k in FAULT_KINDS)])


def ranking_of(checkpoint: Checkpoint) -> Logistic:
    """Returns the checkpoint's ranking, or the unfitted one. Raises ValueError where its weights do not fit COLUMNS."""
    ranking = checkpoint.ranking or UNFITTED
    if len(ranking.weights) != COLUMNS:
        raise ValueError(f"ranking: {len(ranking.weights)} weights, expected {COLUMNS}")
    return ranking


def probability(ranking: Logistic, place: NDArray[np.float64]) -> float:
    """Returns the chance, from 0 to 1, that the place with this row (COLUMNS,) is a fault."""
    return chance(float(place @ np.array(ranking.weights)) + ranking.bias)


def chance(odds: float) -> float:
    """Returns the chance, from 0 to 1, of log-odds."""
    less = math.exp(-abs(odds))  # never overflows
    return (1.0 if odds > 0 else less) / (1.0 + less)
