"""The recurrence of a QRNN and its gradient for GPUs, in Triton; see `kernels.forget_mult` for what is computed.

Not imported by anything but training on a GPU. Tested by Triton's interpreter and compiled for compute capability 9.0,
but not run on a GPU yet.

A program takes BLOCK numbers of one sequence through all its steps; c stays in registers. Tensors are of torch,
float32 and contiguous, the shapes those of `kernels.forget_mult`.
"""

from typing import Any

import triton
import triton.language as tl

BLOCK = 128  # numbers of a program

Tensor = Any  # of torch, which this package does not import


@triton.jit
def _forward(f, z, o, start, c, h, steps, numbers, BLOCK: tl.constexpr):  # type: ignore[no-untyped-def]
    sequence = tl.program_id(0).to(tl.int64)
    columns = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = columns < numbers
    cell = tl.load(start + sequence * numbers + columns, inside, 0.0)
    at = sequence * steps * numbers + columns
    for _ in range(steps):
        forget = tl.load(f + at, inside, 0.0)
        cell = forget * cell + (1.0 - forget) * tl.load(z + at, inside, 0.0)
        tl.store(c + at, cell, inside)
        tl.store(h + at, tl.load(o + at, inside, 0.0) * cell, inside)
        at += numbers


@triton.jit
def _backward(  # type: ignore[no-untyped-def]
    f, z, o, start, c, by_h, by_end, by_f, by_z, by_o, by_start, steps, numbers, BLOCK: tl.constexpr
):
    sequence = tl.program_id(0).to(tl.int64)
    columns = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = columns < numbers
    row = sequence * numbers + columns
    carried = tl.load(by_end + row, inside, 0.0)
    first = tl.load(start + row, inside, 0.0)
    at = (sequence * steps + steps - 1) * numbers + columns
    cell = tl.load(c + at, inside, 0.0)
    earlier = tl.zeros([BLOCK], tl.int32) + steps  # steps before this one
    for _ in range(steps):
        earlier -= 1
        forget = tl.load(f + at, inside, 0.0)
        by = tl.load(by_h + at, inside, 0.0)
        before = tl.where(earlier > 0, tl.load(c + at - numbers, inside & (earlier > 0), 0.0), first)
        by_cell = carried + tl.load(o + at, inside, 0.0) * by
        tl.store(by_o + at, cell * by, inside)
        tl.store(by_f + at, by_cell * (before - tl.load(z + at, inside, 0.0)), inside)
        tl.store(by_z + at, by_cell * (1.0 - forget), inside)
        carried = by_cell * forget
        cell = before
        at -= numbers
    tl.store(by_start + row, carried, inside)


def forget_mult(f: Tensor, z: Tensor, o: Tensor, start: Tensor) -> tuple[Tensor, Tensor]:
    """As `kernels.forget_mult.forget_mult`."""
    c, h = f.new_empty(f.shape), f.new_empty(f.shape)
    if f.numel():
        _forward[_grid(f)](f, z, o, start, c, h, f.shape[1], f.shape[2], BLOCK)
    return c, h


def forget_mult_gradients(
    f: Tensor, z: Tensor, o: Tensor, start: Tensor, c: Tensor, by_h: Tensor, by_end: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """As `kernels.forget_mult.forget_mult_gradients`."""
    by_f, by_z, by_o, by_start = (x.new_empty(x.shape) for x in (f, z, o, start))
    if not f.numel():
        by_start.copy_(by_end)
    else:
        given = (f, z, o, start, c, by_h, by_end)
        _backward[_grid(f)](*given, by_f, by_z, by_o, by_start, f.shape[1], f.shape[2], BLOCK)
    return by_f, by_z, by_o, by_start


def _grid(f: Tensor) -> tuple[int, int]:
    return f.shape[0], triton.cdiv(f.shape[2], BLOCK)
