"""Checks tags whose attributes break a rule of the standard, and knows the repair (WHATWG HTML, 13.2.2).

Only tags that are whole count: from < to > without another bracket. What follows a lost quote is no tag of its own.
"""

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from soupstate.model.faults.checks.mismatches import QUIET
from soupstate.model.faults.edits import MISSING, UNEXPECTED, Repair
from soupstate.model.page.stop import Watch, watched

TAG = re.compile(r"<[a-z][^\s<>\"'/=]*+(?P<attributes>[^<>]{2,2000}+)>", re.I)
NAME = r"[a-z@:_#*\[(][\w:.@#\[\]()-]*+"
PART = re.compile(
    rf"(?P<space>\s++)|(?P<attribute>(?P<name>{NAME})(?:\s*+=\s*+(?P<value>\"[^\"]*+\"|'[^']*+'|[^\s\"'=][^\s]*+))?+)"
    r"|(?P<slash>/)",
    re.I,
)
LOST_QUOTE = re.compile(r"[\s\"'][\w:-]+\s*=\s*[\"']$")  # a value that ends with the first quote of the next one
ENDS_UNOPENED = re.compile(r"[^\s\"'=`]+[\"']")  # an unquoted value with a quote at its end
NO_SPACE = ("missing-whitespace-between-attributes", "a space is missing between two attributes")
DUPLICATE = "duplicate-attribute"


def attributes(page: str, syntax: NDArray[np.uint8], watch: Watch) -> Iterator[tuple[int, list[Repair]]]:
    """Yields (place, [repair]) of tags with exactly one slip in their attributes. Raises Stopped."""
    for m in watched(TAG.finditer(page), watch):
        if int(syntax[m.start()]) in QUIET:
            continue
        found = _broken_rules(page, *m.span("attributes"))
        if found and len(found) == 1:
            yield found[0].start, found


def _broken_rules(page: str, at: int, end: int) -> list[Repair] | None:
    """Returns the repairs of the attributes page[at:end]; None where they are no attributes at all."""
    found: list[Repair] = []
    names: set[str] = set()
    apart = True  # whether white space or the tag's name came last
    while at < end:
        m = PART.match(page, at, end)
        if m is None:
            return None
        at = m.end()
        if m["slash"]:
            if at < end and page[at:end].strip(" /"):
                found.append(Repair(m.start(), at, "", UNEXPECTED["/"], "unexpected '/'"))
            apart = True
            continue
        if m["attribute"]:
            if not apart:
                found.append(Repair(m.start(), m.start(), " ", *NO_SPACE))
            found += _of_attribute(page, m, names)
            if m["value"] and LOST_QUOTE.search(m["value"]):
                return None
        apart = m["space"] is not None
    return found


def _of_attribute(page: str, m: re.Match[str], names: set[str]) -> Iterator[Repair]:
    """Yields the repairs of one attribute. names: of those before it in the tag, to which its own is added."""
    name, value = m["name"].lower(), m["value"] or ""
    if name in names:
        begin = m.start() - (page[m.start() - 1] == " ")
        yield Repair(begin, m.end(), "", DUPLICATE, f"the attribute {m['name']} stands twice in one tag")
    names.add(name)
    if value[:1] not in ("", '"', "'") and ENDS_UNOPENED.fullmatch(value):
        # unexpected-character-in-unquoted-attribute-value
        yield Repair(m.start("value"), m.start("value"), value[-1], *MISSING[value[-1]])
