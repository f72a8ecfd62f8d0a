"""Several processes train one network: they share weights, moments and the count of updates."""

import dataclasses
import re
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from test_crawl_samples import SAMPLES

from soupstate.app.cli.main import soupstate
from soupstate.model.page.marks import HEADS
from soupstate.model.train.data.lanes import Stretches
from soupstate.model.train.data.lessons import byte_rows
from soupstate.model.train.data.shards import MARKS, write_shard
from soupstate.model.train.data.teacher import teach
from soupstate.model.train.run.experiment import Experiment
from soupstate.model.train.run.loop import Run
from soupstate.model.train.run.train import train
from soupstate.model.train.run.workers import further_workers

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")
PER_UPDATE = 2 * 32
TINY = Experiment(
    name="tiny",
    shards="shards",
    units=16,
    embedding=8,
    lanes=2,
    steps=32,
    characters=10**9,
    learning_rate=1e-2,
    warm_up=PER_UPDATE,
    log_interval=10,
    stretches=Stretches(window=96, beginning=160),
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with shards of some sample pages."""
    (tmp_path / "shards").mkdir()
    pages = [s.html[:1500] for s in SAMPLES[::5]]
    write_shard(tmp_path / "shards" / "a", [byte_rows(p, teach(p)) for p in pages], MARKS + len(HEADS))
    return tmp_path


def wait_for(run: Run, updates: int) -> None:
    """Until others have made so many."""
    until = time.monotonic() + 60
    while run.updates < updates:
        assert time.monotonic() < until, "the other does not begin"
        time.sleep(0.01)


@pytest.mark.slow
def test_two_train_one_network(root: Path) -> None:
    """The parent stands still until the other has read: every step it sees then is the other's."""
    run = Run(TINY, root, root, CPU)
    run.update()  # moments that are there already are shared as well
    places = run.lanes.places.copy()
    start = {k: v.clone() for k, v in run.network.state_dict().items()}
    table = run.network.context.weight
    seen = int(run.optimizers[1].state[table]["exp_avg"].any(1).sum())
    moment = run.optimizers[0].state[run.network.output.weight]["exp_avg"].clone()
    with pytest.raises(KeyError, match="an error of the parent ends the other"), further_workers(run, root, 1):
        wait_for(run, 6)
        changed = {k for k, v in run.network.state_dict().items() if not torch.equal(v, start[k])}
        assert changed == set(start)
        assert not torch.equal(run.optimizers[0].state[run.network.output.weight]["exp_avg"], moment)
        assert int(run.optimizers[1].state[table]["exp_avg"].any(1).sum()) > seen
        assert np.array_equal(run.lanes.places, places)
        assert all(np.isfinite(float(run.update()["bits"])) for _ in range(5))
        raise KeyError("an error of the parent ends the other")
    ended = run.updates
    assert ended >= 8 and run.characters == ended * PER_UPDATE
    run.update()
    assert run.updates == ended + 1  # nobody else counts


@pytest.mark.slow
def test_trained_to_the_end_and_resumed(root: Path) -> None:
    """Updates of both count; the checkpoint that the parent saves is one to go on from."""
    experiment = dataclasses.replace(TINY, characters=200 * PER_UPDATE, depth_units=3)
    lines: list[str] = []
    run = Run(experiment, root, root, CPU)
    with further_workers(run, root, 1):
        wait_for(run, 1)  # a training of so few updates might be over before the other has begun
        train(run, lines.append)
    assert 200 <= run.updates <= 201 and lines
    assert (root / "checkpoint.safetensors").exists()
    assert run.network.heads is not None and int((run.network.heads.weight[-1] != 0).sum()) == 3
    more = dataclasses.replace(experiment, characters=210 * PER_UPDATE)
    again = Run(more, root, root, CPU)
    assert again.resume() and 200 <= again.updates <= 201
    assert np.array_equal(again.lanes.places, run.lanes.places)
    train(again, lines.append)
    assert again.updates == 210
    assert all(bool(v.isfinite().all()) for v in again.network.state_dict().values())


def test_none_further(root: Path) -> None:
    run = Run(TINY, root, root, CPU)
    with further_workers(run, root, 0):
        run.update()
    assert run.updates == 1 and not run.network.output.weight.is_shared()


@pytest.mark.slow
def test_one_that_fails_is_an_error(root: Path) -> None:
    """It finds no lessons. What the parent has learned meanwhile is there."""
    run = Run(TINY, root, root, CPU)
    empty = root / "empty"
    empty.mkdir()
    with pytest.raises(RuntimeError, match="1 of 1 additional workers failed"), further_workers(run, empty, 1):
        train(run, print, stop=lambda: run.updates == 2)
    assert run.updates == 2
    again = Run(TINY, root, root, CPU)
    assert again.resume() and again.updates == 2


@pytest.mark.slow
def test_command(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Begun by one, taken up by two."""
    monkeypatch.chdir(root)
    sizes = {k: getattr(TINY, k) for k in ("units", "embedding", "lanes", "steps")}

    def command(characters: int, workers: int) -> Result:
        lines = (f"{k} = {v}" for k, v in {**sizes, "characters": characters}.items())
        Path("two.toml").write_text("\n".join(['name = "two"', 'shards = "shards"', *lines]))
        return CliRunner().invoke(soupstate, ["train", "two.toml", "--device", "cpu", "--workers", str(workers)])

    assert command(10 * PER_UPDATE, 1).exit_code == 0
    done = command(40 * PER_UPDATE, 2)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("two on cpu: resumed at 640 characters\n")
    assert re.search(r"^done at 2(560|624) characters: ", done.stdout.splitlines()[-1])
    assert command(1, 0).exit_code == 2
