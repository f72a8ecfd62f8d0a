"""The recurrence of a QRNN: C++ like the reference, both like a plain loop in torch, and its gradient like torch's."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import held_up
from numpy.typing import NDArray
from torch import Tensor
from triton_scripts import needs_triton, run_with_triton

from soupstate.kernels import forget_mult as kernel
from soupstate.kernels.compiled import cpp
from soupstate.kernels.forget_mult import (
    forget_mult,
    forget_mult_gradients,
    reference_forget_mult,
    reference_forget_mult_gradients,
)
from soupstate.model.train.network.forget_mult import forget_mult as torch_forget_mult

pytestmark = pytest.mark.usefixtures("one_thread")

Floats = NDArray[np.float32]
Forward = Callable[..., tuple[Floats, Floats]]

SIZES = [(1, 1, 1), (1, 63, 17), (3, 1, 100), (17, 5, 16), (3, 63, 1), (2, 1000, 33), (1, 7, 513)]
NOTHING = [(0, 3, 4), (2, 0, 4), (2, 3, 0)]
TOLERANCE = 2e-6  # numbers are of the size 1; the gradients' sums over steps shrink by f
VERSIONS = [reference_forget_mult] + ([forget_mult] if cpp is not None else [])
compiled = pytest.mark.skipif(cpp is None, reason="the compiled module was not built")


def make(b: int, t: int, h: int, seed: int = 0) -> list[Floats]:
    """f, z, o, start, and gradients by h and by the last c."""
    random = np.random.default_rng(seed)
    gates = [1 / (1 + np.exp(-random.normal(1, 2, (b, t, h)))) for _ in range(2)]
    rest = [random.normal(0, 1, shape) for shape in ((b, h), (b, t, h), (b, h))]
    arrays = [gates[0], np.tanh(random.normal(0, 1, (b, t, h))), gates[1], *rest]
    return [a.astype(np.float32) for a in arrays]


def plain(f: Tensor, z: Tensor, o: Tensor, start: Tensor) -> tuple[Tensor, Tensor]:
    """The formulas, step by step."""
    c, out = start, []
    for t in range(f.shape[1]):
        c = f[:, t] * c + (1 - f[:, t]) * z[:, t]
        out.append(o[:, t] * c)
    return torch.stack(out, 1), c


@compiled
@pytest.mark.parametrize("size", SIZES + NOTHING)
def test_compiled_equals_reference(size: tuple[int, int, int]) -> None:
    """Outputs of the module start as NaN: one that is not written is seen."""
    *given, by_h, by_end = make(*size)
    before = [a.copy() for a in given]
    c, h = (np.full(size, np.nan, np.float32) for _ in range(2))
    assert cpp is not None
    inputs = dict(zip(("f", "z", "o", "start"), given, strict=True))
    cpp.forget_mult(**inputs, c=c, h=h)
    wanted = reference_forget_mult(*given)
    for got, want in zip((c, h), wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=0, atol=TOLERANCE)
    for got, want in zip(forget_mult(*given), (c, h), strict=True):
        assert got.dtype == np.float32 and np.array_equal(got, want)
    gradients = [np.full(a.shape, np.nan, np.float32) for a in given]
    outputs = dict(zip(("by_f", "by_z", "by_o", "by_start"), gradients, strict=True))
    cpp.forget_mult_gradients(**inputs, c=c, by_h=by_h, by_end=by_end, **outputs)
    for got, want in zip(gradients, reference_forget_mult_gradients(*given, *wanted[:1], by_h, by_end), strict=True):
        np.testing.assert_allclose(got, want, rtol=0, atol=TOLERANCE)
    for got, want in zip(forget_mult_gradients(*given, c, by_h, by_end), gradients, strict=True):
        assert got.dtype == np.float32 and np.array_equal(got, want)
    assert all(np.array_equal(a, b) for a, b in zip(given, before, strict=True))


@pytest.mark.parametrize("forward", VERSIONS)
@pytest.mark.parametrize("cut", [0, 1, 30, 63])
def test_cut_in_two(forward: Forward, cut: int) -> None:
    f, z, o, start, _, _ = make(3, 63, 17)
    c, h = forward(f, z, o, start)
    first = forward(f[:, :cut], z[:, :cut], o[:, :cut], start)
    between = first[0][:, -1] if cut else start
    second = forward(f[:, cut:], z[:, cut:], o[:, cut:], between)
    assert np.array_equal(np.concatenate([first[0], second[0]], 1), c)
    assert np.array_equal(np.concatenate([first[1], second[1]], 1), h)


@pytest.mark.parametrize("forward", VERSIONS)
def test_steps_first_are_one_sequence(forward: Forward) -> None:
    """(T, B, H) is (1, T, B H)."""
    f, z, o, start, _, _ = make(3, 20, 17)
    c, h = forward(f, z, o, start)
    steps_first = [np.ascontiguousarray(a.swapaxes(0, 1)).reshape(1, 20, 51) for a in (f, z, o)]
    found = forward(*steps_first, start.reshape(1, 51))
    for got, want in zip(found, (c, h), strict=True):
        assert np.array_equal(got.reshape(20, 3, 17).swapaxes(0, 1), want)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("built", [pytest.param(True, marks=compiled), False])
def test_torch_agrees(size: tuple[int, int, int], built: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values and every gradient, beside torch's own of a plain loop; by the compiled version and the reference."""
    if not built:
        monkeypatch.setattr(kernel, "cpp", None)
    *arrays, by_h, by_end = map(torch.from_numpy, make(*size, seed=1))
    found = []
    for function in (torch_forget_mult, plain):
        given = [a.clone().requires_grad_() for a in arrays]
        h, end = function(*given)
        gradients = torch.autograd.grad((h, end), given, (by_h, by_end))
        assert h.shape == size and end.shape == (size[0], size[2])
        found.append([h, end, *gradients])
    for got, want in zip(*found, strict=True):
        torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)


def test_gradients_are_slopes() -> None:
    """By differences (gradcheck), of single precision and so with coarse steps."""
    *arrays, _, _ = map(torch.from_numpy, make(2, 4, 3, seed=2))
    given = [a.requires_grad_() for a in arrays]
    with pytest.warns(UserWarning, match="not a double precision"):
        assert torch.autograd.gradcheck(torch_forget_mult, given, eps=1e-2, atol=2e-3, rtol=1e-2, nondet_tol=0.0)


def test_gates_that_are_views() -> None:
    """Thirds of one product, as the cell has them."""
    gates = torch.rand(2, 9, 15, generator=torch.Generator().manual_seed(0))
    f, z, o = gates.chunk(3, -1)
    start = torch.zeros(2, 5)
    torch.testing.assert_close(torch_forget_mult(f, z, o, start)[0], plain(f, z, o, start)[0])
    h, end = torch_forget_mult(f[:, :0], z[:, :0], o[:, :0], start + 1)
    assert h.shape == (2, 0, 5) and torch.equal(end, start + 1)


def test_wrong_arguments() -> None:
    f, z, o, start, by_h, by_end = make(2, 3, 4)
    for bad, said in (
        ((f.astype(np.float64), z, o, start), r"f: float64 \(2, 3, 4\)"),
        ((f[0], z, o, start), "f: .*expected float32 .B, T, H."),
        ((f, z[:, 1:], o, start), r"z: float32 \(2, 2, 4\), expected float32 \(2, 3, 4\)"),
        ((f, z, o, start[:1]), r"start: .* expected float32 \(2, 4\)"),
    ):
        with pytest.raises(ValueError, match=said):
            forget_mult(*bad)
    with pytest.raises(ValueError, match="by_end"):
        forget_mult_gradients(f, z, o, start, f, by_h, by_end[:, 1:])


@compiled
def test_the_module_refuses_what_does_not_fit() -> None:
    f, z, o, start, by_h, by_end = make(2, 3, 4)
    assert cpp is not None
    inputs = {"f": f, "z": z, "o": o, "start": start}
    good = {**inputs, "c": f.copy(), "h": f.copy()}
    cpp.forget_mult(**good)
    for name, array in good.items():
        with pytest.raises(ValueError, match="expected"):
            cpp.forget_mult(**{**good, name: array[:1]})
        with pytest.raises(TypeError):  # it would be read from a copy, or written to one
            cpp.forget_mult(**{**good, name: array.astype(np.float64)})
    good = {**inputs, "c": f, "by_h": by_h, "by_end": by_end}
    good |= {"by_f": f.copy(), "by_z": f.copy(), "by_o": f.copy(), "by_start": start.copy()}
    cpp.forget_mult_gradients(**good)
    for name, array in good.items():
        with pytest.raises(ValueError, match="expected"):
            cpp.forget_mult_gradients(**{**good, name: array[:1]})
    with pytest.raises(TypeError):
        cpp.forget_mult_gradients(*good.values())


@compiled
def test_the_lock_of_python_is_free_meanwhile() -> None:
    """This thread is not held up for as long as a call of another lasts."""
    given = make(1, 500, 4000)[:4]
    assert held_up(lambda: forget_mult(*given), 3) < 0.2


INTERPRETED = """
import sys
import torch
sys.path[:0] = [{tests!r}, {root!r}]
torch.use_deterministic_algorithms(True)  # and so memory that nothing was written to is NaN
from soupstate.kernels.triton_forget_mult import forget_mult, forget_mult_gradients
from test_forget_mult import make, reference_forget_mult, reference_forget_mult_gradients
for size in [(1, 1, 1), (2, 7, 130), (3, 1, 128), (2, 5, 17), (2, 0, 4)]:
    arrays = make(*size)
    c, h = reference_forget_mult(*arrays[:4])
    wanted = (c, h, *reference_forget_mult_gradients(*arrays[:4], c, *arrays[4:]))
    given = [torch.from_numpy(a) for a in arrays]
    found = (*forget_mult(*given[:4]), *forget_mult_gradients(*given[:4], torch.from_numpy(c), *given[4:]))
    for got, want in zip(found, wanted, strict=True):
        torch.testing.assert_close(got, torch.from_numpy(want), rtol=0, atol=2e-6)
print("all agree")
"""


COMPILED = """
import sys
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
sys.path.insert(0, {root!r})
from soupstate.kernels import triton_forget_mult
for function in (triton_forget_mult._forward, triton_forget_mult._backward):
    types = {{name: "i32" if name in ("steps", "numbers") else "*fp32" for name in function.arg_names}}
    source = ASTSource(function, {{**types, "COLUMNS": "constexpr"}}, {{"COLUMNS": triton_forget_mult.COLUMNS}})
    assert triton.compile(source, target=GPUTarget("cuda", 90, 32)).asm["cubin"]
print("compiled")
"""


@needs_triton
def test_triton_by_its_interpreter() -> None:
    """The logic alone, on the processor, with memory that starts as NaN; that it runs on a GPU is not tested."""
    assert run_with_triton(INTERPRETED, {"TRITON_INTERPRET": "1"}) == "all agree\n"


@needs_triton
def test_triton_compiles_for_an_h200(tmp_path: Path) -> None:
    """To machine code of compute capability 9.0, which needs no GPU; that it runs on one is not tested."""
    assert run_with_triton(COMPILED, {"TRITON_CACHE_DIR": str(tmp_path)}) == "compiled\n"
