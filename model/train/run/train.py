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
    means, metrics = _Means(run.device), Metrics(run.folder, run.characters)
    held_out = HeldOut(Shards(run.root / e.held_out, backward=e.backward), e.delay) if e.held_out else None
    started = saved = marked = time.monotonic()
    measured = -math.inf
    begun = before = run.characters
    own = 0
    while run.characters < e.characters and (used := time.monotonic() - started) < seconds and not stop():
        run.use_time(used / seconds)
        means.add(run.update())
        own += 1
        if own % e.log_interval == 0:
            now, characters = time.monotonic(), run.characters
            row = means.take()
            if held_out and now - measured > e.held_out_seconds:
                row |= held_out.measure(run.network, run.device)
                measured = time.monotonic()
            left = (e.characters - characters) * (now - started) / (characters - begun)
            speed = (characters - before) / (now - marked)
            progress = {"characters": characters, "seconds": run.seconds + now - saved}
            metrics.add(progress | {"characters_per_second": speed, "learning_rate": run.rate} | row)
            log(_line(characters, speed, run.rate, min(left, seconds - used), row))
            marked, before = time.monotonic(), characters
        if time.monotonic() - saved > e.checkpoint_seconds:
            run.seconds, saved = run.seconds + time.monotonic() - saved, time.monotonic()
            run.save()
    run.seconds += time.monotonic() - saved
    run.save()


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
