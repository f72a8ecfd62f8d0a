"""The states of the network over the spans of a page: the mean over a span's bytes, from which its marks follow.

A mark of a span is the class whose outputs are greatest, summed over the span's bytes. The outputs are linear in the
states, so the mean state and the number of bytes say all that the outputs' layer sees.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from soupstate.model.net.reader import Marking, Reader
from soupstate.model.net.reading_loop import ReadingLoop, character_starts
from soupstate.model.page.brief import brief
from soupstate.model.page.stop import never

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class SpanStates:
    """A marked page with the states of its spans. states (spans, H): the mean over each. sizes (spans,): bytes read."""

    marking: Marking
    states: Floats
    sizes: NDArray[np.int64]


def span_states(reader: Reader, page: str) -> SpanStates:
    """Reads a page twice: for its spans, then for the states over them, `delay` bytes later, as the marks are read."""
    marking, short = reader.mark(page), brief(page)
    delay, units = reader.checkpoint.delay, reader.checkpoint.weights.units
    ids = np.frombuffer(short.text.encode("utf-8") + b"\n" * delay, np.uint8)
    starts = np.append(character_starts(ids[: len(ids) - delay]), len(ids) - delay)
    at = short.places
    first, last = (
        starts[np.searchsorted(at, [getattr(span, end) for span in marking.spans])] for end in ("start", "end")
    )
    owner = np.full(len(ids), len(first), np.int64)  # of each byte the span whose marks are read after it
    for i, (begin, end) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
        owner[begin + delay : end + delay] = i
    sums = np.zeros((len(first) + 1, units), np.float32)
    loop = ReadingLoop(reader.packed, ids, np.zeros(len(ids), np.bool_))
    done = 0
    for some, chunk in loop.chunks(never, units=np.arange(units)):
        owners = owner[done : done + len(some)]
        change = np.flatnonzero(np.diff(owners, prepend=-1))
        np.add.at(sums, owners[change], np.add.reduceat(chunk.traces, change))
        done += len(some)
    sizes = (last - first).astype(np.int64)
    return SpanStates(marking, sums[:-1] / np.maximum(1, sizes)[:, None].astype(np.float32), sizes)
