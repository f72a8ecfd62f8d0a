"""What corrections teach the finding of faults: weights of what an edit looks like, and fixes that were right.

They are used on pages like those that were corrected, so a correction changes no report on a page of another template.
`soupstate.model.faults.taught` says what an edit's features are.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soupstate.model.net.templates import ALIKE, Templates
from soupstate.model.page.block_figures import names_in

FEATURES = 65_536  # hashes of features
MOST_FIXES = 500  # each page like a corrected one is searched for each of them
LONGEST_FIX = 200  # characters that a fix removes, or inserts
# What stands next to the text that a fix removes: a letter, digit or _; white space; the end of the page; or the
# character itself.
WORD, SPACE, EDGE = "w", " ", ""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class RightFix:
    """A fix that people made: `removed` becomes `replacement`. before, after: WORD, SPACE, EDGE or a character."""

    removed: str
    replacement: str
    before: str
    after: str


@dataclass(frozen=True, eq=False)
class CorrectedFaults:
    """What is used on pages like the `templates`. Pages that are like each other are one group, and learn together.

    weight (FEATURES,): what each feature of an edit adds to the log-odds of a fault. fixes: tried on such pages.
    groups (pages,) uint16: of each page of the templates. Raises ValueError for groups of another number of pages.
    """

    weight: Floats
    fixes: tuple[RightFix, ...]
    templates: Templates
    groups: NDArray[np.uint16]

    def __post_init__(self) -> None:
        if self.groups.shape != self.templates.starts.shape:
            raise ValueError(f"faults.groups: {len(self.groups)} groups of {len(self.templates.starts)} pages")

    def group_of(self, page: str) -> int | None:
        """Returns the group that a page is like; None where it is like no page that was corrected."""
        likenesses = self.templates.likenesses(names_in(page))
        nearest = int(likenesses.argmax())
        return int(self.groups[nearest]) if likenesses[nearest] >= ALIKE else None

    def gain(self, features: NDArray[np.int64]) -> float:
        """Returns what an edit's features (k,), each once, add to the log-odds of a fault."""
        return float(self.weight[features].sum(dtype=np.float64))


def groups_of(templates: Templates) -> NDArray[np.uint16]:
    """Returns the group (pages,) of each page of the templates: that of the first one before it that it is like."""
    groups = np.zeros(len(templates.starts), np.uint16)
    for k, names in enumerate(np.split(templates.names, templates.starts[1:].astype(np.int64))):
        like = np.flatnonzero(templates.likenesses(names.astype(np.int64))[:k] >= ALIKE)
        groups[k] = groups[like[0]] if len(like) else (groups[:k].max() + 1 if k else 0)
    return groups


def side_of(character: str) -> str:
    """Returns what a character, or "" at an end of the page, is next to a fix."""
    if character.isalnum() or character == "_":
        return WORD
    return SPACE if character.isspace() else character
