"""Trains until the end: it makes updates, logs, measures on held-out lessons, and saves checkpoints."""

import math
import time
from collections.abc import Callable
from datetime import timedelta

import torch
from torch import Tensor

from soupstate.model.train.data.shards import Shards
from soupstate.model.train.run.held_out import HeldOut
from soupstate.model.train.run.loop import Run
from soupstate.model.train.run.metrics import Metrics


def train(
    run: Run, log: Callable[[str], None], *, seconds: float = math.inf, stop: Callable[[], bool] = lambda: False
) -> None:
    """Trains until the characters or `seconds` are used up or `stop` returns True.

    With `seconds` the learning rate falls in time, so that the last updates have the lowest. It logs a line and a row
    of the run's table per log interval. Raises ValueError and OSError for lessons and tables that cannot be used.
    """
    e = run.experiment
    writer = _Writer(run, log, seconds)
    saved, own = writer.started, 0
    while run.characters < e.characters and (used := time.monotonic() - writer.started) < seconds and not stop():
        run.use_time(used / seconds)
        writer.means.add(run.update())
        own += 1
        if own % e.log_interval == 0:
            writer.write(run.seconds + time.monotonic() - saved)
        if time.monotonic() - saved > e.checkpoint_seconds:
            run.seconds, saved = run.seconds + time.monotonic() - saved, time.monotonic()
            run.save()
    run.seconds += time.monotonic() - saved
    if own % e.log_interval:  # what came after the last row
        writer.write(run.seconds, last=True)
    run.save()


class _Writer:
    """Writes a line of the log and a row of the table for the updates since the last one."""

    def __init__(self, run: Run, log: Callable[[str], None], seconds: float) -> None:
        e = run.experiment
        self.run, self.log, self.limit = run, log, seconds
        self.means, self.metrics = _Means(run.device), Metrics(run.folder, run.characters)
        held_out = Shards(run.root / e.held_out, backward=e.backward) if e.held_out else None
        self.held_out = HeldOut(held_out, e.delay, e.table) if held_out else None
        self.started = self.marked = time.monotonic()
        self.measured = -math.inf
        self.begun = self.before = run.characters

    def write(self, spent: float, *, last: bool = False) -> None:
        """Writes them. spent: seconds of the run. last: measure on the held-out lessons in any case."""
        run, now, characters = self.run, time.monotonic(), self.run.characters
        row = self.means.take()
        if self.held_out and (last or now - self.measured > run.experiment.held_out_seconds):
            row |= self.held_out.measure(run.network, run.device)
            self.measured = time.monotonic()
        used = now - self.started
        left = (run.experiment.characters - characters) * used / max(1, characters - self.begun)
        speed = (characters - self.before) / max(1e-9, now - self.marked)
        progress = {"characters": characters, "seconds": spent, "characters_per_second": speed}
        self.metrics.add(progress | {"learning_rate": run.rate} | row)
        self.log(_line(characters, speed, run.rate, max(0.0, min(left, self.limit - used)), row))
        self.marked, self.before = time.monotonic(), characters


class _Means:
    """The mean losses since they were last taken."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.sums: dict[str, Tensor] = {}
        self.counts: dict[str, int] = {}

    def add(self, losses: dict[str, Tensor]) -> None:
        for name, loss in losses.items():
            self.sums[name] = self.sums.get(name, torch.zeros((), device=self.device)) + loss
            self.counts[name] = self.counts.get(name, 0) + 1

    def take(self) -> dict[str, float]:
        means = {name: float(total) / self.counts[name] for name, total in self.sums.items()}
        self.sums, self.counts = {}, {}
        return means


def _line(characters: int, speed: float, rate: float, left: float, row: dict[str, float]) -> str:
    figures = " ".join(f"{name} {value:.4f}" for name, value in row.items())
    ends = timedelta(seconds=round(left))
    return f"{characters / 1e6:.1f}M characters, {speed:.0f}/s, {ends} left, rate {rate:.2g}: {figures}"
