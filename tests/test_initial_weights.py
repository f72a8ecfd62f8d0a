"""Weights to start from: those of a network as large or smaller; and units that start as counters."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from soupstate.kernels.weights import EMBEDDED, LEARNED, LENGTH_CLASSES, SLOTS
from soupstate.model.net.checkpoint import DEFAULT, load_checkpoint
from soupstate.model.page.marks import OUTPUT, OUTPUTS
from soupstate.model.train.data.inputs import INPUTS, LENGTH, SLOT
from soupstate.model.train.network.counters import FORGET, INPUT, keep_set_up, start_counters
from soupstate.model.train.network.network import Network
from soupstate.model.train.run.initial_weights import load_weights

FEW, MANY, EMBEDDING = 12, 17, 8
CPU = torch.device("cpu")


def network(units: int, *, embedding: int = EMBEDDING, outputs: int = OUTPUTS, seed: int = 1) -> Network:
    torch.manual_seed(seed)
    made = Network(units, embedding, outputs)
    torch.nn.init.normal_(made.gate_gain.weight)
    torch.nn.init.normal_(made.copy_bias)
    return made


def stored(made: Network, path: Path) -> Path:
    save_file({f"network.{k}": v for k, v in made.state_dict().items()}, path)
    return path


def inputs() -> Tensor:
    random = torch.Generator().manual_seed(0)
    rows = torch.randint(0, 256, (2, 25, INPUTS), generator=random)
    rows[..., LENGTH] %= LENGTH_CLASSES
    rows[..., SLOT] *= SLOTS // 256
    return rows


def read(made: Network) -> tuple[Tensor, Tensor, Tensor]:
    """Hidden states, logits and heads on some rows."""
    with torch.no_grad():
        hidden, _ = made.hidden(inputs(), made.zero_state(2, CPU))
        assert made.heads is not None
        return hidden, made.next_byte(hidden, inputs()), made.heads(hidden)


def test_the_same_size(tmp_path: Path) -> None:
    old, new = network(FEW), network(FEW, seed=2)
    load_weights(new, stored(old, tmp_path / "w"))
    assert all(torch.equal(v, old.state_dict()[k]) for k, v in new.state_dict().items())


def test_a_file_of_another_version_is_refused(tmp_path: Path) -> None:
    state = {f"network.{k}": v for k, v in network(FEW).state_dict().items()}
    save_file(state, tmp_path / "w", {"format": "2"})
    with pytest.raises(ValueError, match="checkpoint format '2', this version reads format '3'"):
        load_weights(network(FEW), tmp_path / "w")


def test_fewer_slots_start_as_means(tmp_path: Path) -> None:
    old, few = network(FEW), Network(FEW, EMBEDDING, OUTPUTS, slots=SLOTS // 4)
    load_weights(few, stored(old, tmp_path / "w"))
    tables = old.context.weight.detach().view(len(LEARNED), 4, SLOTS // 4, EMBEDDED)
    assert torch.allclose(few.context.weight.detach(), tables.mean(1).flatten(0, 1))
    assert few.next_byte(read(old)[0], inputs()).isfinite().all()


def test_fewer_slots_cannot_become_more(tmp_path: Path) -> None:
    few = Network(FEW, EMBEDDING, OUTPUTS, slots=SLOTS // 4)
    with pytest.raises(ValueError, match="context.weight"):
        load_weights(network(FEW), stored(few, tmp_path / "w"))


def test_new_heads_keep_their_start(tmp_path: Path) -> None:
    old, new = network(FEW, outputs=0), network(FEW, seed=2)
    assert new.heads is not None
    start = new.heads.weight.detach().clone()
    load_weights(new, stored(old, tmp_path / "w"))
    assert torch.equal(new.heads.weight, start) and torch.equal(new.output.weight, old.output.weight)


def test_a_grown_network_says_the_same(tmp_path: Path) -> None:
    """Old units do not listen to new ones, nor does any output; the new ones move by themselves."""
    old, new = network(FEW), network(MANY, seed=2)
    start = {k: v.clone() for k, v in new.state_dict().items()}
    load_weights(new, stored(old, tmp_path / "w"))
    (hidden, logits, heads), (was, wanted, wanted_heads) = read(new), read(old)
    torch.testing.assert_close(hidden[..., :FEW], was)
    torch.testing.assert_close(logits, wanted, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(heads, wanted_heads, rtol=1e-4, atol=1e-4)
    assert hidden[..., FEW:].abs().min(1).values.all()
    new_rows = torch.cat([torch.arange(gate * MANY + FEW, (gate + 1) * MANY) for gate in range(4)])
    for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"):
        assert torch.equal(getattr(new.lstm, name)[new_rows], start[f"lstm.{name}"][new_rows]), name


def test_a_network_grown_by_counters_reads_depth_off_them(tmp_path: Path) -> None:
    old, new = network(FEW), network(MANY, seed=2)
    start_counters(new, MANY - FEW)
    load_weights(new, stored(old, tmp_path / "w"))
    (hidden, logits, heads), (was, wanted, wanted_heads) = read(new), read(old)
    torch.testing.assert_close(hidden[..., :FEW], was)
    torch.testing.assert_close(logits, wanted, rtol=1e-4, atol=1e-4)
    depth = OUTPUT["depth"]
    torch.testing.assert_close(heads[..., : depth.start], wanted_heads[..., : depth.start], rtol=1e-4, atol=1e-4)
    assert new.heads is not None and old.heads is not None
    assert torch.equal(new.heads.weight[depth][0], torch.tensor([0.0] * FEW + [0.5] * (MANY - FEW)))
    counted = 0.5 * hidden[..., FEW:].sum(-1) + old.heads.bias[depth]
    torch.testing.assert_close(heads[..., depth.start], counted)


def test_the_first_units_of_more(tmp_path: Path) -> None:
    """A network grown from its first units and grown anew says what the first network said."""
    first, grown, again = network(FEW), network(MANY, seed=2), network(MANY, seed=3)
    load_weights(grown, stored(first, tmp_path / "first"))
    torch.nn.init.normal_(grown.lstm.weight_hh_l0.view(4, MANY, MANY)[:, :FEW, FEW:])  # the old ones listen by now
    start = {k: v.clone() for k, v in again.state_dict().items()}
    load_weights(again, stored(grown, tmp_path / "grown"), FEW)
    (hidden, logits, heads), (was, wanted, wanted_heads) = read(again), read(first)
    torch.testing.assert_close(hidden[..., :FEW], was)
    torch.testing.assert_close(logits, wanted, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(heads, wanted_heads, rtol=1e-4, atol=1e-4)
    new = again.lstm.weight_hh_l0.view(4, MANY, MANY)[:, FEW:]
    assert torch.equal(new, start["lstm.weight_hh_l0"].view(4, MANY, MANY)[:, FEW:])
    with pytest.raises(ValueError, match=f"init_units = {MANY + 1}: the checkpoint has {MANY} units"):
        load_weights(again, tmp_path / "grown", MANY + 1)


def test_what_does_not_fit(tmp_path: Path) -> None:
    small = stored(network(FEW), tmp_path / "small")
    other = {f"network.{k.replace('lstm', 'gru')}": v for k, v in network(FEW).state_dict().items()}
    save_file(other, tmp_path / "other")
    with pytest.raises(ValueError, match="not weights of this network .another cell"):
        load_weights(network(FEW), tmp_path / "other")
    with pytest.raises(ValueError, match="not weights of this network .*lstm.weight_hh_l0"):
        load_weights(network(FEW - 1), small)  # never shrunk
    for units in (FEW, MANY):
        for embedding in (EMBEDDING - 1, EMBEDDING + 1):
            with pytest.raises(ValueError, match="not weights of this network .*byte.weight.*lstm.weight_ih_l0"):
                load_weights(network(units, embedding=embedding), small)
    few_classes = network(FEW).state_dict()
    few_classes["copy_bias"] = few_classes["copy_bias"][:, :16].clone()
    save_file({f"network.{k}": v for k, v in few_classes.items()}, tmp_path / "classes")
    for units in (FEW, MANY):
        with pytest.raises(ValueError, match=r"not weights of this network \(copy_bias\)"):
            load_weights(network(units), tmp_path / "classes")
    save_file({"x": torch.zeros(1)}, tmp_path / "none")
    with pytest.raises(ValueError, match="none found"):
        load_weights(network(FEW), tmp_path / "none")


def test_counters_have_long_memories() -> None:
    """What the last units hold fades by their forget gates alone; little is written. The others are as before."""
    made, plain = network(MANY), network(MANY)
    start_counters(made, 4)
    state = made.zero_state(2, CPU)
    state[1][..., -4:] = 1e4
    with torch.no_grad():
        _, (_, cells) = made.hidden(inputs(), state)
    kept = torch.cat([torch.ones(2), torch.linspace(*FORGET, 2).sigmoid() ** 25])  # half of them never forget
    torch.testing.assert_close(cells[0, :, -4:] / 1e4, kept.expand(2, 4), rtol=0, atol=25 * 2e-5)
    biases = (made.lstm.bias_ih_l0 + made.lstm.bias_hh_l0).view(4, MANY)
    assert (biases[0, -4:] == INPUT).all() and (biases[3, -4:] == 1).all()
    for name, p in made.lstm.named_parameters():
        old = dict(plain.lstm.named_parameters())[name]
        assert torch.equal(p.view(4, MANY, -1)[:, :-4], old.view(4, MANY, -1)[:, :-4]), name


def test_forget_gates_that_never_forget_are_not_trained() -> None:
    made = network(MANY)
    start_counters(made, 4)
    made.hidden(inputs(), made.zero_state(2, CPU))[0].square().sum().backward()
    keep_set_up(made)
    for name, p in made.lstm.named_parameters():
        assert p.grad is not None
        moved = p.grad.view(4, MANY, -1).abs().sum(2) > 0
        assert not moved[1, -4:-2].any(), name
        assert moved[1, -2:].all() and moved[[0, 2, 3]].all() and moved[1, :-4].all(), name


def test_zeros_are_kept() -> None:
    made = network(MANY)
    start_counters(made, 4)
    assert made.heads is not None
    (made.heads(torch.ones(1, MANY)).square().sum()).backward()
    keep_set_up(made)
    gradient = made.heads.weight.grad
    assert gradient is not None
    depth = OUTPUT["depth"].start
    assert (gradient[depth] != 0).tolist() == [False] * (MANY - 4) + [True] * 4
    assert gradient[:depth].all()
    keep_set_up(network(MANY, outputs=0))  # nothing to keep


def test_training_goes_on_from_the_shipped_weights() -> None:
    """Their embeddings are in four bits, everything else is as it was trained but for half precision."""
    shipped = load_checkpoint()
    made = Network(shipped.weights.units, shipped.parameters["byte.weight"].shape[1], OUTPUTS)
    load_weights(made, DEFAULT)
    logits = made.context_output(made.context.weight[:5000]).detach()
    wanted = shipped.weights.context[0, :5000].astype(np.float32) @ shipped.weights.context_output.T
    torch.testing.assert_close(logits, torch.from_numpy(wanted), rtol=1e-4, atol=1e-3)
    assert torch.equal(made.output.weight, torch.from_numpy(shipped.parameters["output.weight"]).float())
