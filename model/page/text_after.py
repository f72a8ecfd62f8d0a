"""Settles the syntax of short comments, and of what follows a tag or a comment: up to the next `<` it is text."""

import re

import numpy as np
from numpy.typing import NDArray

from soupstate.model.page.marks import Syntax

LONGEST = 8192  # bytes of a tag; the network keeps a longer one
LT, GT = b"<>"
IN_TAG = np.zeros(len(Syntax), np.bool_)
IN_TAG[Syntax.TAG : Syntax.BASE + 1] = True
IN_TAG[Syntax.END_TAG] = False
# A comment without brackets inside. React, Vue and Svelte write such comments between texts, as in
# `and <!-- -->2<!-- --> more`, and the network may miss what is so short. It ends as in WHATWG HTML, 13.2.5.43 to 51.
SHORT = 256  # bytes of such a comment, and of the text after it that is settled
COMMENT = re.compile(rb"<!--(?:-?>|[^<>]{0,%d}?--!?>)" % SHORT)
NEXT = re.compile(rb"[^<]{0,%d}" % SHORT)

Syntaxes = NDArray[np.uint8]


def text_after_tags(ids: NDArray[np.uint8], at: int, path: Syntaxes, before: Syntaxes, raw: NDArray[np.bool_]) -> None:
    """Corrects what cannot be inside a tag: stretches between the end of a tag and the next one, or the page's start.

    A stretch that ends with `>` may be a tag that lost its `<`, and stays. So does one of more than LONGEST bytes.
    Arguments are those of `soupstate.model.page.well_formed.settle_syntax`; path changes.
    """
    units = ids[at : at + len(path)]
    wrong = np.flatnonzero((IN_TAG[path] | (path == Syntax.END_TAG)) & (units != LT) & (units != GT))
    wrong = wrong[~raw[at + wrong]]
    if not len(wrong):
        return
    page, end = ids.data, at + len(path)
    first, last = max(0, at - LONGEST), min(len(ids), end + LONGEST)
    brackets = first + np.flatnonzero((ids[first:last] == LT) | (ids[first:last] == GT))
    index = np.searchsorted(brackets, at + wrong, "right")
    each = index[np.flatnonzero(np.diff(index, prepend=-1))]  # each stretch once; they rise
    starts, stops = np.append(-1, brackets)[each], np.append(brackets, len(ids))[each]
    known = (starts >= first) | (first == 0)
    begins = (stops == len(ids)) | (ids[np.minimum(stops, len(ids) - 1)] == LT)  # a tag, or the page ends
    some = known & (stops - starts <= LONGEST) & begins
    for k, start in zip(each[some].tolist(), starts[some].tolist(), strict=True):
        if start >= 0:
            syntax = path[start - at] if start >= at else before[start]
            if page[start] != GT or syntax not in (Syntax.TAG, Syntax.END_TAG):
                continue
        title = page[max(0, start - 6) : start + 1].tobytes().lower() == b"<title>"
        path[wrong[index == k]] = Syntax.TITLE if title else Syntax.TEXT


def settle_comments(ids: NDArray[np.uint8], at: int, path: Syntaxes, before: Syntaxes, raw: NDArray[np.bool_]) -> None:
    """Corrects where a short comment ends, if the network saw its beginning. What follows up to the next `<` is text.

    Arguments are those of `soupstate.model.page.well_formed.settle_syntax`; path changes.
    """
    end = at + len(path)
    for found in COMMENT.finditer(ids.data, max(0, at - 3 * SHORT), min(len(ids), end + 2 * SHORT)):
        start, first = found.span()
        if start >= end:
            return
        syntax = path[start - at] if start >= at else before[start]
        if raw[start] or syntax != Syntax.COMMENT:
            continue
        path[max(0, start - at) : max(0, first - at)] = Syntax.COMMENT
        text = NEXT.match(ids.data, first)
        if text and text[0].strip():
            some = path[max(0, first - at) : max(0, text.end() - at)]
            some[some == Syntax.COMMENT] = Syntax.TEXT
