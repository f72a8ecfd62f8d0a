"""The Ray runner: does the same tasks on the nodes of a cluster. It needs the extra `ray`."""

import logging
import socket
import time
from typing import Any

import ray
from ray.exceptions import RayActorError, RayError

from soupstate.app.batch.job import Job, JobError
from soupstate.app.batch.progress import Progress
from soupstate.app.batch.supervisor import Outcome, Supervisor

MOST_LOST = 10  # actors that one file may lose; the supervisor handles pages that end their worker
WAIT_SECONDS = 0.5


class Keeper:
    """An actor that supervises one worker, which holds the network, on whatever node Ray put it."""

    def __init__(self, job: Job) -> None:
        self.supervisor = Supervisor(job)

    def there(self) -> None:
        """Returns as soon as the actor runs."""

    def run(self, source: str) -> Outcome:
        """Does what Supervisor.run does, but returns every error in the outcome."""
        try:
            return self.supervisor.run(source)
        except Exception as error:  # the file failed; the other files go on
            return Outcome(source, error=f"on {socket.gethostname()}: {error}")


def run_ray(job: Job, sources: list[str], workers: int | None, address: str, gpus: float, progress: Progress) -> None:
    """Reads all files with actors, one per core (or `workers`), each with one file at a time.

    Nodes may come and go: when a node is lost, its file goes to another. All nodes must see the folder and local files.
    Raises JobError when there is no cluster.
    """
    try:
        _knock(address)
        ray.init(address=address, log_to_driver=False, logging_level=logging.WARNING)
    except (OSError, RayError, ValueError) as error:
        raise JobError(f"no Ray cluster at {address}: {error}") from None
    try:
        resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        cores = int(resources.get("CPU", 1))
        made: Any = ray.remote(num_cpus=1, num_gpus=gpus, max_restarts=-1, max_task_retries=0)(Keeper)
        actors = [made.remote(job) for _ in range(min(workers or cores, len(sources)))]
        _deal(actors, list(reversed(sources)), progress)
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """Raises OSError when nobody listens at an address of the form host:port. Ray would try for over a minute."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if port.isdigit():
        socket.create_connection((host, int(port)), 10).close()


def _deal(actors: list[Any], waiting: list[str], progress: Progress) -> None:
    """Gives every idle actor the next file until all are done.

    An actor that has no node yet gets no file; it is polled until Ray starts it.
    """
    idle: list[Any] = []
    running: dict[Any, tuple[Any, str | None]] = {actor.there.remote(): (actor, None) for actor in actors}
    lost: dict[str, int] = {}
    while waiting or any(source for _, source in running.values()):
        while waiting and idle:
            actor, source = idle.pop(), waiting.pop()
            running[actor.run.remote(source)] = actor, source
        for reference in ray.wait(list(running), timeout=WAIT_SECONDS)[0]:
            actor, found = running.pop(reference)
            try:
                outcome = ray.get(reference)
            except RayActorError as error:
                outcome = _lost(found, lost, waiting, error)
                time.sleep(WAIT_SECONDS)  # until Ray knows what became of the node
                running[actor.there.remote()] = actor, None
            else:
                idle.append(actor)
            if outcome:
                progress.done(outcome)
        progress.show()


def _lost(source: str | None, lost: dict[str, int], waiting: list[str], error: Exception) -> Outcome | None:
    """Puts the file of a lost actor back into the queue. Returns its outcome when it has lost too many actors."""
    if source is None:
        return None
    lost[source] = lost.get(source, 0) + 1
    if lost[source] >= MOST_LOST:
        return Outcome(source, error=f"{MOST_LOST} actors were lost: {error}")
    waiting.append(source)
    return None
