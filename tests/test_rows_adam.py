"""Adam over the rows that were read: as torch's SparseAdam, step by step, from the same state."""

import copy

import pytest
import torch
from torch import Tensor, nn

from soupstate.model.train.network.rows_adam import RowsAdam

ROWS, WIDTH = 50, 6


def tables() -> tuple[nn.EmbeddingBag, nn.EmbeddingBag]:
    """Two that are the same."""
    torch.manual_seed(0)
    one = nn.EmbeddingBag(ROWS, WIDTH, mode="sum", sparse=True)
    return one, copy.deepcopy(one)


def read(table: nn.EmbeddingBag, at: Tensor) -> None:
    """Leaves a gradient, larger for rows read more than once."""
    table.weight.grad = None
    (table(at) * torch.arange(1.0, WIDTH + 1)).square().sum().backward()


def test_it_moves_as_sparse_adam_does() -> None:
    """Rows read never, once, and twice in a bag; the rate changes; and the state is handed from one to the other."""
    one, other = tables()
    ours, theirs = RowsAdam([one.weight], 0.01, (0.9, 0.99)), torch.optim.SparseAdam([other.weight], 0.01, (0.9, 0.99))
    start = one.weight.detach().clone()
    seen = torch.zeros(ROWS, dtype=torch.bool)
    for turn in range(8):
        at = torch.randint(0, ROWS // 2, (5, 3))
        at[0] = at[0, 0]
        seen[at.flatten()] = True
        for table, optimizer in ((one, ours), (other, theirs)):
            read(table, at)
            optimizer.param_groups[0]["lr"] = 0.01 * (turn + 1)
            optimizer.step()
        torch.testing.assert_close(one.weight, other.weight)
        got, want = ours.state[one.weight], theirs.state[other.weight]
        assert set(got) == set(want) and got["step"] == want["step"] == turn + 1
        torch.testing.assert_close(got["exp_avg"], want["exp_avg"])
        torch.testing.assert_close(got["exp_avg_sq"], want["exp_avg_sq"])
        if turn == 4:
            theirs.state[other.weight] = copy.deepcopy(got)
    assert torch.equal(one.weight[~seen], start[~seen]) and seen.any() and not seen.all()
    assert (one.weight[seen] != start[seen]).all()


def test_the_whole_table_at_once() -> None:
    """As a GPU does it: the same rows move in the same way."""
    one, other = tables()
    rows, whole = RowsAdam([one.weight], 0.01, (0.9, 0.99)), RowsAdam([other.weight], 0.01, (0.9, 0.99))
    start = one.weight.detach().clone()
    for turn in range(6):
        at = torch.randint(0, ROWS // 2, (5, 3))
        at[0] = at[0, 0]
        for table in (one, other):
            read(table, at)
        rows.step()
        state = whole.state[other.weight]
        if not turn:
            zeros = torch.zeros_like(other.weight)
            state.update(step=0, exp_avg=zeros.clone(), exp_avg_sq=zeros.clone())
        state["step"] += 1
        with torch.no_grad():
            whole._move_where(other.weight, state, 0.01, 0.9, 0.99, 1e-8)
        torch.testing.assert_close(other.weight, one.weight)
        for name in ("exp_avg", "exp_avg_sq"):
            torch.testing.assert_close(state[name], rows.state[one.weight][name])
    assert (one.weight != start).any() and torch.equal(other.weight[ROWS // 2 :], start[ROWS // 2 :])


def test_nothing_to_move() -> None:
    one, _ = tables()
    start = one.weight.detach().clone()
    optimizer = RowsAdam([one.weight], 0.01)
    optimizer.step()  # no gradient
    read(one, torch.zeros(0, 3, dtype=torch.int64))
    optimizer.step()  # one of no rows
    assert torch.equal(one.weight, start)


def test_what_it_is_not_for() -> None:
    one, _ = tables()
    optimizer = RowsAdam([one.weight], 0.01)
    with pytest.raises(ValueError, match="closure"):
        optimizer.step(lambda: 0.0)
    one.weight.grad = torch.ones_like(one.weight)
    with pytest.raises(ValueError, match="dense"):
        optimizer.step()
