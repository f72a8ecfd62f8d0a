"""Reads what a tag says of itself: its name and its attributes. Where a tag is, the network has decided."""

import re

from soupstate.model.page.entities import unescape_attribute
from soupstate.model.page.spans import TagSpan

LONGEST_TAG = 4096  # characters of a tag that are looked at
NAME = re.compile(r"</?([A-Za-z][^\s/>]*)")
ATTRIBUTE = re.compile(r"""[\s/"']([^\s"'<>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?""")


def name_of(page: str, span: TagSpan) -> str:
    """Returns the name of a tag's element in lower case; "" for a tag without one.

    >>> name_of("<P class=x>", TagSpan(0, 11, 1, False))
    'p'
    """
    found = NAME.match(page, span.start, min(span.end, span.start + LONGEST_TAG))
    return found[1].lower() if found else ""


def attributes_of(page: str, span: TagSpan) -> dict[str, str]:
    """Returns the attributes of a tag, the first of each name, with character references undone.

    >>> attributes_of('<ol start="3" reversed>', TagSpan(0, 23, 17, False))
    {'start': '3', 'reversed': ''}
    """
    found: dict[str, str] = {}
    if name := NAME.match(page, span.start, end := min(span.end, span.start + LONGEST_TAG)):
        for m in ATTRIBUTE.finditer(page, name.end(), end):
            value = next((v for v in m.groups()[1:] if v is not None), "")
            found.setdefault(m[1].lower(), unescape_attribute(value))
    return found
