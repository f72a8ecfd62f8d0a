"""The store of corrections: one SQLite file. Several processes may add to it at the same time."""

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from soupstate.model.corrections.checks import WrongCorrection
from soupstate.model.corrections.correction import (
    Corrected,
    Correction,
    compact,
    page_digest,
    read_correction,
    target,
    written,
)

APPLICATION = 0x536F7570  # "Soup": names the program that a file belongs to (SQLite file format, section 1.3.15)
VERSION = 1
BUSY_SECONDS = 30.0  # wait for another process that writes
LARGEST_STORE = 2_000_000_000  # bytes, so that a service that takes corrections does not fill its disk
SCHEMA = (
    "CREATE TABLE pages (digest TEXT PRIMARY KEY, html TEXT NOT NULL, url TEXT)",
    "CREATE TABLE corrections (number INTEGER PRIMARY KEY, page TEXT NOT NULL REFERENCES pages, "
    "target TEXT NOT NULL, correction TEXT NOT NULL, answered TEXT)",
    "CREATE INDEX targets ON corrections (page, target, number)",
    f"PRAGMA application_id = {APPLICATION}",
    f"PRAGMA user_version = {VERSION}",
)
STANDS = (
    "number = (SELECT max(number) FROM corrections AS other "
    "WHERE other.page = corrections.page AND other.target = corrections.target)"
)


class BadStore(ValueError):
    """A file is no store of corrections, or one of another version. The message names it."""


class StoreFailed(OSError):
    """A store cannot be read or written now. The message names it and says why."""


class Standing(NamedTuple):
    """A page with the corrections that stand. url: the last that was given for it, or None."""

    html: str
    url: str | None
    corrections: tuple[Correction, ...]


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A correction that says otherwise than the one that stood.

    index: of the correction among those that were added. page: its digest. before: what stood. now: what it says.
    """

    index: int
    page: str
    before: Correction
    now: Correction


@dataclass(frozen=True, slots=True)
class Added:
    """What came of corrections. new: stored. merged: already there. contradictions: in the order of arrival."""

    new: int
    merged: int
    contradictions: tuple[Contradiction, ...]


def digest_of(pages: Iterable[Standing]) -> str:
    """Returns the SHA-256 digest of corrections that stand, in hexadecimal. The order of pages does not count."""
    lines = sorted(
        f"{page_digest(page.html)} {compact(written(correction))}" for page in pages for correction in page.corrections
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


class Store:
    """A store of corrections. Its methods may be called from several threads. They raise StoreFailed.

    The later of two corrections with the same page and target stands. Both are kept.
    """

    def __init__(self, path: Path, *, create: bool = False) -> None:
        """Opens a store. create: makes one where the file is empty or missing.

        Raises FileNotFoundError, BadStore and StoreFailed.
        """
        self.path, self._lock = path, threading.Lock()
        if not create and not path.exists():
            raise FileNotFoundError(2, "there is no such file", str(path))
        if not create and not path.stat().st_size:
            raise BadStore(f"{path} is no store of corrections: it is empty")
        with self._reported():
            if path.exists() and path.stat().st_size:
                self._check()
            self._db = sqlite3.connect(path, BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            try:
                self._prepare()
            except BaseException:
                self._db.close()
                raise

    def __enter__(self) -> "Store":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        """The number of corrections that stand."""
        [(number,)] = self._rows("SELECT count(DISTINCT page || target) FROM corrections")
        return int(number)

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._db.close()

    def add(self, given: Sequence[Corrected]) -> Added:
        """Adds corrections, all of them or, where an error is raised, none.

        One that is there already, and no longer stood, stands again.
        """
        new, contradictions = 0, []
        with self._writing():
            for index, one in enumerate(given):
                row = compact(written(one.correction))
                before = self._db.execute(
                    "SELECT number, correction FROM corrections WHERE page = ? AND target = ? ORDER BY number DESC",
                    (one.digest, target(one.correction)),
                ).fetchall()
                if before and before[0][1] != row:
                    stood = self._correction(one.html, before[0][1])
                    contradictions.append(Contradiction(index, one.digest, stood, one.correction))
                same = [number for number, other in before if other == row]
                self._put(one, row, same[0] if same else None)
                new += not same
        return Added(new, len(given) - new, tuple(contradictions))

    def _put(self, one: Corrected, row: str, number: int | None) -> None:
        """Stores a correction as the last one. row: it, as JSON. number: of the same one, if that is there already."""
        self._db.execute(
            "INSERT INTO pages VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET url = coalesce(excluded.url, url)",
            (one.digest, one.html, one.url),
        )
        [last] = self._db.execute("SELECT coalesce(max(number), 0) FROM corrections").fetchone()
        if number is None:
            answered = None if one.answered is None else compact(one.answered)
            columns = (last + 1, one.digest, target(one.correction), row, answered)
            self._db.execute("INSERT INTO corrections VALUES (?, ?, ?, ?, ?)", columns)
        else:
            self._db.execute("UPDATE corrections SET number = ? WHERE number = ?", (last + 1, number))

    def standing(self) -> Iterator[Standing]:
        """Yields every page with the corrections that stand, in an order that does not depend on their arrival."""
        for digest, html, url in self._pages():
            rows = self._rows(f"SELECT correction FROM corrections WHERE page = ? AND {STANDS} ORDER BY target", digest)
            if rows:  # nobody removed it in between
                yield Standing(html, url, tuple(self._correction(html, row) for (row,) in rows))

    def all(self) -> Iterator[Corrected]:
        """Yields all corrections in the order in which they came, also those that do not stand."""
        for (number,) in self._rows("SELECT number FROM corrections ORDER BY number"):
            query = (
                "SELECT html, correction, url, answered FROM corrections JOIN pages ON page = digest WHERE number = ?"
            )
            for html, correction, url, answered in self._rows(query, number):
                yield Corrected(html, self._correction(html, correction), url, json.loads(answered or "null"))

    def digest(self) -> str:
        """Returns the digest of the corrections that stand: see `digest_of`."""
        return digest_of(self.standing())

    def remove(self, page: str) -> int:
        """Removes a page and its corrections. page: its digest. Returns how many corrections there were.

        Nothing of the page stays in the file. Raises StoreFailed also where another process reads so long that its text
        stays until that process has ended.
        """
        with self._writing():
            removed = self._db.execute("DELETE FROM corrections WHERE page = ?", (page,)).rowcount
            self._db.execute("DELETE FROM pages WHERE digest = ?", (page,))
        with self._lock, self._reported():
            [busy, *_] = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise StoreFailed(f"{self.path}: removed, but its text stays in the file until other programs close it")
        return removed

    def _check(self) -> None:
        """Raises BadStore for a file of something else, which it does not change."""
        db = sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", BUSY_SECONDS, uri=True)
        try:
            [(application,)], [(version,)], [(tables,)] = (
                db.execute(query).fetchall()
                for query in ("PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_master")
            )
        finally:
            db.close()
        if application != APPLICATION and (application or version or tables):
            raise BadStore(f"{self.path} is no store of corrections")
        if tables and version != VERSION:
            raise BadStore(f"{self.path} is a store of version {version}; this program reads version {VERSION}")

    def _prepare(self) -> None:
        """Sets the file up, and makes the tables where it is empty."""
        self._db.execute("PRAGMA secure_delete = ON")  # what is removed is overwritten
        [size] = self._db.execute("PRAGMA page_size").fetchone()
        self._db.execute(f"PRAGMA max_page_count = {LARGEST_STORE // size}")
        if self._is_made():
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            if not self._is_made():  # by another process, in between
                for statement in SCHEMA:
                    self._db.execute(statement)
            self._db.execute("COMMIT")
        except BaseException:
            self._back()
            raise
        with suppress(sqlite3.OperationalError):  # another process is doing the same; either mode is safe
            self._db.execute("PRAGMA journal_mode = WAL")

    def _is_made(self) -> bool:
        [application] = self._db.execute("PRAGMA application_id").fetchone()
        return bool(application)

    def _pages(self) -> Iterator[tuple[str, str, str | None]]:
        """Yields the digest, text and address of each page, one at a time."""
        for (digest,) in self._rows("SELECT digest FROM pages ORDER BY digest"):
            yield from self._rows("SELECT digest, html, url FROM pages WHERE digest = ?", digest)

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock, self._reported():
            return self._db.execute(query, values).fetchall()

    def _correction(self, html: str, row: str) -> Correction:
        """Returns the correction of a row. Raises BadStore where somebody else changed it."""
        try:
            return read_correction({**json.loads(row), "html": html}).correction
        except (WrongCorrection, ValueError, TypeError) as error:
            raise BadStore(f"{self.path} holds a correction that cannot be read: {error}") from None

    def _back(self) -> None:
        """Undoes a transaction, unless SQLite did so."""
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Begins a transaction, and ends it: all of it is kept, or nothing."""
        with self._lock, self._reported():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                self._back()
                raise

    @contextmanager
    def _reported(self) -> Iterator[None]:
        """Says what is wrong in words of our own classes."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise StoreFailed(f"{self.path}: {error}") from None
        except sqlite3.DatabaseError as error:
            raise BadStore(f"{self.path} is no store of corrections: {error}") from None
