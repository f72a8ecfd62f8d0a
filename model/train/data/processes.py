"""Makes things in several processes, in the order in which they were asked for."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")
AHEAD = 4  # items per process that may wait, so that few are in memory

_make: Callable[[Any], Any] | None = None  # of this process, if it is one of those that make


def in_processes(make: Callable[[Item], Made], items: Iterable[Item], workers: int) -> Iterator[Made]:
    """Yields make(item) for each item, in order, made by `workers` processes; 1: by this one.

    make must be picklable, and so must items and what is made. It is sent to each process once. An exception that it
    raises is raised here.
    """
    if workers == 1:
        yield from map(make, items)
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), _begin, (make,)) as pool:
        waiting: deque[Future[Made]] = deque()
        for item in items:
            waiting.append(pool.submit(_run, item))
            if len(waiting) >= AHEAD * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _begin(make: Callable[[Any], Any]) -> None:
    global _make
    _make = make


def _run(item: Any) -> Any:
    assert _make is not None
    return _make(item)
