"""An LSTM for training on a processor: a compiled function that torch can differentiate.

It is used with one thread and single precision, where the compiled module exists. torch's own LSTM trains elsewhere: on
a GPU, with several threads, and in bfloat16.

On a GPU torch's LSTM is cuDNN's. Autocast would run it in float16 whatever its type is (ATen/cudnn/AutocastRNN.cpp), so
`in_type` rounds weights, inputs and state itself. The parameters stay in single precision.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from soupstate.kernels import lstm_training
from soupstate.kernels.compiled import cpp


class OnProcessor(torch.autograd.Function):
    """Computes h (B, T, H), last c (B, H) from x (B, T, E), h0, c0 (B, H) and weight (4H, E + H + 1); all float32."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, x: Tensor, h0: Tensor, c0: Tensor) -> tuple[Tensor, Tensor]:
        arrays = [given.contiguous().numpy() for given in (weight, x, h0, c0)]
        h, kept = lstm_training.lstm(arrays[0], arrays[1], arrays[2], arrays[3])
        rows, gates, cells = map(torch.from_numpy, kept)
        ctx.save_for_backward(weight, rows, gates, cells)
        return torch.from_numpy(h), cells[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, by_h: Tensor, by_end: Tensor) -> tuple[Tensor, ...]:
        weight, rows, gates, cells = ctx.saved_tensors
        arrays = [given.contiguous().numpy() for given in (weight, gates, cells, by_h, by_end)]
        gradients = lstm_training.lstm_gradients(arrays[0], arrays[1], arrays[2], arrays[3], arrays[4])
        by_z, by_x, by_h0, by_c0 = map(torch.from_numpy, gradients)
        by_weight = rows.flatten(0, 1).T @ by_z.flatten(0, 1)  # the transpose is a quarter slower
        return by_weight.T, by_x, by_h0, by_c0


def runs_on_processor(x: Tensor) -> bool:
    """Whether `on_processor` is faster for x: in single precision, with one thread, where the module is built."""
    exact = x.dtype == torch.float32 and not torch.is_autocast_enabled(x.device.type)
    return cpp is not None and x.device.type == "cpu" and exact and torch.get_num_threads() == 1


def on_processor(lstm: nn.LSTM, x: Tensor, h0: Tensor, c0: Tensor) -> tuple[Tensor, Tensor]:
    """Returns h (B, T, H) and the last c (B, H) of one layer, from x (B, T, E) and h0, c0 (B, H) before; float32."""
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    weight_ih, weight_hh, bias_ih, bias_hh = (lstm.get_parameter(name) for name in names)
    weight = torch.cat([weight_ih, weight_hh, (bias_ih + bias_hh)[:, None]], 1)
    h, end = OnProcessor.apply(weight, x, h0, c0)  # type: ignore[no-untyped-call]  # torch does not annotate it
    return h, end


def in_type(
    lstm: nn.LSTM, x: Tensor, h0: Tensor, c0: Tensor, dtype: torch.dtype
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Returns h (B, T, H) and the last h and c (1, B, H) of one layer, computed in `dtype` by torch.

    x (B, T, E), h0 and c0 (1, B, H) may have any type. Gradients of parameters are of the parameters' type.
    """
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    weights = [lstm.get_parameter(name).to(dtype) for name in names]
    with torch.autocast(x.device.type, enabled=False):
        h, last_h, last_c = torch.lstm(
            x.to(dtype),
            (h0.to(dtype), c0.to(dtype)),
            weights,
            has_biases=True,
            num_layers=1,
            dropout=0.0,
            train=lstm.training,
            bidirectional=False,
            batch_first=True,
        )
    return h, (last_h, last_c)
