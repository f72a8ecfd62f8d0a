"""What tests share: a tiny random network, and the service with it on a port of its own."""

import gc
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import hypothesis  # noqa: F401  its pytest plug-in imports it at the end of a run, when garbage is collected: see below
import numpy as np
import pytest
from fastapi import FastAPI
from numpy.typing import NDArray

from soupstate.app.cli.serve import Server, listen
from soupstate.app.http.networks import Load, Networks, load_networks
from soupstate.app.http.service import create_app
from soupstate.app.http.settings import Settings
from soupstate.kernels import available
from soupstate.kernels.counters import MOVES, VALUES
from soupstate.model.faults.ranking import UNFITTED
from soupstate.model.net.checkpoint import Checkpoint, Logistic, extractor, load_checkpoint, save_checkpoint
from soupstate.model.net.depth import CELLS, TABLES, Depth, DepthLayer, DepthNeuron
from soupstate.model.net.reader import NO_WINDOW, Marking, Reader, Reading
from soupstate.model.page.boundaries import BOUNDARY_KINDS
from soupstate.model.page.marks import OUTPUTS, Syntax
from soupstate.model.page.spans import spans_of_marks
from soupstate.model.page.stop import Stopped
from soupstate.model.page.tag_places import TAG_KINDS
from soupstate.model.train.data.teacher import teach

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
# While modules are imported: in CPython 3.11 a collection of garbage inside ast.parse, by which pytest rewrites their
# assertions, may end it with SystemError ("AST constructor recursion depth mismatch", CPython issue 106905).
gc.disable()

UNITS = 16
A_RANKING = Logistic(UNFITTED.weights, -1.0)


def tiny_checkpoint() -> Checkpoint:
    """A random network of 16 units with the real heads."""
    random = np.random.default_rng(7)

    def matrix(*shape: int, scale: float = 0.3) -> np.ndarray:
        return (scale * random.standard_normal(shape)).astype(np.float16).astype(np.float32)

    def codes() -> np.ndarray:
        numbers = np.clip(np.rint(random.integers(-20, 20, (6 * 65536, 24), np.int8) / 3), -7, 7).astype(np.uint8) + 8
        return (numbers[:, ::2] & 15) | (numbers[:, 1::2] & 15) << 4

    parameters = {
        "byte.weight": matrix(256, 8),
        **{f"predicted.{k}.weight": matrix(256, 8) for k in range(2)},
        **{f"length.{k}.weight": matrix(24, 8) for k in range(2)},
        "lstm.weight_ih_l0": matrix(4 * UNITS, 8),
        "lstm.weight_hh_l0": matrix(4 * UNITS, UNITS),
        "lstm.bias_ih_l0": matrix(4 * UNITS),
        "lstm.bias_hh_l0": matrix(4 * UNITS),
        "output.weight": matrix(256, UNITS),
        "output.bias": matrix(256),
        "copy_gain.weight": matrix(22, UNITS),
        "copy_bias": matrix(22, 24),
        "gate.weight": matrix(32, UNITS),
        "gate.bias": matrix(32),
        "gate_length.weight": matrix(12 * 24, 32),
        "gate_gain.weight": matrix(22, 32),
        "context.codes": codes(),
        "context.factors": np.full(6 * 65536, 24, np.uint8),  # three
        "context.scale": np.full(24, 0.05, np.float32),
        "context_output.weight": matrix(256, 24, scale=0.2),
        "heads.weight": matrix(OUTPUTS, UNITS, scale=1.0),
        "heads.bias": matrix(OUTPUTS),
    }
    changes = np.log(random.dirichlet(np.ones(len(Syntax)), (BOUNDARY_KINDS, len(Syntax)))).astype(np.float32)
    return Checkpoint("tiny", "test", 4, parameters, changes, a_depth(random))


def a_depth(random: np.random.Generator) -> Depth:
    """A depth layer for UNITS units whose cells move at most places."""
    shapes = ((5, UNITS), (TAG_KINDS, 5), (TABLES, VALUES, 5), (CELLS * MOVES, 5), (CELLS * MOVES,))
    drawn = (random.normal(size=shape).astype(np.float16).astype(np.float32) for shape in shapes)
    layer = DepthLayer(*drawn)
    return Depth(layer, tuple(DepthNeuron(1, k, 0.1 * k) for k in (3, 0, 1, 2, 7, 6, 5, 4)))


def held_up(call: Callable[[], object], times: int) -> float:
    """The longest that this thread waits while another makes so many calls, as a share of their time: best of three."""
    shares = []
    for _ in range(3):
        thread = threading.Thread(target=lambda: [call() for _ in range(times)])
        ticks = [time.perf_counter()]
        thread.start()
        while thread.is_alive():
            ticks.append(time.perf_counter())
        shares.append(float(np.diff(ticks).max()) / (ticks[-1] - ticks[0]))
    return min(shares)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test with a limit on time may miss it where other work runs on the machine: one of three runs must keep it."""
    for item in items:
        if item.get_closest_marker("timed"):
            item.add_marker(pytest.mark.flaky(reruns=2))


def pytest_collection_finish() -> None:
    gc.enable()


@pytest.fixture(params=available())
def backend(request: pytest.FixtureRequest) -> str:
    """Each that runs here."""
    name: str = request.param
    return name


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Memory that nothing has written to reads as NaN."""
    empty: Callable[..., NDArray[np.generic]] = np.empty

    def poisoned(shape: int | tuple[int, ...], dtype: type = float) -> NDArray[np.generic]:
        array = empty(shape, dtype)
        array.fill(np.nan if array.dtype.kind == "f" else 99)
        return array

    monkeypatch.setattr(np, "empty", poisoned)
    yield


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Torch with one thread: sums depend on how they are divided among threads, and small networks are faster so."""
    import torch  # noqa: PLC0415  only tests of training need it

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def two_readers(folder: Path) -> Reader:
    """Of a tiny network, and of another beside it that reads from the end, with a ranking of its own."""
    checkpoint = tiny_checkpoint()
    backward = {"experiment": {"backward": True}}
    save_checkpoint(checkpoint, folder / "w.safetensors")
    save_checkpoint(
        replace(checkpoint, training=backward, ranking=A_RANKING),
        folder / "w-backward.safetensors",
    )
    return Reader(load_checkpoint(folder / "w.safetensors"))


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny network's file."""
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_checkpoint(tiny_checkpoint(), path)
    return path


class Taught(Reader):
    """The tiny network, but with the teacher's spans; and pages that hold the word SLOW last until they are stopped."""

    started = threading.Event()
    go_on = threading.Event()

    def read(self, page: str, stop: Callable[[], bool] = lambda: False, window: slice = NO_WINDOW) -> Reading:
        """As Reader.read."""
        self._wait(page, stop)
        reading = super().read(page, stop, window)
        reading.spans = spans_of_marks(page, teach(page))
        return reading

    def mark(self, page: str, stop: Callable[[], bool] = lambda: False) -> Marking:
        """As Reader.mark."""
        self._wait(page, stop)
        marking = super().mark(page, stop)
        marking.spans = spans_of_marks(page, teach(page))
        return marking

    def _wait(self, page: str, stop: Callable[[], bool]) -> None:
        if "BROKEN" in page:
            raise RuntimeError("as a test wants it")
        if "SLOW" in page:
            self.started.set()
            while not self.go_on.is_set():
                if stop():
                    raise Stopped
                time.sleep(0.005)


def load_taught(settings: Settings) -> Networks:
    """A `Load` of the service."""
    files = (settings.weights, extractor(settings.weights))
    measuring, extracting = (Taught(load_checkpoint(file), settings.backend or None) for file in files)
    return Networks(extracting, lambda: measuring)


@dataclass
class Running:
    """A service that answers at client's base address."""

    client: httpx.Client
    app: FastAPI
    server: Server

    def metric(self, line: str) -> float:
        """The value of one line of /metrics."""
        text = self.client.get("/metrics").text
        return next((float(row.rsplit(" ", 1)[1]) for row in text.splitlines() if row.startswith(line + " ")), 0.0)

    def wait(self, line: str, value: float) -> None:
        """Waits for a metric to have a value."""
        until = time.monotonic() + 5
        while self.metric(line) != value:
            assert time.monotonic() < until, f"{line} is {self.metric(line)}, not {value}"
            time.sleep(0.01)


@contextmanager
def serving(settings: Settings, load: Load) -> Iterator[Running]:
    """Runs the service in a thread."""
    app = create_app(settings, load)
    server = Server(app, settings)
    with listen(settings) as bound:
        thread = threading.Thread(target=server.run, args=([bound],))
        thread.start()
        try:
            until = time.monotonic() + 10
            while not server.started:
                assert thread.is_alive() and time.monotonic() < until, "the service does not start"
                time.sleep(0.005)
            with httpx.Client(base_url=f"http://127.0.0.1:{bound.getsockname()[1]}", timeout=20) as client:
                yield Running(client, app, server)
        finally:
            Taught.go_on.set()
            server.should_exit = True
            thread.join(20)
            Taught.go_on.clear()
            Taught.started.clear()


@contextmanager
def served(*options: str, files: int = 1024) -> Iterator[tuple[str, list[str]]]:
    """`soupstate serve` as a process of its own with so many file descriptors: its address, and what it logs."""
    command = ["bash", "-c", f'ulimit -n {files}; exec "$@"', "bash", sys.executable, "-m", "soupstate", "serve"]
    root = Path(__file__).parents[1]
    with subprocess.Popen(
        [*command, "--port", "0", *options], stderr=subprocess.PIPE, text=True, cwd=root, errors="replace"
    ) as process:
        assert process.stderr
        lines = [process.stderr.readline()]
        reading = threading.Thread(target=lambda: lines.extend(process.stderr or ()))
        reading.start()
        try:
            url = json.loads(lines[0])["url"]
            with httpx.Client(transport=httpx.HTTPTransport(retries=5)) as client:  # it listens a little later
                assert client.get(f"{url}/readyz").status_code == 200
            yield url, lines
        finally:
            process.terminate()
            try:
                process.wait(30)
            finally:
                process.kill()
                reading.join(5)


@pytest.fixture
def serve(weights: Path) -> Iterator[Callable[..., Running]]:
    """serve(name=value, ...) starts a service with these settings; `load` is load_taught by default."""
    with ExitStack() as stack:

        def start(load: Load = load_taught, **given: object) -> Running:
            settings = Settings(**{"port": 0, "weights": weights, "workers": 2, "stop_seconds": 2.0} | given)  # type: ignore[arg-type]
            return stack.enter_context(serving(settings, load))

        yield start


@pytest.fixture(scope="module")
def service(weights: Path) -> Iterator[Running]:
    """One service for a module's tests, with the teacher's spans."""
    with serving(Settings(port=0, weights=weights, workers=2, max_body_bytes=200_000), load_taught) as running:
        yield running


@pytest.fixture(scope="module")
def plain_service(weights: Path) -> Iterator[Running]:
    """One service for a module's tests, with the tiny network alone."""
    with serving(Settings(port=0, weights=weights, workers=1), load_networks) as running:
        yield running
