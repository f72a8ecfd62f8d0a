"""The recurrence of a QRNN and its gradient for GPUs, in Triton. `soupstate.kernels.forget_mult` has the formulas.

Only training on a GPU imports this module. The tests run it in Triton's interpreter and compile it for compute
capability 9.0. It has not run on a GPU yet.

A program runs COLUMNS numbers of one sequence through all steps and keeps c in registers. Tensors are contiguous
float32 tensors of torch, with the shapes of `soupstate.kernels.forget_mult`.
"""

from typing import Any

import triton
import triton.language as tl

COLUMNS = 128  # numbers that one program computes per step

Tensor = Any  # torch.Tensor; this package does not import torch


@triton.jit
def _forward(f, z, o, start, c, h, steps, numbers, COLUMNS: tl.constexpr):  # type: ignore[no-untyped-def]
    sequence = tl.program_id(0).to(tl.int64)
    columns = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
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
    f, z, o, start, c, by_h, by_end, by_f, by_z, by_o, by_start, steps, numbers, COLUMNS: tl.constexpr
):
    sequence = tl.program_id(0).to(tl.int64)
    columns = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    inside = columns < numbers
    row = sequence * numbers + columns
    carried = tl.load(by_end + row, inside, 0.0)
    first = tl.load(start + row, inside, 0.0)
    at = (sequence * steps + steps - 1) * numbers + columns
    cell = tl.load(c + at, inside, 0.0)
    earlier = tl.zeros([COLUMNS], tl.int32) + steps  # the number of steps before this one
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
    """Returns what `soupstate.kernels.forget_mult.forget_mult` returns, on a GPU."""
    c, h = f.new_empty(f.shape), f.new_empty(f.shape)
    if f.numel():
        _forward[_grid(f)](f, z, o, start, c, h, f.shape[1], f.shape[2], COLUMNS)
    return c, h


def forget_mult_gradients(
    f: Tensor, z: Tensor, o: Tensor, start: Tensor, c: Tensor, by_h: Tensor, by_end: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Returns what `soupstate.kernels.forget_mult.forget_mult_gradients` returns, on a GPU."""
    by_f, by_z, by_o, by_start = (x.new_empty(x.shape) for x in (f, z, o, start))
    if not f.numel():
        by_start.copy_(by_end)
    else:
        given = (f, z, o, start, c, by_h, by_end)
        _backward[_grid(f)](*given, by_f, by_z, by_o, by_start, f.shape[1], f.shape[2], COLUMNS)
    return by_f, by_z, by_o, by_start


def _grid(f: Tensor) -> tuple[int, int]:
    return f.shape[0], triton.cdiv(f.shape[2], COLUMNS)
