"""A worker: a process that loads the network once and does one task after another.

    python -m soupstate.app.batch.worker CONNECTION BOARD

Its arguments are two file descriptors: a socket to the process that started it, and the board's memory. It ends as soon
as that process is gone.
"""

import os
import select
import sys
import threading
import traceback
from multiprocessing.connection import Connection
from typing import Any

import pyarrow as pa

from soupstate.app.batch.board import open_board
from soupstate.app.batch.job import Attempt, Job
from soupstate.app.batch.task import Task
from soupstate.app.reading import load_reader
from soupstate.model.archive.records import NotAnArchive

READY, DONE, FAILED = "ready", "done", "failed"


def end_with(parent: int) -> None:
    """Ends this process at once when the other end of a socket is closed."""
    watch = select.poll()
    watch.register(parent, select.POLLHUP)

    def wait() -> None:
        watch.poll()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _received(connection: Connection) -> Any:
    """Returns what the parent sends, or None when it has ended. The thread of `end_with` may notice that later."""
    try:
        return connection.recv()
    except (EOFError, ConnectionError):
        return None


def main() -> None:
    """Receives the job, loads its network, and does one attempt after another."""
    connection, board_file = Connection(int(sys.argv[1])), int(sys.argv[2])
    end_with(connection.fileno())
    board = open_board(board_file)
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    job: Job | None = _received(connection)
    if job is None:
        return
    try:
        reader = load_reader(job.weights, job.backend, extracts=True, heads=job.head)
    except (OSError, ValueError) as error:
        connection.send((FAILED, str(error), False))
        return
    connection.send((READY, None, False))
    attempt: Attempt | None
    while attempt := _received(connection):
        try:
            connection.send((DONE, Task(job, reader, attempt, board).run(), False))
        except OSError as error:
            connection.send((FAILED, f"{error.strerror or error}", not isinstance(error, FileNotFoundError)))
        except NotAnArchive as error:
            connection.send((FAILED, str(error), False))
        except Exception as error:  # the file failed; the other files go on
            remote = "://" in attempt.source  # libraries for remote files raise errors of their own
            if not remote:
                traceback.print_exc()
            connection.send((FAILED, f"{type(error).__name__}: {error}", remote))


if __name__ == "__main__":
    main()
