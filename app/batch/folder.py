"""Where rows go: a folder of this machine or a remote one, and the markers of what is done."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import fsspec
import orjson
from fsspec.implementations.local import LocalFileSystem

from soupstate.app.batch.job import JobError

DONE, BEGUN, PARTS = "_done", "_begun", "_parts"  # readers of data sets pass over names that begin with an underscore


class Folder:
    """Files appear under their names when they are whole, and get a marker; what is begun lies elsewhere.

    In a folder of this machine a file is written beside, fsynced, renamed, and only then marked; to a remote one it
    is sent when it is whole. A process that is killed leaves nothing under a name but whole files.
    """

    def __init__(self, address: str) -> None:
        try:
            self.fs, self.root = fsspec.core.url_to_fs(address)
        except (ImportError, ValueError) as error:
            raise JobError(f"{address}: {error}") from None
        self.local = isinstance(self.fs, LocalFileSystem)
        self.parts = Path(self.root) / PARTS if self.local else Path(tempfile.gettempdir())

    def prepare(self) -> None:
        """Makes the folders and clears away what was begun and not finished. Call while no worker runs."""
        try:
            self.clear()
            self.parts.mkdir(parents=True, exist_ok=True)
            for name in (DONE, BEGUN):
                self.fs.makedirs(f"{self.root}/{name}", exist_ok=True)
        except OSError as error:
            raise JobError(f"cannot write to {self.root}: {error.strerror or error}") from None

    def clear(self) -> None:
        """Removes what was begun and not finished. Call while no worker runs."""
        if self.local:
            shutil.rmtree(self.parts, ignore_errors=True)

    def done(self) -> dict[str, str]:
        """What is done: name of the file of rows, and the identity of its source."""
        listed = self.fs.ls(f"{self.root}/{DONE}", detail=False) if self.fs.exists(f"{self.root}/{DONE}") else []
        markers = (str(path).rstrip("/").rsplit("/", 1)[-1] for path in listed)
        split = (marker.removesuffix(".json").rpartition(".") for marker in markers if marker.endswith(".json"))
        return {name: which for name, _, which in split}

    def part(self, name: str) -> Path:
        """Where a file is to be written before it has its name; no other process writes there."""
        handle, path = tempfile.mkstemp(prefix="soupstate-", suffix=f"-{name}", dir=self.parts)
        os.close(handle)
        os.chmod(path, 0o644)
        return Path(path)

    def publish(self, part: Path, name: str) -> None:
        """Gives a file that is whole its name, for good."""
        if not self.local:
            self.fs.put_file(str(part), f"{self.root}/{name}")
            part.unlink()
            return
        _sync(part)
        os.replace(part, Path(self.root) / name)
        _sync(Path(self.root))

    def drop(self, name: str) -> bool:
        """Removes a file; says whether it was there."""
        there = bool(self.fs.exists(f"{self.root}/{name}"))
        if there:
            self.fs.rm_file(f"{self.root}/{name}")
        return there

    def mark(self, target: str, which: str, summary: dict[str, Any]) -> None:
        """Notes that a file of rows is done, of the source with this identity."""
        self._note(f"{DONE}/{target}.{which}.json", summary)

    def mark_part(self, key: str, number: int, summary: dict[str, Any]) -> None:
        """Notes that a part is done, of a file that is not."""
        self._note(f"{BEGUN}/{key}.{number}.json", summary)

    def begun(self, key: str) -> list[dict[str, Any]]:
        """What was noted of the parts that are done, from the first on."""
        found: list[dict[str, Any]] = []
        while self.fs.exists(path := f"{self.root}/{BEGUN}/{key}.{len(found)}.json"):
            found.append(orjson.loads(self.fs.cat_file(path)))
        return found

    def forget(self, key: str, parts: int) -> None:
        """Removes the notes of parts, when the file is done."""
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
