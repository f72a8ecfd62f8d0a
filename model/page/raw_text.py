"""Where a page's title is, and where the text of scripts, styles and the like may be, by tags alone."""

import re
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from soupstate.model.page.text_after import LONGEST

TITLE_ELEMENT = re.compile(rb"<title(?:\s[^<>]*)?>([^<>]*)</title\s*>", re.I)
NO_HEAD = re.compile(rb"<(?:body|svg|math|script|style|!--)", re.I)  # after these, what seems a title may be none


def title_text(ids: NDArray[np.uint8]) -> slice:
    """Returns where the text of a page's title is, if a whole `title` element stands before the body; else nowhere.

    On a tiny page the network has seen too little when the title comes.
    """
    found = TITLE_ELEMENT.search(ids.data, 0, LONGEST)
    if found is None or NO_HEAD.search(ids.data, 0, found.start()):
        return slice(0, 0)
    return slice(*found.span(1))


def may_be_open(ids: NDArray[np.uint8], elements: Iterable[str]) -> NDArray[np.bool_]:
    """Returns for each byte of a page (n,) whether one of these elements may be open there.

    One is open from its name on, up to the end tag of any of them.
    """
    names = "|".join(sorted(elements)).encode()
    found = np.zeros(len(ids), np.bool_)
    opened = -1
    for tag in re.finditer(rb"<(/?)(?:" + names + rb")\b", ids.data, re.I):
        if not tag[1]:
            opened = tag.start() if opened < 0 else opened
        elif opened >= 0:
            found[opened : tag.end()] = True
            opened = -1
    if opened >= 0:
        found[opened:] = True
    return found
