"""The LSTM that learns on a processor: C++ like the reference, both like torch's LSTM, and so is its gradient."""

import numpy as np
import pytest
import torch
from conftest import held_up
from numpy.typing import NDArray
from torch import Tensor

from soupstate.kernels.compiled import cpp
from soupstate.kernels.lstm_training import BACKENDS, Kept, lstm, lstm_gradients
from soupstate.model.train.network.lstm import in_type, on_processor, runs_on_processor
from soupstate.model.train.network.network import Lstm, LstmState

pytestmark = pytest.mark.usefixtures("one_thread")

Floats = NDArray[np.float32]

SIZES = [(1, 1, 5, 16), (3, 63, 7, 100), (17, 5, 64, 264), (16, 9, 17, 33), (7, 4, 0, 3), (2, 2, 8, 1)]  # B, T, E, H
NOTHING = [(0, 3, 4, 5), (2, 0, 4, 5)]
TOLERANCE = 1e-5  # of the greatest number of an array: sums are of up to 1056 products, and go through T steps
compiled = pytest.mark.skipif(cpp is None, reason="the compiled module was not built")


def make(b: int, t: int, e: int, h: int) -> list[Floats]:
    """weight, x, h, c; and gradients by h and by the last c. Some gates are all but 0 or 1."""
    random = np.random.default_rng(b + t)
    weight = random.normal(0, 2 / np.sqrt(e + h), (4 * h, e + h + 1))
    weight[:, -1] = random.choice([-30, -2, 0, 1, 30], 4 * h)
    shapes = ((b, t, e), (b, h), (b, h), (b, t, h), (b, h))
    return [a.astype(np.float32) for a in (weight, *(random.normal(0, 1, shape) for shape in shapes))]


def torch_lstm(weight: Floats, inputs: int) -> Lstm:
    """Of the weights, the bias in two halves."""
    made = Lstm(inputs, len(weight) // 4)
    parts = torch.from_numpy(weight).split([inputs, len(weight) // 4, 1], 1)
    with torch.no_grad():
        made.weight_ih_l0.copy_(parts[0])
        made.weight_hh_l0.copy_(parts[1])
        made.bias_ih_l0.copy_(parts[2][:, 0] / 2)
        made.bias_hh_l0.copy_(parts[2][:, 0] / 2)
    return made


def close(got: Floats | Tensor, want: Floats | Tensor, tolerance: float = TOLERANCE) -> None:
    got, want = torch.as_tensor(got), torch.as_tensor(want)
    assert got.shape == want.shape and got.dtype == torch.float32
    if want.numel():
        torch.testing.assert_close(got, want, rtol=0, atol=tolerance * max(1.0, float(want.detach().abs().max())))


@pytest.mark.parametrize("size", SIZES + NOTHING)
@pytest.mark.parametrize("backend", [name for name in BACKENDS if name != "reference"])
def test_compiled_equals_reference(backend: str, size: tuple[int, int, int, int]) -> None:
    """Outputs of the module start as NaN: one that is not written is seen."""
    assert cpp is not None
    weight, x, h, c, by_h, by_end = arrays = make(*size)
    before = [a.copy() for a in arrays]
    wanted, kept = lstm(weight, x, h, c, "reference")
    out = [np.full_like(a, np.nan) for a in (wanted, *kept)]
    inputs = {"weight": weight, "x": x, "first_h": h, "first_c": c}
    cpp.lstm_forward(backend, **inputs, **dict(zip(("h", "rows", "gates", "cells"), out, strict=True)))
    for got, want in zip(out, (wanted, *kept), strict=True):
        close(got, want)
    gradients = lstm_gradients(weight, kept.gates, kept.cells, by_h, by_end, "reference")
    found = [np.full_like(a, np.nan) for a in gradients]
    inputs = {"weight": weight, "gates": kept.gates, "cells": kept.cells, "by_h": by_h, "by_end": by_end}
    cpp.lstm_backward(backend, **inputs, **dict(zip(("by_z", "by_x", "by_first_h", "by_first_c"), found, strict=True)))
    for got, want in zip(found, gradients, strict=True):
        close(got, want)
    assert all(np.array_equal(a, b) for a, b in zip(arrays, before, strict=True))


@pytest.mark.parametrize("backend", BACKENDS)
def test_steps_are_handed_on(backend: str) -> None:
    """Cut in two, forward and back, it is what it is in one."""
    weight, x, h, c, by_h, by_end = make(3, 11, 6, 20)
    whole, kept = lstm(weight, x, h, c, backend)
    first, one = lstm(weight, x[:, :4], h, c, backend)
    second, two = lstm(weight, x[:, 4:], first[:, -1], one.cells[-1], backend)
    close(np.concatenate([first, second], 1), whole)
    gradients = lstm_gradients(weight, kept.gates, kept.cells, by_h, by_end, backend)
    later = lstm_gradients(weight, two.gates, two.cells, by_h[:, 4:], by_end, backend)
    by_first = by_h[:, :4].copy()
    by_first[:, -1] += later.h
    sooner = lstm_gradients(weight, one.gates, one.cells, by_first, later.c, backend)
    close(np.concatenate([sooner.z, later.z]), gradients.z)
    close(np.concatenate([sooner.x, later.x], 1), gradients.x)
    close(sooner.h, gradients.h)
    close(sooner.c, gradients.c)


@pytest.mark.parametrize("size", [size for size in SIZES if size[2]])
def test_it_is_the_lstm_of_torch(size: tuple[int, int, int, int]) -> None:
    """h, the last c, and gradients by all there is, through both states."""
    weight, *rest = make(*size)
    x, h, c, by_h, by_end = map(torch.from_numpy, rest)
    made = torch_lstm(weight, size[2])
    given = [a.requires_grad_() for a in (x, h, c)]
    asked = [*given, *made.parameters()]
    ours = on_processor(made, x, h, c)
    theirs, (last, end) = torch.nn.LSTM.forward(made, x, (h[None], c[None]))
    close(ours[0], theirs)
    close(ours[1], end[0])
    found = torch.autograd.grad((ours[0], ours[0][:, -1], ours[1]), asked, (by_h, by_end, by_end))
    wanted = torch.autograd.grad((theirs, last[0], end[0]), asked, (by_h, by_end, by_end))
    for got, want in zip(found, wanted, strict=True):
        close(got, want)


@compiled
def test_the_network_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one thread and single precision, from nothing or from a state; otherwise torch's, with the same result."""
    made, x = Lstm(5, 12), torch.randn(3, 6, 5, generator=torch.Generator().manual_seed(0))
    called: list[int] = []
    monkeypatch.setattr(
        "soupstate.model.train.network.network.on_processor", lambda *given: (called.append(1), on_processor(*given))[1]
    )
    whole, end = made(x)
    first, state = made(x[:, :2])
    second, last = made(x[:, 2:], state)
    assert len(called) == 3 and isinstance(end, LstmState) and end.h.shape == end.c.shape == (1, 3, 12)
    close(torch.cat([first, second], 1), whole)
    close(torch.cat(last), torch.cat(end))
    with torch.autocast("cpu", torch.bfloat16):
        assert not runs_on_processor(x)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    theirs, their_end = made(x)
    assert len(called) == 3
    close(whole, theirs)
    close(torch.cat(end), torch.cat(their_end))


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_is_not_a_number_is_seen(backend: str) -> None:
    weight, x, h, c, *_ = make(2, 3, 4, 5)
    weight[7, 2] = np.nan
    out, _ = lstm(weight, x, h, c, backend)
    assert np.isnan(out[:, :, 2]).all() and not np.isnan(out[:, 0, :2]).any()


def test_wrong_arguments() -> None:
    weight, x, h, c, by_h, by_end = make(2, 3, 4, 5)
    for bad, said in (
        ((weight.astype(np.float64), x, h, c), r"weight: float64 \(20, 10\), expected float32 \(20, 10\)"),
        ((weight[:19], x, h, c), r"weight: .* expected float32 .4H, E . H . 1."),
        ((weight[:, 1:], x, h, c), r"weight: .*\(20, 9\), expected float32 \(20, 10\)"),
        ((weight, x[0], h, c), r"x: .* expected float32 .B, T, E."),
        ((weight, x, h[:1], c), r"h: float32 \(1, 5\), expected float32 \(2, 5\)"),
        ((weight, x, h, c[:, 1:]), r"c: .*\(2, 4\), expected"),
    ):
        with pytest.raises(ValueError, match=said):
            lstm(*bad)
    _, kept = lstm(weight, x, h, c)
    for gradients, said in (
        ((weight[:, :5], kept.gates, kept.cells, by_h, by_end), "weight"),
        ((weight[1:], kept.gates, kept.cells, by_h, by_end), "weight"),
        ((weight, kept.gates[1:], kept.cells, by_h, by_end), "gates"),
        ((weight, kept.gates, kept.cells[1:], by_h, by_end), "cells"),
        ((weight, kept.gates, kept.cells, by_h[0], by_end), "by_h"),
        ((weight, kept.gates, kept.cells, by_h, by_end[1:]), "by_end"),
    ):
        with pytest.raises(ValueError, match=said):
            lstm_gradients(*gradients)


@compiled
def test_the_module_refuses_what_does_not_fit() -> None:
    assert cpp is not None
    weight, x, h, c, by_h, by_end = make(2, 3, 4, 5)
    out, kept = lstm(weight, x, h, c)
    with pytest.raises(ValueError, match="cannot run it"):
        lstm(weight, x, h, c, "neon")
    good = {"weight": weight, "x": x, "first_h": h, "first_c": c, "h": out, **kept._asdict()}
    for name, array in good.items():
        with pytest.raises(ValueError, match=r"\["):
            cpp.lstm_forward("scalar", **{**good, name: array[1:]})
        with pytest.raises(TypeError):  # it would be read from a copy, or written to one
            cpp.lstm_forward("scalar", **{**good, name: array.astype(np.float64)})
    found = lstm_gradients(weight, kept.gates, kept.cells, by_h, by_end)
    good = {"weight": weight, "gates": kept.gates, "cells": kept.cells, "by_h": by_h, "by_end": by_end}
    good |= {"by_z": found.z, "by_x": found.x, "by_first_h": found.h, "by_first_c": found.c}
    for name, array in good.items():
        with pytest.raises(ValueError, match=r"\["):
            cpp.lstm_backward("scalar", **{**good, name: array[1:]})
    with pytest.raises(TypeError):
        cpp.lstm_backward("scalar", *good.values())


@pytest.mark.timed
@compiled
def test_the_lock_of_python_is_free_meanwhile() -> None:
    """This thread is not held up for as long as a call of another lasts."""
    weight, x, h, c, by_h, by_end = make(16, 100, 8, 128)
    kept: list[Kept] = [lstm(weight, x, h, c)[1]]
    given = (weight, kept[0].gates, kept[0].cells, by_h, by_end)
    for call in (lambda: lstm(weight, x, h, c), lambda: lstm_gradients(*given)):
        assert held_up(call, 4) < 0.2


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, TOLERANCE), (torch.bfloat16, 0.03)])
def test_in_the_type_of_a_gpu(dtype: torch.dtype, tolerance: float) -> None:
    """As our own, forward and backward; parameters, state and gradients stay in single precision outside of it."""
    weight, x, h, c, by_h, by_end = map(torch.from_numpy, make(7, 20, 24, 40))
    found = []
    for own in (True, False):
        made = torch_lstm((weight / 8).numpy(), x.shape[2])
        given = [a.clone().requires_grad_() for a in (x, h, c)]
        if own:
            out, last_c = on_processor(made, *given)
        else:
            out, (last_h, last_c) = in_type(made, given[0], given[1][None], given[2][None], dtype)
            assert out.dtype == last_c.dtype == dtype and torch.equal(last_h[0], out[:, -1])
            last_c = last_c[0]
        ((out.float() * by_h).sum() + (last_c.float() * by_end).sum()).backward()
        gradients = [p.grad for p in (*given, *made.parameters())]
        assert all(g is not None and g.dtype == torch.float32 for g in gradients)
        found.append([out.float(), last_c.float(), *gradients])
    for ours, theirs in zip(*found, strict=True):
        assert (ours - theirs).abs().max() <= tolerance * ours.abs().max()
