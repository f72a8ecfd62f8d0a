"""Fits the ranking of the repairs of JSON (`soupstate.model.faults.json_find`) on documents that are broken on purpose.

A document gets one slip, or two. Of the edits that the grammar proposes, those that take a slip back are right. The
ranking is a softmax over these edits and over the case that none is right (conditional logit: McFadden 1974,
"Conditional logit analysis of qualitative choice behavior"), with a penalty of squared weights.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from soupstate.model.faults.json_find import JSON_COLUMNS, choices_of
from soupstate.model.faults.json_scan import is_json, scan
from soupstate.model.net.checkpoint import Logistic
from soupstate.model.net.json_reader import JsonReader
from soupstate.model.page.stop import Watch, never
from soupstate.model.train.data.json_damage import OTHER_NOTATIONS, JsonSlip, Places, json_slip, with_escape
from soupstate.model.train.data.json_lessons import rewritten

LONGEST = 40_000  # characters of a document
TWO = 0.15  # share of documents with two slips
OTHER = 0.15  # share of slips that are another notation
ESCAPED = 0.15  # share of documents that get an escape; else one in twenty has any
ESCAPES = 0.7  # share of slips that are a lost escape, where a document has any
PENALTY = 1.0  # of squared weights of standardised columns, in nats
HELD_OUT = 5  # one document in this many is kept from the fit, to measure it

Floats = NDArray[np.float64]
Case = tuple[Floats, NDArray[np.bool_]]  # rows (n, JSON_COLUMNS) of the edits of a text, and which are right (n,)
Progress = Callable[[list[str]], Iterable[str]]


@dataclass(frozen=True)
class FittedJsonRanking:
    """A ranking. On documents outside the fit: loss in nats per document, the share of documents whose likeliest edit
    is right, and the share of which any edit is.
    """

    ranking: Logistic
    documents: int
    loss: float
    right: float
    possible: float


def fit_json_ranking(
    reader: JsonReader, texts: list[str], *, seed: int = 1, progress: Progress = iter
) -> FittedJsonRanking:
    """Fits the ranking, which belongs to the backward network where there is one.

    Raises ValueError where the texts yield no example.
    """
    cases = list(_cases(reader, progress(texts), np.random.default_rng(seed)))
    if not any(right.any() for _, right in cases):
        raise ValueError("these documents yield no examples to rank by")
    seen = [case for i, case in enumerate(cases) if i % HELD_OUT]
    unseen = cases[::HELD_OUT]
    found = fit(seen)
    scored = [_shares(found, rows) for rows, _ in unseen]
    first = [bool(len(p)) and bool(right[int(np.argmax(p))]) for p, (_, right) in zip(scored, unseen, strict=True)]
    return FittedJsonRanking(
        ranking=fit(cases),
        documents=len(cases),
        loss=float(np.mean([_loss(p, right) for p, (_, right) in zip(scored, unseen, strict=True)])),
        right=float(np.mean(first)),
        possible=float(np.mean([right.any() for _, right in unseen])),
    )


def _cases(reader: JsonReader, texts: Iterable[str], random: np.random.Generator) -> Iterator[Case]:
    """Yields a case of each text that a slip breaks."""
    for text in texts:
        if len(text) > LONGEST:
            continue
        if random.random() < 0.5:
            text = rewritten(text, random)
        if random.random() < ESCAPED:
            text = with_escape(text, random)
        slips = _slips(text, 2 if random.random() < TWO else 1, random)
        broken = _with(text, slips)
        done = scan(broken, Watch(never))
        if not slips or done.at is None:
            continue
        better = {_with(text, [other for other in slips if other is not slip]) for slip in slips}
        choices = choices_of(reader, done, never)
        right = [broken[: r.start] + r.replacement + broken[r.end :] in better for r in (c.repair for c in choices)]
        yield np.array([c.row for c in choices]).reshape(-1, JSON_COLUMNS), np.array(right, np.bool_)


def _slips(text: str, count: int, random: np.random.Generator) -> list[JsonSlip]:
    """Returns at most so many slips that do not touch, of which each alone breaks the text."""
    places, slips = Places(text), list[JsonSlip]()
    for _ in range(count):
        other = random.random() < OTHER
        name = list(OTHER_NOTATIONS)[int(random.integers(len(OTHER_NOTATIONS)))] if other else ""
        if not name and places.needed_escapes and random.random() < ESCAPES:
            name = "lost escape"
        slip = json_slip(places, random, name)
        apart = slip and all(slip.end < s.start - 1 or slip.start > s.end + 1 for s in slips)
        if slip and apart and not is_json(slip.applied(text)):
            slips.append(slip)
    return slips


def _with(text: str, slips: list[JsonSlip]) -> str:
    for slip in sorted(slips, key=lambda s: -s.start):
        text = slip.applied(text)
    return text


def fit(cases: list[Case]) -> Logistic:
    """Fits the weights by L-BFGS (Liu & Nocedal 1989)."""
    every = np.concatenate([rows for rows, _ in cases])
    mean, scale = every.mean(0), np.maximum(every.std(0), 1e-3)
    scaled = [np.column_stack([(rows - mean) / scale, np.ones(len(rows))]) for rows, _ in cases]

    def loss(w: Floats) -> tuple[float, Floats]:
        total, gradient = 0.5 * PENALTY * float(w[:-1] @ w[:-1]), np.append(PENALTY * w[:-1], 0.0)
        for x, (_, right) in zip(scaled, cases, strict=True):
            scores = np.append(x @ w, 0.0)  # the last one is that no edit is right
            wanted = np.append(right, not right.any())
            p = np.exp(scores - scores.max())
            good = p * wanted
            total += float(np.log(p.sum()) - np.log(good.sum()))
            gradient += x.T @ (p / p.sum() - good / good.sum())[:-1]
        return total, gradient

    w = np.asarray(minimize(loss, np.zeros(JSON_COLUMNS + 1), jac=True, method="L-BFGS-B").x)
    weights = w[:-1] / scale
    return Logistic(tuple(round(float(v), 4) for v in weights), round(float(w[-1] - weights @ mean), 4))


def _shares(ranking: Logistic, rows: Floats) -> Floats:
    """Returns the chance of each edit, and behind them that of none."""
    scores = np.append(rows @ np.array(ranking.weights) + ranking.bias, 0.0)
    p = np.exp(scores - scores.max())
    shares: Floats = (p / p.sum())[:-1]
    return shares


def _loss(shares: Floats, right: NDArray[np.bool_]) -> float:
    chance = float(shares[right].sum()) if right.any() else 1 - float(shares.sum())
    return -float(np.log(max(chance, 1e-9)))
