"""A training checkpoint on held-out lessons: bits of the next byte, and every head by itself. For ablations."""

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch.nn import functional

from model.page.marks import COLUMN, HEADS, IGNORED, OUTPUT
from model.train.inputs import input_rows
from model.train.network import Network
from model.train.shards import BYTE, MARKS, Shards

CHUNK = 4096  # bytes read at once
Progress = Callable[[range], Iterable[int]]


def measure(network: Network, shards: Shards, delay: int, longest: int, progress: Progress = iter) -> dict[str, float]:
    """Bits per byte and, head by head, the share of right marks (depth: mean absolute error), state reset per lesson.

    Of each lesson the first `longest` bytes are read. Numbers are means over bytes.
    """
    network.eval()
    sums: dict[str, float] = {}
    counts: dict[str, int] = {}
    for number in progress(range(len(shards))):
        rows = shards.lesson(number)[:longest]
        read = input_rows(rows[:, BYTE])
        state = network.zero_state(1, torch.device("cpu"))
        for at in range(0, len(rows) - 1, CHUNK):
            inputs = torch.from_numpy(read[None, at : at + CHUNK]).long()
            with torch.no_grad():
                hidden, state = network.hidden(inputs, state)
                logits = network.next_byte(hidden, inputs)[0]
                outputs = network.heads(hidden)[0].float() if network.heads is not None else None
            target = torch.from_numpy(rows[at + 1 : at + 1 + inputs.shape[1], BYTE].astype(np.int64))
            nats = functional.cross_entropy(logits[: len(target)], target, reduction="sum")
            _add(sums, counts, "bits per byte", float(nats) / np.log(2), len(target))
            if outputs is not None:
                _add_heads(sums, counts, outputs.numpy(), rows, at, delay)
    return {name: total / max(1, counts[name]) for name, total in sums.items()}


def _add(sums: dict[str, float], counts: dict[str, int], name: str, total: float, count: int) -> None:
    sums[name] = sums.get(name, 0.0) + total
    counts[name] = counts.get(name, 0) + count


def _add_heads(
    sums: dict[str, float], counts: dict[str, int], outputs: np.ndarray, rows: np.ndarray, at: int, delay: int
) -> None:
    first = max(0, at - delay)
    outputs = outputs[max(0, delay - at) :]
    marks = rows[first : first + len(outputs), MARKS:]
    for head in HEADS:
        wanted = marks[:, COLUMN[head.name]]
        used = wanted != IGNORED
        got = outputs[: len(marks), OUTPUT[head.name]][used]
        if head.classes == 1:
            error = np.abs(got[:, 0] * head.scale - wanted[used])
            _add(sums, counts, f"{head.name}, mean error", float(error.sum()), int(used.sum()))
        elif used.any():
            right = int((got.argmax(1) == wanted[used]).sum())
            _add(sums, counts, f"{head.name}, share right", right, int(used.sum()))
