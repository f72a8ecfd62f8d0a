"""How likely a reported place is a fault: a logistic regression on what its repairs save and what kind it is.

Fitted on pages that were broken on purpose (model.train.ranking): there it is known which place is the fault.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.net.repairs import KINDS

FIGURES = (
    "saved",  # log(1 + bits) that the best repair saves
    "short",  # the same over few characters
    "share",  # what it saves beside the best repair of the whole page
    "margin",  # log(1 + bits) between the best repair of the place and the next
    "bits",  # log(1 + bits) of surprisal at the place
    "page",  # bits per character of the page
    "size",  # log of the page's characters
    "repeats",  # log of how many places of the page have the same repair: a habit is no slip
    "mismatch",  # 1: markup that does not fit together is found there without the network
    "indented",  # 1 / places where the page's indentation asks for an edit, if the best repair is one
    "ahead",  # log(1 + bits) saved as the network sees it that reads from the beginning; negative where lost
    "behind",  # as the one that reads from the end sees it; 0 where there is none
    "agreed",  # the lesser of the two
    "bits behind",  # log(1 + bits) of surprisal at the place for that network
)
COLUMNS = len(FIGURES) + len(KINDS)


def row(kind: str, figures: dict[str, float]) -> NDArray[np.float64]:
    """What is known of a place (COLUMNS,): its figures by name, and which kind it is."""
    return np.array([*(figures[name] for name in FIGURES), *(float(kind == k) for k in KINDS)])


@dataclass(frozen=True)
class Ranking:
    """Weights by column, and a bias. Unfitted: sure of a repair that saves some 30 bits, in doubt at 15."""

    weights: tuple[float, ...] = (4.0, *(0.0,) * (COLUMNS - 1))
    bias: float = -11.0

    def __post_init__(self) -> None:
        if len(self.weights) != COLUMNS:
            raise ValueError(f"ranking: {len(self.weights)} weights, expected {COLUMNS}")

    def probability(self, place: NDArray[np.float64]) -> float:
        """Of a row: the chance, 0 to 1, that the place is a fault."""
        return 1.0 / (1.0 + math.exp(-float(place @ np.array(self.weights)) - self.bias))
