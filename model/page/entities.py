"""Decodes character references in text and in attribute values."""

import html
import re
from collections.abc import Iterable, Iterator
from html.entities import html5

from soupstate.model.page.stop import SPAN, Watch

REFERENCE = re.compile(r"&(#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[A-Za-z][A-Za-z0-9]*;?)")
# Python refuses to read a decimal number of more than 4300 digits, so long ones are read by their length.
LONG_NUMBER = re.compile(r"&#(?:[xX]0*+(?P<hex>[0-9a-fA-F]*+)|0*+(?P<decimal>[0-9]*+));?")
LONG = 9  # digits from which a reference without leading zeros is beyond Unicode
# A long text is decoded slice by slice, so that the work can be given up in between. No slice ends in a reference.
SLICE = 32_768  # characters
LONGEST_REFERENCE = 40  # characters; the longest name of the standard has 32


def text_of(page: str, start: int, end: int, watch: Watch) -> Iterable[str]:
    """Returns the text page[start:end] as a reader sees it, in slices. Raises Stopped."""
    if end - start > SLICE:
        return (_watched_text(part, watch) for part in _slices(page, start, end))
    return (_watched_text(page[start:end], watch),)


def _watched_text(part: str, watch: Watch) -> str:
    watch(len(part))
    return unescape_text(part)


def attribute_of(page: str, extent: tuple[int, int] | None, watch: Watch) -> str:
    """Returns the value of an attribute written as page[start:end], without white space around it; "" for None.

    Raises Stopped.
    """
    if extent is None:
        return ""
    parts = []
    for part in _slices(page, *extent):
        watch(SPAN + len(part))
        parts.append(unescape_attribute(part))
    return "".join(parts).strip()


def _slices(page: str, start: int, end: int) -> Iterator[str]:
    """Yields page[start:end] in slices that end neither in a character reference nor within \\r\\n."""
    while end - start > SLICE:
        cut = start + SLICE
        reference = page.rfind("&", cut - LONGEST_REFERENCE, cut)
        cut = reference if reference >= 0 else cut - (page[cut - 1] == "\r")
        yield page[start:cut]
        start = cut
    yield page[start:end]


def unescape_text(text: str) -> str:
    """Returns the text as a reader sees it, with line ends folded to \\n."""
    return _unescape(_fold_line_ends(text)) if "&" in text or "\r" in text else text


def unescape_attribute(value: str) -> str:
    """Returns an attribute's value. In attributes, `&copy=1` stays as it is (WHATWG HTML, 13.2.5.73)."""
    value = _fold_line_ends(value)
    return REFERENCE.sub(lambda m: _attribute_reference(m, value), value) if "&" in value else value


def _fold_line_ends(text: str) -> str:
    """Folds the line ends of the source. A line end that is written as a reference stays as it is."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _unescape(text: str) -> str:
    return html.unescape(LONG_NUMBER.sub(_short_number, text) if "&#" in text else text)


def _short_number(m: re.Match[str]) -> str:
    """Returns the reference without leading zeros; U+FFFD for a number beyond Unicode (WHATWG HTML, 13.2.5.80)."""
    digits = m["hex"] or m["decimal"] or ""
    if len(digits) >= LONG:
        return "\ufffd"
    if len(m[0]) < LONG:
        return m[0]
    return f"&#{'x' if m['hex'] is not None else ''}{digits or '0'};"


def _attribute_reference(m: re.Match[str], value: str) -> str:
    name = m[1]
    if name.startswith("#") or name in html5:
        if name.startswith("#") or name.endswith(";") or value[m.end() : m.end() + 1] != "=":
            return _unescape(m[0])
        return m[0]
    return m[0]  # a longer alphanumeric name: the standard leaves it alone too
