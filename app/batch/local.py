"""The local runner: does the tasks with some workers on this machine, each supervised by a thread."""

import fcntl
import queue
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from soupstate.app.batch.board import BYTES, PAGES
from soupstate.app.batch.folder import Folder
from soupstate.app.batch.job import Job, JobError
from soupstate.app.batch.names import identity, source_name, target_name
from soupstate.app.batch.progress import Progress, size_of
from soupstate.app.batch.supervisor import JobEnded, Supervisor

SHOW_SECONDS = 0.5


def plan(sources: list[str], folder: Folder, form: str) -> list[str]:
    """Returns the sources still to do, the largest first. Raises JobError when a source's rows are of another file."""
    done, left = folder.done(), []
    for source in sources:
        which = done.get(target_name(source, form))
        if which is None:
            left.append(source)
        elif which != identity(source):
            name = source_name(source)
            raise JobError(f"{folder.root} holds rows of another file named {name}: choose another folder for {source}")
    return sorted(left, key=lambda source: -(size_of(source) or 0))


@contextmanager
def alone(folder: Folder) -> Iterator[None]:
    """Locks a local folder for one job and prepares it. Raises JobError when another job holds it."""
    if not folder.local:
        folder.prepare()
        yield
        return
    try:
        Path(folder.root).mkdir(parents=True, exist_ok=True)
        lock = open(Path(folder.root) / "_lock", "w")  # noqa: SIM115 (closed below)
    except OSError as error:
        raise JobError(f"cannot write to {folder.root}: {error.strerror}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise JobError(f"another job writes to {folder.root}") from None
        folder.prepare()
        yield
        folder.clear()


def run_local(job: Job, sources: list[str], workers: int, progress: Progress) -> None:
    """Reads all files with `workers` workers. Raises JobError. It ends the workers when it is interrupted."""
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    for source in sources:
        waiting.put(source)
    stop = threading.Event()
    broken: list[JobError] = []
    supervisors = [Supervisor(job, stop.is_set) for _ in range(min(workers, len(sources)))]

    def keep(supervisor: Supervisor) -> None:
        with closing(supervisor):
            while not stop.is_set():
                try:
                    progress.done(supervisor.run(waiting.get_nowait()))
                except (queue.Empty, JobEnded):
                    return
                except JobError as error:
                    broken.append(error)
                    stop.set()

    threads = [threading.Thread(target=keep, args=(supervisor,)) for supervisor in supervisors]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            while thread.is_alive():
                thread.join(SHOW_SECONDS)
                live = (sum(int(supervisor.board[field]) for supervisor in supervisors) for field in (BYTES, PAGES))
                progress.show(*live)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    if broken:
        raise broken[0]
