"""Plain data that goes between processes: the job, an attempt at a file, and the counts of a file."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from soupstate.model.net.checkpoint import DEFAULT

FORMATS = {"parquet": ".parquet", "jsonl.gz": ".jsonl.gz", "jsonl.zst": ".jsonl.zst", "wet": ".warc.wet.gz"}


class JobError(Exception):
    """The job as a whole cannot go on, because it has no weights or no folder to write to."""


@dataclass(frozen=True)
class Job:
    """What is the same for every file. Sizes are in bytes, times in seconds of processor time.

    out: folder or address. part_records: records per file of rows. When a WARC file is read again, its finished files
    of rows are kept.
    """

    out: str
    form: str = "parquet"
    weights: Path = DEFAULT
    backend: str = ""
    max_page_bytes: int = 2_000_000
    page_seconds: float = 60.0
    part_records: int = 5000

    @property
    def digest(self) -> str:
        """A digest of the settings that the parts of one file must share."""
        settings = self.form, self.weights, self.backend, self.max_page_bytes, self.page_seconds, self.part_records
        return hashlib.sha256(repr(settings).encode()).hexdigest()[:8]


@dataclass(frozen=True)
class Attempt:
    """A file, and the records (numbered from 0) that ended their worker before.

    leave_out: records that are not read again. until: the record before which reading ends. careful: whether pages are
    read one by one, so that it is known which page ends the worker.
    """

    source: str
    leave_out: frozenset[int] = frozenset()
    until: int | None = None
    careful: bool = False


@dataclass(slots=True)
class Counts:
    """The counts of one file or of many. Times are processor time in seconds, by stage."""

    rows: Counter[str] = field(default_factory=Counter)  # by status
    other: Counter[str] = field(default_factory=Counter)  # records of other kinds, by kind
    skipped: Counter[str] = field(default_factory=Counter)  # stretches that gave no row, by reason
    seconds: dict[str, float] = field(default_factory=dict)
    bytes: int = 0  # of the file
    characters: int = 0  # of the pages that were read
    memory: int = 0  # peak memory of a worker, in bytes

    def add(self, other: "Counts") -> None:
        """Adds the counts of another file."""
        for name in ("rows", "other", "skipped"):
            getattr(self, name).update(getattr(other, name))
        for stage, seconds in other.seconds.items():
            self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds
        self.bytes += other.bytes
        self.characters += other.characters
        self.memory = max(self.memory, other.memory)

    def take_up(self, counted: dict[str, Any]) -> None:
        """Continues from what as_dict returned."""
        for name in ("rows", "seconds"):
            getattr(self, name).update(counted[name])
        self.characters = counted["characters"]

    def as_dict(self) -> dict[str, Any]:
        """Returns the counts for JSON."""
        counts = {name: {str(k): n for k, n in getattr(self, name).items()} for name in ("rows", "other", "skipped")}
        seconds = {name: round(value, 3) for name, value in self.seconds.items()}
        return counts | {
            "seconds": seconds, "bytes": self.bytes, "characters": self.characters, "memory": self.memory
        }  # fmt: skip
