"""The folder of a job, local or remote: its files of rows, and the markers of what is done."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import fsspec
import orjson
from fsspec.implementations.local import LocalFileSystem

from soupstate.app.batch.job import JobError

# Readers of data sets skip names that begin with an underscore.
DONE, BEGUN, PARTS = "_done", "_begun", "_parts"


class Folder:
    """Publishes complete files under their names and then marks them done. Unfinished files lie elsewhere.

    In a local folder a file is written under PARTS, synced, renamed, and only then marked. To a remote folder it is
    sent when it is complete. A process that is killed leaves only complete files under their names.
    """

    def __init__(self, address: str) -> None:
        try:
            self.fs, self.root = fsspec.core.url_to_fs(address)
        except (ImportError, ValueError) as error:
            raise JobError(f"{address}: {error}") from None
        self.local = isinstance(self.fs, LocalFileSystem)
        self.parts = Path(self.root) / PARTS if self.local else Path(tempfile.gettempdir())

    def prepare(self) -> None:
        """Makes the folders and removes unfinished files. Call it while no worker runs."""
        try:
            self.clear()
            self.parts.mkdir(parents=True, exist_ok=True)
            for name in (DONE, BEGUN):
                self.fs.makedirs(f"{self.root}/{name}", exist_ok=True)
        except OSError as error:
            raise JobError(f"cannot write to {self.root}: {error.strerror or error}") from None

    def clear(self) -> None:
        """Removes unfinished files. Call it while no worker runs."""
        if self.local:
            shutil.rmtree(self.parts, ignore_errors=True)

    def done(self) -> dict[str, str]:
        """Maps each finished file of rows to the identity of its source."""
        listed = self.fs.ls(f"{self.root}/{DONE}", detail=False) if self.fs.exists(f"{self.root}/{DONE}") else []
        markers = (str(path).rstrip("/").rsplit("/", 1)[-1] for path in listed)
        split = (marker.removesuffix(".json").rpartition(".") for marker in markers if marker.endswith(".json"))
        return {name: which for name, _, which in split}

    def part(self, name: str) -> Path:
        """Returns a path to write a file to before it is published. No other process writes there."""
        handle, path = tempfile.mkstemp(prefix="soupstate-", suffix=f"-{name}", dir=self.parts)
        os.close(handle)
        os.chmod(path, 0o644)
        return Path(path)

    def publish(self, part: Path, name: str) -> None:
        """Publishes a complete file under its name."""
        if not self.local:
            self.fs.put_file(str(part), f"{self.root}/{name}")
            part.unlink()
            return
        _sync(part)
        os.replace(part, Path(self.root) / name)
        _sync(Path(self.root))

    def drop(self, name: str) -> bool:
        """Removes a file. Returns whether it existed."""
        there = bool(self.fs.exists(f"{self.root}/{name}"))
        if there:
            self.fs.rm_file(f"{self.root}/{name}")
        return there

    def mark(self, target: str, which: str, summary: dict[str, Any]) -> None:
        """Marks a file of rows done. which: the identity of its source."""
        self._note(f"{DONE}/{target}.{which}.json", summary)

    def mark_part(self, key: str, number: int, summary: dict[str, Any]) -> None:
        """Marks a part of an unfinished file done."""
        self._note(f"{BEGUN}/{key}.{number}.json", summary)

    def begun(self, key: str) -> list[dict[str, Any]]:
        """Returns the summaries of the finished parts, from the first on."""
        found: list[dict[str, Any]] = []
        while self.fs.exists(path := f"{self.root}/{BEGUN}/{key}.{len(found)}.json"):
            found.append(orjson.loads(self.fs.cat_file(path)))
        return found

    def forget(self, key: str, parts: int) -> None:
        """Removes the marks of parts, after their file is done."""
        for number in range(parts):
            self.fs.rm_file(f"{self.root}/{BEGUN}/{key}.{number}.json")

    def _note(self, name: str, summary: dict[str, Any]) -> None:
        part = self.part("marker")
        part.write_bytes(orjson.dumps(summary, option=orjson.OPT_APPEND_NEWLINE))
        self.publish(part, name)
        if self.local:
            _sync((Path(self.root) / name).parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
