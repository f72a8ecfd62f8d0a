"""Which elements the tags of a page name, and where elements may open or close.

A tag has a number: OTHER_START or OTHER_END where its name is not told apart, else FIRST_NAME plus twice the index of
the name, and one more for an end tag. It runs in C++ where the module was built; the references are beside it.
"""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from soupstate.kernels.compiled import cpp

OTHER_START, OTHER_END, SELF_CLOSING, FIRST_NAME = 0, 1, 2, 3
# A name ends before white space, `/` or `>` (WHATWG HTML, 13.2.5.8).
PLACE = re.compile(rb"<(/?)([A-Za-z][^\t\n\f\r />]*+)[\t\n\f\r />]|(?<=/)>")
NAME = re.compile(rb"<(/?)([A-Za-z][^\s\"'<>/=]*+)?")  # of a tag that may be broken

Numbers = NDArray[np.int16]
Places = NDArray[np.int64]
Starts = NDArray[np.int32] | NDArray[np.int64]


def tag_names(page: NDArray[np.uint8], starts: Starts, names: Sequence[str]) -> Numbers:
    """Returns the numbers (k,) of the tags that begin at starts (k,) in page (n,), in bytes. names: in lower case.

    What is no tag, or has no name, counts as another. Raises ValueError for starts beyond the page.
    """
    if len(starts) and (starts.min() < 0 or starts.max() >= len(page)):
        raise ValueError(f"starts: expected numbers below {len(page)}")
    if cpp is None:
        return reference_tag_names(page, starts, names)
    numbers = np.empty(len(starts), np.int16)
    cpp.tag_names(np.ascontiguousarray(page), np.ascontiguousarray(starts, np.int64), names, numbers)
    return numbers


def reference_tag_names(page: NDArray[np.uint8], starts: Starts, names: Sequence[str]) -> Numbers:
    """Returns what `tag_names` returns, by a regular expression."""
    told = _numbers(names)
    tags = (NAME.match(page.data, start) for start in starts.tolist())
    found = [told.get((tag[2] or b"").lower(), OTHER_START) + len(tag[1]) if tag else OTHER_START for tag in tags]
    return np.array(found, np.int16)


def tag_places(page: NDArray[np.uint8], names: Sequence[str]) -> tuple[Places, Numbers]:
    """Returns the bytes (k,) of page (n,) at which elements may open or close, in order, and the number of each (k,).

    Such a place is the first white space, `/` or `>` after `<` or `</` and a name that begins with a letter, and the
    `>` of every `/>`, whose number is SELF_CLOSING. names: in lower case.
    """
    if cpp is None:
        return reference_tag_places(page, names)
    return cpp.tag_places(np.ascontiguousarray(page), names)


def reference_tag_places(page: NDArray[np.uint8], names: Sequence[str]) -> tuple[Places, Numbers]:
    """Returns what `tag_places` returns, by a regular expression."""
    told, places, numbers = _numbers(names), [], []
    for match in PLACE.finditer(page.data):
        places.append(match.end() - 1)
        name = match[2]
        numbers.append(SELF_CLOSING if name is None else told.get(name.lower(), OTHER_START) + len(match[1]))
    return np.array(places, np.int64), np.array(numbers, np.int16)


def _numbers(names: Sequence[str]) -> dict[bytes, int]:
    return {name.encode(): FIRST_NAME + 2 * k for k, name in enumerate(names)}
