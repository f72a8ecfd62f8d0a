"""How work on a page is given up: whoever waits passes a `Stop`, and the work looks at it every few milliseconds."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import TypeVar

T = TypeVar("T")
Stop = Callable[[], bool]  # True: give the work up

WORK = 16_384  # characters handled between two looks, or as many times SPAN as there are spans
SPAN = 64  # handling a span takes as long as handling so many characters
COUNTED = 64  # spans that are counted together


class Stopped(Exception):
    """The work was given up: nobody waits for it, or it took too long."""


def never() -> bool:
    """A `Stop` that lets the work go on."""
    return False


class Watch:
    """Looks at a `Stop` before the first work, and whenever enough work was done. Work is counted in characters.

    >>> looks = []
    >>> watch = Watch(lambda: looks.append("look") or False)
    >>> for _ in range(300):
    ...     watch(100)
    >>> looks
    ['look', 'look']
    """

    def __init__(self, stop: Stop = never) -> None:
        self.stop = stop
        self._left = 0

    def __call__(self, work: int = SPAN) -> None:
        """Counts work that comes next. Raises Stopped when `stop` returns True."""
        self._left -= work
        if self._left < 0:
            self._left = WORK
            if self.stop():
                raise Stopped


def watched(spans: Iterable[T], watch: Watch) -> Iterator[T]:
    """Yields spans, or tags, and counts the work on them, COUNTED at a time. Raises Stopped."""
    return chain.from_iterable(_counted(iter(spans), watch))


def _counted(spans: Iterator[T], watch: Watch) -> Iterator[list[T]]:
    while some := list(islice(spans, COUNTED)):
        watch(COUNTED * SPAN)
        yield some
