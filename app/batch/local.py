"""The local runner: does the tasks with some workers on this machine, each supervised by a thread."""

import fcntl
import queue
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from soupstate.app.batch.board import BYTES, PAGES
from soupstate.app.batch.folder import Folder, Marker
from soupstate.app.batch.job import FORMATS, Job, JobError, Recipe
from soupstate.app.batch.names import identity, source_name, target_name
from soupstate.app.batch.progress import Progress, size_of
from soupstate.app.batch.supervisor import JobEnded, Supervisor
from soupstate.app.file_names import printable

SHOW_SECONDS = 0.5


def plan(sources: list[str], folder: Folder, form: str, recipe: Recipe, *, overwrite: bool = False) -> list[str]:
    """Returns the sources still to do, the largest first.

    Raises JobError when the folder holds rows in another format, or a source's rows are of another file or recipe. With
    `overwrite`, rows of another recipe are made again.
    """
    done, left, differing = folder.done(), [], []
    other = sorted(target for target in {*done, *folder.unfinished()} if not target.endswith(FORMATS[form]))
    if other:
        raise JobError(f"{folder.root} holds rows in another format ({printable(other[0])}): choose another folder")
    for source in sources:
        marker = done.get(target_name(source, form))
        if marker and marker.which != identity(source):
            name = source_name(source)
            raise JobError(f"{folder.root} holds rows of another file named {name}: choose another folder for {source}")
        if marker and marker.recipe != recipe.key:
            differing.append(marker)
        if not marker or marker.recipe != recipe.key:
            left.append(source)
    if differing and not overwrite:
        raise JobError(_differing(folder, differing, recipe))
    for marker in differing:
        folder.unmark(marker)
    return sorted(left, key=lambda source: -(size_of(source) or 0))


def _differing(folder: Folder, markers: list[Marker], recipe: Recipe) -> str:
    """Says in what the rows of finished files differ from those that a job would make."""
    why = recipe.difference(folder.noted(markers[0]).get("made_with"))
    files = f"{printable(markers[0].target)}{f' and {len(markers) - 1} more files' if len(markers) > 1 else ''}"
    return (
        f"{folder.root} holds rows that this job would make otherwise ({files}): {why}. Choose another folder, or give "
        "--overwrite to read their WARC files again"
    )


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
