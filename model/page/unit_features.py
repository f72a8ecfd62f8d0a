"""Describes units and the boundaries between their tokens by hashed features, from which the field heads learn.

A feature is a text, such as the nearest tag's class or the shape of the first word; a head has a weight for each hash
(Weinberger et al. 2009, "Feature Hashing for Large Scale Multitask Learning").
"""

import re
import zlib
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from soupstate.kernels.words import WORD, told_names
from soupstate.model.page.block_figures import TAG_CHARACTERS
from soupstate.model.page.spans import TagSpan
from soupstate.model.page.stop import Watch, watched
from soupstate.model.page.units import Token, Unit

HASHES = 16_384  # bucket 0 stands for no feature
UNIT_COLUMNS, BOUNDARY_COLUMNS = 52, 26  # most features of a unit and of a boundary
FIRST_WORDS, TAGS_BEFORE, TAGS_INSIDE = 8, 3, 6
SHORT, SHAPED = 30, 40  # characters of a text that is a feature as a whole, and of one whose shape is
NEAR, OFTEN = 12, 4  # characters of the texts beside a unit whose shape counts; units that are alike and counted
COUNTED, PLACED = 12, 4  # words, and tokens before a boundary, that are counted
HASHES_KEPT, SHAPES_KEPT, TAGS_KEPT = 32_768, 16_384, 4096  # that are remembered, because they come again and again
RUNS = (
    (re.compile(r"[^\W\d_]+"), lambda m: "Aa"[m[0][0].islower()] + "a" * (len(m[0]) > 1)),
    (re.compile(r"\d{5,}"), lambda m: "00000"),
    (re.compile(r"\d"), lambda m: "0"),
)

Hashes = NDArray[np.uint16]


def unit_features(page: str, units: Sequence[Unit], texts: Sequence[str], watch: Watch) -> Hashes:
    """Returns the hashes (units, UNIT_COLUMNS) of the features of units with these texts, 0 where there are fewer.

    Raises Stopped.
    """
    words = [WORD.findall(text[: 64 * FIRST_WORDS].lower()) for text in texts]
    ways = [_way(page, unit) for unit in units]
    alike, seen = Counter(ways), Counter[str]()
    rows = []
    for i, unit in enumerate(watched(units, watch)):
        found = _of_unit(unit, texts[i], words[i])
        if unit.block > 0:
            last = WORD.findall(texts[i - 1][-SHAPED:].lower())[-2:]
            found += [f"p:{' '.join(last)}", *(f"q:{word}" for word in last), f"o:{shape(texts[i - 1][-NEAR:])}"]
        if unit.block >= 0 and i + 1 < len(units) and units[i + 1].block >= 0:
            found += [f"r:{' '.join(words[i + 1][:1])}", f"t:{shape(texts[i + 1][:NEAR])}"]
        often = min(alike[ways[i]], OFTEN)
        found += [f"u:{often} {seen[ways[i]] == 0}", f"v:{often} {ways[i]}", f"x:{seen[ways[i]] == 0} {ways[i]}"]
        seen[ways[i]] += 1
        found += _of_tags(page, unit)
        rows.append(found)
    return _hashed(rows, UNIT_COLUMNS)


def _of_unit(unit: Unit, text: str, words: list[str]) -> list[str]:
    found = [f"k:{unit.place}", f"c:{min(len(words), COUNTED)}"]
    found += [f"w:{word}" for word in words[:FIRST_WORDS]]
    if words:
        found += [f"f:{words[0]}", f"f:{' '.join(words[:2])}", f"l:{words[-1]}"]
    if len(text) <= SHORT:
        found.append(f"e:{text.lower()}")
    found.append(f"s:{shape(text)}" if len(text) <= SHAPED else f"b:{shape(text[:8])}")
    return found


def _way(page: str, unit: Unit) -> str:
    """Returns the first names in the nearest start tag before a unit, by which units of one kind are alike."""
    nearest = next((tag for tag in reversed(unit.tags[0]) if not tag.closing), None)
    return " ".join(_names(page, nearest)[:4]) if nearest else ""


def _of_tags(page: str, unit: Unit) -> list[str]:
    """Returns features of the last start tags before a unit, the nearest one apart, and of the tags inside."""
    found: list[str] = []
    before = [tag for tag in unit.tags[0] if not tag.closing][: -TAGS_BEFORE - 1 : -1]
    for away, tag in enumerate(before):
        names = _names(page, tag)
        found += [f"{'nm'[away > 0]}:{name}" for name in names]
    inside = (tag for tags in unit.tags[1:] for tag in tags if not tag.closing)
    found += [f"i:{name}" for tag in islice(inside, TAGS_INSIDE) for name in _names(page, tag)]
    return found


def boundary_features(page: str, unit: Unit, tokens: Sequence[Token]) -> Hashes:
    """Returns the hashes (tokens + 1, BOUNDARY_COLUMNS) of the features of the places before, between and after tokens.

    page: the page that was read.
    """
    texts = ["<", "<", *(token.text.lower() for token in tokens), ">", ">"]
    shapes = ["<", "<", *(shape(token.text) for token in tokens), ">", ">"]
    rows = []
    for i in range(len(tokens) + 1):
        token = tokens[i] if i < len(tokens) else None
        before, left, right, after = range(i, i + 4)  # of `texts` and `shapes`
        place = f"{min(i, PLACED)}{min(len(tokens) - i, PLACED)}"
        found = [
            f"l:{texts[left]}", f"r:{texts[right]}", f"ls:{shapes[left]}", f"rs:{shapes[right]}",
            f"ll:{texts[before]} {texts[left]}", f"rr:{texts[right]} {texts[after]}",
            f"lls:{shapes[before]} {shapes[left]}", f"rrs:{shapes[right]} {shapes[after]}",
            f"lr:{shapes[left]} {shapes[right]}", f"p:{place}", f"k:{unit.place} {place}",
            f"s:{token is None or token.spaced}",
        ]  # fmt: skip
        if i and token:
            found += [f"t:{name}" for tag in token.tags[:TAGS_BEFORE] for name in _names(page, tag)]
        rows.append(found)
    return _hashed(rows, BOUNDARY_COLUMNS)


@lru_cache(SHAPES_KEPT)
def shape(text: str) -> str:
    """Returns a text with its letters and digits replaced: a run of letters by A, Aa, a or aa, a digit by 0.

    >>> shape("By Jane Doe, $12.50")
    'Aa Aa Aa, $00.00'
    """
    for pattern, replacement in RUNS:
        text = pattern.sub(replacement, text)
    return text


def _names(page: str, tag: TagSpan) -> tuple[str, ...]:
    return _told(page[tag.start : min(tag.end, tag.start + TAG_CHARACTERS)])


@lru_cache(TAGS_KEPT)
def _told(tag: str) -> tuple[str, ...]:
    return tuple(told_names(tag))


def _hashed(rows: Sequence[Sequence[str]], columns: int) -> Hashes:
    hashes = np.zeros((len(rows), columns), np.uint16)
    for i, row in enumerate(rows):
        some = [_hash(feature) for feature in row[:columns]]
        hashes[i, : len(some)] = some
    return hashes


@lru_cache(HASHES_KEPT)
def _hash(feature: str) -> int:
    return 1 + zlib.crc32(feature.encode("utf-8", "replace")) % (HASHES - 1)


def weighed(hashes: Hashes, weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the sum (rows,) of the weights (HASHES,) of each row's features."""
    total: NDArray[np.float32] = weights[hashes].sum(1, dtype=np.float32)
    return total
