"""Examples of a field: pages with the values that a person, or the page itself, gives for them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soupstate.model.heads.align import NotFound, Occurrence, key, occurrences
from soupstate.model.net.fields import UnitTable, unit_table
from soupstate.model.net.reader import Marking, Reader
from soupstate.model.page.skim import skim
from soupstate.model.page.units import HIDDEN, TEXT, TITLE

LEAST, MOST = 20, 1000  # examples that a head is fitted to
# Places of values that a person sees, or that name a picture that a person sees.
VISIBLE = frozenset((TEXT, HIDDEN, TITLE, "img src", "img alt"))


@dataclass(frozen=True)
class Example:
    """A page and its values. group: what its template may be known by, such as its site; folds keep groups together."""

    html: str
    values: tuple[str, ...]
    group: str = ""


@dataclass(frozen=True)
class ReadExample:
    """An example that was read. states (units, 2, H): of the network before and after each unit.

    found: for each value, where it stands. right: the keys of its values, in
    all the ways in which the page writes them.
    """

    table: UnitTable
    states: NDArray[np.float16]
    found: list[list[Occurrence]]
    right: frozenset[str]
    group: str


def state_reader(reader: Reader) -> Reader:
    """Returns a reader whose markings hold whole states, twice: as those before and as those after units."""
    return reader.probing(np.eye(reader.checkpoint.weights.units, dtype=np.float32))


def states_around(marking: Marking, table: UnitTable) -> NDArray[np.float16]:
    """Returns the states (units, 2, H) before and after each unit of a page that a `state_reader` read; 0 for none."""
    assert marking.probed is not None
    states = np.concatenate([marking.probed.values, np.zeros((1, marking.probed.values.shape[1]), np.float32)])
    return states[table.around].astype(np.float16)


def read_example(reader: Reader, example: Example, *, visible: bool = False) -> ReadExample:
    """Reads an example with a `state_reader`. visible: values are looked for only where a person sees them.

    Raises NotFound with the value that is not in the page.
    """
    longest = max(map(len, example.values), default=0)
    if longest > len(example.html):
        raise NotFound(f"a value of {longest} characters is longer than the page, which has {len(example.html)}")
    skimmed = skim(example.html)
    marking = reader.mark(skimmed.text)
    table = unit_table(marking, skimmed, VISIBLE if visible else None)
    found = occurrences(table, example.values)
    for value, places in zip(example.values, found, strict=True):
        if not places:
            raise NotFound(f"{_short(value)} is not in the page{', where a person sees it' if visible else ''}")
    return ReadExample(table, states_around(marking, table), found, frozenset(map(key, example.values)), example.group)


def _short(value: str, most: int = 60) -> str:
    return repr(value if len(value) <= most else value[: most - 1] + "\u2026")


def folds_of(groups: Sequence[str], folds: int) -> NDArray[np.int64]:
    """Returns the fold (examples,) of each example, so that a group is in one fold where there are enough groups.

    With fewer groups than folds, the examples are dealt one by one.
    """
    names = sorted(set(groups))
    random = np.random.default_rng(1)
    if len(names) < folds:
        return random.permutation(len(groups)) % folds
    fold = dict(zip(names, (random.permutation(len(names)) % folds).tolist(), strict=True))
    return np.array([fold[group] for group in groups])
