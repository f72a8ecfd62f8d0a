"""Checks many files, in this process or in several."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

from soupstate.app.cli.files import STDIN, HtmlFile, read_file, reason_of
from soupstate.app.faults import Repaired, likely_faults, repair
from soupstate.app.reading import load_json_reader, load_reader
from soupstate.model.faults.apply import LIKELY
from soupstate.model.faults.fault import Fault
from soupstate.model.net.json_reader import JsonReader
from soupstate.model.net.reader import Reader

FILES_PER_WORKER = 8  # a process takes as long to start as it takes to check so many files of some kilobytes


@dataclass(frozen=True, slots=True)
class Findings:
    """A file with its faults, in the order of the page. failure: why it could not be read, where `file` is None.

    repaired: the mended page, where the checker mends.
    """

    name: str
    file: HtmlFile | None
    faults: list[Fault] = field(default_factory=list)
    failure: str = ""
    repaired: Repaired | None = None


@dataclass(frozen=True, slots=True)
class Checker:
    """Finds faults with a checkpoint. Its fields but `mends` are as the options of the command line have them.

    mends: whether the findings have a mended page. No file is written.
    """

    weights: Path
    backend: str | None = None
    charset: str | None = None
    threshold: float = LIKELY
    mends: bool = False
    format_in: str = "html"

    def load(self) -> Reader | JsonReader:
        """Returns the network that reads the files. Raises OSError or ValueError for weights that cannot be used."""
        load = load_json_reader if self.format_in == "json" else load_reader
        return load(self.weights, self.backend)

    def check_all(self, names: Sequence[str], workers: int | None = None) -> Iterator[Findings]:
        """Yields the findings of each file, in this order. workers: processes; by default as many as are worth it.

        Raises OSError or ValueError for weights that cannot be used, and BrokenProcessPool when a process dies.
        """
        reader = self.load()
        number = workers or max(1, min(os.cpu_count() or 1, len(names) // FILES_PER_WORKER))
        if number == 1 or STDIN in names:  # a worker has no stdin
            yield from (_findings(reader, name, self) for name in names)
            return
        pool = ProcessPoolExecutor(number, get_context("spawn"), _load, (self,))
        try:
            yield from pool.map(_check, names)
        finally:
            pool.shutdown(cancel_futures=True)


_HERE: list[tuple[Checker, Reader | JsonReader]] = []  # of a worker process: what it checks with


def _load(checker: Checker) -> None:
    _HERE[:] = [(checker, checker.load())]


def _check(name: str) -> Findings:
    [(checker, reader)] = _HERE
    return _findings(reader, name, checker)


def _findings(reader: Reader | JsonReader, name: str, checker: Checker) -> Findings:
    """Returns the findings of a file. One that cannot be read or decoded has a failure."""
    try:
        file = read_file(name, checker.charset, checker.format_in)
        page = file.page.text
        faults = likely_faults(reader, page, checker.threshold)
        repaired = repair(reader, page, checker.threshold, faults) if checker.mends else None
    except (OSError, ValueError) as error:
        return Findings(name, None, failure=reason_of(error))
    return Findings(file.name, file, faults, repaired=repaired)
