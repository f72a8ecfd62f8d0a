"""Finds the fields of a page that was read with field heads (`soupstate.model.net.field_head`)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soupstate.model.net.field_head import FieldHead, chance
from soupstate.model.net.reader import Marking
from soupstate.model.page import block_figures
from soupstate.model.page.blocks import blocks_of
from soupstate.model.page.described import described
from soupstate.model.page.entities import unescape_attribute, unescape_text
from soupstate.model.page.skim import Skimmed
from soupstate.model.page.stop import Stop, Watch, never
from soupstate.model.page.unit_features import boundary_features, unit_features, weighed
from soupstate.model.page.units import Token, Unit, attribute_units, joined, text_units, tokens_of

LIKELY = 0.5  # a value of at least this probability is answered
LOOKED_INTO = 8  # units in which a head looks for a value, the likeliest ones
MOST_VALUES = 100  # of a field

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FieldValue:
    """A value of a field, as the Python API, the service, the command line and the rows define it.

    Offsets count code points of the page.

    >>> FieldValue("$12.50", 204, 210, 0.97).value
    '$12.50'
    """

    value: str = described("The value, character references undone and white space folded.")
    start: int = described("Where it begins.")
    end: int = described("Where it ends.")
    probability: float = described("The probability that it is right, calibrated on the examples.")


@dataclass(frozen=True)
class UnitTable:
    """The units of a page, and what heads see of each.

    texts: of the units, white space folded. hashes (units, UNIT_COLUMNS). is_block (units,), figures (blocks, FIGURES).
    around (units, 2): the places of the states before and after each, -1 where there is none.
    """

    page: str
    skimmed: Skimmed
    units: list[Unit]
    texts: list[str]
    hashes: NDArray[np.uint16]
    is_block: NDArray[np.bool_]
    figures: Floats
    around: NDArray[np.int64]

    def tokens(self, number: int) -> list[Token]:
        """Returns the tokens of a unit."""
        return tokens_of(self.units[number], self.skimmed)

    def looked_into(self, number: int) -> "LookedInto":
        """Returns the tokens of a unit, and the features of the boundaries between them."""
        tokens = self.tokens(number)
        return LookedInto(tokens, boundary_features(self.page, self.units[number], tokens))

    def value(self, number: int, tokens: Sequence[Token]) -> str:
        """Returns the text of some tokens of a unit that follow each other; of an attribute, as it is written."""
        if self.units[number].is_attribute:
            written = self.skimmed.whole[tokens[0].start : tokens[-1].end]
            return " ".join(unescape_attribute(written).split())
        return joined(tokens)

    def states(self, values: Floats) -> Floats:
        """Returns the sum (units,) of values (places, 2) before and after each unit; 0 where there is no place."""
        padded = np.concatenate([values, np.zeros((1, 2), np.float32)])
        sums: Floats = padded[self.around[:, 0], 0] + padded[self.around[:, 1], 1]
        return sums


def unit_table(marking: Marking, skimmed: Skimmed, places: frozenset[str] | None, stop: Stop = never) -> UnitTable:
    """Describes the units of a page. places: those that are wanted, of attributes; None: all. Raises Stopped."""
    page, watch = marking.page, Watch(stop)
    assert marking.probed is not None
    blocks = blocks_of(page, marking.spans, watch)
    units = text_units(marking.spans, blocks, watch)
    units += attribute_units(page, marking.spans, watch, places)
    texts = [blocks.texts[unit.block] if unit.block >= 0 else _text(page, unit) for unit in units]
    around = [marking.probed.around(unit.pieces[0][0], unit.pieces[-1][1]) for unit in units]
    return UnitTable(
        page=page,
        skimmed=skimmed,
        units=units,
        texts=texts,
        hashes=unit_features(page, units, texts, watch),
        is_block=np.array([unit.block >= 0 for unit in units], np.bool_),
        figures=block_figures.described(page, blocks, watch).figures,
        around=np.array(around, np.int64).reshape(-1, 2),
    )


def _text(page: str, unit: Unit) -> str:
    unescape = unescape_attribute if unit.is_attribute else unescape_text
    return " ".join("".join(unescape(page[start:end]) for start, end in unit.pieces).split())


@dataclass(frozen=True, slots=True)
class LookedInto:
    """The tokens of a unit, and the hashes (tokens + 1, BOUNDARY_COLUMNS) of the boundaries around them."""

    tokens: list[Token]
    hashes: NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Candidate:
    """Tokens first .. last - 1 of a unit of a table, which a head takes for a value. score: before it is calibrated."""

    unit: int
    tokens: Sequence[Token]
    value: str
    score: float


def candidates(head: FieldHead, table: UnitTable, states: Floats, known: dict[int, LookedInto]) -> list[Candidate]:
    """Returns the likeliest values of a field on a page, the best of each unit or several, the likeliest first.

    states (units,): the states' share in the log-odds of each unit. known: units by number; filled as needed.
    """
    scores = _unit_scores(head, table, states)
    found: list[Candidate] = []
    for number in np.argsort(-scores, kind="stable")[:LOOKED_INTO].tolist():
        if scores[number] == -np.inf:
            break
        if number not in known:
            known[number] = table.looked_into(number)
        own, hashes = known[number].tokens, known[number].hashes
        _, begin_bias, end_bias = head.tensors.bias.tolist()
        begin = np.log(chance(weighed(hashes[:-1], head.tensors.begin) + begin_bias))
        end = np.log(chance(weighed(hashes[1:], head.tensors.end) + end_bias))
        for first, last in stretches(begin, end, head.longest, many=head.many):
            some = own[first:last]
            score = float(scores[number] + begin[first] + end[last - 1])
            found.append(Candidate(number, some, table.value(number, some), score))
    return sorted(found, key=lambda each: -each.score)


def _unit_scores(head: FieldHead, table: UnitTable, states: Floats) -> Floats:
    figures = np.zeros((len(table.units), table.figures.shape[1]), np.float32)
    figures[table.is_block] = head.standard(table.figures)
    scores = head.of_units(weighed(table.hashes, head.tensors.unit), figures, states)
    scores[[unit.place not in head.places for unit in table.units]] = -np.inf
    return scores


def stretches(begin: Floats, end: Floats, longest: int, *, many: bool) -> list[tuple[int, int]]:
    """Returns where values begin and end, as slices of tokens, by log-probabilities (tokens,) that one does at each.

    Without `many` it is the one likeliest stretch of at most `longest` tokens. With `many` it is the best path through
    the tokens: stretches that do not overlap, of which each is likelier than not at both ends, or the likeliest one.
    """
    tokens = len(begin)
    best, one = -np.inf, (0, 0)
    for first in range(tokens):
        ends = end[first : first + longest]
        last = int(ends.argmax())
        if begin[first] + ends[last] > best:
            best, one = float(begin[first] + ends[last]), (first, first + last + 1)
    if not tokens:
        return []
    return (_path(begin, end, longest) or [one]) if many else [one]


def _path(begin: Floats, end: Floats, longest: int) -> list[tuple[int, int]]:
    """Returns the stretches whose log-odds at both ends have the greatest sum, by dynamic programming."""
    gains = [odds - np.log(np.maximum(-np.expm1(odds), 1e-9)) for odds in (begin, end)]
    total, back = [0.0], [0]  # of the best path before each token, and where its last stretch begins, or itself
    for last in range(1, len(begin) + 1):
        first = max(0, last - longest)
        sums = np.array(total[first:last]) + gains[0][first:last] + gains[1][last - 1]
        start = int(sums.argmax())
        likely = gains[0][first + start] > 0 and gains[1][last - 1] > 0 and sums[start] > total[-1]
        total.append(float(sums[start]) if likely else total[-1])
        back.append(first + start if likely else last)
    found, at = [], len(begin)
    while at > 0:
        if back[at] < at:
            found.append((back[at], at))
        at = min(back[at], at - 1)
    return found[::-1]


def find_fields(
    marking: Marking,
    skimmed: Skimmed,
    stop: Stop = never,
    heads: Sequence[FieldHead] | None = None,
    least: float = LIKELY,
) -> dict[str, list[FieldValue]]:
    """Returns the values of each head's field, in the order of the page; an empty list where a page has none.

    skimmed: the page that was read, whose whole page offsets count. heads: some of the marking's; None: all. least: the
    probability from which a value is answered. Raises Stopped.
    """
    wanted = {head.name for head in (marking.heads if heads is None else heads)}
    places = frozenset().union(*(head.places for head in marking.heads if head.name in wanted))
    table = unit_table(marking, skimmed, places, stop)
    assert marking.probed is not None
    known: dict[int, LookedInto] = {}
    answer: dict[str, list[FieldValue]] = {}
    for k, head in enumerate(marking.heads):
        if head.name not in wanted:
            continue
        states = table.states(marking.probed.values[:, 2 * k : 2 * k + 2])
        answer[head.name] = chosen(head, candidates(head, table, states, known), least)
    return answer


def chosen(head: FieldHead, found: Sequence[Candidate], least: float = LIKELY) -> list[FieldValue]:
    """Returns the values to answer of the candidates, the likeliest first: each value once, at its likeliest place."""
    chances = head.probabilities(np.array([each.score for each in found], np.float32))
    values: dict[str, FieldValue] = {}
    for each, probability in zip(found, chances.tolist(), strict=True):
        if probability < least or len(values) == (MOST_VALUES if head.many else 1):
            break
        if not each.value:  # a piece of a character reference
            continue
        extent = each.tokens[0].start, each.tokens[-1].end
        values.setdefault(each.value, FieldValue(each.value, *extent, round(probability, 3)))
    return sorted(values.values(), key=lambda value: value.start)
