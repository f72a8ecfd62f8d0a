"""Field heads: small models that find one field of a page, such as its price, learnt from examples.

A head judges every unit of a page (`soupstate.model.page.units`) by the hashed features of its words and tags, by the
figures of its block, and by the states of the LSTM before and after it. In the likeliest units it judges every boundary
between two tokens: does a value begin here, does one end here? Both are logistic regressions. A third one, over their
sum, turns it into a probability (Platt 1999, "Probabilistic Outputs for Support Vector Machines").
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soupstate.model.net.checkpoint import Checkpoint
from soupstate.model.page.block_figures import FIGURES
from soupstate.model.page.unit_features import HASHES

LARGEST_FIGURE = 5.0  # standard deviations to which figures are clipped
SHOWN_DIGITS = 12  # of a digest, in messages

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class HeadTensors:
    """The numbers of a head.

    mean, deviation, figures (FIGURES,): of a block's figures, and their weights. before, after (units,): weights of the
    states. unit, begin, end (HASHES,): weights of hashed features of units, and of boundaries where a value begins and
    ends. bias (3,): of these three. reliable (2,): slope and offset that turn the sum of the three into a log-odds.
    """

    mean: Floats
    deviation: Floats
    figures: Floats
    before: Floats
    after: Floats
    unit: Floats
    begin: Floats
    end: Floats
    bias: Floats
    reliable: Floats

    def __post_init__(self) -> None:
        units = self.before.shape
        shapes = dict.fromkeys(("mean", "deviation", "figures"), (FIGURES,)) | {"bias": (3,), "reliable": (2,)}
        shapes |= dict.fromkeys(("unit", "begin", "end"), (HASHES,)) | dict.fromkeys(("before", "after"), units)
        for part in fields(self):
            array = getattr(self, part.name)
            if array.shape != shapes[part.name] or array.ndim != 1:
                raise ValueError(f"{part.name}: shape {array.shape}, expected {shapes[part.name]}")
            if not np.isfinite(array).all():
                raise ValueError(f"{part.name}: holds numbers that are not finite")


@dataclass(frozen=True)
class FieldHead:
    """A head. name: of the field. states: the digest of the network that it was fitted to (`states_digest`).

    places: the places (`Unit.place`) where values stood in the examples; it looks at no others. longest: tokens of a
    value, at most. many: whether a page may have several values. figures: what was measured when it was fitted.
    """

    name: str
    states: str
    places: frozenset[str]
    longest: int
    many: bool
    tensors: HeadTensors
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def probe(self) -> Floats:
        """The weights (units, 2) of the states before and after a unit."""
        return np.stack([self.tensors.before, self.tensors.after], 1)

    def of_units(self, hashed: Floats, figures: Floats, states: Floats) -> Floats:
        """Returns the log-odds (units,) that units hold a value, before they are calibrated.

        hashed (units,): the weights of their features together. figures (units, FIGURES): of their blocks; zero for
        other units, after `standard`. states (units,): the states' share.
        """
        total: Floats = hashed + figures @ self.tensors.figures + states + self.tensors.bias[0]
        return total

    def standard(self, figures: Floats) -> Floats:
        """Returns figures (blocks, FIGURES) in standard deviations from the mean."""
        return standard(figures, self.tensors.mean, self.tensors.deviation)

    def probabilities(self, scores: Floats) -> Floats:
        """Returns the calibrated probabilities (values,) of values with these scores (values,)."""
        slope, offset = self.tensors.reliable
        return chance(slope * scores + offset)


def standard(figures: Floats, mean: Floats, deviation: Floats) -> Floats:
    """Returns figures in standard deviations from the mean, at most LARGEST_FIGURE."""
    clipped: Floats = np.clip((figures - mean) / deviation, -LARGEST_FIGURE, LARGEST_FIGURE)
    return clipped


def chance(odds: Floats) -> Floats:
    """Returns the probabilities of log-odds."""
    chances: Floats = (1 / (1 + np.exp(-np.clip(odds, -30, 30)))).astype(np.float32)
    return chances


def check_heads(heads: Sequence[FieldHead], checkpoint: Checkpoint) -> None:
    """Raises ValueError for a head of another network, and for two heads of one name."""
    names: set[str] = set()
    for head in heads:
        if head.states != checkpoint.states_digest:
            raise ValueError(
                f"the head {head.name!r} was fitted to the states of another network "
                f"({head.states[:SHOWN_DIGITS]}, these are {checkpoint.states_digest[:SHOWN_DIGITS]}); fit it again"
            )
        if head.name in names:
            raise ValueError(f"two heads have the name {head.name!r}")
        names.add(head.name)
