"""Loads the network: once per process, when it is first needed."""

import threading
import warnings
from pathlib import Path
from typing import Any

from soupstate.kernels.compiled import MISSING
from soupstate.model.faults.ranking import ranking_of
from soupstate.model.net.checkpoint import DEFAULT, load_checkpoint
from soupstate.model.net.reader import Reader


def load_reader(weights: Path | None = None, backend: str | None = None) -> Reader:
    """Loads a checkpoint, the shipped one by default, and checks all that a page is read with.

    Raises FileNotFoundError or ValueError that says what is wrong.
    """
    reader = Reader(load_checkpoint(weights or DEFAULT), backend or None)
    ranking_of(reader.checkpoint)
    return reader


class LazyReader:
    """A reader that is loaded on first use. It may be pickled: only the settings travel, each process loads its own.

    Several threads may use it at once. It warns once where the compiled kernels are missing.
    """

    def __init__(self, weights: Path | None = None, backend: str | None = None) -> None:
        self.weights, self.backend = weights, backend
        self._reader: Reader | None = None
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {"weights": self.weights, "backend": self.backend}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    @property
    def reader(self) -> Reader:
        """The network. Raises FileNotFoundError or ValueError on first use."""
        with self._lock:
            if self._reader is None:
                if MISSING:
                    warnings.warn(MISSING, RuntimeWarning, stacklevel=4)
                self._reader = load_reader(self.weights, self.backend)
            return self._reader
