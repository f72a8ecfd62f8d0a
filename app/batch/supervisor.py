"""Supervises a worker: starts it, gives it files, and starts it again when it dies or hangs."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection

from soupstate.app.batch.board import BEAT, BOARD_BYTES, BYTES, PAGES, RECORD, open_board
from soupstate.app.batch.job import Attempt, Counts, Job, JobError
from soupstate.app.batch.worker import READY

LOOK_SECONDS = 0.2  # between two looks at the worker
START_SECONDS = 120.0  # allowed to load the network
HANG_SECONDS = 60.0  # without a sign of life, beyond three times the limit of a page
MOST_STARTS = 10  # starts in a row that may fail
MOST_ERRORS = 3  # errors of reading a file, mostly of the network
MOST_DEATHS = 100  # workers that may die over one file
# Deaths at one record before it is left out. A worker that crashes or hangs does so because of the page. A worker that
# is killed from outside (by an operator, or for want of memory) may have been at that record by chance.
OWN_DEATHS, KILLED_DEATHS = 2, 5
# The more large arrays were freed, the larger are those that glibc's malloc keeps (mallopt(3), M_MMAP_THRESHOLD). A
# fixed threshold gives those of a large page back to the system. One of 1 MB takes 2% more time than one of 4 MB, and
# saves 10 MB; one of 200 kB takes a tenth more.
ENVIRONMENT = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"),
    "ARROW_DEFAULT_MEMORY_POOL": "system",  # its own keeps freed memory, too
    **dict.fromkeys(("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"), "1000000"),
}


class JobEnded(Exception):
    """The job is to end, so the supervisor reads nothing more."""


@dataclass
class Outcome:
    """The result of a file: its counts, or why it failed."""

    source: str
    counts: Counts | None = None
    error: str = ""
    deaths: int = 0


class _Died(Exception):
    """The worker is gone. own: nobody killed it."""

    def __init__(self, own: bool) -> None:
        super().__init__()
        self.own = own


class Supervisor:
    """Supervises one worker. Only one thread uses it; others may read `board`."""

    def __init__(self, job: Job, stop: Callable[[], bool] = lambda: False) -> None:
        self.job, self.stop = job, stop
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (open as long as self lives)
        self._file.truncate(BOARD_BYTES)
        self.board = open_board(self._file.fileno())
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None

    @property
    def pid(self) -> int | None:
        """The process id of the worker."""
        return self._process.pid if self._process else None

    def run(self, source: str) -> Outcome:
        """Makes the worker read a file, and retries when the worker dies.

        Raises JobError, and JobEnded when `stop` is True.
        """
        attempt, errors, died = Attempt(source), 0, 0
        crashes, kills = Counter[int](), Counter[int]()  # by record, counted while pages are read one by one
        while True:
            try:
                found, again = self._try(attempt)
            except _Died as death:
                died += 1
                if died >= MOST_DEATHS:
                    return Outcome(source, error=f"its worker died {died} times", deaths=died)
                record = int(self.board[RECORD])
                if attempt.careful:
                    (crashes if death.own else kills)[record] += 1
                attempt = _after(attempt, record, crashes[record], kills[record])
                continue
            self.board[BYTES] = self.board[PAGES] = 0
            if isinstance(found, Counts):
                return Outcome(source, found, deaths=died)
            errors += 1
            if not again or errors >= MOST_ERRORS:
                return Outcome(source, error=str(found), deaths=died)
            self._wait(2.0**errors)

    def close(self) -> None:
        """Ends the worker for good."""
        self._end()
        self._file.close()

    def _end(self) -> None:
        if self._connection:
            self._connection.close()
        if self._process:
            self._process.kill()
            self._process.wait()
        self._process = self._connection = None

    def _try(self, attempt: Attempt) -> tuple[Counts | str, bool]:
        """Returns the counts, or the error and whether another try may help."""
        self.board[RECORD] = self.board[BYTES] = self.board[PAGES] = 0
        connection = self._started()
        try:
            connection.send(attempt)
        except OSError:
            raise self._death(own=False) from None
        _, found, again = self._answer(connection, HANG_SECONDS + 3 * self.job.page_seconds)
        return found, again

    def _started(self) -> Connection:
        """Returns a connection to a worker that is ready."""
        for _ in range(MOST_STARTS):
            if self._process and self._connection and self._process.poll() is None:
                return self._connection
            self._end()
            here, there = socket.socketpair()
            with there:
                self._process = subprocess.Popen(
                    [
                        sys.executable,
                        "-P",  # a folder named soupstate in the working folder is not this package
                        "-m",
                        "soupstate.app.batch.worker",
                        str(there.fileno()),
                        str(self._file.fileno()),
                    ],
                    pass_fds=(there.fileno(), self._file.fileno()),
                    stdin=subprocess.DEVNULL,
                    stdout=sys.stderr.fileno() if _real(sys.stderr) else subprocess.DEVNULL,
                    start_new_session=True,  # an interrupt on the terminal goes to the parent only
                    env={**os.environ, **ENVIRONMENT},
                )
            self._connection = Connection(here.detach())
            try:
                self._connection.send(self.job)
                what, found, _ = self._answer(self._connection, START_SECONDS)
            except (_Died, OSError):
                continue
            if what != READY:
                raise JobError(str(found))
        raise JobError(f"a worker died {MOST_STARTS} times before it was ready")

    def _answer(self, connection: Connection, patience: float) -> tuple[str, Counts | str, bool]:
        """Returns the worker's message. It ends a worker that shows no sign of life for `patience` seconds."""
        beat, since = int(self.board[BEAT]), time.monotonic()
        while True:
            if self.stop():
                self._end()
                raise JobEnded
            try:
                if connection.poll(LOOK_SECONDS):
                    answer: tuple[str, Counts | str, bool] = connection.recv()
                    return answer
            except (EOFError, OSError):
                raise self._death(own=False) from None
            if beat != self.board[BEAT]:
                beat, since = int(self.board[BEAT]), time.monotonic()
            elif time.monotonic() - since > patience:
                raise self._death(own=True)

    def _death(self, own: bool) -> _Died:
        """Cleans up after a worker that is gone or hangs."""
        status = self._process.wait(5) if self._process and not own else None
        self._end()
        return _Died(own or status not in (-signal.SIGKILL, -signal.SIGTERM))

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.stop():
                raise JobEnded
            time.sleep(LOOK_SECONDS)


def _after(attempt: Attempt, record: int, crashes: int, kills: int) -> Attempt:
    """Returns the next attempt. Leaves the record out after two crashes or five kills.

    A mixture of both adds up: one crash is half of enough, one kill is a fifth.
    """
    attempt = replace(attempt, careful=True)
    if crashes / OWN_DEATHS + kills / KILLED_DEATHS < 1:
        return attempt
    if record in attempt.leave_out:  # the record itself ends the worker, not its page
        return replace(attempt, until=record)
    return replace(attempt, leave_out=attempt.leave_out | {record})


def _real(stream: object) -> bool:
    try:
        stream.fileno()  # type: ignore[attr-defined]
    except (OSError, ValueError, AttributeError):
        return False
    return True
