"""Fills batches ahead in several processes, each some of the lanes, so that a GPU need not wait for the copy input.

The batches are those that one process makes, bit for bit: what every lane reads depends on the seed alone, so each
process follows all lanes and fills its own. A ring of batches lies in shared memory. A process waits for a free place
in the ring, and the reader waits until all processes have filled the next one.
"""

import multiprocessing
import os
import signal
from multiprocessing.process import BaseProcess
from multiprocessing.sharedctypes import RawArray
from multiprocessing.synchronize import Event, Semaphore
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soupstate.model.train.data.lanes import Batch, Lanes

AHEAD = 4  # batches in the ring
ALIGNED = 64  # bytes
PATIENCE = 1.0  # seconds between two looks at whether the other side still runs


class Loaders:
    """The stream of batches of `lanes`, made by `processes` processes. They start with the first batch.

    The arrays of a batch are valid until the next one is asked for.
    """

    def __init__(self, lanes: Lanes, processes: int) -> None:
        self.lanes, self.count = lanes, min(processes, len(lanes.places))
        self.processes: list[BaseProcess] = []
        self.filled: list[Semaphore] = []
        self.free: list[Semaphore] = []
        self.ring: list[Batch] = []
        self.stop: Event | None = None
        self.taken = 0

    def state(self) -> dict[str, NDArray[np.uint64] | NDArray[np.int64]]:
        """Returns the state of the lanes after the last batch that was taken."""
        return self.lanes.state()

    def restore(self, places: NDArray[np.int64], words: NDArray[np.uint64]) -> None:
        """Restores what `state` returned."""
        self.close()
        self.lanes.restore(places, words)

    def next(self) -> Batch:
        """Returns the next batch. Raises RuntimeError if a process has ended."""
        if not self.processes:
            self._start()
        elif self.taken:  # the batch before is no longer used
            for free in self.free:
                free.release()
        for process, filled in zip(self.processes, self.filled, strict=True):
            while not filled.acquire(timeout=PATIENCE):
                if not process.is_alive():
                    raise RuntimeError(f"a process that prepares batches ended with status {process.exitcode}")
        self.lanes.skip()
        self.taken += 1
        return self.ring[(self.taken - 1) % AHEAD]

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.stop = context.Event()
        memory = RawArray("B", AHEAD * _size(self.lanes))
        self.ring, self.taken = _ring(memory, self.lanes), 0
        bounds = np.linspace(0, len(self.lanes.places), self.count + 1).astype(int).tolist()
        for first, last in zip(bounds, bounds[1:], strict=False):
            self.filled.append(context.Semaphore(0))
            self.free.append(context.Semaphore(AHEAD))
            waits = (self.filled[-1], self.free[-1], self.stop, os.getpid())
            arguments = (self.lanes, range(first, last), memory, *waits)
            process = context.Process(target=_load, args=arguments, daemon=True)
            process.start()
            self.processes.append(process)

    def close(self) -> None:
        """Ends the processes. The next batch would start them again."""
        if self.stop is not None:
            self.stop.set()
        for free in self.free:
            free.release()
        for process in self.processes:
            process.join()
        self.processes, self.filled, self.free, self.ring = [], [], [], []


def _load(lanes: Lanes, own: range, memory: Any, filled: Semaphore, free: Semaphore, stop: Event, parent: int) -> None:
    """Fills the own lanes of batch after batch, until `stop` or until the parent has ended."""
    for sent in (signal.SIGINT, signal.SIGTERM):  # a terminal sends them to all processes; the parent handles them
        signal.signal(sent, signal.SIG_IGN)
    ring = _ring(memory, lanes)
    place = 0
    while True:
        while not free.acquire(timeout=PATIENCE):
            if os.getppid() != parent:
                return
        if stop.is_set():
            return
        lanes.fill(ring[place], own)
        filled.release()
        place = (place + 1) % AHEAD


def _bytes(shape: tuple[int, ...], kind: type[np.generic]) -> int:
    return int(np.prod(shape)) * np.dtype(kind).itemsize


def _aligned(size: int) -> int:
    return -(-size // ALIGNED) * ALIGNED


def _size(lanes: Lanes) -> int:
    """Returns the bytes of one batch."""
    return sum(_aligned(_bytes(*array)) for array in lanes.arrays().values())


def _ring(memory: Any, lanes: Lanes) -> list[Batch]:
    """Returns the batches that lie in the shared memory."""
    flat, at, ring = np.frombuffer(memory, np.uint8), 0, []
    for _ in range(AHEAD):
        views = {}
        for name, (shape, kind) in lanes.arrays().items():
            size = _bytes(shape, kind)
            views[name] = flat[at : at + size].view(kind).reshape(shape)
            at += _aligned(size)
        ring.append(Batch(**views))
    return ring
