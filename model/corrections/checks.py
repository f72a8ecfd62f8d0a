"""Checks of what a correction says, against its page and against the names that there are."""

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum
from typing import Any, TypeVar

from soupstate.model.faults.kinds import KINDS as FAULT_KINDS
from soupstate.model.net.head_file import checked_name
from soupstate.model.page.entities import unescape_text
from soupstate.model.page.marks import HEADS, Block, Cell, Event, Syntax, Visible

T = TypeVar("T")

LONGEST_VALUE = 10_000  # characters of a value of a field, of a replacement, of a name
MOST_VALUES = 100  # of a field
MARKS = {head.name: head.classes for head in HEADS if head.classes > 1}  # heads that have classes
# Classes that have names, which are those of the enum in lower case, as `/entropy?include=marks` has them.
NAMED: dict[str, type[IntEnum]] = {"syntax": Syntax, "event": Event, "visible": Visible, "block": Block, "cell": Cell}
# What stands between `<` and `>`. It is left out only to look for words that tags interrupt.
TAG = re.compile("<[^<>]*>")
SHOWN = 60  # characters of a text that a message shows
TYPES = {str: "a string", int: "a whole number", list: "a list", dict: "an object", bool: "true or false"}


class WrongCorrection(ValueError):
    """A correction cannot be used. field: the name of the field that is wrong."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(f"{field}: {detail}")
        self.field, self.detail = field, detail


def check_names(given: Mapping[str, Any], names: Iterable[str]) -> None:
    """Raises WrongCorrection for a field whose name is not one of `names`."""
    for name in sorted(set(given) - set(names)):
        raise WrongCorrection(name, f"unknown field; known: {', '.join(names)}")


def needed(given: Mapping[str, Any], name: str, kind: type[T]) -> T:
    """Returns the value of a field that must be there, of this type. Raises WrongCorrection."""
    if name not in given:
        raise WrongCorrection(name, "is missing")
    value = given[name]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise WrongCorrection(name, f"must be {TYPES[kind]}")
    return value


def string(given: Mapping[str, Any], name: str, most: int) -> str:
    """Returns a string of at most `most` characters. Raises WrongCorrection."""
    return _checked(needed(given, name, str), name, most)


def truth(given: Mapping[str, Any], name: str) -> bool:
    """Returns true or false. Raises WrongCorrection."""
    return needed(given, name, bool)


def checked_span(span: Any, html: str, *, empty: bool = False) -> tuple[int, int]:
    """Returns start and end within the page. empty: they may be equal. Raises WrongCorrection."""
    if not isinstance(span, list) or len(span) != 2 or any(type(place) is not int for place in span):
        raise WrongCorrection("spans", "each must be [start, end], two whole numbers")
    start, end = span
    if start < 0:
        raise WrongCorrection("start", "must be 0 or more")
    if end > len(html):
        raise WrongCorrection("end", f"{end} is beyond the end of the page, which has {len(html)} characters")
    if end < start + (not empty):
        raise WrongCorrection("end", f"must be {'start or more' if empty else 'greater than start'}")
    return start, end


def head_class(mark: str, right: object) -> int:
    """Returns the number of a class of a head. Raises WrongCorrection for a head or a class that does not exist."""
    if mark not in MARKS:
        raise WrongCorrection("mark", f"must be {', '.join(MARKS)}")
    if mark in NAMED:
        names = {kind.name.lower(): kind.value for kind in NAMED[mark]}
        if not isinstance(right, str) or right not in names:
            raise WrongCorrection("right", f"must be {', '.join(names)}")
        return names[right]
    if type(right) is not int or not 0 <= right < MARKS[mark]:
        raise WrongCorrection("right", f"must be a whole number from 0 to {MARKS[mark] - 1}")
    return right


def fault_name(given: Mapping[str, Any], name: str) -> str:
    """Returns the name of a kind of fault of HTML. Raises WrongCorrection."""
    kind = string(given, name, LONGEST_VALUE)
    if kind not in FAULT_KINDS or FAULT_KINDS[kind].of_json:
        raise WrongCorrection(name, f"{_short(kind)} is no kind of fault of HTML; soupstate check --explain lists them")
    return kind


def field_name(given: Mapping[str, Any], name: str) -> str:
    """Returns the name of a field. Raises WrongCorrection."""
    try:
        return checked_name(string(given, name, LONGEST_VALUE))
    except WrongCorrection:
        raise
    except ValueError as error:
        raise WrongCorrection(name, str(error)) from None


def values_in(values: list[Any], html: str) -> tuple[str, ...]:
    """Returns the values of a field, each of which is in the page. Raises WrongCorrection."""
    if len(values) > MOST_VALUES:
        raise WrongCorrection("values", f"must have at most {MOST_VALUES} values")
    pages = ["".join(text.split()) for text in _texts(html)] if values else []
    for value in values:
        if not isinstance(value, str) or not value.split():
            raise WrongCorrection("values", "must be strings that are not empty; [] where the page has none")
        wanted = "".join(_checked(value, "values", LONGEST_VALUE).split())
        if not any(wanted in page for page in pages):
            raise WrongCorrection("values", f"{_short(value)} is not in the page")
    return tuple(values)


def check_text(text: str, html: str) -> None:
    """Raises WrongCorrection where the words of a text do not stand in the page, in its order.

    Character references, white space and case do not count: a browser may show a text in capitals. Tags may interrupt
    words.
    """
    missing, words = "", text.split()
    for page in map(str.lower, _texts(html)):
        at = 0
        for word in words:
            found = page.find(word.lower(), at)
            if found < 0:
                missing = missing or word
                break
            at = found + len(word.lower())
        else:
            return
    raise WrongCorrection("text", f"{_short(missing)} is not in the page, or not in this order")


def _texts(html: str) -> Iterator[str]:
    """Yields the page with its tags, and without them. Character references are resolved in both."""
    yield unescape_text(html)
    yield unescape_text(TAG.sub("", html))


def _checked(text: str, name: str, most: int) -> str:
    """Returns a text. Raises WrongCorrection where it is too long or no Unicode text."""
    if len(text) > most:
        raise WrongCorrection(name, f"must have at most {most} characters")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise WrongCorrection(name, f"character {error.start} is half of a surrogate pair") from None
    return text


def _short(text: str) -> str:
    return repr(text if len(text) <= SHOWN else text[: SHOWN - 1] + "\u2026")
