"""Figures of a training checkpoint on held-out lessons, and the table of several."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from test_workers import root as root  # a folder with shards of some sample pages

from soupstate.app.cli.main import soupstate
from soupstate.model.page.marks import COLUMN, DEEPEST, HEADS, IGNORED, OUTPUT
from soupstate.model.train.data.inputs import input_rows
from soupstate.model.train.data.shards import BYTE, MARKS, Shards
from soupstate.model.train.evaluation.heldout import _Tally, f1, measure, pearson
from soupstate.model.train.network.network import Network
from soupstate.model.train.run.experiment import Experiment
from soupstate.model.train.run.loop import build_network

pytestmark = pytest.mark.usefixtures("one_thread")

DELAY, LONGEST = 4, 900
SIZES = ["units = 16", "embedding = 8", "lanes = 2", "steps = 32", "characters = 640", "warm_up = 64"]


def network() -> Network:
    return build_network(Experiment("n", "s", units=16, embedding=8))


def test_f1() -> None:
    assert f1(np.diag([3, 0, 5])) == 1.0
    assert f1(np.array([[2, 2], [0, 4]])) == pytest.approx((2 * 2 / 6 + 2 * 4 / 10) / 2)
    assert f1(np.array([[0, 0], [4, 0]])) == 0.0  # the class that does not occur is not counted


def test_pearson() -> None:
    x, y = np.random.default_rng(0).normal(0, 1, (2, 100))
    y += x
    columns = np.stack([np.ones(100), x, y])
    assert pearson(columns @ columns.T) == pytest.approx(np.corrcoef(x, y)[0, 1])
    columns[1] = 1.0
    assert pearson(columns @ columns.T) == 0.0


def test_measured_lesson_by_lesson_as_read_at_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In chunks that do not divide a lesson; every figure beside one made here of whole lessons."""
    monkeypatch.setattr("soupstate.model.train.evaluation.heldout.CHUNK", 70)
    net, shards = network(), Shards(root / "shards")
    found = measure(net, shards, DELAY, LONGEST)
    bits, got, wanted = [], [], []
    for i in range(len(shards)):
        rows = shards.lesson(i)[:LONGEST]
        inputs = torch.from_numpy(input_rows(rows[:, BYTE])[None]).long()
        with torch.no_grad():
            hidden, _ = net.hidden(inputs, net.zero_state(1, torch.device("cpu")))
            odds = torch.log_softmax(net.next_byte(hidden, inputs)[0, :-1], -1)
            assert net.heads is not None
            got.append(net.heads(hidden)[0, DELAY:].numpy())
        bits.append(-odds[torch.arange(len(rows) - 1), torch.from_numpy(rows[1:, BYTE].astype(np.int64))] / np.log(2))
        wanted.append(rows[: len(rows) - DELAY, MARKS:])
    outputs, marks = np.concatenate(got), np.concatenate(wanted)
    assert found["bits per byte"] == pytest.approx(float(torch.cat(bits).mean()), rel=1e-5)
    syntax = marks[:, COLUMN["syntax"]]
    used = syntax != IGNORED
    right = (outputs[:, OUTPUT["syntax"]].argmax(1) == syntax)[used]
    assert found["syntax, share right"] == pytest.approx(right.mean(), abs=1e-3)
    scale = next(h.scale for h in HEADS if h.name == "depth")
    depth = marks[:, COLUMN["depth"]]
    known = depth != IGNORED
    got_depth, is_depth = scale * outputs[known, OUTPUT["depth"]][:, 0], depth[known].astype(float)
    r = np.corrcoef(got_depth, np.minimum(is_depth, DEEPEST))[0, 1]
    assert found["depth, r"] == pytest.approx(r, abs=1e-3)
    assert found["depth, mean error"] == pytest.approx(np.abs(got_depth - is_depth).mean(), rel=1e-3)
    assert 0 <= found["F1, mean over heads"] <= 1
    assert found["reading, the cell alone"] > found["reading, bytes per second"] > 0
    assert found["numbers in the cell"] == sum(p.numel() for p in net.lstm.parameters())


def test_right_outputs_score_one() -> None:
    """Outputs that say of every byte what its marks are, a delay later."""
    random = np.random.default_rng(0)
    rows = np.zeros((60, MARKS + len(HEADS)), np.uint8)
    outputs = np.zeros((60, max(part.stop for part in OUTPUT.values())), np.float32)
    for head in HEADS:
        marks = random.integers(0, head.classes if head.classes > 1 else DEEPEST, 60)
        rows[:, MARKS + COLUMN[head.name]] = marks
        for t in range(DELAY, 60):
            at = OUTPUT[head.name].start
            if head.classes > 1:
                outputs[t, at + marks[t - DELAY]] = 1.0
            else:
                outputs[t, at] = marks[t - DELAY] / head.scale
    tally = _Tally()
    for at in (0, 25, 50):
        tally.add_heads(outputs[at : at + 25], rows, at, DELAY)
    figures = tally.figures()
    assert all(figures[f"{h.name}, F1"] == figures[f"{h.name}, share right"] == 1.0 for h in HEADS if h.classes > 1)
    assert figures["depth, r"] == pytest.approx(1.0) and figures["depth, mean error"] == pytest.approx(0, abs=1e-5)


def test_command(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two networks trained and compared: with the copy input, and without it, which no kernel reads."""
    monkeypatch.chdir(root)
    for name, copy in (("with", "true"), ("without", "false")):
        lines = [f'name = "{name}"', 'shards = "shards"', f"copy = {copy}", *SIZES]
        Path(f"{name}.toml").write_text("\n".join(lines))
        trained = CliRunner().invoke(soupstate, ["train", f"{name}.toml", "--device", "cpu", "--threads", "1"])
        assert trained.exit_code == 0, trained.output
    arguments = ["ablation", "with.toml", "without.toml", "--shards", "shards", "--longest", "500"]
    done = CliRunner().invoke(soupstate, arguments)
    assert done.exit_code == 0, done.output
    rows = {cells[0]: cells[1:] for cells in (re.split(r" ?\| ?", line)[1:-1] for line in done.stdout.splitlines())}
    assert rows[""] == ["with", "without"] and rows["training, bytes"] == ["640", "640"]
    assert rows["bits per byte"][0] != rows["bits per byte"][1]
    for name in ("training, bytes per second", "reading, bytes per second"):
        assert all(float(value.replace(",", "")) > 0 for value in rows[name])
    assert re.fullmatch(r"[\d,]+", rows["reading by the kernel"][0]) and rows["reading by the kernel"][1] == ""
    alone = float(rows["the cell alone, by the kernel"][0].replace(",", ""))
    assert alone > float(rows["reading by the kernel"][0].replace(",", ""))
    assert 5 < float(rows["bits per byte"][0]) < 9
    Path("without.toml").write_text(Path("without.toml").read_text().replace("embedding = 8", "embedding = 4"))
    refused = CliRunner().invoke(soupstate, arguments)
    assert refused.exit_code == 1 and "not weights of this network" in refused.stderr
