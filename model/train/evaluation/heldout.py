"""Measures a training checkpoint on held-out lessons, for ablations: bits of the next byte, every head, and speed."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from torch.nn import functional

from soupstate.kernels import Piece, Predictions, State, pack
from soupstate.kernels.copy import copies, copy_state
from soupstate.model.net.fold import fold
from soupstate.model.page.marks import COLUMN, DEEPEST, HEADS, IGNORED, OUTPUT
from soupstate.model.train.data.inputs import input_rows
from soupstate.model.train.data.shards import BYTE, MARKS, Shards
from soupstate.model.train.network.network import Network
from soupstate.model.train.run.experiment import Experiment
from soupstate.model.train.run.export import parameters

CHUNK = 4096  # bytes read at once
TIMED_LESSONS = 20  # lessons on which the kernel's speed is measured
Progress = Callable[[range], Iterable[int]]
Figures = dict[str, float]
Read = Callable[[NDArray[np.uint8], Predictions], object]  # reads bytes with their copy input


def training(checkpoint: Path, experiment: Experiment) -> Figures:
    """Returns the bytes that a training read, and how many per second of wall-clock time, where it recorded them."""
    with safe_open(checkpoint, "pt") as f:
        meta = f.metadata() or {}
    characters = int(meta.get("updates", 0)) * experiment.lanes * experiment.steps
    seconds = float(meta.get("seconds", 0))
    figures: Figures = {"training, bytes": characters} if characters else {}
    return figures | ({"training, bytes per second": characters / seconds} if characters and seconds else {})


def measure(network: Network, shards: Shards, delay: int, longest: int, progress: Progress = iter) -> Figures:
    """Returns bits per byte, for every head the share of right marks and F1, for depth the mean error and r, and speed.

    The state is reset for each lesson, of which the first `longest` bytes are read. All bytes count alike. F1 is the
    mean over the classes that occur in these lessons. r is Pearson's, with depth clamped to DEEPEST. Speed is that of
    torch reading one page at a time, in bytes per second of one thread's processor time: of the cell alone, and of
    cell, next byte and heads.
    """
    network.eval()
    tally = _Tally()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for number in progress(range(len(shards))):
            rows = shards.lesson(number)[:longest]
            read = input_rows(rows[:, BYTE])
            state = network.zero_state(1, torch.device("cpu"))
            for at in range(0, len(rows) - 1, CHUNK):
                inputs = torch.from_numpy(read[None, at : at + CHUNK]).long()
                with torch.no_grad():
                    times = [time.thread_time()]
                    hidden, state = network.hidden(inputs, state)
                    times.append(time.thread_time())
                    logits = network.next_byte(hidden, inputs)[0]
                    outputs = network.heads(hidden)[0].float() if network.heads is not None else None
                    times.append(time.thread_time())
                tally.seconds += np.diff(times)
                target = torch.from_numpy(rows[at + 1 : at + 1 + inputs.shape[1], BYTE].astype(np.int64))
                tally.nats += float(functional.cross_entropy(logits[: len(target)], target, reduction="sum"))
                tally.bytes += len(target)
                if outputs is not None:
                    tally.add_heads(outputs.numpy(), rows, at, delay)
    finally:
        torch.set_num_threads(threads)
    return {"numbers in the cell": sum(p.numel() for p in network.lstm.parameters())} | tally.figures()


def kernel_speed(network: Network, shards: Shards, longest: int) -> Figures:
    """Returns the speed of the fastest kernel on the first TIMED_LESSONS lessons, one page at a time.

    It is in bytes per second of one thread's processor time: of the whole network, and of the LSTM alone. A network
    that no kernel reads has no figures.
    """
    if network.heads is None or not network.copy:
        return {}
    readers = _readers(network)
    count, seconds = 0, dict.fromkeys(readers, 0.0)
    for number in range(min(TIMED_LESSONS, len(shards))):
        ids = np.ascontiguousarray(shards.lesson(number)[:longest, BYTE])
        found, _ = copies(ids, copy_state())
        for name, read in readers.items():
            before = time.thread_time()
            read(ids, found)
            seconds[name] += time.thread_time() - before
        count += len(ids)
    return {name: count / max(taken, 1e-9) for name, taken in seconds.items()}


def _readers(network: Network) -> dict[str, Read]:
    packed = pack(fold(parameters(network)))
    state = State.zeros(packed.weights.units)
    return {
        "reading by the kernel": lambda ids, found: packed.read(ids, found, state),
        "the cell alone, by the kernel": lambda ids, found: packed.read_states([Piece(ids, found, state)]),
    }


class _Tally:
    """Sums over bytes, from which the figures are computed."""

    def __init__(self) -> None:
        self.nats, self.bytes = 0.0, 0
        self.seconds = np.zeros(2)  # of the cell, and of what comes after it
        self.confusion = {h.name: np.zeros((h.classes, h.classes), np.int64) for h in HEADS if h.classes > 1}
        self.depth = np.zeros((3, 3))  # sums of products of 1, the head's output and the depth
        self.error, self.depths = 0.0, 0

    def add_heads(self, outputs: NDArray[np.float32], rows: NDArray[np.uint8], at: int, delay: int) -> None:
        """Adds outputs (n, OUTPUTS) of the rows from `at` on. They predict the marks of `delay` bytes before."""
        first = max(0, at - delay)
        outputs = outputs[max(0, delay - at) :]
        marks = rows[first : first + len(outputs), MARKS:]
        for head in HEADS:
            wanted = marks[:, COLUMN[head.name]]
            used = wanted != IGNORED
            got, wanted = outputs[: len(marks), OUTPUT[head.name]][used], wanted[used].astype(np.int64)
            if head.classes > 1:
                pairs = np.bincount(wanted * head.classes + got.argmax(1), minlength=head.classes**2)
                self.confusion[head.name] += pairs.reshape(head.classes, head.classes)
            else:
                depth = got[:, 0].astype(np.float64) * head.scale
                self.error += float(np.abs(depth - wanted).sum())
                self.depths += len(wanted)
                columns = np.stack([np.ones(len(wanted)), depth, np.minimum(wanted, DEEPEST)])
                self.depth += columns @ columns.T

    def figures(self) -> Figures:
        """Returns the figures of everything that was added."""
        figures: Figures = {"bits per byte": self.nats / np.log(2) / max(1, self.bytes)}
        scores = {name: f1(table) for name, table in self.confusion.items() if table.any()}
        if scores:
            figures["F1, mean over heads"] = float(np.mean(list(scores.values())))
        for name, score in scores.items():
            table = self.confusion[name]
            figures |= {f"{name}, share right": float(np.trace(table) / table.sum()), f"{name}, F1": score}
        if self.depths:
            figures |= {"depth, mean error": self.error / self.depths, "depth, r": pearson(self.depth)}
        figures["reading, bytes per second"] = self.bytes / max(self.seconds.sum(), 1e-9)
        figures["reading, the cell alone"] = self.bytes / max(self.seconds[0], 1e-9)
        return figures


def f1(confusion: NDArray[np.int64]) -> float:
    """Returns the mean F1 over the classes that occur. confusion (wanted, got): counts."""
    wanted, got, right = confusion.sum(1), confusion.sum(0), np.diag(confusion)
    occur = wanted > 0
    return float((2 * right[occur] / (wanted + got)[occur]).mean())


def pearson(sums: NDArray[np.float64]) -> float:
    """Returns Pearson's r of x and y from the sums of products of 1, x and y; 0 when one of them does not vary."""
    n, x, y = sums[0]
    across, of_x, of_y = n * sums[1, 2] - x * y, n * sums[1, 1] - x * x, n * sums[2, 2] - y * y
    return float(across / np.sqrt(of_x * of_y)) if of_x > 0 and of_y > 0 else 0.0
