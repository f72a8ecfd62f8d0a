"""Decodes character references in text and in attribute values."""

import html
import re
from html.entities import html5

REFERENCE = re.compile(r"&(#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[A-Za-z][A-Za-z0-9]*;?)")


def unescape_text(text: str) -> str:
    """Returns the text as a reader sees it, with line ends folded to \\n."""
    return html.unescape(_fold_line_ends(text)) if "&" in text or "\r" in text else text


def unescape_attribute(value: str) -> str:
    """Returns an attribute's value. In attributes, `&copy=1` stays as it is (WHATWG HTML, 13.2.5.73)."""
    value = _fold_line_ends(value)
    return REFERENCE.sub(lambda m: _attribute_reference(m, value), value) if "&" in value else value


def _fold_line_ends(text: str) -> str:
    """Folds the line ends of the source. A line end that is written as a reference stays as it is."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _attribute_reference(m: re.Match[str], value: str) -> str:
    name = m[1]
    if name.startswith("#") or name in html5:
        if name.startswith("#") or name.endswith(";") or value[m.end() : m.end() + 1] != "=":
            return html.unescape(m[0])
        return m[0]
    return m[0]  # a longer alphanumeric name: the standard leaves it alone too
