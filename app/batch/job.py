"""What a job is told, and what comes of one file: plain data that goes between processes."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from soupstate.model.net.checkpoint import DEFAULT

FORMATS = {"parquet": ".parquet", "jsonl.gz": ".jsonl.gz", "jsonl.zst": ".jsonl.zst", "wet": ".warc.wet.gz"}


class JobError(Exception):
    """The job as a whole cannot go on: no weights, no folder to write to."""


@dataclass(frozen=True)
class Job:
    """What is the same for every file. out: folder or address; sizes in bytes, times in seconds of a processor.

    part_records: records to a part; of a file that is begun again, the parts that are whole are kept.
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
        """What parts of a file must have in common to be taken for parts of one."""
        said = repr((self.form, self.weights, self.backend, self.max_page_bytes, self.page_seconds, self.part_records))
        return hashlib.sha256(said.encode()).hexdigest()[:8]


@dataclass(frozen=True)
class Attempt:
    """A file, and what went wrong with it before: records (numbers from 0) that ended their reader.

    leave_out: not read again. until: the file is read no further. careful: page by page, so that it is known which
    one ends the reader.
    """

    source: str
    leave_out: frozenset[int] = frozenset()
    until: int | None = None
    careful: bool = False


@dataclass(slots=True)
class Counts:
    """What came of a file, or of many. Times are those of a processor, in seconds, by stage."""

    rows: Counter[str] = field(default_factory=Counter)  # by status
    other: Counter[str] = field(default_factory=Counter)  # records of other kinds, by kind
    skipped: Counter[str] = field(default_factory=Counter)  # stretches that no row could be made of, by reason
    seconds: dict[str, float] = field(default_factory=dict)
    bytes: int = 0  # of the file
    characters: int = 0  # of the pages that were read
    memory: int = 0  # most that a worker held, in bytes

    def add(self, other: "Counts") -> None:
        """Counts another file too."""
        for name in ("rows", "other", "skipped"):
            getattr(self, name).update(getattr(other, name))
        for stage, seconds in other.seconds.items():
            self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds
        self.bytes += other.bytes
        self.characters += other.characters
        self.memory = max(self.memory, other.memory)

    def take_up(self, counted: dict[str, Any]) -> None:
        """Goes on from what as_dict gave."""
        for name in ("rows", "seconds"):
            getattr(self, name).update(counted[name])
        self.characters = counted["characters"]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        counts = {name: {str(k): n for k, n in getattr(self, name).items()} for name in ("rows", "other", "skipped")}
        seconds = {name: round(value, 3) for name, value in self.seconds.items()}
        return counts | {
            "seconds": seconds, "bytes": self.bytes, "characters": self.characters, "memory": self.memory
        }  # fmt: skip
