"""The network that learns: parameters only, state handed on, copy input where there is a match."""

import pytest
import torch
from torch import Tensor

from kernels.copy import MATCHERS
from model.page.marks import OUTPUTS
from model.train.experiment import Experiment
from model.train.loop import build_network
from model.train.network import Network
from model.train.shards import BYTE, INPUTS, LENGTH, PREDICTED

UNITS, EMBEDDING = 16, 8


def inputs(lanes: int, steps: int, seed: int = 0) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    rows = torch.randint(0, 256, (lanes, steps, INPUTS), generator=random)
    rows[..., LENGTH] = torch.randint(0, 16, (lanes, steps, MATCHERS), generator=random)
    rows[..., LENGTH] *= torch.randint(0, 2, (lanes, steps, MATCHERS), generator=random)
    return rows


def network(*, copy: bool = True, outputs: int = OUTPUTS) -> Network:
    torch.manual_seed(3)
    made = Network(UNITS, EMBEDDING, outputs, copy=copy)
    torch.nn.init.normal_(made.copy_bias)
    return made


def test_read_in_two_is_read_in_one() -> None:
    net, rows = network(), inputs(3, 20)
    start = net.zero_state(3, torch.device("cpu"))
    whole, end = net.hidden(rows, start)
    first, state = net.hidden(rows[:, :7], start)
    second, last = net.hidden(rows[:, 7:], state)
    assert whole.shape == (3, 20, UNITS) and start[0].shape == (1, 3, UNITS)
    torch.testing.assert_close(torch.cat([first, second], 1), whole)
    torch.testing.assert_close(last, end)
    assert not start[0].any() and not start[1].any()
    torch.testing.assert_close(end[0][0], whole[:, -1])


def test_an_expected_byte_gains() -> None:
    net, rows = network(), inputs(2, 30)
    hidden, _ = net.hidden(rows, net.zero_state(2, torch.device("cpu")))
    logits, plain = net.next_byte(hidden, rows), net.output(hidden)
    for lane in range(2):
        for t in range(30):
            wanted = plain[lane, t].clone()
            for k in range(MATCHERS):
                length = int(rows[lane, t, LENGTH][k])
                if length:
                    gain = net.copy_gain.weight[k] @ hidden[lane, t] + net.copy_bias[k, length]
                    wanted[int(rows[lane, t, PREDICTED][k])] += gain
            torch.testing.assert_close(logits[lane, t], wanted)


@pytest.mark.parametrize("copy", [True, False])
def test_copy_input_counts_only_where_there_is_a_match(copy: bool) -> None:
    net, rows = network(copy=copy), inputs(2, 12)
    start = net.zero_state(2, torch.device("cpu"))
    other = rows.clone()
    other[..., PREDICTED] = torch.where(rows[..., LENGTH] > 0, rows[..., PREDICTED], 255 - rows[..., PREDICTED])
    same = [net.hidden(r, start)[0] for r in (rows, other)]
    torch.testing.assert_close(*same)
    torch.testing.assert_close(net.next_byte(same[0], rows), net.next_byte(same[0], other))
    other[..., PREDICTED] = 255 - rows[..., PREDICTED]
    assert torch.equal(net.hidden(other, start)[0], same[0]) != copy
    changed = rows.clone()
    changed[:, 0, BYTE] ^= 1
    assert not torch.equal(net.hidden(changed, start)[0], same[0])


def test_heads() -> None:
    assert network(outputs=0).heads is None
    heads = network().heads
    assert heads is not None and (heads.in_features, heads.out_features) == (UNITS, OUTPUTS)


def test_built_by_seed() -> None:
    one, two, other = (build_network(Experiment("n", "s", seed=s, units=UNITS, embedding=EMBEDDING)) for s in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert not torch.equal(one.byte.weight, other.byte.weight)
    assert (one.lstm.bias_ih_l0[UNITS : 2 * UNITS] == 1).all()  # forget gates begin open
    assert build_network(Experiment("n", "s", units=UNITS, heads=False)).heads is None
