"""Finds the values of an example in its page: which tokens of which units they are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from soupstate.model.net.fields import UnitTable
from soupstate.model.page.units import Token


class NotFound(ValueError):
    """A value is not in its page."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A value at tokens first .. last - 1 of a unit."""

    unit: int
    first: int
    last: int


def key(value: str) -> str:
    """Returns a value without white space, by which values are compared."""
    return "".join(value.split())


def occurrences(table: UnitTable, values: Sequence[str]) -> list[list[Occurrence]]:
    """Returns for each value where it stands as whole tokens, white space and character references aside."""
    wanted = [key(value) for value in values]
    found: list[list[Occurrence]] = [[] for _ in values]
    for number, unit in enumerate(table.units):
        shown = key(table.texts[number])
        if not unit.is_attribute and not any(value in shown for value in wanted):
            continue  # the text of an attribute may have been skimmed
        tokens = table.tokens(number)
        text = "".join(token.text for token in tokens)
        for value, places in zip(wanted, found, strict=True):
            if value in text:
                places.extend(Occurrence(number, *place) for place in _in_tokens(value, text, tokens))
    return found


def _in_tokens(value: str, text: str, tokens: Sequence[Token]) -> Iterator[tuple[int, int]]:
    starts: dict[int, int] = {}
    at = 0
    for number, token in enumerate(tokens):
        starts[at] = number
        at += len(token.text)
    starts[at] = len(tokens)
    place = text.find(value)
    while place >= 0:
        if place in starts and place + len(value) in starts:
            yield starts[place], starts[place + len(value)]
        place = text.find(value, place + 1)
