"""Measures what one CPU core can do at most, to compare the kernels with."""

from dataclasses import dataclass

from soupstate.kernels.compiled import cpp

STREAM_STEP = 256  # the streaming loop reads a multiple of this many bytes


@dataclass(frozen=True)
class Peaks:
    """The peaks of one core with the instructions of a backend. A multiplication and an addition are two operations."""

    fp32: float  # operations per second
    int8: float  # operations per second on integers of 8 bits, with exact sums in 32 bits
    stream: float  # bytes per second, reading one array again and again


def peaks(backend: str, size: int) -> Peaks | None:
    """Measures the peaks in a few milliseconds of CPU time, streaming an array of about `size` bytes.

    Returns None for the scalar backend and the reference, which have no instructions of their own. Raises ValueError
    for a backend that cannot run here.
    """
    if cpp is None or backend == "reference":
        return None
    found = cpp.peaks(backend, max(STREAM_STEP, size // STREAM_STEP * STREAM_STEP))
    return Peaks(*found) if found else None
