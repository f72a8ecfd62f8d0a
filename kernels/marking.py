"""What the marks of a page need for each of its bytes, beside the network and the best path.

It runs in C++ where the module was built; the references are beside it.
"""

import re

import numpy as np
from numpy.typing import NDArray

from soupstate.kernels.compiled import cpp

NAME = rb"[^\s\"'<>/=]++"
VALUE = rb"(?:\"[^\"]*+\"|'[^']*+'|[^\s\"'<>=][^\s\"'<>]*+)"
# A well-formed start tag (WHATWG HTML, 13.1.2.1). Every part takes all that it can, so there is no going back.
TAG = re.compile(rb"<(?P<name>[A-Za-z][^\s\"'<>/=]*+)(?:[\s/]++" + NAME + rb"(?:\s*+=\s*+" + VALUE + rb")?+)*+[\s/]*+>")

Floats = NDArray[np.float32]
Places = NDArray[np.int64]
Classes = NDArray[np.uint8]


def span_classes(rows: Floats, first: Places, last: Places, heads: Places) -> Classes:
    """Returns for each of k spans the class with the greatest sum by each of some heads: (k, heads).

    Span i has rows first[i] .. last[i] - 1 of rows (n, columns), or none. heads (heads, 2): where the columns of each
    begin and end. Of equal sums the first counts. Raises ValueError for rows that there are none of.
    """
    if len(first) and (first.min() < 0 or (last < first).any() or last.max() > len(rows)):
        raise ValueError(f"first, last: expected stretches of {len(rows)} rows")
    if cpp is None:
        return reference_span_classes(rows, first, last, heads)
    classes = np.empty((len(first), len(heads)), np.uint8)
    cpp.span_classes(
        np.ascontiguousarray(rows),
        np.ascontiguousarray(first),
        np.ascontiguousarray(last),
        np.ascontiguousarray(heads),
        classes,
    )
    return classes


def reference_span_classes(rows: Floats, first: Places, last: Places, heads: Places) -> Classes:
    """Returns what `span_classes` returns, in numpy."""
    classes = np.empty((len(first), len(heads)), np.uint8)
    for i, (start, end) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
        total = rows[start:end].sum(0, dtype=np.float64)
        classes[i] = [total[begin:stop].argmax() for begin, stop in heads.tolist()]
    return classes


def tag_ends(page: NDArray[np.uint8], starts: Places, longest: int) -> Places:
    """Returns where the start tag ends that begins at each of starts (k,) in page (n,), in bytes: (k,).

    It is 0 where what begins there is no well-formed tag (TAG) of at most `longest` bytes. Raises ValueError for starts
    beyond the page.
    """
    if len(starts) and (starts.min() < 0 or starts.max() >= len(page)):
        raise ValueError(f"starts: expected numbers below {len(page)}")
    if cpp is None:
        return reference_tag_ends(page, starts, longest)
    ends = np.empty(len(starts), np.int64)
    cpp.tag_ends(np.ascontiguousarray(page), np.ascontiguousarray(starts), longest, ends)
    return ends


def reference_tag_ends(page: NDArray[np.uint8], starts: Places, longest: int) -> Places:
    """Returns what `tag_ends` returns, by a regular expression."""
    found = (TAG.match(page.data, start, min(len(page), start + longest)) for start in starts.tolist())
    return np.array([tag.end() if tag else 0 for tag in found], np.int64)
