"""The local runner: a few workers of this machine, a thread of this process for each."""

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
    """The sources still to be done, the largest first. Raises JobError where there are rows of another file."""
    done, left = folder.done(), []
    for source in sources:
        which = done.get(target_name(source, form))
        if which is None:
            left.append(source)
        elif which != identity(source):
            name = source_name(source)
            raise JobError(f"{folder.root} has rows of another {name} than {source}: choose another folder")
    return sorted(left, key=lambda source: -(size_of(source) or 0))


@contextmanager
def alone(folder: Folder) -> Iterator[None]:
    """Holds a folder of this machine for one job, and makes it ready. Raises JobError where another job has it."""
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
    """Has all files done by so many workers. Raises JobError; ends the workers where it is interrupted."""
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    for source in sources:
        waiting.put(source)
    stop = threading.Event()
    broken: list[JobError] = []
    keepers = [Supervisor(job, stop.is_set) for _ in range(min(workers, len(sources)))]

    def keep(keeper: Supervisor) -> None:
        with closing(keeper):
            while not stop.is_set():
                try:
                    progress.done(keeper.run(waiting.get_nowait()))
                except (queue.Empty, JobEnded):
                    return
                except JobError as error:
                    broken.append(error)
                    stop.set()

    threads = [threading.Thread(target=keep, args=(keeper,)) for keeper in keepers]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            while thread.is_alive():
                thread.join(SHOW_SECONDS)
                progress.show(*(sum(int(keeper.board[place]) for keeper in keepers) for place in (BYTES, PAGES)))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    if broken:
        raise broken[0]
