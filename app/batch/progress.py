"""Shows how far a job is: a progress bar on a terminal, else a log line every LOG_SECONDS."""

import os
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import click
from tqdm import tqdm

from soupstate.app.batch.job import Counts
from soupstate.app.batch.supervisor import Outcome
from soupstate.app.file_names import printable
from soupstate.model.archive.status import Status

LOG_SECONDS = 30.0
SHOWN_REASONS = 3  # in one line


class Progress:
    """Counts what is done and shows it. Several threads may call `done`."""

    def __init__(self, sources: list[str], already: int = 0) -> None:
        self.counts = Counts()
        self.failed: dict[str, str] = {}
        self.files, self.already, self.deaths = 0, already, 0
        self.total = len(sources)
        sizes = [size_of(source) for source in sources]
        self.bytes = None if None in sizes else sum(size or 0 for size in sizes)
        self.start = self._logged = time.monotonic()
        self._lock = threading.Lock()
        self._bar = tqdm(total=self.bytes, unit="B", unit_scale=True, disable=None, file=sys.stderr)

    def done(self, outcome: Outcome) -> None:
        """Counts a file that is done or failed."""
        with self._lock:
            self.deaths += outcome.deaths
            if outcome.counts is None:
                source = printable(outcome.source)
                self.failed[source] = outcome.error
                tqdm.write(f"soupstate: {source}: {outcome.error}", file=sys.stderr)
                return
            self.files += 1
            self.counts.add(outcome.counts)

    def show(self, live_bytes: int = 0, live_pages: int = 0) -> None:
        """Shows how far the job is. live_bytes, live_pages: what was read of files that are not done."""
        with self._lock:
            size, pages = self.counts.bytes + live_bytes, self.counts.rows.total() + live_pages
            reasons = self.counts.skipped + self.counts.rows
        del reasons[Status.OK]
        if not self._bar.disable:
            self._bar.n = size if self.bytes is None else min(size, self.bytes)
            self._bar.set_postfix_str(self._state(pages, reasons), refresh=True)
        elif time.monotonic() - self._logged >= LOG_SECONDS:
            self._logged = time.monotonic()
            click.echo(f"{self._state(pages, reasons)}{self._speed(size)}", err=True)

    def close(self) -> None:
        """Closes the bar."""
        self._bar.close()

    def _state(self, pages: int, reasons: Counter[str]) -> str:
        parts = [f"{self.files}/{self.total} files", f"{pages} pages"]
        if self.failed:
            parts.append(f"{len(self.failed)} files failed")
        parts += [f"{number} {reason}" for reason, number in reasons.most_common(SHOWN_REASONS)]
        return ", ".join(parts)

    def _speed(self, size: int) -> str:
        seconds = max(1e-3, time.monotonic() - self.start)
        text = f", {size / seconds / 1e6:.2f} MB/s"
        if self.bytes and size:
            text += f", {max(0, self.bytes - size) / size * seconds / 60:.0f} min left"
        return text

    def summary(self) -> dict[str, object]:
        """Returns what the job did, for JSON."""
        return {
            "files": {"done": self.files, "already": self.already, "failed": self.failed},
            **self.counts.as_dict(),
            "worker_deaths": self.deaths,
            "wall_seconds": round(time.monotonic() - self.start, 3),
        }


def size_of(address: str) -> int | None:
    """Returns the bytes of a local file; None for any other."""
    return os.path.getsize(address) if Path(address).is_file() else None
