"""The recurrence of a QRNN and its gradient (Bradbury et al. 2017, "Quasi-Recurrent Neural Networks", fo-pooling).

    c_t = f_t c_{t-1} + (1 - f_t) z_t        h_t = o_t c_t

It runs in C++ where the module was built; the numpy references are below. Arrays are float32 and (B, T, H). All
operations are elementwise, so an array (T, B, H) can be passed as (1, T, B * H).
"""

import numpy as np
from numpy.typing import NDArray

from soupstate.kernels.compiled import cpp

Floats = NDArray[np.float32]


def forget_mult(f: Floats, z: Floats, o: Floats, start: Floats) -> tuple[Floats, Floats]:
    """Returns c and h (B, T, H) for f, z and o (B, T, H) and the c before the first step, start (B, H).

    Raises ValueError for a wrong shape or type.
    """
    _check(f, z=z, o=o, start=start)
    if cpp is None:
        return reference_forget_mult(f, z, o, start)
    c, h = np.empty(f.shape, np.float32), np.empty(f.shape, np.float32)
    f, z, o, start = map(np.ascontiguousarray, (f, z, o, start))
    cpp.forget_mult(f=f, z=z, o=o, start=start, c=c, h=h)
    return c, h


def forget_mult_gradients(
    f: Floats, z: Floats, o: Floats, start: Floats, c: Floats, by_h: Floats, by_end: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Returns the gradients of f, z, o (B, T, H) and start (B, H).

    by_h (B, T, H) is the gradient of h, by_end (B, H) that of the last c, and c (B, T, H) the output of `forget_mult`.
    Raises ValueError for a wrong shape or type.
    """
    _check(f, z=z, o=o, start=start, c=c, by_h=by_h, by_end=by_end)
    if cpp is None:
        return reference_forget_mult_gradients(f, z, o, start, c, by_h, by_end)
    by_f, by_z, by_o = (np.empty(f.shape, np.float32) for _ in range(3))
    by_start = np.empty(start.shape, np.float32)
    f, z, o, start, c, by_h, by_end = map(np.ascontiguousarray, (f, z, o, start, c, by_h, by_end))
    cpp.forget_mult_gradients(
        f=f,
        z=z,
        o=o,
        start=start,
        c=c,
        by_h=by_h,
        by_end=by_end,
        by_f=by_f,
        by_z=by_z,
        by_o=by_o,
        by_start=by_start,
    )
    return by_f, by_z, by_o, by_start


def reference_forget_mult(f: Floats, z: Floats, o: Floats, start: Floats) -> tuple[Floats, Floats]:
    """Returns what `forget_mult` returns, in numpy. It does not check its arguments."""
    c = np.empty(f.shape, np.float32)
    before = start
    for t in range(f.shape[1]):
        before = f[:, t] * before + (1 - f[:, t]) * z[:, t]
        c[:, t] = before
    return c, o * c


def reference_forget_mult_gradients(
    f: Floats, z: Floats, o: Floats, start: Floats, c: Floats, by_h: Floats, by_end: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Returns what `forget_mult_gradients` returns, in numpy. It does not check its arguments."""
    before = np.concatenate([start[:, None], c[:, :-1]], 1)[:, : f.shape[1]]
    by_c = np.empty(f.shape, np.float32)
    carried = by_end.copy()
    for t in reversed(range(f.shape[1])):
        by_c[:, t] = carried + o[:, t] * by_h[:, t]
        carried = by_c[:, t] * f[:, t]
    by_z: Floats = by_c * (1 - f)
    by_o: Floats = by_h * c
    by_f: Floats = (by_c * (before - z)).astype(np.float32, copy=False)
    return by_f, by_z, by_o, carried


def _check(f: Floats, **others: Floats) -> None:
    if f.ndim != 3 or f.dtype != np.float32:
        raise ValueError(f"f: {f.dtype} {f.shape}, expected float32 (B, T, H)")
    for name, array in others.items():
        shape = (f.shape[0], f.shape[2]) if name in ("start", "by_end") else f.shape
        if array.shape != shape or array.dtype != np.float32:
            raise ValueError(f"{name}: {array.dtype} {array.shape}, expected float32 {shape}")
