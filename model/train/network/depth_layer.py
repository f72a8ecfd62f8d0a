"""Fits the depth layer (`soupstate.model.net.depth`) to the elements open after each tag in the teacher's trees.

The LSTM stays as it is. At each place the layer is given what is truly open (teacher forcing: Williams & Zipser 1989),
slightly disturbed, and learns the moves of its cells by cross-entropy.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import cycle

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from soupstate.kernels.counters import LEVELS, MOVES, VALUES, open_values
from soupstate.model.net.depth import CELLS, TENSORS, DepthLayer, possible
from soupstate.model.net.reader import Reader, at_places
from soupstate.model.net.reading_loop import ReadingLoop, character_starts
from soupstate.model.page.brief import brief
from soupstate.model.page.marks import DEEPEST, HEADS
from soupstate.model.page.nesting import HTML_NESTING, Nesting
from soupstate.model.page.skim import skim
from soupstate.model.page.stop import never
from soupstate.model.page.tag_places import tag_places
from soupstate.model.train.data.damage import damage
from soupstate.model.train.data.open_elements import opened
from soupstate.model.train.data.teacher import teach

MOST_CHARACTERS = 50_000  # characters read of a page
WIDTH = 128  # units of the small layer
BATCH, EPOCHS, RATE = 2048, 8, 4e-3
# Share of the cells given as one more or one less than they hold. Of .05, .01 and .003, by R^2 on 240 pages of a
# training file and 150 made pages, none of which were learned from: .55, .56 and .71; .27, .93 and .98.
DISTURBED = 0.003

Counts = NDArray[np.uint8]


@dataclass(frozen=True)
class Samples:
    """Places of many pages: h (n, H) after the byte, in levels, and the kind of the tag (n,); open elements before, and
    moves (n, CELLS).
    """

    h: NDArray[np.int8]
    tags: NDArray[np.uint8]
    open: Counts
    moves: NDArray[np.uint8]


def whole(page: str, random: np.random.Generator) -> tuple[str, Counts]:
    """Returns the beginning of a page, and what is open after each of its characters (characters, CELLS)."""
    page = page[:MOST_CHARACTERS]
    ends, counts = opened(page)
    encoded = np.frombuffer(page.encode("utf-8"), np.uint8)
    changes = np.zeros(len(encoded), np.int64)
    changes[ends] = np.arange(1, len(ends) + 1)
    after = np.concatenate([np.zeros((1, CELLS), np.int64), counts]).astype(np.uint8)
    return page, after[np.maximum.accumulate(changes)[character_starts(encoded)]]


def skimmed(page: str, random: np.random.Generator) -> tuple[str, Counts]:
    """Returns the same of a page as it is extracted."""
    return whole(brief(skim(page).text).text, random)


def damaged(page: str, random: np.random.Generator) -> tuple[str, Counts]:
    """Returns the same of a page that was damaged. What is open is what was open before the damage."""
    page, after = whole(page, random)
    page, marks, _ = damage(page, np.concatenate([teach(page), after], 1), random)
    return page, marks[:, len(HEADS) :]


def moves_of(
    before: Counts, after: Counts, tags: NDArray[np.uint8], nesting: Nesting = HTML_NESTING
) -> NDArray[np.uint8]:
    """Returns the moves (k, cells) from what is open before places to what is open after them, as far as possible."""
    change = after.astype(np.int64) - before
    does = np.select(
        [change >= 2, change == 1, change == -1, (change < -1) & (after == 0), change < -1], [4, 1, 2, 3, 5], 0
    )
    does[:, 1:][does[:, 1:] == 4] = 1
    may = possible(nesting)[tags[:, None], np.arange(nesting.cells), does]
    return np.where(may, does, 0).astype(np.uint8)


def samples(reader: Reader, pages: Iterable[str]) -> Iterator[Samples]:
    """Yields the samples of pages, which are taken by turns whole, skimmed and damaged.

    Pages without tags and with DEEPEST or more open elements are left out.
    """
    random = np.random.default_rng(0)
    every_unit = np.arange(reader.checkpoint.weights.units)
    for page, way in zip(pages, cycle((whole, skimmed, damaged)), strict=False):
        if not page:
            continue
        text, open_after = way(page, random)
        encoded = text.encode("utf-8")
        places, tags = tag_places(encoded)
        if not len(places) or open_after.sum(1, dtype=np.int64).max() >= DEEPEST:
            continue
        ids = np.frombuffer(encoded, np.uint8)
        after = open_after[np.searchsorted(character_starts(ids), places, "right") - 1]
        before = np.concatenate([np.zeros((1, CELLS), np.uint8), after[:-1]])
        loop = ReadingLoop(reader.packed, ids, np.zeros(len(ids), np.bool_), at_places(places, len(ids)))
        h = np.concatenate([chunk.traces for _, chunk in loop.chunks(never, units=every_unit)])
        yield Samples(np.rint(h * LEVELS).astype(np.int8), tags, before, moves_of(before, after, tags))


def joined(parts: list[Samples]) -> Samples:
    """Joins samples, one after another."""
    names = ("h", "tags", "open", "moves")
    return Samples(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


class _Layer(nn.Module):
    def __init__(self, units: int, nesting: Nesting) -> None:
        super().__init__()
        self.nesting = nesting
        self.hidden = nn.Linear(units, WIDTH)
        self.rows = nn.EmbeddingBag(nesting.tag_kinds + nesting.tables * VALUES, WIDTH, mode="sum")
        self.moves = nn.Linear(WIDTH, nesting.cells * MOVES)
        nn.init.normal_(self.rows.weight, std=0.1)
        self.impossible = torch.from_numpy(np.where(possible(nesting), 0, -1e4).astype(np.float32))

    def forward(self, h: Tensor, tags: Tensor, values: Tensor) -> Tensor:
        """Returns scores (B, cells, MOVES) from h (B, H), kinds of places (B,) and rows of what is open (B, tables)."""
        n = self.nesting
        rows = torch.cat([tags[:, None], n.tag_kinds + VALUES * torch.arange(n.tables) + values], 1)
        m = torch.relu(self.hidden(h) + self.rows(rows))
        scores: Tensor = self.moves(m).unflatten(1, (n.cells, MOVES)) + self.impossible[tags]
        return scores

    def parameters_to_read(self) -> DepthLayer:
        """Returns the parameters as numpy arrays, rounded to the half precision that checkpoints keep."""
        n = self.nesting
        tags, tables = torch.split(self.rows.weight, [n.tag_kinds, n.tables * VALUES])
        open_rows = tables.reshape(n.tables, VALUES, WIDTH)
        found = (self.hidden.weight, tags + self.hidden.bias, open_rows, self.moves.weight, self.moves.bias)
        rounded = (p.detach().half().float().numpy().copy() for p in found)
        return DepthLayer(nesting=n, **dict(zip(TENSORS, rounded, strict=True)))


def fit_layer(given: Samples, epochs: int = EPOCHS, seed: int = 0, nesting: Nesting = HTML_NESTING) -> DepthLayer:
    """Fits the layer by Adam (Kingma & Ba 2015) and returns it. The rate falls to zero."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    layer = _Layer(given.h.shape[1], nesting)
    adam = torch.optim.Adam(layer.parameters(), RATE)
    count = len(given.h)
    steps = epochs * -(-count // BATCH)
    falling = torch.optim.lr_scheduler.LambdaLR(adam, lambda step: 1 - step / steps)
    for _ in range(epochs):
        order = random.permutation(count)
        for begin in range(0, count, BATCH):
            at = order[begin : begin + BATCH]
            drawn = random.random((len(at), nesting.cells))
            wrong = (drawn < DISTURBED / 2).astype(np.int32) - (drawn > 1 - DISTURBED / 2)
            cells = np.maximum(given.open[at] + wrong, 0)
            scores = layer(
                torch.from_numpy(given.h[at].astype(np.float32) / LEVELS),
                torch.from_numpy(given.tags[at].astype(np.int64)),
                torch.from_numpy(open_values(cells, nesting.pairs).astype(np.int64)),
            )
            wanted = torch.from_numpy(given.moves[at].astype(np.int64))
            adam.zero_grad()
            loss = nesting.cells * functional.cross_entropy(scores.flatten(0, 1), wanted.flatten())
            loss.backward()  # type: ignore[no-untyped-call]  # torch does not annotate it
            adam.step()
            falling.step()
    return layer.parameters_to_read()
