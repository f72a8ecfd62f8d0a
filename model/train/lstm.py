"""The recurrence of an LSTM as a function that torch can differentiate, on a GPU; see `kernels.triton_lstm`.

torch's own LSTM is what training uses unless it is told otherwise: which is faster has not been measured.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


class Recurrence(torch.autograd.Function):
    """h (B, T, H) and the last c (B, H) of x (B, T, 4H), h0, c0 (B, H) and w (4H, H); c0 float32, the others alike.

    keep: whether there will be a gradient.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, h0: Tensor, c0: Tensor, w: Tensor, keep: bool) -> tuple[Tensor, Tensor]:
        from kernels import triton_lstm  # noqa: PLC0415  Triton is needed on a GPU alone

        x, h0, w = x.contiguous(), h0.contiguous(), w.contiguous()
        h, c, z = triton_lstm.lstm(x, h0, c0, w, keep=keep)
        if keep:
            ctx.save_for_backward(h0, w, h, c, z)
        return h, c[:, -1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, by_h: Tensor, by_end: Tensor) -> tuple[Tensor | None, ...]:
        from kernels import triton_lstm  # noqa: PLC0415  Triton is needed on a GPU alone

        h0, w, h, c, z = ctx.saved_tensors
        by_z, by_c = triton_lstm.lstm_gradients(w, c, z, by_h.contiguous(), by_end.contiguous())
        if not z.numel():
            return by_z, torch.zeros_like(h0), by_c, torch.zeros_like(w), None
        before = torch.cat([h0[:, None], h[:, :-1]], 1)
        by_w = by_z.flatten(0, 1).T @ before.flatten(0, 1)
        return by_z, by_z[:, 0] @ w, by_c, by_w, None


def recurrence(x: Tensor, h0: Tensor, c0: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    """h (B, T, H) and the last c (B, H) of `torch.nn.LSTM`, whose input to the gates, biases included, is x (B, T, 4H).

    h0, c0 (B, H): the state before; w (4H, H): weight_hh_l0. Products are of x's type; c is float32.
    """
    keep = torch.is_grad_enabled() and any(given.requires_grad for given in (x, h0, c0, w))
    h, end = Recurrence.apply(x, h0.to(x.dtype), c0.float(), w.to(x.dtype), keep)
    return h, end
