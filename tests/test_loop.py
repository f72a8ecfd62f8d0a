"""Training: the same by seed, and resumed as if it had never stopped."""

import dataclasses
import math
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sample_shards import write_sample_shards

from soupstate.kernels.weights import LEARNED
from soupstate.model.page.marks import COLUMN, DEEPEST, FORMATS, HEADS, IGNORED, OUTPUT, OUTPUTS
from soupstate.model.train.data.inputs import INPUTS
from soupstate.model.train.data.lanes import Batch, Stretches
from soupstate.model.train.run import loop
from soupstate.model.train.run.device import Tensors, to_device
from soupstate.model.train.run.experiment import Experiment
from soupstate.model.train.run.loop import TABLE_RATE, Run, depth_losses, head_losses, learning_rate
from soupstate.model.train.run.train import train

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")
PER_UPDATE = 3 * 32
TINY = Experiment(
    name="tiny",
    shards="shards",
    units=16,
    embedding=8,
    context_dropout=0.2,
    lanes=3,
    steps=32,
    characters=12 * PER_UPDATE,
    learning_rate=1e-2,
    warm_up=2 * PER_UPDATE,
    log_interval=4,
    stretches=Stretches(window=96, beginning=160, whole_share=0.1, balanced_share=0.2),
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with shards of some sample pages."""
    folder = tmp_path_factory.mktemp("root")
    write_sample_shards(folder)
    return folder


def run(root: Path, folder: Path, experiment: Experiment = TINY) -> Run:
    folder.mkdir(exist_ok=True)
    return Run(experiment, root, folder, CPU)


def losses(run: Run, updates: int) -> list[dict[str, float]]:
    return [{k: float(v) for k, v in run.update().items()} for _ in range(updates)]


def same_weights(a: Run, b: Run) -> bool:
    mine, other = a.network.state_dict(), b.network.state_dict()
    return mine.keys() == other.keys() and all(torch.equal(mine[k], other[k]) for k in mine)


def moments(run: Run) -> list[tuple[str, dict[str, torch.Tensor]]]:
    """What the optimizers remember of each parameter."""
    known = {p: slots for optimizer in run.optimizers for p, slots in optimizer.state.items()}
    return [(name, known[p]) for name, p in run.network.named_parameters()]


def test_same_seed_same_losses(root: Path, tmp_path: Path) -> None:
    one = losses(run(root, tmp_path), 20)
    assert one[:8] == losses(run(root, tmp_path), 8)
    assert one[:8] != losses(run(root, tmp_path, dataclasses.replace(TINY, seed=2)), 8)
    assert {"bits", "syntax", "event", "visible", "depth"} <= set(one[0])
    assert "main" not in one[0]  # no labelled page among these
    assert 7 < one[0]["bits"] < 9 and one[-1]["bits"] < one[0]["bits"] - 0.5  # it learns
    assert all(math.isfinite(v) for found in one for v in found.values())


@pytest.mark.parametrize("after", [1, 5])
def test_resumed_is_undisturbed(root: Path, tmp_path: Path, after: int) -> None:
    undisturbed = run(root, tmp_path / "a")
    wanted = losses(undisturbed, 10)
    first = run(root, tmp_path / "b")
    losses(first, after)
    first.save()
    losses(first, 2)  # what comes after the checkpoint is lost
    second = run(root, tmp_path / "b")
    assert second.resume() and second.updates == after
    assert [s["step"] for _, s in moments(second)] == [after] * len(list(second.network.parameters()))
    assert losses(second, 10 - after) == wanted[after:]
    assert same_weights(second, undisturbed)
    assert torch.equal(second.state[1], undisturbed.state[1])
    for (name, one), (other, two) in zip(moments(second), moments(undisturbed), strict=True):
        assert name == other and type(one["step"]) is type(two["step"]) and one["step"] == two["step"]
        assert torch.equal(one["exp_avg"], two["exp_avg"]) and torch.equal(one["exp_avg_sq"], two["exp_avg_sq"])
    assert second.optimizers[1].state[second.network.context.weight]["exp_avg"].any()


def test_a_checkpoint_is_written_whole_or_not_at_all(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = run(root, tmp_path)
    losses(made, 2)
    made.save()
    losses(made, 1)

    def disk_full(tensors: object, path: Path, meta: object) -> None:
        path.write_bytes(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(loop, "save_file", disk_full)
    with pytest.raises(OSError, match="no space"):
        made.save()
    again = run(root, tmp_path)
    assert again.resume() and again.updates == 2


def test_nothing_to_resume(root: Path, tmp_path: Path) -> None:
    assert not run(root, tmp_path).resume()


def test_another_experiment_is_refused(root: Path, tmp_path: Path) -> None:
    made = run(root, tmp_path)
    losses(made, 1)
    made.save()
    changed = dataclasses.replace(TINY, learning_rate=0.5, stretches=Stretches(window=97))
    with pytest.raises(ValueError, match="other learning_rate, stretches"):
        run(root, tmp_path, changed).resume()
    longer = dataclasses.replace(TINY, characters=10**6, log_interval=1, checkpoint_seconds=1.0)
    assert run(root, tmp_path, longer).resume()


def test_train(root: Path, tmp_path: Path) -> None:
    """Stops where the characters are used up, logs every interval, leaves a checkpoint; goes on with more."""
    lines: list[str] = []
    made = run(root, tmp_path)
    train(made, lines.append)
    assert made.updates == 12 and made.characters == TINY.characters
    assert len(lines) == 3 and all("bits" in line and "characters" in line and "/s" in line for line in lines)
    assert {f.name for f in tmp_path.iterdir()} == {"checkpoint.safetensors", "metrics.csv"}
    more = run(root, tmp_path, dataclasses.replace(TINY, characters=15 * PER_UPDATE))
    assert more.resume() and more.updates == 12 and same_weights(more, made)
    train(more, lines.append)
    assert more.updates == 15
    train(more, lines.append)
    assert more.updates == 15


def test_train_is_stopped(root: Path, tmp_path: Path) -> None:
    made = run(root, tmp_path)
    train(made, print, stop=lambda: made.updates == 3)
    assert made.updates == 3
    train(made, print, seconds=0.0)
    again = run(root, tmp_path)
    assert again.resume() and again.updates == made.updates == 3


KILLED = """
import sys, dataclasses, torch
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_loop import TINY, Run, train
torch.set_num_threads(1)
experiment = dataclasses.replace(TINY, characters=10**12, log_interval=1, checkpoint_seconds=0.0)
train(Run(experiment, Path({root!r}), Path({folder!r}), torch.device("cpu")), lambda line: print(line, flush=True))
"""


def test_killed_and_resumed(root: Path, tmp_path: Path) -> None:
    """Killed at any moment, while it writes checkpoints all the time: what it left is a whole one."""
    script = KILLED.format(tests=str(Path(__file__).parent), root=str(root), folder=str(tmp_path))
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]
    )
    assert process.stdout is not None
    with process.stdout as lines:
        for _ in range(6):
            assert "bits" in next(lines)
        process.send_signal(signal.SIGKILL)
        assert process.wait(20) == -signal.SIGKILL
    resumed = run(root, tmp_path, dataclasses.replace(TINY, characters=10**12))
    assert resumed.resume() and resumed.updates >= 5
    (tmp_path / "other").mkdir()
    undisturbed = run(root, tmp_path / "other", dataclasses.replace(TINY, characters=10**12))
    losses(undisturbed, resumed.updates)
    assert same_weights(resumed, undisturbed)
    assert losses(resumed, 3) == losses(undisturbed, 3)


def test_weights_to_start_from(root: Path, tmp_path: Path) -> None:
    plain = run(root, tmp_path / "a", dataclasses.replace(TINY, heads=False))
    losses(plain, 2)
    plain.save()
    init = str(tmp_path / "a" / "checkpoint.safetensors")
    begun = run(root, tmp_path / "b", dataclasses.replace(TINY, init=init))
    assert begun.updates == 0
    assert torch.equal(begun.network.lstm.weight_hh_l0, plain.network.lstm.weight_hh_l0)
    assert torch.equal(begun.network.context.weight, plain.network.context.weight)
    assert begun.network.heads is not None  # new: at their start
    with pytest.raises(ValueError, match="not weights of this network .*lstm.weight_hh_l0"):
        run(root, tmp_path / "b", dataclasses.replace(TINY, init=init, units=15))
    losses(begun, 1)


def test_a_step_moves_the_embeddings_of_contexts_that_were_read(root: Path, tmp_path: Path) -> None:
    """By a rate of their own (Adam's first step is the rate, up or down); all other rows stay as they were."""
    made = run(root, tmp_path)
    before = made.network.context.weight.detach().clone()
    losses(made, 1)
    moved = (made.network.context.weight.detach() - before).abs()
    rows = moved.any(1)
    assert 0 < rows.sum() <= len(LEARNED) * PER_UPDATE
    rate = TABLE_RATE * learning_rate(TINY, 0)
    assert moved[rows].max() <= 1.01 * rate and moved[rows].median() == pytest.approx(rate, rel=0.01)


def test_depth_is_read_off_few_units(root: Path, tmp_path: Path) -> None:
    """The last ones; other weights of the depth head are nought and stay so, also resumed."""
    experiment = dataclasses.replace(TINY, depth_units=3)
    made = run(root, tmp_path, experiment)
    assert made.network.heads is not None
    start = made.network.heads.weight.detach().clone()
    depth = OUTPUT["depth"].start
    assert (start[depth] != 0).tolist() == [False] * (TINY.units - 3) + [True] * 3
    losses(made, 5)
    made.save()
    again = run(root, tmp_path, experiment)
    assert again.resume()
    losses(again, 3)
    for network in (made.network, again.network):
        assert network.heads is not None
        weight = network.heads.weight.detach()
        assert torch.equal(weight[depth] != 0, start[depth] != 0)
        moved = (weight != start).any(1)
        assert moved[depth] and moved[OUTPUT["syntax"]].all()
        assert weight[:depth].all()
    with pytest.raises(ValueError, match="other depth_units"):
        run(root, tmp_path, dataclasses.replace(experiment, depth_units=4)).resume()


def test_without_the_copy_input(root: Path, tmp_path: Path) -> None:
    """What is not read is not moved; such a run is resumed too."""
    experiment = dataclasses.replace(TINY, copy=False)
    made = run(root, tmp_path, experiment)
    start = {k: v.clone() for k, v in made.network.state_dict().items()}
    losses(made, 2)
    made.save()
    still = {k for k, v in made.network.state_dict().items() if torch.equal(v, start[k])}
    assert {"context.weight", "context_output.weight", "gate.weight", "copy_gain.weight"} <= still
    assert "output.weight" not in still
    again = run(root, tmp_path, experiment)
    assert again.resume()
    assert losses(again, 2) == losses(made, 2)


def test_learning_rate() -> None:
    e = dataclasses.replace(TINY, characters=1000, warm_up=100, learning_rate=1.0, final_learning_rate=0.1, decay=0.5)
    assert learning_rate(e, 0) == 0.01 and learning_rate(e, 49) == 0.5
    assert learning_rate(e, 100) == learning_rate(e, 500) == 1.0
    assert learning_rate(e, 750) == pytest.approx(0.55)
    assert learning_rate(e, 1000) == learning_rate(e, 5000) == pytest.approx(0.1)
    falling = [learning_rate(e, n) for n in range(500, 1001, 50)]
    assert falling == sorted(falling, reverse=True)
    assert learning_rate(dataclasses.replace(e, decay=0.0), 1000) == 1.0
    assert learning_rate(e, 100, 0.75) == pytest.approx(0.55) == learning_rate(e, 750, 0.2)  # by time


def given(marks: torch.Tensor, depth_known: list[bool]) -> tuple[Tensors, Batch]:
    """A batch of these marks, on the processor."""
    lanes, steps, heads = marks.shape
    batch = Batch(
        inputs=np.full((lanes, steps, INPUTS), 65_535, np.uint16),
        targets=np.zeros((lanes, steps), np.int64),
        marks=marks.numpy().astype(np.uint8),
        fresh=np.array([True, False]),
        depth_known=np.array(depth_known),
        marked=(marks.numpy() != IGNORED).any(1),
    )
    return to_device(batch, CPU), batch


def test_a_batch_on_the_device() -> None:
    found, _ = given(torch.full((2, 3, len(HEADS)), IGNORED), [True, False])
    assert found.inputs.dtype == torch.int64 and found.inputs.unique().tolist() == [65_535]
    assert found.keep.flatten().tolist() == [0, 1] and found.keep.shape == (1, 2, 1)
    assert found.marks.dtype == torch.int64 and found.depth_known.tolist() == [True, False]


def test_head_losses() -> None:
    outputs = torch.randn(2, 3, OUTPUTS, generator=torch.Generator().manual_seed(1))
    marks = torch.full((2, 3, len(HEADS)), IGNORED)
    marks[0, 1, COLUMN["syntax"]] = 4
    marks[1, 2, COLUMN["syntax"]] = 0
    marks[:, :, COLUMN["depth"]] = torch.tensor([[1, 200, IGNORED], [7, 8, 9]])
    found = head_losses(outputs, *given(marks, [True, False]), FORMATS["html"])
    assert set(found) == {"syntax", "depth", "depth changes"}
    logs = torch.log_softmax(outputs[..., OUTPUT["syntax"]], -1)
    torch.testing.assert_close(found["syntax"], -(logs[0, 1, 4] + logs[1, 2, 0]) / 2)
    depth = outputs[0, :2, OUTPUT["depth"].start]  # the second lane did not begin with its page
    torch.testing.assert_close(found["depth"], (depth - torch.tensor([0.1, DEEPEST / 10])).square().mean())
    assert "depth" not in head_losses(outputs, *given(marks, [False, False]), FORMATS["html"])
    assert head_losses(outputs, *given(torch.full((2, 3, len(HEADS)), IGNORED), [True, True]), FORMATS["html"]) == {}


def test_changes_of_depth_count_wherever_a_lane_stands() -> None:
    marks = torch.tensor([[3, 4, 4, 5], [7, 7, IGNORED, 9]])
    unknown = torch.tensor([False, False])
    off_by_one = (marks.float() + 1) / 10
    assert float(depth_losses(off_by_one[..., None], marks, unknown)["depth changes"]) == pytest.approx(0, abs=1e-12)
    flat = depth_losses(torch.zeros(2, 4, 1), marks, unknown)
    squares = [(x - 4) ** 2 for x in (3, 4, 4, 5)] + [(x - 23 / 3) ** 2 for x in (7, 7, 9)]
    assert float(flat["depth changes"]) == pytest.approx(sum(squares) / 7 / 100)
    nothing = depth_losses(torch.zeros(2, 4, 1), torch.full((2, 4), IGNORED), torch.tensor([True, True]))
    assert [float(loss) for loss in nothing.values()] == [0, 0]
