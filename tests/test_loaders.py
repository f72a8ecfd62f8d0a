"""Batches that several processes prepare: the same ones, also after a restart, and an end without leftovers."""

import dataclasses
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from sample_shards import write_sample_shards

from soupstate.app.cli.main import soupstate
from soupstate.model.train.data.lanes import Lanes, Stretches
from soupstate.model.train.data.loaders import AHEAD, Loaders
from soupstate.model.train.data.shards import Shards
from soupstate.model.train.run.experiment import Experiment
from soupstate.model.train.run.loop import Run

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")
STRETCHES = Stretches(window=96, beginning=160, whole_share=0.1, balanced_share=0.2)
TINY = Experiment(
    name="tiny", shards="shards", units=16, embedding=8, lanes=5, steps=32, log_interval=10, stretches=STRETCHES
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with shards of some sample pages."""
    folder = tmp_path_factory.mktemp("root")
    write_sample_shards(folder)
    return folder


def lanes(root: Path, *, backward: bool = False, seed: int = 1) -> Lanes:
    stretches = dataclasses.replace(STRETCHES, balanced_share=0.0) if backward else STRETCHES
    return Lanes(Shards(root / "shards", backward=backward), 5, 32, 4, stretches, seed)


@pytest.mark.parametrize(("processes", "backward"), [(1, True), (2, False), (9, False)])
def test_the_batches_of_one_process(root: Path, processes: int, backward: bool) -> None:
    """More of them than the ring holds; a process more than there are lanes does nothing."""
    wanted, loaders = lanes(root, backward=backward), Loaders(lanes(root, backward=backward), processes)
    assert loaders.count == min(processes, 5)
    for _ in range(5 * AHEAD):
        batch, want = loaders.next(), wanted.next()
        for name, array in vars(want).items():
            assert np.array_equal(getattr(batch, name), array) and getattr(batch, name).dtype == array.dtype
        assert all(np.array_equal(a, b) for a, b in zip(loaders.state().values(), wanted.state().values(), strict=True))
    started = loaders.processes
    loaders.close()
    assert not any(process.is_alive() for process in started)


def test_a_run_resumes_exactly(root: Path, tmp_path: Path) -> None:
    """With loaders, without, and with loaders again, it goes on as one that never stopped."""
    undisturbed = Run(TINY, root, tmp_path, CPU)
    wanted = [float(undisturbed.update()["bits"]) for _ in range(9)]
    found = []
    for count in (2, 0, 1):
        run = Run(TINY, root, tmp_path, CPU, loaders=count)
        run.resume()
        found += [float(run.update()["bits"]) for _ in range(3)]
        run.save()
        run.close()
    assert found == wanted


def test_a_process_that_dies_ends_the_wait(root: Path) -> None:
    loaders = Loaders(lanes(root), 2)
    loaders.next()
    pid = loaders.processes[1].pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(RuntimeError, match="prepares batches ended with status -9"):
        for _ in range(2 * AHEAD + 2):
            loaders.next()
    loaders.close()


def command(root: Path, *more: str) -> Result:
    (root / "tiny.toml").write_text(
        'name = "tiny"\nshards = "shards"\nunits = 16\nembedding = 8\nlanes = 4\nsteps = 32\ncharacters = 2000\n'
    )
    return CliRunner().invoke(soupstate, ["train", str(root / "tiny.toml"), "--device", "cpu", *more])


def test_command(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    before = time.monotonic()
    done = command(root, "--out", str(tmp_path / "run"), "--loaders", "2")
    assert done.exit_code == 0 and "done at 2048 characters" in done.output, done.output
    assert time.monotonic() - before < 60
    refused = command(root, "--out", str(tmp_path / "other"), "--loaders", "1", "--workers", "2")
    assert refused.exit_code == 1 and "--loaders" in refused.output
