"""The block head as it is trained. `soupstate.model.net.block_head` computes the same in numpy, and says what."""

import math

import numpy as np
import torch
from torch import Tensor, nn

from soupstate.model.net.block_head import (
    DISTANCES,
    HEADS,
    KNOTS,
    LARGEST_FIGURE,
    PAGE_TYPES,
    REACH,
    SHAPES,
    TAPS,
    VECTOR,
    WIDTH,
    BlockHead,
    distance_bucket,
)
from soupstate.model.page.block_figures import BUCKETS, FIGURES, Described

DROPPED = 0.3  # share of units, of vectors of words and names, that training leaves out
DROPPED_FIGURES = 0.05


class BlockNetwork(nn.Module):
    """A network over the blocks of one page. mean, deviation (FIGURES,): of the figures of all training blocks."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, mean: Tensor, deviation: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)
        self.words = nn.EmbeddingBag(BUCKETS, VECTOR, mode="mean")
        self.names = nn.EmbeddingBag(BUCKETS, VECTOR, mode="mean")
        for table in (self.words, self.names):
            nn.init.normal_(table.weight, std=0.1)
        self.input = nn.Linear(FIGURES + 2 * VECTOR, WIDTH)
        self.near = nn.Conv1d(WIDTH, WIDTH, TAPS, padding=TAPS // 2)
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(3))
        self.distance = nn.Parameter(torch.zeros(HEADS, DISTANCES))
        self.page = nn.Linear(WIDTH, WIDTH)
        self.joined = nn.Linear(4 * WIDTH, WIDTH)
        self.last = nn.Conv1d(WIDTH, WIDTH, TAPS, padding=TAPS // 2)
        self.output = nn.Linear(WIDTH, 1)
        self.types = nn.Linear(WIDTH + FIGURES, len(PAGE_TYPES))  # of what `of_page` returns
        self.dropout = nn.Dropout(DROPPED)

    @classmethod
    def of(cls, head: BlockHead) -> "BlockNetwork":
        """Returns the network with the parameters of a head."""
        network = cls(torch.from_numpy(head.mean), torch.from_numpy(head.deviation))
        names = {k: k.replace(".weight", "").replace(".bias", "_bias") for k in network.state_dict()}
        network.load_state_dict({k: torch.from_numpy(getattr(head, name)) for k, name in names.items()})
        return network

    def forward(self, blocks: Described) -> Tensor:
        """Returns the logits (blocks,)."""
        a, c = self._layers(self._seen(blocks))
        page = torch.relu(self.page(_mean(c, blocks)))
        joined = torch.cat([a, c, self._attended(c), page.expand(len(a), -1)], 1)
        z = torch.relu(self.joined(self.dropout(joined)))
        z = z + torch.relu(self.last(z.T[None])[0].T)
        logits: Tensor = self.output(z)[:, 0]
        return logits

    def of_page(self, blocks: Described) -> Tensor:
        """Returns the means (WIDTH + FIGURES,) of the second layer and of the figures over the blocks."""
        seen = self._seen(blocks)
        return torch.cat([_mean(self._layers(seen)[1], blocks), _mean(seen[:, :FIGURES], blocks)])

    def _layers(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        a = self.dropout(torch.relu(self.input(seen)))
        return a, torch.relu(self.near(a.T[None])[0].T)

    def _seen(self, blocks: Described) -> Tensor:
        figures = (torch.from_numpy(blocks.figures) - self.mean) / self.deviation
        figures = figures.clamp(-LARGEST_FIGURE, LARGEST_FIGURE)
        vectors = [
            table(*map(torch.from_numpy, ragged))
            for table, ragged in ((self.words, blocks.words), (self.names, blocks.names))
        ]
        if self.training:
            figures = figures * (torch.rand(FIGURES) >= DROPPED_FIGURES)
            for i, vector in enumerate(vectors):
                kept = torch.rand(len(vector), 1) >= DROPPED
                # Now and then a page has no words, or no names: no site is known by them alone.
                vectors[i] = vector * kept / (1 - DROPPED) * (torch.rand(1) >= DROPPED / 2)
        return torch.cat([figures, *vectors], 1)

    def _attended(self, c: Tensor) -> Tensor:
        index = np.arange(len(c))
        distance = index[None] - index[:, None]
        query, key, value = (
            layer(c).view(len(c), HEADS, -1).transpose(0, 1) for layer in (self.query, self.key, self.value)
        )
        scores = query @ key.transpose(1, 2) / math.sqrt(WIDTH // HEADS)
        scores = scores + self.distance[:, torch.from_numpy(distance_bucket(distance))]
        scores = scores.masked_fill(torch.from_numpy(np.abs(distance) > REACH), -math.inf)
        attended: Tensor = (scores.softmax(2) @ value).transpose(0, 1).reshape(len(c), WIDTH)
        return attended

    def head(self) -> BlockHead:
        """Returns the parameters for reading, in half precision. Chances are not calibrated yet."""
        state = {k.replace(".weight", "").replace(".bias", "_bias"): v for k, v in self.state_dict().items()}
        straight = torch.linspace(0, 1, KNOTS).expand(2, KNOTS)
        state |= {"reliability": straight, "confidence": straight}
        return BlockHead(**{name: state[name].numpy().astype(np.float16).astype(np.float32) for name in SHAPES})


def _mean(values: Tensor, blocks: Described) -> Tensor:
    weights = torch.from_numpy(blocks.weights)[:, None]
    return (values * weights).sum(0) / weights.sum()
