"""An LSTM and its gradient, for training on a CPU. The gates come in the order of torch.nn.LSTM: i, f, g, o.

    z_t = W [x_t, h_{t-1}, 1]      i, f and o are the sigmoid, g is tanh, of the quarters of z_t
    c_t = f c_{t-1} + i g          h_t = o tanh(c_t)

(Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000.) It runs in C++ where the module was built;
the numpy references are below. There are B lanes, T steps, E inputs and H units. Arrays are float32.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from soupstate.kernels.compiled import cpp

Floats = NDArray[np.float32]
BACKENDS: tuple[str, ...] = ("reference",) if cpp is None else (*cpp.backends(), "reference")  # fastest first


class Kept(NamedTuple):
    """Intermediate results of `lstm` that its gradient needs."""

    rows: Floats  # (T, B, E + H + 1): the inputs of W
    gates: Floats  # (T, B, 4H): i, f, g, o after sigmoid or tanh
    cells: Floats  # (T + 1, B, H): c before every step and after the last


class Gradients(NamedTuple):
    """Gradients of the inputs of `lstm`. That of W is `z.T @ rows`, summed over all lanes and steps."""

    z: Floats  # (T, B, 4H)
    x: Floats  # (B, T, E)
    h: Floats  # (B, H): of the state before the first step
    c: Floats  # (B, H)


def lstm(weight: Floats, x: Floats, h: Floats, c: Floats, backend: str = BACKENDS[0]) -> tuple[Floats, Kept]:
    """Returns h (B, T, H) for x (B, T, E), and what the gradient needs.

    h and c (B, H) are the state before the first step. weight is W (4H, E + H + 1), whose last column is the bias.
    Raises ValueError for a wrong shape or type, and for a backend that cannot run here.
    """
    if x.ndim != 3:
        raise ValueError(f"x: {x.dtype} {x.shape}, expected float32 (B, T, E)")
    if weight.ndim != 2 or weight.shape[0] == 0 or weight.shape[0] % 4:
        raise ValueError(f"weight: {weight.dtype} {weight.shape}, expected float32 (4H, E + H + 1)")
    lanes, steps, inputs = x.shape
    units = len(weight) // 4
    _check("x", x, (lanes, steps, inputs))
    _check("weight", weight, (4 * units, inputs + units + 1))
    _check("h", h, (lanes, units))
    _check("c", c, (lanes, units))
    if cpp is None or backend == "reference":
        return reference_lstm(weight, x, h, c)
    out = np.empty((lanes, steps, units), np.float32)
    shapes = ((steps, lanes, weight.shape[1]), (steps, lanes, 4 * units), (steps + 1, lanes, units))
    kept = Kept(*(np.empty(shape, np.float32) for shape in shapes))
    weight, x, h, c = map(np.ascontiguousarray, (weight, x, h, c))
    cpp.lstm_forward(backend, weight=weight, x=x, first_h=h, first_c=c, h=out, **kept._asdict())
    return out, kept


def lstm_gradients(
    weight: Floats, gates: Floats, cells: Floats, by_h: Floats, by_end: Floats, backend: str = BACKENDS[0]
) -> Gradients:
    """Returns the gradients of the inputs of `lstm`.

    by_h (B, T, H) is the gradient of h and by_end (B, H) that of the last c. weight is the argument of `lstm`; gates
    and cells are those it kept. Raises ValueError as `lstm`.
    """
    if by_h.ndim != 3:
        raise ValueError(f"by_h: {by_h.dtype} {by_h.shape}, expected float32 (B, T, H)")
    lanes, steps, units = by_h.shape
    if weight.ndim != 2 or weight.shape[1] <= units:
        raise ValueError(f"weight: {weight.dtype} {weight.shape}, expected float32 (4H, E + H + 1)")
    inputs = weight.shape[1] - units - 1
    _check("by_h", by_h, by_h.shape)
    _check("weight", weight, (4 * units, inputs + units + 1))
    _check("gates", gates, (steps, lanes, 4 * units))
    _check("cells", cells, (steps + 1, lanes, units))
    _check("by_end", by_end, (lanes, units))
    if cpp is None or backend == "reference":
        return reference_lstm_gradients(weight, gates, cells, by_h, by_end)
    shapes = ((steps, lanes, 4 * units), (lanes, steps, inputs), (lanes, units), (lanes, units))
    found = Gradients(*(np.empty(shape, np.float32) for shape in shapes))
    weight, gates, cells, by_h, by_end = map(np.ascontiguousarray, (weight, gates, cells, by_h, by_end))
    cpp.lstm_backward(
        backend,
        weight=weight,
        gates=gates,
        cells=cells,
        by_h=by_h,
        by_end=by_end,
        by_z=found.z,
        by_x=found.x,
        by_first_h=found.h,
        by_first_c=found.c,
    )
    return found


def reference_lstm(weight: Floats, x: Floats, h: Floats, c: Floats) -> tuple[Floats, Kept]:
    """Returns what `lstm` returns, in numpy. It does not check its arguments."""
    lanes, steps, inputs = x.shape
    units = h.shape[1]
    rows = np.ones((steps, lanes, weight.shape[1]), np.float32)
    gates = np.empty((steps, lanes, 4 * units), np.float32)
    cells = np.empty((steps + 1, lanes, units), np.float32)
    out = np.empty((lanes, steps, units), np.float32)
    cells[0] = c
    for t in range(steps):
        rows[t, :, :inputs], rows[t, :, inputs:-1] = x[:, t], h
        z = rows[t] @ weight.T
        with np.errstate(over="ignore"):  # 1 / infinity is 0, the right limit
            gates[t] = 1 / (1 + np.exp(-z))
        gates[t, :, 2 * units : 3 * units] = np.tanh(z[:, 2 * units : 3 * units])
        i, f, g, o = np.split(gates[t], 4, 1)
        cells[t + 1] = f * cells[t] + i * g
        h = out[:, t] = o * np.tanh(cells[t + 1])
    return out, Kept(rows, gates, cells)


def reference_lstm_gradients(weight: Floats, gates: Floats, cells: Floats, by_h: Floats, by_end: Floats) -> Gradients:
    """Returns what `lstm_gradients` returns, in numpy. It does not check its arguments."""
    lanes, steps, units = by_h.shape
    inputs = weight.shape[1] - units - 1
    by_z = np.empty(gates.shape, np.float32)
    by_rows = np.zeros((lanes, weight.shape[1]), np.float32)  # of the next step
    by_x = np.empty((lanes, steps, inputs), np.float32)
    by_c = by_end.copy()
    for t in reversed(range(steps)):
        i, f, g, o = np.split(gates[t], 4, 1)
        out = np.tanh(cells[t + 1])
        by = by_h[:, t] + by_rows[:, inputs:-1]
        by_c += by * o * (1 - out * out)
        parts = by_c * g * i * (1 - i), by_c * cells[t] * f * (1 - f), by_c * i * (1 - g * g), by * out * o * (1 - o)
        by_z[t] = np.concatenate(parts, 1)
        by_c *= f
        by_rows = by_z[t] @ weight
        by_x[:, t] = by_rows[:, :inputs]
    return Gradients(by_z, by_x, by_rows[:, inputs:-1].copy(), by_c)


def _check(name: str, array: Floats, shape: tuple[int, ...]) -> None:
    if array.shape != shape or array.dtype != np.float32:
        raise ValueError(f"{name}: {array.dtype} {array.shape}, expected float32 {shape}")
