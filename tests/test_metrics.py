"""The table of a training run, its picture, and what is measured on held-out lessons."""

import dataclasses
import itertools
from pathlib import Path

import pytest
import torch
from test_loop import PER_UPDATE, TINY, root, run

from soupstate.model.train.data.shards import Shards
from soupstate.model.train.run import train as training
from soupstate.model.train.run.held_out import HeldOut
from soupstate.model.train.run.metrics import COLUMNS, Metrics, plot, read_table
from soupstate.model.train.run.train import train

__all__ = ["root"]

pytestmark = pytest.mark.usefixtures("one_thread")
HELD_OUT = dataclasses.replace(TINY, held_out="shards", held_out_seconds=0.0)


def test_the_table_has_a_row_per_interval(root: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    train(run(root, tmp_path, HELD_OUT), lines.append)
    rows = read_table(tmp_path)
    assert [row["characters"] for row in rows] == [n * PER_UPDATE for n in (4, 8, 12)]
    for row, line in zip(rows, lines, strict=True):
        assert set(row) <= set(COLUMNS) and row["seconds"] >= 0 and row["characters_per_second"] > 0
        assert f"bits {row['bits']:.4f}" in line and f"held_out_bits {row['held_out_bits']:.4f}" in line
        assert 0 <= row["held_out_f1_syntax"] <= 1 and "held_out_f1_depth" not in row
    assert rows[-1]["held_out_bits"] < rows[0]["held_out_bits"] < 8.5


def test_a_resumed_run_goes_on_with_its_table(root: Path, tmp_path: Path) -> None:
    train(run(root, tmp_path), lambda line: None)
    Metrics(tmp_path, 10**9).add({"characters": 10**6, "bits": 1.0})  # as after a run that was killed later on
    more = run(root, tmp_path, dataclasses.replace(TINY, characters=16 * PER_UPDATE))
    assert more.resume()
    train(more, lambda line: None)
    assert [row["characters"] for row in read_table(tmp_path)] == [n * PER_UPDATE for n in (4, 8, 12, 16)]


def test_a_short_run_has_a_row_too(root: Path, tmp_path: Path) -> None:
    experiment = dataclasses.replace(HELD_OUT, held_out_seconds=1e9, log_interval=1000)
    train(run(root, tmp_path, experiment), lambda line: None)
    [row] = read_table(tmp_path)
    assert row["characters"] == TINY.characters and "held_out_bits" in row


@pytest.mark.slow
def test_the_picture(root: Path, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="metrics.csv"):
        plot(tmp_path, tmp_path / "none.png")
    for experiment in (TINY, HELD_OUT):
        folder = tmp_path / (experiment.held_out or "without")
        train(run(root, folder, experiment), lambda line: None)
        plot(folder, folder / "curves.png")
        assert (folder / "curves.png").read_bytes().startswith(b"\x89PNG")
    (folder / "metrics.csv").write_text("characters,loss\n1,2\n")
    with pytest.raises(ValueError, match="not a table of this version"):
        plot(folder, folder / "curves.png")


def test_held_out_figures_do_not_change_the_network(root: Path, tmp_path: Path) -> None:
    made, held_out = run(root, tmp_path), HeldOut(Shards(root / "shards"), TINY.delay, TINY.table)
    before = [p.clone() for p in made.network.parameters()]
    cpu = torch.device("cpu")
    assert held_out.measure(made.network, cpu) == held_out.measure(made.network, cpu)
    assert all(torch.equal(a, b) for a, b in zip(before, made.network.parameters(), strict=True))


def test_the_rate_falls_in_time(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look at the clock takes a second: after 20 seconds of 20 the rate is the lowest, long before the end."""
    ticks = itertools.count()
    monkeypatch.setattr(training.time, "monotonic", lambda: float(next(ticks)))
    experiment = dataclasses.replace(TINY, characters=10**9, log_interval=1, decay=0.5, checkpoint_seconds=1e9)
    made = run(root, tmp_path, experiment)
    lines: list[str] = []
    train(made, lines.append, seconds=20.0)
    rates = [row["learning_rate"] for row in read_table(tmp_path)]
    assert made.characters < 20 * PER_UPDATE and rates[-1] < 0.6 * max(rates)
    assert "left" in lines[0]
