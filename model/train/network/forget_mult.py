"""The recurrence of a QRNN as a function that torch can differentiate: compiled for a processor, Triton for a GPU."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from soupstate.kernels.forget_mult import forget_mult as on_processor
from soupstate.kernels.forget_mult import forget_mult_gradients as gradients_on_processor


class ForgetMult(torch.autograd.Function):
    """Computes h (B, T, H) and the last c (B, H) from f, z, o (B, T, H) and the c before, start (B, H); all float32."""

    @staticmethod
    def forward(ctx: Any, f: Tensor, z: Tensor, o: Tensor, start: Tensor) -> tuple[Tensor, Tensor]:
        given = tuple(x.contiguous() for x in (f, z, o, start))
        if f.is_cuda:
            from soupstate.kernels import triton_forget_mult  # noqa: PLC0415  only a GPU needs Triton

            c, h = triton_forget_mult.forget_mult(*given)
        else:
            c, h = map(torch.from_numpy, on_processor(*(x.numpy() for x in given)))
        ctx.save_for_backward(*given, c)
        return h, c[:, -1].clone() if f.shape[1] else start.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, by_h: Tensor, by_end: Tensor) -> tuple[Tensor, ...]:
        given = (*ctx.saved_tensors, by_h.contiguous(), by_end.contiguous())
        if by_h.is_cuda:
            from soupstate.kernels import triton_forget_mult  # noqa: PLC0415  only a GPU needs Triton

            found: tuple[Tensor, ...] = triton_forget_mult.forget_mult_gradients(*given)
            return found
        return tuple(map(torch.from_numpy, gradients_on_processor(*(x.numpy() for x in given))))


def forget_mult(f: Tensor, z: Tensor, o: Tensor, start: Tensor) -> tuple[Tensor, Tensor]:
    """Returns h (B, T, H) and the last c (B, H) of c_t = f_t c_{t-1} + (1 - f_t) z_t, h_t = o_t c_t.

    See `soupstate.kernels.forget_mult`. All tensors are float32 and on one device, a processor or a CUDA device.
    """
    h, end = ForgetMult.apply(f, z, o, start)  # type: ignore[no-untyped-call]  # torch does not annotate it
    return h, end
