"""The task: reads one WARC file and writes its rows."""

import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from typing import Any, Protocol

import fsspec

from soupstate.app.answers import model_of
from soupstate.app.batch.board import BEAT, BYTES, PAGES, RECORD
from soupstate.app.batch.folder import Folder
from soupstate.app.batch.job import Attempt, Counts, Job, Recipe
from soupstate.app.batch.names import identity, part_name, source_name, target_name
from soupstate.app.batch.writers.lines import JsonLines, WetRecords
from soupstate.app.batch.writers.parquet import ParquetRows
from soupstate.app.file_names import printable
from soupstate.app.pages import MOST_CHARACTERS, MOST_PAGES, fill_row, mark_pages
from soupstate.app.rows import Row, row_of
from soupstate.model.archive.records import NotAnArchive, Tally, WarcRecord, read_records
from soupstate.model.archive.status import Status
from soupstate.model.net.reader import Reader
from soupstate.model.page.skim import skim


class Rows(Protocol):
    """A file of rows."""

    def add(self, row: Row) -> None: ...

    def close(self) -> None: ...


class Task:
    """One attempt at a file. board (4,) int64 shows other processes how far it is; see `soupstate.app.batch.board`."""

    def __init__(self, job: Job, reader: Reader, attempt: Attempt, board: Any) -> None:
        self.job, self.reader, self.attempt, self.board = job, reader, attempt, board
        self.counts = Counts()
        self.name = printable(source_name(attempt.source))
        self.model = model_of(reader)
        self._clock = time.process_time()

    def run(self) -> Counts:
        """Reads the file, writes its rows and marks it done.

        Raises OSError when it cannot be read or written, and NotAnArchive when it holds no record.
        """
        folder = Folder(self.job.out)
        target = target_name(self.attempt.source, self.job.form)
        which = identity(self.attempt.source)
        recipe = Recipe.of(self.job, self.model)
        key = f"{target}.{which}.{recipe.key}.{self.job.part_records}"
        folder.forget(target, but=key)  # parts that an earlier run with other settings has begun
        begun = folder.begun(key)
        if begun:
            self.counts.take_up(begun[-1])
        tally, full = Tally(), len(begun)
        with opened(self.attempt.source) as file:
            batches = self._batches(_Watched(file, self.board), tally, full * self.job.part_records)
            while self._write_part(folder, full, batches):
                folder.mark_part(key, full, self.counts.as_dict())
                full += 1
        old = full + 1  # parts that an earlier run with other settings has left
        while folder.drop(part_name(self.attempt.source, self.job.form, old)):
            old += 1
        self._finish(tally)
        made = {"source": printable(self.attempt.source), "made_with": asdict(recipe)}
        folder.mark(target, which, recipe.key, made | self.counts.as_dict())
        folder.forget(target)
        return self.counts

    def _write_part(self, folder: Folder, number: int, batches: Iterator[list[tuple[int, WarcRecord]]]) -> bool:
        """Writes the next part. Returns whether it is full, so that another may follow."""
        name = part_name(self.attempt.source, self.job.form, number)
        part, records = folder.part(name), 0
        try:
            with closing(_rows(self.job.form, part)) as rows:
                for batch in batches:
                    for row in self._read(batch):
                        self.counts.rows[row.status] += 1
                        rows.add(row)
                    self._spent("writing")
                    records += len(batch)
                    if records >= self.job.part_records:
                        break
            if records or not number:
                folder.publish(part, name)
            else:
                folder.drop(name)
        finally:
            part.unlink(missing_ok=True)
        return records >= self.job.part_records

    def _finish(self, tally: Tally) -> None:
        self._spent("writing")
        self.counts.skipped = tally.skipped - self.counts.rows  # records with a row are counted by its status
        self.counts.other, self.counts.bytes = tally.other, tally.consumed
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        self.counts.memory = peak if sys.platform == "darwin" else peak * 1024

    def _batches(self, file: "_Watched", tally: Tally, skip: int) -> Iterator[list[tuple[int, WarcRecord]]]:
        """Yields groups of (number, record) from record `skip` on, each read together and within one part."""
        batch: list[tuple[int, WarcRecord]] = []
        pages = characters = 0
        most = 1 if self.attempt.careful else MOST_PAGES
        records = read_records(file, tally=tally, max_body=self.job.max_page_bytes)
        number = 0
        while number != self.attempt.until:
            self.board[RECORD] = number
            record = next(records, None)
            if record is None:
                if tally.problem:
                    raise NotAnArchive(tally.problem)
                break
            number += 1
            if number <= skip:
                continue
            length = len(record.page.text) if record.page is not None else 0
            if batch and characters + length > MOST_CHARACTERS:  # a large page is read alone
                self._spent("records")
                yield batch
                batch, pages, characters = [], 0, 0
            batch.append((number - 1, record))
            pages, characters = pages + (record.page is not None), characters + length
            full = pages >= most or characters >= MOST_CHARACTERS or len(batch) >= 1000
            if full or number % self.job.part_records == 0:
                self._spent("records")
                yield batch
                batch, pages, characters = [], 0, 0
        else:
            tally.skipped[Status.REST_LEFT] += 1
        self._spent("records")
        yield batch

    def _read(self, batch: list[tuple[int, WarcRecord]]) -> list[Row]:
        """Reads the pages of records, and returns their rows."""
        rows = [row_of(record, self.name, self.model) for _, record in batch]
        chosen = []
        for (number, record), row in zip(batch, rows, strict=True):
            if record.page is not None and number in self.attempt.leave_out:
                row.status = Status.ENDED_ITS_READER
            elif record.page is not None:
                self.board[RECORD] = number
                chosen.append((skim(record.page.text), row))
        self._spent("rendering")
        seconds = self.job.page_seconds
        done = mark_pages(self.reader, [page for page, _ in chosen], seconds, self._beat)
        self._spent("network")
        for (page, row), read in zip(chosen, done, strict=True):
            if fill_row(row, page, read, seconds, self._beat):
                self.counts.characters += len(page.whole)
            self.board[PAGES] += 1
            self._beat()
        self._spent("rendering")
        return rows

    def _beat(self) -> None:
        self.board[BEAT] += 1

    def _spent(self, stage: str) -> None:
        """Counts the processor time since the last call for a stage."""
        now = time.process_time()
        self.counts.seconds[stage] = self.counts.seconds.get(stage, 0.0) + now - self._clock
        self._clock = now


class _Watched:
    """A file that shows on the board how much of it was read."""

    def __init__(self, file: Any, board: Any) -> None:
        self.file, self.board = file, board

    def read(self, size: int, /) -> bytes:
        data: bytes = self.file.read(size)
        self.board[BYTES] += len(data)
        self.board[BEAT] += 1
        return data


@contextmanager
def opened(address: str) -> Iterator[Any]:
    """Opens a local or remote file, to read it once from beginning to end."""
    with fsspec.open(address, "rb") if "://" in address else open(address, "rb") as file:
        yield file


def _rows(form: str, path: Any) -> Rows:
    made: dict[str, Callable[[Any], Rows]] = {"parquet": ParquetRows, "jsonl": JsonLines, "wet": WetRecords}
    return made[form.partition(".")[0]](path)
