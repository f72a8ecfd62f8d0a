"""Pages without the middles of what is never shown: bodies of scripts, styles, drawings and comments.

Of a long body that is closed only the beginning and the end are left: enough for the network to see what it is. One
that holds a second beginning of its kind was perhaps never closed, and what follows it may be the page's text: it is
left whole. Where that is a comment the whole page is, for to see past an open comment the network wants all that
it can get (recall of 16 damaged articles: .920, and .902 where other bodies were cut short).
This is lexical, and only saves reading; what is text and what is not, the network says.
"""

import re
from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate

ENDS = 48  # characters that are left at either end of a body
LEAST = 3 * ENDS  # a shorter body is left whole
BEGIN = re.compile(r"<(script|style|svg)\b[^<>]*>|<!--", re.I)
AGAIN = {name: re.compile(rf"<{name}\b|</{name}\s*>", re.I) for name in ("script", "style", "svg")}
AGAIN["<!--"] = re.compile("<!--|-->")


def skim(page: str) -> str:
    """The page with long bodies cut short."""
    return "".join(page[start:end] for start, end in kept(page))


def kept(page: str) -> list[tuple[int, int]]:
    """(start, end) of the parts of a page that `skim` leaves, in order, with something cut out between any two."""
    parts: list[tuple[int, int]] = []
    start = at = 0  # where the part begins, and what was looked at up to
    while begin := BEGIN.search(page, at):
        at = begin.end()
        end = AGAIN[(begin[1] or "<!--").lower()].search(page, at)
        if end is None or end[0].startswith("<!") or (end[0][1] != "/" and end[0] != "-->"):
            if begin[1] is None:
                return [(0, len(page))]
            continue  # what is inside is looked at too
        if end.start() - at > LEAST:
            parts.append((start, at + ENDS))
            start = end.start() - ENDS
        at = end.end()
    return [*parts, (start, len(page))]


def in_whole(page: str) -> Callable[[int], int]:
    """What tells where in the page a place of `skim(page)` is; offsets in characters."""
    parts = kept(page)
    first = [0, *accumulate(end - start for start, end in parts)][:-1]  # where each part begins in the skimmed page

    def place(at: int) -> int:
        part = bisect_right(first, at) - 1
        return parts[part][0] + at - first[part]

    return place
