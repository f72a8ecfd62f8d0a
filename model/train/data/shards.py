"""Shards: files of lessons. A lesson is a page as rows, one per byte, of the byte and its marks.

A shard is two arrays beside each other: `NAME.rows.npy` (bytes, columns) uint8 and `NAME.starts.npy` (lessons + 1,)
int64, where lesson i is rows[starts[i]:starts[i + 1]]. Both are memory-mapped, and reading them needs only numpy.
"""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.uint8]

BYTE = 0
MARKS = 1  # the first column of marks


def lesson_rows(text: bytes, marks: Rows) -> Rows:
    """Returns rows (len(text), 1 + columns) of a page and its marks (len(text), columns)."""
    return np.concatenate([np.frombuffer(text, np.uint8)[:, None], marks], axis=1)


class ShardWriter:
    """Appends lessons to `NAME.rows.npy` under a temporary name; `close` makes the shard complete."""

    def __init__(self, path: Path, columns: int) -> None:
        self.path, self.columns = path, columns
        self.starts = [0]
        self.temporary = path.with_suffix(".rows.part")
        self.file = self.temporary.open("wb")

    def add(self, rows: Rows) -> None:
        if rows.ndim != 2 or rows.shape[1] != self.columns:
            raise ValueError(f"rows: shape {rows.shape}, expected (bytes, {self.columns})")
        self.file.write(np.ascontiguousarray(rows).tobytes())
        self.starts.append(self.starts[-1] + len(rows))

    def close(self) -> None:
        """Writes the array header and the starts, and gives both their final names."""
        self.file.close()
        flat = np.memmap(self.temporary, np.uint8, "r", shape=(self.starts[-1], self.columns))
        np.save(self.path.with_suffix(".rows.npy"), flat)
        np.save(self.path.with_suffix(".starts.npy"), np.array(self.starts, np.int64))
        self.temporary.unlink()

    def abandon(self) -> None:
        """Removes the unfinished shard."""
        self.file.close()
        self.temporary.unlink(missing_ok=True)


class Shards:
    """The lessons of several shards, numbered through. backward: each is read from its last byte to its first."""

    def __init__(self, folder: Path, *, backward: bool = False) -> None:
        self.folder, self.backward = folder, backward
        files = sorted(folder.glob("*.rows.npy"))
        if not files:
            raise FileNotFoundError(f"no shards (*.rows.npy) in {folder}")
        self.rows = [np.load(f, mmap_mode="r") for f in files]
        starts = [np.load(str(f).replace(".rows.npy", ".starts.npy")) for f in files]
        self.columns = {r.shape[1] for r in self.rows}
        if len(self.columns) > 1:
            raise ValueError(f"{folder}: shards of different columns {sorted(self.columns)}")
        self.table = np.concatenate(
            [np.stack([np.full(len(s) - 1, k), s[:-1], s[1:]], 1) for k, s in enumerate(starts)]
        )

    def __reduce__(self) -> tuple[Callable[[Path], "Shards"], tuple[Path]]:
        """Another process maps the files again, and gets no copy of them."""
        return partial(Shards, backward=self.backward), (self.folder,)

    def __len__(self) -> int:
        return len(self.table)

    def lengths(self) -> NDArray[np.int64]:
        """Returns the bytes of each lesson."""
        return np.asarray(self.table[:, 2] - self.table[:, 1], np.int64)

    def lesson(self, i: int) -> Rows:
        """Returns the rows of lesson i, as a view of the file."""
        shard, start, end = (int(x) for x in self.table[i])
        rows = np.asarray(self.rows[shard][start:end])
        return rows[::-1] if self.backward else rows


def write_shard(path: Path, lessons: Iterable[Rows], columns: int) -> int:
    """Writes lessons to a shard at `path` (no suffix) and returns its number of bytes of text."""
    writer = ShardWriter(path, columns)
    try:
        for rows in lessons:
            writer.add(rows)
        writer.close()
    except BaseException:
        writer.abandon()
        raise
    return writer.starts[-1]
