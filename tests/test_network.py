"""The network that learns: parameters only, state handed on, copy input where there is a match."""

import pytest
import torch
from torch import Tensor

from soupstate.kernels.weights import CONTEXTS, LEARNED, LENGTH_CLASSES, LENGTHS, MATCHERS, PREDICTIONS, SLOTS
from soupstate.model.page.marks import OUTPUTS
from soupstate.model.train.data.inputs import BYTE, INPUTS, LENGTH, PREDICTED, SLOT
from soupstate.model.train.network.network import Network
from soupstate.model.train.run.experiment import Experiment
from soupstate.model.train.run.loop import build_network

UNITS, EMBEDDING = 16, 8


def inputs(lanes: int, steps: int, seed: int = 0) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    rows = torch.randint(0, 256, (lanes, steps, INPUTS), generator=random)
    rows[..., LENGTH] = torch.randint(0, LENGTH_CLASSES, (lanes, steps, PREDICTIONS), generator=random)
    rows[..., LENGTH] *= torch.randint(0, 2, (lanes, steps, PREDICTIONS), generator=random)
    rows[..., SLOT] = torch.randint(0, SLOTS, (lanes, steps, CONTEXTS), generator=random)
    return rows


def network(*, copy: bool = True, outputs: int = OUTPUTS) -> Network:
    torch.manual_seed(3)
    made = Network(UNITS, EMBEDDING, outputs, copy=copy)
    for parameter in (made.copy_bias, made.gate_gain.weight, made.context.weight):
        torch.nn.init.normal_(parameter)
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


def test_hidden_reads_the_matchers_alone() -> None:
    """The LSTM's input is the sum of the embeddings of the byte, and of what each matcher expects and how surely."""
    net, rows = network(), inputs(2, 9)
    got, _ = net.hidden(rows, net.zero_state(2, torch.device("cpu")))
    x = torch.zeros(2, 9, EMBEDDING)
    for lane in range(2):
        for t in range(9):
            row = rows[lane, t]
            x[lane, t] = net.byte.weight[row[BYTE]]
            for k in range(MATCHERS):
                if row[LENGTH][k]:
                    x[lane, t] += net.predicted[k].weight[row[PREDICTED][k]] + net.length[k].weight[row[LENGTH][k]]
    torch.testing.assert_close(got, net.lstm(x)[0])


def test_next_byte_is_what_the_formulas_say() -> None:
    """As kernels/cpp/lstm.h has them, term by term."""
    net, rows = network(), inputs(2, 30)
    hidden, _ = net.hidden(rows, net.zero_state(2, torch.device("cpu")))
    logits = net.next_byte(hidden, rows)
    table = net.context.weight.view(len(LEARNED), SLOTS, -1)
    lengths = net.gate_length.weight.view(LENGTHS, LENGTH_CLASSES, -1)
    assert logits.shape == (2, 30, 256)
    for lane in range(2):
        for t in range(30):
            row, h = rows[lane, t].tolist(), hidden[lane, t]
            predicted, length, slot = row[PREDICTED], row[LENGTH], row[SLOT]
            embedded = sum(table[i, slot[k]] for i, k in enumerate(LEARNED))
            wanted = net.output.weight @ h + net.output.bias + net.context_output.weight @ embedded
            before = net.gate.weight @ h + net.gate.bias + sum(lengths[k, length[k]] for k in range(LENGTHS))
            for k in range(PREDICTIONS):
                if length[k]:
                    wanted[predicted[k]] += net.copy_gain.weight[k] @ h + net.copy_bias[k, length[k]]
                    wanted[predicted[k]] += net.gate_gain.weight[k] @ torch.tanh(before)
            torch.testing.assert_close(logits[lane, t], wanted, rtol=1e-4, atol=1e-4)


def test_gradient_of_the_contexts_is_of_the_rows_read() -> None:
    net, rows = network(), inputs(2, 5)
    hidden, _ = net.hidden(rows, net.zero_state(2, torch.device("cpu")))
    net.next_byte(hidden, rows)[..., 7].sum().backward()
    gradient = net.context.weight.grad
    assert gradient is not None and gradient.is_sparse
    read = {int(slot) + i * SLOTS for i, k in enumerate(LEARNED) for slot in rows[..., SLOT][..., k].flatten()}
    assert set(gradient.coalesce().indices()[0].tolist()) == read


def test_context_dropout() -> None:
    """In training a share of the embeddings is left out, and the others grow, so that the mean stays; else none is."""
    net, rows = network(), inputs(2, 400)
    hidden, _ = net.hidden(rows, net.zero_state(2, torch.device("cpu")))
    with torch.no_grad():
        net.context.weight.zero_()
        without = net.next_byte(hidden, rows)
        net.context.weight.fill_(1.0)
        each = net.context_output.weight.sum(1)  # what one embedding of ones adds to the logits
    net.context_dropout = 0.4
    added = (net.train().next_byte(hidden, rows) - without).detach()
    times = (added @ each / (each @ each) * (1 - 0.4)).round(decimals=3)
    assert set(times.flatten().tolist()) == set(range(len(LEARNED) + 1))  # of six, none to all are there
    assert abs(float(times.mean()) / len(LEARNED) - 0.6) < 0.03
    net.zero_grad()
    net.next_byte(hidden.detach(), rows)[..., 7].sum().backward()
    gradient = net.context.weight.grad
    assert gradient is not None and 0.3 < float((gradient.coalesce().values() == 0).all(1).float().mean()) < 0.5
    torch.testing.assert_close(net.eval().next_byte(hidden, rows), without + len(LEARNED) * each)


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
    other = rows.clone()
    other[..., SLOT] = (other[..., SLOT] + 1) % SLOTS
    assert torch.equal(net.hidden(other, start)[0], same[0])
    assert torch.equal(net.next_byte(same[0], other), net.next_byte(same[0], rows)) != copy
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
