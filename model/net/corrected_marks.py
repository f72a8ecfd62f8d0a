"""What corrections teach the marks: a second outputs' layer, for pages like those that were corrected."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soupstate.model.net.templates import Templates
from soupstate.model.page.block_figures import names_in

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class CorrectedMarks:
    """The outputs of the heads on pages like the `templates`. weight (outputs, H), bias (outputs,)."""

    weight: Floats
    bias: Floats
    templates: Templates

    def hold(self, page: str) -> bool:
        """Returns whether a page is like one of those that were corrected."""
        return self.templates.hold(names_in(page))
