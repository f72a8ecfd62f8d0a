"""Folds white space in texts that come in parts."""

import re
from collections.abc import Iterable

from soupstate.model.page.stop import SPAN, Watch

FOLD = re.compile(r"[\t\n\f\r ]+")  # white space of HTML (WHATWG Infra, 4.6)
ANY_SPACE = re.compile(r"\s+")  # of Unicode, no-break spaces too


def folded(parts: Iterable[str], watch: Watch, space: re.Pattern[str] = FOLD) -> str:
    """Returns the joined parts with every run of white space folded to one space, and none at the ends.

    Raises Stopped.
    """
    out: list[str] = []
    after_space = True
    for part in parts:
        watch(SPAN + len(part))
        text = space.sub(" ", part)
        if after_space and text.startswith(" "):
            text = text[1:]
        if text:
            out.append(text)
            after_space = text.endswith(" ")
    return "".join(out).rstrip(" ")
