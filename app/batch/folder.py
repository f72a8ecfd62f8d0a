"""The folder of a job, local or remote: its files of rows, and the markers of what is done."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import fsspec
import orjson
from fsspec.implementations.local import LocalFileSystem

from soupstate.app.batch.job import JobError

# Readers of data sets skip names that begin with an underscore.
DONE, BEGUN, PARTS = "_done", "_begun", "_parts"
# The name of a marker: the file of rows, the identity of its source, the key of its recipe (which versions before 0.2
# left out, or whose place another digest has), and in BEGUN the records and the number of a part.
MARKER = re.compile(r"(?P<target>.+?)\.(?P<which>[0-9a-f]{8})(?:\.(?P<recipe>[0-9a-f]{8}))?(?:\.\d+)*\.json", re.S)


class Marker(NamedTuple):
    """A marker by its name. which: the identity of the source. recipe: "" where the marker does not tell."""

    name: str
    target: str
    which: str
    recipe: str


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

    def done(self) -> dict[str, Marker]:
        """Maps each finished file of rows to its marker."""
        return {marker.target: marker for marker in self._markers(DONE)}

    def unfinished(self) -> set[str]:
        """Returns the names of the files of rows that are begun."""
        return {marker.target for marker in self._markers(BEGUN)}

    def noted(self, marker: Marker) -> dict[str, Any]:
        """Returns what a marker of a finished file holds."""
        found = orjson.loads(self.fs.cat_file(f"{self.root}/{DONE}/{marker.name}"))
        return found if isinstance(found, dict) else {}

    def unmark(self, marker: Marker) -> None:
        """Removes the marker of a finished file, so that it is read again."""
        self.fs.rm_file(f"{self.root}/{DONE}/{marker.name}")

    def _markers(self, folder: str) -> Iterator[Marker]:
        for path in self._listed(folder):
            found = MARKER.fullmatch(path)
            if found:
                yield Marker(path, found["target"], found["which"], found["recipe"] or "")

    def _listed(self, folder: str) -> list[str]:
        self.fs.invalidate_cache()  # other processes write here
        there = self.fs.exists(f"{self.root}/{folder}")
        listed = self.fs.ls(f"{self.root}/{folder}", detail=False) if there else []
        return [str(path).rstrip("/").rsplit("/", 1)[-1] for path in listed]

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

    def mark(self, target: str, which: str, recipe: str, summary: dict[str, Any]) -> None:
        """Marks a file of rows done. which: the identity of its source. recipe: the key of `Recipe`."""
        self._note(f"{DONE}/{target}.{which}.{recipe}.json", summary)

    def mark_part(self, key: str, number: int, summary: dict[str, Any]) -> None:
        """Marks a part of an unfinished file done."""
        self._note(f"{BEGUN}/{key}.{number}.json", summary)

    def begun(self, key: str) -> list[dict[str, Any]]:
        """Returns the summaries of the finished parts, from the first on."""
        found: list[dict[str, Any]] = []
        while self.fs.exists(path := f"{self.root}/{BEGUN}/{key}.{len(found)}.json"):
            found.append(orjson.loads(self.fs.cat_file(path)))
        return found

    def forget(self, target: str, but: str = "") -> None:
        """Removes the marks of a file's parts, but for those of a key."""
        for marker in list(self._markers(BEGUN)):
            if marker.target == target and not (but and marker.name.startswith(f"{but}.")):
                self.fs.rm_file(f"{self.root}/{BEGUN}/{marker.name}")

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
