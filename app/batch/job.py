"""Plain data that goes between processes: the job, an attempt at a file, and the counts of a file."""

import hashlib
from collections import Counter
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from soupstate.app.answers import Model
from soupstate.model.net.checkpoint import DEFAULT, digest

FORMATS = {"parquet": ".parquet", "jsonl.gz": ".jsonl.gz", "jsonl.zst": ".jsonl.zst", "wet": ".warc.wet.gz"}


class JobError(Exception):
    """The job as a whole cannot go on, because it has no weights or no folder to write to."""


@dataclass(frozen=True)
class Job:
    """What is the same for every file. Sizes are in bytes, times in seconds of processor time.

    out: folder or address. head: files of field heads. part_records: records per file of rows. When a WARC file is read
    again, its finished files of rows are kept.
    """

    out: str
    form: str = "parquet"
    weights: Path = DEFAULT
    backend: str = ""
    head: tuple[Path, ...] = ()
    max_page_bytes: int = 2_000_000
    page_seconds: float = 60.0
    part_records: int = 5000


@dataclass(frozen=True)
class Recipe:
    """What decides the rows of a WARC file. Rows of one recipe are the same, whoever makes them.

    soupstate: version of the package. model: name and version of the network. weights: SHA-256 of its file. heads:
    those of the files of field heads, with a space between them. The backend and the size of parts are not in it.
    """

    soupstate: str
    model: str
    weights: str
    heads: str
    max_page_bytes: int
    page_seconds: float

    @classmethod
    def of(cls, job: Job, model: Model) -> "Recipe":
        """Returns the recipe of a job whose weights hold this network."""
        name = f"{model.name} {model.version}"
        heads = " ".join(digest(file) for file in job.head)
        files = digest(job.weights), heads
        return cls(version("soupstate"), name, *files, job.max_page_bytes, float(job.page_seconds))

    @property
    def key(self) -> str:
        """Eight hexadecimal digits that tell recipes apart."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:8]

    def difference(self, noted: Any) -> str:
        """Returns what differs between what a marker noted and this recipe, in words."""
        if not isinstance(noted, dict):
            return "an earlier version of soupstate, which did not note its settings, made them"
        pairs = [(name, noted.get(name), value) for name, value in asdict(self).items()]
        return ", ".join(f"{name} was {_short(old)} and is {_short(new)}" for name, old, new in pairs if old != new)


def _short(value: Any) -> str:
    return value[:12] if isinstance(value, str) and len(value) == 64 else str(value)


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
