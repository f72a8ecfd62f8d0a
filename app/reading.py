"""Loads the network: once per process, when it is first needed."""

import threading
import warnings
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from soupstate.kernels.compiled import MISSING
from soupstate.model.faults.json_find import JSON_COLUMNS
from soupstate.model.faults.ranking import COLUMNS
from soupstate.model.net.checkpoint import DEFAULT, json_network, load_checkpoint
from soupstate.model.net.field_head import FieldHead
from soupstate.model.net.head_file import load_head
from soupstate.model.net.json_reader import JsonReader
from soupstate.model.net.reader import Reader
from soupstate.model.page.language import language_of

NETWORKS_KEPT = 4  # per process; each needs some tens of megabytes
HEADS_KEPT = 64  # per process; each needs 300 kB
_LOADING = threading.Lock()


def load_reader(
    weights: Path | None = None, backend: str | None = None, *, extracts: bool = False, heads: Sequence[Path] = ()
) -> Reader:
    """Loads a checkpoint, the shipped one by default, and checks everything that reads a page.

    The backward network beside it is checked too, and loaded when faults are asked for. extracts: also loads what tells
    languages, so that no page's time limit pays for it. heads: files of field heads that it finds fields with. Raises
    FileNotFoundError, another OSError or ValueError that says what is wrong.
    """
    if extracts:
        language_of("")
    reader = Reader(load_checkpoint(weights or DEFAULT, ranked=COLUMNS), backend or None)
    return reader.with_heads(load_heads(heads)) if heads else reader


def load_heads(files: Sequence[Path]) -> list[FieldHead]:
    """Loads field heads, each file once per process. Raises OSError or ValueError."""
    return [_head(file, file.stat().st_mtime_ns if file.exists() else 0) for file in files]


@lru_cache(maxsize=HEADS_KEPT)
def _head(file: Path, changed: int) -> FieldHead:
    """Returns the head of a file. changed: the file's time, so that a new file is loaded."""
    return load_head(file)


def load_json_reader(weights: Path | None = None, backend: str | None = None) -> JsonReader:
    """Loads the network that reads JSON and lies beside these weights, or these. Raises as `load_reader` does."""
    checkpoint = load_checkpoint(json_network(weights or DEFAULT), ranked=JSON_COLUMNS, reads="json")
    return JsonReader(checkpoint, backend or None)


@lru_cache(maxsize=NETWORKS_KEPT)
def _shared(weights: Path, backend: str | None, changed: int) -> Reader:
    """Returns the reader that this process has for a file. changed: the file's time, so that a new file is loaded."""
    if MISSING:
        warnings.warn(MISSING, RuntimeWarning, stacklevel=5)  # points at the caller of the public API
    return load_reader(weights, backend, extracts=True)


class LazyReader:
    """A reader that is loaded on first use. It may be pickled: only the settings travel.

    All objects with the same settings share one network per process. Several threads may use them at once. The first
    one warns where the compiled kernels are missing.
    """

    def __init__(self, weights: Path | None = None, backend: str | None = None) -> None:
        self.weights, self.backend = weights or DEFAULT, backend
        self._reader: Reader | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"weights": self.weights, "backend": self.backend, "_reader": None}

    @property
    def reader(self) -> Reader:
        """The network. Raises OSError or ValueError on first use."""
        if self._reader is None:
            with _LOADING:
                changed = self.weights.stat().st_mtime_ns if self.weights.exists() else 0
                self._reader = _shared(self.weights, self.backend, changed)
        return self._reader
