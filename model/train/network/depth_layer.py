"""Fits the depth layer (`soupstate.model.net.depth`) to the elements open after each tag in the teacher's trees.

The LSTM stays as it is. At each place the layer is given what is truly open (teacher forcing: Williams & Zipser 1989),
slightly disturbed, and learns the moves of its cells by cross-entropy.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from soupstate.model.net.depth import CELLS, MOVES, SEEN, DepthLayer, cell_inputs
from soupstate.model.net.reader import Reader
from soupstate.model.net.reading_loop import ReadingLoop
from soupstate.model.page.marks import DEEPEST
from soupstate.model.page.stop import never
from soupstate.model.train.data.open_elements import Counts, opened

TAG_LIKE = re.compile(rb"</?[A-Za-z][^\s/>]*[\s/>]|/>")  # also in scripts and comments, where nothing opens
MOST_CHARACTERS = 50_000  # characters read of a page
WIDTH = 128  # units of the small layer
BATCH, EPOCHS, RATE = 2048, 4, 4e-3
DISTURBED = 0.05  # share of the cells given as one more or one less than they hold


@dataclass(frozen=True)
class DepthLesson:
    """Places of a page to learn from: at (n,), bytes; open (n, CELLS), elements open before; moves (n, CELLS)."""

    at: NDArray[np.int64]
    open: NDArray[np.uint8]
    moves: NDArray[np.uint8]


def lesson(encoded: bytes, ends: NDArray[np.int64], counts: Counts, random: np.random.Generator) -> DepthLesson:
    """Returns the bytes where cells move or a tag seems to be, and as many random ones. ends, counts: see `opened`."""
    before = np.concatenate([np.zeros((1, CELLS), np.int64), counts])
    change = np.diff(before, axis=0)
    does = np.select([change > 0, change == -1, (change < -1) & (counts == 0), change < -1], [1, 2, 3, 2], 0)
    likely = np.union1d(ends, [match.end() - 1 for match in TAG_LIKE.finditer(encoded)]).astype(np.int64)
    at = np.union1d(likely, random.integers(0, len(encoded), len(likely)))
    moves = np.zeros((len(encoded), CELLS), np.uint8)
    moves[ends] = does
    return DepthLesson(at, before[np.searchsorted(ends, at)].astype(np.uint8), moves[at])


@dataclass(frozen=True)
class Samples:
    """Places of many pages: h (n, H) after the byte, seen (n, SEEN) last bytes, open and moves as in DepthLesson."""

    h: NDArray[np.float16]
    seen: NDArray[np.uint8]
    open: NDArray[np.uint8]
    moves: NDArray[np.uint8]


def samples(reader: Reader, pages: Iterable[str]) -> Iterator[Samples]:
    """Yields the samples of each page, without empty pages and pages with DEEPEST or more open elements."""
    random = np.random.default_rng(0)
    every_unit = np.arange(reader.checkpoint.weights.units)
    for page in pages:
        page = page[:MOST_CHARACTERS]
        ends, counts = opened(page)
        if not page or counts.sum(1).max(initial=0) >= DEEPEST:
            continue
        encoded = page.encode("utf-8")
        found = lesson(encoded, ends, counts, random)
        ids = np.frombuffer(encoded, np.uint8)
        loop = ReadingLoop(reader.packed, ids, np.zeros(len(ids), np.bool_))
        h = np.concatenate([chunk.traces for _, chunk in loop.chunks(never, units=every_unit)])
        padded = np.concatenate([np.zeros(SEEN - 1, np.uint8), ids])
        seen = np.stack([padded[found.at + SEEN - 1 - k] for k in range(SEEN)], 1)
        yield Samples(h[found.at].astype(np.float16), seen, found.open, found.moves)


def joined(parts: list[Samples]) -> Samples:
    """Joins samples, one after another."""
    names = ("h", "seen", "open", "moves")
    return Samples(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


class _Layer(nn.Module):
    def __init__(self, units: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(units, WIDTH)
        self.seen = nn.ModuleList(nn.Embedding(256, WIDTH) for _ in range(SEEN))
        self.open = nn.Linear(2 * CELLS, WIDTH, bias=False)
        self.moves = nn.Linear(WIDTH, CELLS * MOVES)
        for table in self.seen:
            nn.init.normal_(table.weight, std=0.1)  # type: ignore[arg-type]

    def forward(self, h: Tensor, seen: Tensor, cells: Tensor) -> Tensor:
        """Returns scores (B, CELLS, MOVES) from h (B, H), the last bytes (B, SEEN) and cell inputs (B, 2 CELLS)."""
        z = self.hidden(h) + self.open(cells)
        for k, table in enumerate(self.seen):
            z = z + table(seen[:, k])
        scores: Tensor = self.moves(torch.tanh(z)).unflatten(1, (CELLS, MOVES))
        return scores

    def parameters_to_read(self) -> DepthLayer:
        """Returns the parameters as numpy arrays."""
        seen = torch.stack([table.weight for table in self.seen])  # type: ignore[misc]
        hidden, moves = self.hidden, self.moves
        found = (hidden.weight, hidden.bias, seen, self.open.weight, moves.weight, moves.bias)
        return DepthLayer(*(p.detach().numpy().copy() for p in found))


def fit_layer(given: Samples, epochs: int = EPOCHS, seed: int = 0) -> DepthLayer:
    """Fits the layer by Adam (Kingma & Ba 2015) and returns it. The rate falls to zero; samples are shuffled once."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    order = random.permutation(len(given.h))
    layer = _Layer(given.h.shape[1])
    adam = torch.optim.Adam(layer.parameters(), RATE)
    steps = epochs * -(-len(order) // BATCH)
    falling = torch.optim.lr_scheduler.LambdaLR(adam, lambda step: 1 - step / steps)
    for begin in list(range(0, len(order), BATCH)) * epochs:
        at = order[begin : begin + BATCH]
        wrong = random.choice(3, (len(at), CELLS), p=[1 - DISTURBED, DISTURBED / 2, DISTURBED / 2])
        cells = cell_inputs(np.maximum(given.open[at].astype(np.float32) + np.array([0, 1, -1])[wrong], 0))
        wanted = torch.from_numpy(given.moves[at].astype(np.int64))
        scores = layer(
            torch.from_numpy(given.h[at].astype(np.float32)),
            torch.from_numpy(given.seen[at].astype(np.int64)),
            torch.from_numpy(cells),
        )
        adam.zero_grad()
        loss = CELLS * functional.cross_entropy(scores.flatten(0, 1), wanted.flatten())
        loss.backward()  # type: ignore[no-untyped-call]  # torch does not annotate it
        adam.step()
        falling.step()
    return layer.parameters_to_read()
