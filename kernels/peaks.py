"""What a core can do at most, measured: what the kernels' speed is a share of."""

from dataclasses import dataclass

from kernels.compiled import cpp

LINE = 256  # the measured loop reads whole multiples of so many bytes


@dataclass(frozen=True)
class Peaks:
    """Of one core, by a backend's instructions; a multiplication and an addition are two operations."""

    fp32: float  # operations a second
    int8: float  # operations a second on whole numbers of 8 bits, their sums exact in 32
    stream: float  # bytes a second, read over and over


def peaks(backend: str, size: int) -> Peaks | None:
    """Measured now, in some milliseconds; `size`: bytes that are streamed. None for one without vectors of its own.

    The calling thread's own seconds count, so that other programs disturb little. Raises ValueError for a backend
    that cannot run here.
    """
    if cpp is None or backend == "reference":
        return None
    found = cpp.peaks(backend, max(LINE, size // LINE * LINE))
    return Peaks(*found) if found else None
