"""An LSTM as functions that torch can differentiate: compiled for a processor, its recurrence in Triton for a GPU.

On a GPU torch's own LSTM is what training uses unless it is told otherwise: which is faster has not been measured. On a
processor the compiled one is, where it was built, with one thread and single precision.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from kernels import lstm_training
from kernels.compiled import cpp


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


class OnProcessor(torch.autograd.Function):
    """h (B, T, H) and the last c (B, H) of x (B, T, E), h0, c0 (B, H) and weight (4H, E + H + 1); all float32."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, x: Tensor, h0: Tensor, c0: Tensor) -> tuple[Tensor, Tensor]:
        h, kept = lstm_training.lstm(*(given.contiguous().numpy() for given in (weight, x, h0, c0)))
        rows, gates, cells = map(torch.from_numpy, kept)
        ctx.save_for_backward(weight, rows, gates, cells)
        return torch.from_numpy(h), cells[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, by_h: Tensor, by_end: Tensor) -> tuple[Tensor, ...]:
        weight, rows, gates, cells = ctx.saved_tensors
        given = (given.contiguous().numpy() for given in (weight, gates, cells, by_h, by_end))
        by_z, by_x, by_h0, by_c0 = map(torch.from_numpy, lstm_training.lstm_gradients(*given))
        by_weight = rows.flatten(0, 1).T @ by_z.flatten(0, 1)  # the transpose is a quarter slower
        return by_weight.T, by_x, by_h0, by_c0


def runs_on_processor(x: Tensor) -> bool:
    """Whether `on_processor` is the faster one for x: single precision, one thread, and the module is built."""
    exact = x.dtype == torch.float32 and not torch.is_autocast_enabled(x.device.type)
    return cpp is not None and x.device.type == "cpu" and exact and torch.get_num_threads() == 1


def on_processor(lstm: nn.LSTM, x: Tensor, h0: Tensor, c0: Tensor) -> tuple[Tensor, Tensor]:
    """h (B, T, H) and the last c (B, H) of one layer, of x (B, T, E) and the state before, h0, c0 (B, H); float32."""
    bias = (lstm.bias_ih_l0 + lstm.bias_hh_l0)[:, None]
    weight = torch.cat([lstm.weight_ih_l0, lstm.weight_hh_l0, bias], 1)
    h, end = OnProcessor.apply(weight, x, h0, c0)
    return h, end
