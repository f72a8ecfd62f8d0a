"""Fits a field head to examples. The network stands still.

A value may stand in several places of its page, and an example does not say which one is meant. So all places count at
first, and then those that look most like the places on the other pages.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from soupstate.model.heads.align import Occurrence, key
from soupstate.model.heads.examples import ReadExample, folds_of
from soupstate.model.heads.logistic import Regression, Rows, fit, fit_platt
from soupstate.model.net.field_head import FieldHead, HeadTensors, standard
from soupstate.model.net.fields import LOOKED_INTO, Candidate, candidates, chosen
from soupstate.model.page.block_figures import FIGURES
from soupstate.model.page.unit_features import HASHES, boundary_features, weighed
from soupstate.model.page.units import Token

RANDOM_UNITS, HARD_UNITS, BOUNDARIES = 120, 60, 80  # that are no value, of a page or unit
MOST_ROWS = 30_000  # units that are no value, random ones and hard ones each, of all examples together
LEAST_SHARE = 0.1  # of the examples with a value that a place must hold
NEAR = 2.0  # log-odds below the likeliest place of a value, within which a place still counts
AGAINST = 3.0  # weight of all rows that are no value, beside 1 for all that are
SLACK = 1.5  # a value may have so many times the tokens of the longest example
FOLDS = 5

Floats = NDArray[np.float32]
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Figures:
    """What a head got right on pages that it was not fitted to.

    exact: pages with the right values and no others. answered, right, wanted: values. empty: pages without a value.
    invented: of these, pages with an answer.
    """

    pages: int
    exact: int
    answered: int
    right: int
    wanted: int
    empty: int
    invented: int

    @property
    def f1(self) -> float:
        """F1 of values."""
        return 2 * self.right / max(1, self.answered + self.wanted)

    def as_dict(self) -> dict[str, float]:
        """Returns the figures for JSON."""
        return asdict(self) | {"f1": round(self.f1, 4)}


def fit_head(name: str, states: str, examples: Sequence[ReadExample], progress: Progress) -> tuple[FieldHead, Figures]:
    """Fits a head to examples. Returns it, and its figures out of fold.

    states: digest of the network that read them. progress: takes a line for each fold.
    """
    head = FieldHead(name, states, *_shape(examples), tensors=_untrained(examples))
    fold = folds_of([each.group for each in examples], FOLDS)
    found: list[list[Candidate]] = [[] for _ in examples]
    for k in range(FOLDS):
        progress(f"fold {k + 1} of {FOLDS}")
        part = _trained(head, [each for each, f in zip(examples, fold, strict=True) if f != k])
        for i in np.flatnonzero(fold == k).tolist():
            found[i] = _candidates(part, examples[i])
    progress("all examples")
    whole = _trained(head, examples)
    reliable = np.array(_calibrated(examples, found), np.float32)
    whole = replace(whole, tensors=replace(whole.tensors, reliable=reliable))
    return whole, measured(whole, examples, found)


def measured(head: FieldHead, examples: Sequence[ReadExample], found: Sequence[list[Candidate]]) -> Figures:
    """Returns the figures of the answers that a head's calibration chooses of candidates."""
    exact = answered = right = wanted = empty = invented = 0
    for example, some in zip(examples, found, strict=True):
        said = {key(value.value) for value in chosen(head, some)}
        exact += len(said) == len(example.found) and said <= example.right
        answered, right, wanted = answered + len(said), right + len(said & example.right), wanted + len(example.found)
        empty += not example.right
        invented += bool(said) and not example.right
    return Figures(len(examples), exact, answered, right, wanted, empty, invented)


def _shape(examples: Sequence[ReadExample]) -> tuple[frozenset[str], int, bool]:
    """Returns where values stand, the tokens of the longest, and whether a page may have several."""
    places: Counter[str] = Counter()
    longest = 1
    for example in examples:
        some = [place for occurrences in example.found for place in occurrences]
        places.update({example.table.units[place.unit].place for place in some})
        longest = max([longest, *(place.last - place.first for place in some)])
    least = LEAST_SHARE * sum(1 for example in examples if example.right)
    kept = frozenset(place for place, count in places.items() if count >= least)
    return kept, round(SLACK * longest) + 1, any(len(example.found) > 1 for example in examples)


def _untrained(examples: Sequence[ReadExample]) -> HeadTensors:
    figures = np.concatenate([example.table.figures for example in examples])
    mean, deviation = figures.mean(0), np.maximum(figures.std(0), 1e-3)
    states, hashes = np.zeros(examples[0].states.shape[2], np.float32), np.zeros(HASHES, np.float32)
    weights = np.zeros(FIGURES, np.float32), states, states, hashes, hashes, hashes
    return HeadTensors(mean, deviation, *weights, bias=np.zeros(3, np.float32), reliable=np.ones(2, np.float32))


def _trained(head: FieldHead, examples: Sequence[ReadExample]) -> FieldHead:
    """Returns the head fitted to examples, not calibrated."""
    random = np.random.default_rng(1)
    kept = [[list(places) for places in each.found] for each in examples]
    for hard in (False, True):
        rows = _unit_rows(head, examples, kept, random, hard=hard)
        head = _with_units(head, fit(rows, HASHES))
        kept = [_likeliest(head, *pair) for pair in zip(examples, kept, strict=True)]
    begin, end = (fit(rows, HASHES) for rows in _boundary_rows(examples, kept, random))
    bias = np.array([head.tensors.bias[0], begin.bias, end.bias], np.float32)
    return replace(head, tensors=replace(head.tensors, begin=begin.hashed, end=end.hashed, bias=bias))


def _with_units(head: FieldHead, found: Regression) -> FieldHead:
    figures, before, after = np.split(found.dense, [FIGURES, FIGURES + len(head.tensors.before)])
    bias = np.array([found.bias, 0, 0], np.float32)
    tensors = replace(head.tensors, unit=found.hashed, figures=figures, before=before, after=after, bias=bias)
    return replace(head, tensors=tensors)


def _state_shares(head: FieldHead, example: ReadExample) -> Floats:
    weights = np.stack([head.tensors.before, head.tensors.after])
    shares: Floats = np.einsum("uks,ks->u", example.states.astype(np.float32), weights)
    return shares


def _scores(head: FieldHead, example: ReadExample) -> Floats:
    """Returns the log-odds (units,) of units."""
    hashed = weighed(example.table.hashes, head.tensors.unit)
    return head.of_units(hashed, _figures(head, example), _state_shares(head, example))


def _figures(head: FieldHead, example: ReadExample) -> Floats:
    figures = np.zeros((len(example.table.units), FIGURES), np.float32)
    figures[example.table.is_block] = standard(example.table.figures, head.tensors.mean, head.tensors.deviation)
    return figures


def _candidates(head: FieldHead, example: ReadExample) -> list[Candidate]:
    return candidates(head, example.table, _state_shares(head, example), {})


def _unit_rows(
    head: FieldHead, examples: Sequence[ReadExample], kept: list[list[list[Occurrence]]],
    random: np.random.Generator, *, hard: bool,
) -> Rows:  # fmt: skip
    """Returns rows of units: those with a value, and some of the others: random ones, and the likeliest if `hard`."""
    hashes, dense, right, weight = [], [], [], []
    share = max(1, MOST_ROWS // len(examples))
    for example, places in zip(examples, kept, strict=True):
        allowed = np.array([unit.place in head.places for unit in example.table.units], np.bool_)
        held = {place.unit for some in example.found for place in some}
        positive = sorted({place.unit for some in places for place in some if allowed[place.unit]})
        others = np.array([i for i in np.flatnonzero(allowed).tolist() if i not in held], np.int64)
        negative = random.permutation(others)[: min(RANDOM_UNITS, share)]
        if hard and len(others):
            likeliest = others[np.argsort(-_scores(head, example)[others])[: min(HARD_UNITS, share)]]
            negative = np.union1d(negative, likeliest)
        some = np.concatenate([np.array(positive, np.int64), negative])
        states = example.states[some].astype(np.float32).reshape(len(some), math.prod(example.states.shape[1:]))
        hashes.append(example.table.hashes[some])
        dense.append(np.concatenate([_figures(head, example)[some], states], 1))
        right.append(np.arange(len(some)) < len(positive))
        weight.append(np.full(len(some), 1 / max(1, len(positive))))
    return _weighted(hashes, dense, right, weight)


def _weighted(
    hashes: list[NDArray[np.uint16]], dense: list[Floats], right: list[NDArray[np.bool_]], weight: list[Floats]
) -> Rows:
    """Returns rows in which those of either class have a fixed weight together."""
    is_right, weights = np.concatenate(right), np.concatenate(weight).astype(np.float32)
    weights[~is_right] = AGAINST / max(1, int((~is_right).sum()))
    weights[is_right] /= max(1e-9, float(weights[is_right].sum()))
    return Rows(np.concatenate(hashes), np.concatenate(dense), is_right, weights)


def _likeliest(head: FieldHead, example: ReadExample, places: list[list[Occurrence]]) -> list[list[Occurrence]]:
    """Returns for each value the places that look most like a place of this field."""
    scores = _scores(head, example)
    scores[[unit.place not in head.places for unit in example.table.units]] = -np.inf
    kept = []
    for some in places:
        best = max((scores[place.unit] for place in some), default=-np.inf)
        kept.append([place for place in some if scores[place.unit] > -np.inf and scores[place.unit] >= best - NEAR])
    return kept


def _boundary_rows(
    examples: Sequence[ReadExample], kept: list[list[list[Occurrence]]], random: np.random.Generator
) -> Iterator[Rows]:
    """Yields rows of the boundaries in units that hold a value: whether one begins there, and whether one ends."""
    hashes, begins, ends = [], [], []
    for example, places in zip(examples, kept, strict=True):
        for number, first, last in _extents(places):
            tokens: list[Token] = example.table.tokens(number)
            features = boundary_features(example.table.page, example.table.units[number], tokens)
            at = np.arange(len(features))
            some = np.union1d(random.permutation(at)[:BOUNDARIES], [*first, *last])
            hashes.append(features[some])
            begins.append(np.isin(some, first))
            ends.append(np.isin(some, last))
    for right in (begins, ends):
        ones = [np.ones(len(part), np.float32) for part in right]
        yield _weighted(hashes, [np.zeros((len(part), 0), np.float32) for part in right], right, ones)


def _extents(places: list[list[Occurrence]]) -> Iterator[tuple[int, list[int], list[int]]]:
    """Yields each unit with the tokens at which its values begin, and those after which they end."""
    units = sorted({place.unit for some in places for place in some})
    for number in units:
        inside = [place for some in places for place in some if place.unit == number]
        yield number, [place.first for place in inside], [place.last for place in inside]


def _calibrated(examples: Sequence[ReadExample], found: Sequence[list[Candidate]]) -> tuple[float, float]:
    """Returns slope and offset by the candidates out of fold, of which each value counts once on its page."""
    scores, right = [], []
    for example, some in zip(examples, found, strict=True):
        seen: set[str] = set()
        for each in some[:LOOKED_INTO]:
            if key(each.value) not in seen:
                seen.add(key(each.value))
                scores.append(each.score)
                right.append(key(each.value) in example.right)
    return fit_platt(np.array(scores, np.float32), np.array(right, np.bool_)) if scores else (1.0, 0.0)
