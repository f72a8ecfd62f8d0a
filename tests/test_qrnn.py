"""The QRNN cell: what the formulas say, its state carried on, and trained, resumed and refused like the LSTM."""

import dataclasses
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file, save_file
from test_initial_weights import network as lstm_network
from test_initial_weights import stored
from test_network import inputs
from test_workers import root as root  # a folder with shards of some sample pages
from test_workers import wait_for

from soupstate.app.cli.main import soupstate
from soupstate.model.page.marks import OUTPUTS
from soupstate.model.train.data.lanes import Stretches
from soupstate.model.train.network.counters import start_counters
from soupstate.model.train.network.network import Network
from soupstate.model.train.network.qrnn import FORGET, Qrnn, QrnnState
from soupstate.model.train.run.experiment import Experiment
from soupstate.model.train.run.export import parameters
from soupstate.model.train.run.initial_weights import load_weights
from soupstate.model.train.run.loop import Run, build_network
from soupstate.model.train.run.workers import further_workers

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")
INPUTS, UNITS = 5, 7
TINY = Experiment(
    name="tiny",
    shards="shards",
    cell="qrnn",
    layers=3,
    units=16,
    embedding=8,
    lanes=3,
    steps=32,
    learning_rate=1e-2,
    warm_up=64,
    stretches=Stretches(window=96, beginning=160),
)


def make(layers: int, zoneout: float = 0.0) -> Qrnn:
    torch.manual_seed(1)
    return Qrnn(INPUTS, UNITS, layers, zoneout)


def losses(run: Run, updates: int) -> list[dict[str, float]]:
    return [{k: float(v) for k, v in run.update().items()} for _ in range(updates)]


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_what_the_formulas_say(layers: int) -> None:
    """Layer by layer, step by step, from a state that is not nought."""
    cell, x = make(layers), torch.randn(2, 6, INPUTS)
    before = QrnnState(*(torch.randn_like(s) for s in cell.zero_state(2, CPU)))
    assert [tuple(s.shape) for s in before] == [(layers, 2, UNITS), (1, 2, INPUTS), (layers - 1, 2, UNITS)]
    got, after = cell(x, before)
    for lane in range(2):
        below = [*x[lane]]
        for k, layer in enumerate(cell.layers):
            last, c = (before.below[k - 1] if k else before.byte[0])[lane], before.c[k, lane]
            out = []
            for now in below:
                z, f, o = (layer.weight @ torch.cat([last, now]) + layer.bias).chunk(3)
                f = torch.sigmoid(f)
                c = f * c + (1 - f) * torch.tanh(z)
                out.append(torch.sigmoid(o) * c)
                last = now
            torch.testing.assert_close(after.c[k, lane], c)
            torch.testing.assert_close((after.below[k - 1] if k else after.byte[0])[lane], below[-1])
            below = out
        torch.testing.assert_close(got[lane], torch.stack(below))
    bias = cell.layers[0].bias[UNITS : 2 * UNITS]
    assert (bias[0], bias[-1]) == FORGET and not any(s.any() for s in cell.zero_state(2, CPU))


@pytest.mark.parametrize("cut", [1, 10, 19])
def test_read_in_two_is_read_in_one(cut: int) -> None:
    torch.manual_seed(3)
    net, rows = Network(UNITS, INPUTS, OUTPUTS, qrnn=make(2)), inputs(3, 20)
    start = net.zero_state(3, CPU)
    whole, end = net.hidden(rows, start)
    first, state = net.hidden(rows[:, :cut], start)
    second, last = net.hidden(rows[:, cut:], state)
    assert whole.shape == (3, 20, UNITS) and not any("lstm" in name for name in net.state_dict())
    torch.testing.assert_close(torch.cat([first, second], 1), whole)
    torch.testing.assert_close(last, end)


def test_zoneout() -> None:
    """In training some cells keep what they had, to the last bit; otherwise 1 - f is the mean of that."""
    cell, x = make(1, 0.3), torch.randn(50, 1, INPUTS)
    before = cell.zero_state(50, CPU)._replace(c=torch.ones(1, 50, UNITS))
    after = cell(x, before)[1].c
    plain = make(1)(x, before)[1].c
    kept = after == 1.0
    assert 0.2 < kept.float().mean() < 0.4
    torch.testing.assert_close(after[~kept], plain[~kept])
    cell.eval()
    torch.testing.assert_close(cell(x, before)[1].c - 1, 0.7 * (plain - 1))


@pytest.mark.parametrize("zoneout", [0.0, 0.2])
def test_resumed_is_undisturbed(root: Path, tmp_path: Path, zoneout: float) -> None:
    experiment = dataclasses.replace(TINY, zoneout=zoneout)
    undisturbed = Run(experiment, root, tmp_path / "none", CPU)
    wanted = losses(undisturbed, 14)
    assert wanted[-1]["bits"] < wanted[0]["bits"] - 0.3 and "depth" in wanted[0]
    first = Run(experiment, root, tmp_path, CPU)
    losses(first, 5)
    first.save()
    torch.manual_seed(99)
    second = Run(experiment, root, tmp_path, CPU)
    assert second.resume() and losses(second, 9) == wanted[5:]
    assert all(torch.equal(a, b) for a, b in zip(second.state, undisturbed.state, strict=True))
    assert second.state.c.shape == (3, 3, 16) and second.state.c.any() and second.state.below.any()


def test_state_is_reset_where_a_stretch_begins(root: Path, tmp_path: Path) -> None:
    """What the lanes had before does not matter to those that begin anew, and matters to the others."""
    runs = [Run(TINY, root, tmp_path, CPU) for _ in range(2)]
    fresh = {True}
    while len(fresh) < 2:
        for made in runs:
            losses(made, 1)
        places = runs[0].lanes.places
        ended = places[:, 2] >= places[:, 3]
        fresh = set(ended.tolist())
    runs[1].state = QrnnState(*(s + 1 for s in runs[1].state))
    for made in runs:
        losses(made, 1)
    same = [torch.equal(a, b) for a, b in zip(*(r.state.c.unbind(1) for r in runs), strict=True)]
    assert same == ended.tolist()


def test_two_workers(root: Path) -> None:
    run = Run(dataclasses.replace(TINY, lanes=2), root, root, CPU)
    run.update()
    with further_workers(run, root, 1):
        wait_for(run, 4)
        losses(run, 3)
    assert all(bool(v.isfinite().all()) for v in run.network.state_dict().values())


def test_defaults() -> None:
    assert len(build_network(dataclasses.replace(TINY, layers=0)).cell.layers) == 2
    assert build_network(Experiment("n", "s", units=16)).qrnn is None


def test_what_is_not_for_it(tmp_path: Path) -> None:
    torch.manual_seed(3)
    net = Network(12, 8, OUTPUTS, qrnn=Qrnn(8, 12, 2))
    with pytest.raises(ValueError, match="no kernel reads a QRNN"):
        parameters(net)
    with pytest.raises(ValueError, match="depth_units"):
        start_counters(net, 3)
    own, other = stored(net, tmp_path / "own"), stored(lstm_network(12), tmp_path / "other")
    again = Network(12, 8, OUTPUTS, qrnn=Qrnn(8, 12, 2))
    load_weights(again, own)
    assert all(torch.equal(v, net.state_dict()[k]) for k, v in again.state_dict().items())
    for made, file, said in (
        (again, other, "another cell"),
        (lstm_network(12), own, "another cell"),
        (Network(12, 8, OUTPUTS, qrnn=Qrnn(8, 12, 3)), own, "other layers"),
        (Network(14, 8, OUTPUTS, qrnn=Qrnn(8, 14, 2)), own, "qrnn.layers.0.weight"),
    ):
        with pytest.raises(ValueError, match=said):
            load_weights(made, file)


def test_a_checkpoint_from_before_there_were_cells(root: Path, tmp_path: Path) -> None:
    """Keys that an experiment did not have yet had their defaults."""
    plan = dataclasses.replace(TINY, cell="lstm", layers=0)
    made = Run(plan, root, tmp_path, CPU)
    made.update()
    made.save()
    path = tmp_path / "checkpoint.safetensors"
    text = path.read_bytes()
    assert rb"\"zoneout\": 0.0" in text
    tensors = load_file(path)
    save_file(tensors, path, {"experiment": '{"name": "tiny"}', "updates": "1"})
    with pytest.raises(ValueError, match="other .*embedding"):
        Run(plan, root, tmp_path, CPU).resume()
    path.write_bytes(text.replace(rb", \"zoneout\": 0.0", b" " * len(rb", \"zoneout\": 0.0")))
    assert Run(plan, root, tmp_path, CPU).resume()


def test_command(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trained, but not to be exported."""
    monkeypatch.chdir(root)
    lines = [
        'name = "q"',
        'shards = "shards"',
        'cell = "qrnn"',
        "units = 16",
        "embedding = 8",
        "lanes = 2",
        "steps = 32",
    ]
    Path("q.toml").write_text("\n".join([*lines, "characters = 1280"]))
    done = CliRunner().invoke(soupstate, ["train", "q.toml", "--device", "cpu", "--threads", "1"])
    assert done.exit_code == 0, done.output
    checkpoint = "runs/q/checkpoint.safetensors"
    exported = CliRunner().invoke(soupstate, ["export", checkpoint, "--experiment", "q.toml", "--out", "out"])
    assert exported.exit_code == 1 and "no kernel reads a QRNN" in exported.stderr and not Path("out").exists()
