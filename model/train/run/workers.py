"""Additional processes that train the same network at once, without locks (Hogwild!, Recht et al. 2011).

Each reads its own lessons with one thread. Weights and the optimizer's moments are in shared memory. Each process adds
its steps to them, from gradients that may be older by one step of every other worker. On processors this scales, while
threads inside one small batch do not.
"""

import dataclasses
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import multiprocessing

from soupstate.model.train.run.loop import Run, Shared


@contextmanager
def further_workers(run: Run, root: Path, count: int) -> Iterator[None]:
    """Runs `count` processes beside the run's own inside a `with`. Raises RuntimeError if one of them failed."""
    if not count:
        yield
        return
    shared = run.share()
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    arguments = (run.experiment, root, shared, stop, os.getpid())
    processes = [context.Process(target=_work, args=(i, *arguments), daemon=True) for i in range(1, count + 1)]
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all processes; the parent handles it
    for process in processes:  # they inherit the ignored signal
        process.start()
    signal.signal(signal.SIGINT, before)
    try:
        yield
    finally:
        stop.set()
        for process in processes:
            process.join()
    failed = [p.exitcode for p in processes if p.exitcode]
    if failed:
        raise RuntimeError(f"{len(failed)} of {count} additional workers failed: their errors are above")


def _work(number: int, experiment, root: Path, shared: Shared, stop, parent: int) -> None:  # type: ignore[no-untyped-def]
    for sent in (signal.SIGINT, signal.SIGTERM):  # a terminal sends them to all processes; the parent handles them
        signal.signal(sent, signal.SIG_IGN)
    torch.set_num_threads(1)
    # Each worker has its own seed, and another after each resume, as the lessons that it was reading are not kept.
    seed = experiment.seed + 1000 * number + int(shared.updates)
    run = Run(dataclasses.replace(experiment, seed=seed, init=""), root, Path(), torch.device("cpu"))
    run.join(shared)
    while run.characters < experiment.characters and not stop.is_set() and os.getppid() == parent:
        run.update()
