"""The recurrence of an LSTM and its gradient for GPUs, in Triton. Gates in torch's order: i, f, g, o.

z_t = x_t + h_{t-1} W^T; i, f, o = sigmoid and g = tanh of z_t's quarters; c_t = f c_{t-1} + i g; h_t = o tanh(c_t)
(Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000). x_t is a byte's whole input to the gates:
its product and the bias are one multiplication of matrices for all steps, which torch does before. So it is with W's
gradient, afterwards: by_z^T h_{t-1}.

Imported by nothing but training on a GPU. Tested by Triton's interpreter and compiled for compute capability 9.0, but
not run on a GPU yet: sizes of blocks are reckoned, not found by trial.

A program takes `Sizes.rows` sequences through all steps. W streams from the cache of the second level at every step,
for it is larger than what a multiprocessor holds (558 kB of 16 bits with 264 units). New states go to global memory;
the program reads them back at its next step, behind a barrier, and no program waits for another.

Tensors are of torch and contiguous. x, w, h, z and their gradients are of one type: bfloat16 on a GPU, where products
have such factors and sums of 32 bits; or float32, whose products are exact. Cells and the gates' arithmetic are
float32.

Kept for the gradient, beside h: z of 16 bits and c of 32, 12 bytes a unit and step (3168 a character with 264 units).
Not the gates: of 16 bits, one above .998 is 1, and what it lets through or forgets over many steps would be lost.
Reckoned from z, 1 - f is right to a hundredth and no product is repeated. Nobody needs x again.
"""

from typing import Any, NamedTuple

import triton
import triton.language as tl

Tensor = Any  # of torch, which this package does not import


class Sizes(NamedTuple):
    """Of a program. Products are of (rows, depth) by (depth, columns); depth is that of the forward kernel."""

    rows: int  # sequences
    columns: int = 64  # units
    depth: int = 64
    warps: int = 4
    stages: int = 3  # loads under way


SINGLE = 132 * 16  # sequences; up to so many are a block of 16, the fewest of a tensor core, for each part of an H200


def sizes_of(sequences: int, bits: int) -> Sizes:
    """By how many sequences there are, and the bits of a factor."""
    if bits == 32:
        return Sizes(16, columns=32)
    return Sizes(16) if sequences <= SINGLE else Sizes(64, warps=8)


@triton.jit
def _tanh(x):  # type: ignore[no-untyped-def]
    return 2.0 * tl.sigmoid(2.0 * x) - 1.0


@triton.jit
def _load_gates(at, inside, UNITS: tl.constexpr):  # type: ignore[no-untyped-def]
    i = tl.load(at, inside, 0.0)
    f = tl.load(at + UNITS, inside, 0.0)
    g = tl.load(at + 2 * UNITS, inside, 0.0)
    o = tl.load(at + 3 * UNITS, inside, 0.0)
    return i, f, g, o


@triton.jit
def _store_gates(at, i, f, g, o, inside, UNITS: tl.constexpr):  # type: ignore[no-untyped-def]
    tl.store(at, i, inside)
    tl.store(at + UNITS, f, inside)
    tl.store(at + 2 * UNITS, g, inside)
    tl.store(at + 3 * UNITS, o, inside)


@triton.jit
def _forward(  # type: ignore[no-untyped-def]
    x, w, start, c, h, z, sequences, steps,
    UNITS: tl.constexpr, KEEP: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr, DEPTH: tl.constexpr,
):  # fmt: skip
    rows = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)[:, None]
    there = rows < sequences
    before = start + rows * UNITS  # where h of the last step stands
    h += rows * steps * UNITS
    x += rows * steps * (4 * UNITS)
    z += rows * steps * (4 * UNITS)
    CELLS: tl.constexpr = UNITS if KEEP else 0  # from a step's c to the next one's: in its place, or behind it
    c += rows * ((steps + 1) * UNITS if KEEP else UNITS)
    for _ in range(steps):
        for first in range(0, UNITS, COLUMNS):
            columns = first + tl.arange(0, COLUMNS)[None, :]
            inside = there & (columns < UNITS)
            # Asked for before the products, which hide how long it takes.
            of_i, of_f, of_g, of_o = _load_gates(x + columns, inside, UNITS)
            cell = tl.load(c + columns, inside, 0.0)
            i = tl.zeros([ROWS, COLUMNS], tl.float32)
            f = tl.zeros([ROWS, COLUMNS], tl.float32)
            g = tl.zeros([ROWS, COLUMNS], tl.float32)
            o = tl.zeros([ROWS, COLUMNS], tl.float32)
            for depth in range(0, UNITS, DEPTH):
                across = depth + tl.arange(0, DEPTH)[None, :]
                down = depth + tl.arange(0, DEPTH)[:, None]
                known = tl.load(before + across, there & (across < UNITS), 0.0)
                at = w + columns * UNITS + down
                used = (columns < UNITS) & (down < UNITS)
                i = tl.dot(known, tl.load(at, used, 0.0), i, input_precision="ieee")
                f = tl.dot(known, tl.load(at + UNITS * UNITS, used, 0.0), f, input_precision="ieee")
                g = tl.dot(known, tl.load(at + 2 * UNITS * UNITS, used, 0.0), g, input_precision="ieee")
                o = tl.dot(known, tl.load(at + 3 * UNITS * UNITS, used, 0.0), o, input_precision="ieee")
            i += of_i
            f += of_f
            g += of_g
            o += of_o
            if KEEP:
                _store_gates(z + columns, i, f, g, o, inside, UNITS)
            cell = tl.sigmoid(f) * cell + tl.sigmoid(i) * _tanh(g)
            tl.store(c + CELLS + columns, cell, inside)
            tl.store(h + columns, tl.sigmoid(o) * _tanh(cell), inside)
        tl.debug_barrier()  # what any thread of this program wrote, all of them read from here on
        before = h
        h += UNITS
        x += 4 * UNITS
        z += 4 * UNITS
        c += CELLS


@triton.jit
def _backward(  # type: ignore[no-untyped-def]
    w, c, z, by_h, by_z, by_c, sequences, steps,
    UNITS: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr, DEPTH: tl.constexpr,
):  # fmt: skip
    rows = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)[:, None]
    there = rows < sequences
    last = rows * steps + steps - 1
    z += last * (4 * UNITS)
    by_z += last * (4 * UNITS)
    by_h += last * UNITS
    c += (last + rows) * UNITS  # before the step: a sequence has one c more than steps
    by_c += rows * UNITS  # after the step, and when it is done before it
    gates = 0  # of the step that was seen before, the one after this: at first none
    for _ in range(steps):
        for first in range(0, UNITS, COLUMNS):
            columns = first + tl.arange(0, COLUMNS)[None, :]
            inside = there & (columns < UNITS)
            i, f, g, o = _load_gates(z + columns, inside, UNITS)
            before = tl.load(c + columns, inside, 0.0)
            after = tl.load(c + UNITS + columns, inside, 0.0)
            by_cell = tl.load(by_c + columns, inside, 0.0)
            by_out = tl.load(by_h + columns, inside, 0.0)
            by = tl.zeros([ROWS, COLUMNS], tl.float32)
            for depth in range(0, gates, DEPTH):
                across = depth + tl.arange(0, DEPTH)[None, :]
                down = depth + tl.arange(0, DEPTH)[:, None]
                later = tl.load(by_z + 4 * UNITS + across, there & (across < 4 * UNITS), 0.0)
                weights = tl.load(w + down * UNITS + columns, (columns < UNITS) & (down < 4 * UNITS), 0.0)
                by = tl.dot(later, weights, by, input_precision="ieee")
            by += by_out
            i = tl.sigmoid(i.to(tl.float32))
            f = tl.sigmoid(f.to(tl.float32))
            g = _tanh(g.to(tl.float32))
            o = tl.sigmoid(o.to(tl.float32))
            out = _tanh(after)
            by_cell += by * o * (1.0 - out * out)
            by_i = by_cell * g * i * (1.0 - i)
            by_f = by_cell * before * f * (1.0 - f)
            by_g = by_cell * i * (1.0 - g * g)
            _store_gates(by_z + columns, by_i, by_f, by_g, by * out * o * (1.0 - o), inside, UNITS)
            tl.store(by_c + columns, by_cell * f, inside)
        tl.debug_barrier()  # as in the forward kernel
        gates = 4 * UNITS
        z -= 4 * UNITS
        by_z -= 4 * UNITS
        by_h -= UNITS
        c -= UNITS


def lstm(x: Tensor, h0: Tensor, c0: Tensor, w: Tensor, *, keep: bool) -> tuple[Tensor, Tensor, Tensor]:
    """h (B, T, H), c and z of x (B, T, 4H), the state before it, h0 and c0 (B, H), and w (4H, H).

    keep: what `lstm_gradients` needs: c (B, T + 1, H), whose first is c0, and z (B, T, 4H). Otherwise c is the last
    one alone, (B, 1, H), and z is empty.
    """
    sequences, steps, gates = x.shape
    units = gates // 4
    h = x.new_empty(sequences, steps, units)
    z = x.new_empty(x.shape if keep else 0)
    c = c0.new_empty(sequences, steps + 1 if keep else 1, units)
    c[:, 0] = c0
    if x.numel():
        s = sizes_of(sequences, 8 * x.element_size())
        given = (x, w, h0, c, h, z, sequences, steps, units, keep, s.rows, s.columns, s.depth)
        _forward[(triton.cdiv(sequences, s.rows),)](*given, num_warps=s.warps, num_stages=s.stages)
    return h, c, z


def lstm_gradients(w: Tensor, c: Tensor, z: Tensor, by_h: Tensor, by_end: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients by z, which are those by x, (B, T, 4H), and by c0 (B, H).

    w, c, z: of `lstm` with keep. by_h (B, T, H): gradient by h, of z's type. by_end (B, H): by the last c.
    """
    sequences, steps, gates = z.shape
    units = gates // 4
    by_z, by_c = z.new_empty(z.shape), by_end.clone()
    if z.numel():
        s = sizes_of(sequences, 8 * z.element_size())
        given = (w, c, z, by_h, by_z, by_c, sequences, steps, units, s.rows, s.columns, 2 * s.depth)
        _backward[(triton.cdiv(sequences, s.rows),)](*given, num_warps=s.warps, num_stages=s.stages)
    return by_z, by_c
