"""The block head: a small network over a page's blocks that says of each how likely it is main content.

A linear output decides every run of text when it passes, and has not seen the rest of the page. This one looks both
ways:

    a = relu(A [figures, mean of word vectors, mean of name vectors])
    c = relu(convolution of a over 5 blocks)
    each block attends to the blocks within REACH of it by HEADS heads over c, with a bias for each distance
    z = relu(Z [a, c, attended, relu(M mean of c)]),  z += relu(convolution of z over 5 blocks)
    logit = W z
    type of the page = softmax(T [mean c, mean figures])

The bias by logarithmic buckets of distance is that of T5 (Raffel et al. 2020). One head, which is enough for a language
model (Merity 2019, "Single Headed Attention RNN"), does less well here: see docs/decisions/main-content.md.
"""

from dataclasses import dataclass, fields
from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from soupstate.model.page.block_figures import BUCKETS, FIGURES, Described

PAGE_TYPES = ("article", "collection", "documentation", "forum", "listing", "product", "service")

WIDTH = 48  # units of every layer
VECTOR = 12  # numbers of the vector of a word or name
TAPS = 5  # blocks that a convolution sees
HEADS = 4  # of the attention
REACH = 256  # blocks on either side that a block attends to
QUERIES = 256  # blocks whose attention is computed together
DISTANCES = 27  # buckets of distances
KNOTS = 24  # of the lines that calibrate chances and confidence
LARGEST_FIGURE = 5.0  # standard deviations to which figures are clipped

Floats = NDArray[np.float32]
_INPUT = FIGURES + 2 * VECTOR
# The tensors and their shapes. Matrices are (outputs, inputs), convolutions (outputs, inputs, TAPS).
SHAPES: dict[str, tuple[int, ...]] = {
    "mean": (FIGURES,),
    "deviation": (FIGURES,),
    "words": (BUCKETS, VECTOR),
    "names": (BUCKETS, VECTOR),
    "input": (WIDTH, _INPUT),
    "input_bias": (WIDTH,),
    "near": (WIDTH, WIDTH, TAPS),
    "near_bias": (WIDTH,),
    "query": (WIDTH, WIDTH),
    "key": (WIDTH, WIDTH),
    "value": (WIDTH, WIDTH),
    "distance": (HEADS, DISTANCES),
    "page": (WIDTH, WIDTH),
    "page_bias": (WIDTH,),
    "joined": (WIDTH, 4 * WIDTH),
    "joined_bias": (WIDTH,),
    "last": (WIDTH, WIDTH, TAPS),
    "last_bias": (WIDTH,),
    "output": (1, WIDTH),
    "output_bias": (1,),
    "types": (len(PAGE_TYPES), WIDTH + FIGURES),
    "types_bias": (len(PAGE_TYPES),),
    "reliability": (2, KNOTS),
    "confidence": (2, KNOTS),
}


@dataclass(frozen=True, eq=False)
class BlockHead:
    """The parameters, with the shapes of SHAPES. Raises ValueError for others."""

    mean: Floats
    deviation: Floats
    words: Floats
    names: Floats
    input: Floats
    input_bias: Floats
    near: Floats
    near_bias: Floats
    query: Floats
    key: Floats
    value: Floats
    distance: Floats
    page: Floats
    page_bias: Floats
    joined: Floats
    joined_bias: Floats
    last: Floats
    last_bias: Floats
    output: Floats
    output_bias: Floats
    types: Floats
    types_bias: Floats
    reliability: Floats
    confidence: Floats

    def __post_init__(self) -> None:
        for part in fields(self):
            shape = getattr(self, part.name).shape
            if shape != SHAPES[part.name]:
                raise ValueError(f"{part.name}: shape {shape}, expected {SHAPES[part.name]}")

    def judge(self, blocks: Described) -> tuple[Floats, Floats]:
        """Returns the chance (blocks,) of each block to be main content, and that (PAGE_TYPES,) of each page type.

        The chances of blocks are not calibrated yet, see `reliable`.
        """
        if not len(blocks.figures):
            return np.zeros(0, np.float32), np.full(len(PAGE_TYPES), 1 / len(PAGE_TYPES), np.float32)
        with _controller().limit(limits=1, user_api="blas"):  # threads would wait for each other
            return self._judge(blocks)

    def _judge(self, blocks: Described) -> tuple[Floats, Floats]:
        figures = np.clip((blocks.figures - self.mean) / self.deviation, -LARGEST_FIGURE, LARGEST_FIGURE)
        x = np.concatenate([figures, _means(self.words, blocks.words), _means(self.names, blocks.names)], 1)
        a = _relu(x @ self.input.T + self.input_bias)
        c = _relu(_convolved(a, self.near) + self.near_bias)
        weights = blocks.weights[:, None]
        mean = (c * weights).sum(0) / weights.sum()
        page = _relu(self.page @ mean + self.page_bias)
        joined = np.concatenate([a, c, self._attended(c), np.broadcast_to(page, a.shape)], 1)
        z = _relu(joined @ self.joined.T + self.joined_bias)
        z = z + _relu(_convolved(z, self.last) + self.last_bias)
        logits = (z @ self.output.T + self.output_bias)[:, 0]
        seen = np.concatenate([mean, (figures * weights).sum(0) / weights.sum()])
        kinds = np.exp(_clipped(self.types @ seen + self.types_bias))
        return (1 / (1 + np.exp(-_clipped(logits)))).astype(np.float32), kinds / kinds.sum()

    def reliable(self, chances: Floats) -> Floats:
        """Returns chances (blocks,) after calibration: of blocks with a chance of .8, .8 are main content."""
        return _along(self.reliability, chances)

    def expected_f1(self, f1: float) -> float:
        """Returns the F1 of words to expect of a choice that has this F1 if the chances are right."""
        return float(_along(self.confidence, np.array([f1], np.float32))[0])

    def _attended(self, c: Floats) -> Floats:
        """Returns the values (blocks, WIDTH) that each block attends to."""
        n = len(c)
        query, key, value = (
            (c @ matrix.T).reshape(n, HEADS, -1).transpose(1, 0, 2) for matrix in (self.query, self.key, self.value)
        )
        query = query / np.float32(np.sqrt(WIDTH // HEADS))
        most = REACH + QUERIES - 1
        distance = np.arange(-most, most + 1)
        bias = np.where(np.abs(distance) <= REACH, self.distance[:, distance_bucket(distance)], np.float32(-np.inf))
        out = np.empty_like(value)
        for first in range(0, n, QUERIES):
            last, begin, end = min(n, first + QUERIES), max(0, first - REACH), min(n, first + QUERIES + REACH)
            # Row i of the window views holds the biases of block first + i, those of the distances to begin .. end - 1.
            rows = sliding_window_view(bias, end - begin, axis=1)[:, begin + most + 1 - last : begin + most + 1 - first]
            scores = query[:, first:last] @ key[:, begin:end].transpose(0, 2, 1)
            scores += rows[:, ::-1]
            scores -= scores.max(2, keepdims=True)
            np.exp(scores, out=scores)
            out[:, first:last] = scores @ value[:, begin:end] / scores.sum(2, keepdims=True)
        return out.transpose(1, 0, 2).reshape(n, WIDTH)


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


def distance_bucket(distance: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns the bucket below DISTANCES of each distance in blocks: exact near 0, logarithmic beyond."""
    most = DISTANCES // 2
    size = np.minimum(most, np.floor(np.log2(1 + np.abs(distance)) * 1.5)).astype(np.int64)
    bucket: NDArray[np.int64] = np.sign(distance) * size + most
    return bucket


def _along(line: Floats, x: Floats) -> Floats:
    """Returns the values at x of the line through KNOTS points."""
    values: Floats = np.interp(x, line[0], line[1]).astype(np.float32)
    return values


def _clipped(x: Floats) -> Floats:
    """Returns numbers whose exponentials are finite."""
    clipped: Floats = np.clip(x, -30, 30)
    return clipped


def _relu(x: Floats) -> Floats:
    return np.maximum(x, np.float32(0))


def _means(table: Floats, ragged: tuple[NDArray[np.int64], NDArray[np.int64]]) -> Floats:
    """Returns the mean vector of each list of rows of a table."""
    rows, starts = ragged
    sizes = np.diff(np.append(starts, len(rows)))[:, None]
    return (np.add.reduceat(table[rows], starts) / sizes).astype(np.float32)


def _convolved(x: Floats, kernel: Floats) -> Floats:
    """Returns the convolution of x (blocks, WIDTH) with a kernel (WIDTH, WIDTH, TAPS), zero beyond the ends."""
    padded = np.pad(x, ((TAPS // 2, TAPS // 2), (0, 0)))
    out = np.zeros_like(x)
    for k in range(TAPS):
        out += padded[k : k + len(x)] @ kernel[:, :, k].T
    return out
