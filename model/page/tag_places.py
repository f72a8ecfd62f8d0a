"""The places of a page at which elements may open or close: a fixed rule on its bytes.

Such a place is the first white space, `/` or `>` after `<` or `</` and a name that begins with a letter, and the `>` of
every `/>`. The rule knows no scripts, comments or quotes: what is no tag there is for the network to see.
"""

import numpy as np
from numpy.typing import NDArray

from soupstate.kernels import tag_names
from soupstate.kernels.tag_names import FIRST_NAME, OTHER_START
from soupstate.model.page.elements import COUNTED_KINDS, FOREIGN_KIND, TOLD_APART

# Kinds of tags are their numbers (soupstate.kernels.tag_names), with these names told apart.
TAG_KINDS = FIRST_NAME + 2 * len(TOLD_APART)
START_OF = {name.encode(): FIRST_NAME + 2 * k for k, name in enumerate(TOLD_APART)}


def tag_places(page: bytes) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Returns the bytes (k,) at which elements may open or close, in order, and the kind of the tag at each (k,).

    >>> tag_places(b"a < b <br/> <my-tag")[0].tolist()
    [9, 10]
    """
    places, numbers = tag_names.tag_places(np.frombuffer(page, np.uint8), TOLD_APART)
    return places, numbers.astype(np.uint8)


def opens() -> NDArray[np.bool_]:
    """Returns whether a tag of each kind may open an element of each kind: (TAG_KINDS, kinds of elements).

    A start tag may open its own kind, an element of SVG or MathML, and elements of kind 0, which may be implied. No
    other tag opens anything.
    """
    may = np.zeros((TAG_KINDS, len(COUNTED_KINDS)), np.bool_)
    may[[OTHER_START, *START_OF.values()]] = np.isin(np.arange(len(COUNTED_KINDS)), (0, FOREIGN_KIND))
    for kind, names in enumerate(COUNTED_KINDS):
        may[[START_OF[name.encode()] for name in names], kind] = True
    return may
