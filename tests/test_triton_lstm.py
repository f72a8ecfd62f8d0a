"""The LSTM for GPUs and its gradient are torch's, by Triton's interpreter on a processor; and it compiles for a GPU."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from triton_scripts import needs_triton, run_with_triton

from app import bench_cli
from app.cli import soupstate
from model.train.experiment import Experiment, load_experiment
from model.train.loop import Run

MADE = """
import sys
import torch
from torch.nn import functional
sys.path[:0] = [{tests!r}, {root!r}]
torch.use_deterministic_algorithms(True)  # and so memory that nothing was written to is NaN
torch.manual_seed(0)

def make(b, t, units):
    lstm = torch.nn.LSTM(7, units, batch_first=True)
    shapes = [(b, t, 7), (b, units), (b, units), (b, t, units), (b, units), (b, units)]
    x, h0, c0, *by = (torch.randn(shape) for shape in shapes)
    return lstm, x.requires_grad_(), h0.tanh().requires_grad_(), c0.requires_grad_(), by

def gates(lstm, x):
    return functional.linear(x, lstm.weight_ih_l0, lstm.bias_ih_l0 + lstm.bias_hh_l0)

def close(got, want, tolerance):
    assert got.shape == want.shape
    torch.testing.assert_close(got.float(), want, rtol=0, atol=tolerance * float(want.detach().abs().max()))
"""

FORWARD_AND_GRADIENTS = (
    MADE
    + """
from kernels import triton_lstm
from model.train.lstm import recurrence
columns = triton_lstm.sizes_of(64, 32).columns
assert columns < 33 < 2 * columns < 264  # one block of units, two, many
kernel, kept = triton_lstm.lstm, []
def watched(*given, keep):
    h, c, z = kernel(*given, keep=keep)
    kept.append((keep, c.shape[1], z.numel() > 0))
    return h, c, z
triton_lstm.lstm = watched
for *size, kind, tolerance in [
    (3, 5, 20, torch.float32, 2e-6), (17, 2, 33, torch.float32, 2e-6), (1, 2, 264, torch.float32, 2e-6),
    (1, 1, 1, torch.float32, 2e-6), (18, 4, 70, torch.float16, 5e-3),
]:
    lstm, x, h0, c0, (by_h, by_last, by_end) = make(*size)
    wanted, (last, end) = lstm(x, (h0[None], c0[None]))
    h, c = recurrence(gates(lstm, x).to(kind), h0, c0, lstm.weight_hh_l0)
    assert h.dtype == kind and c.dtype == torch.float32
    asked = [x, h0, c0, *lstm.parameters()]
    gradients = torch.autograd.grad((h, h[:, -1], c), asked, (by_h.to(kind), by_last.to(kind), by_end))
    theirs = torch.autograd.grad((wanted, last[0], end[0]), asked, (by_h, by_last, by_end))
    for got, want in zip((h, c, *gradients), (wanted, end[0], *theirs), strict=True):
        close(got, want, tolerance)
    with torch.no_grad():  # nothing is kept
        again = recurrence(gates(lstm, x).to(kind), h0, c0, lstm.weight_hh_l0)
        assert all(torch.equal(a, b) for a, b in zip(again, (h, c), strict=True))
    assert kept[-2:] == [(True, size[1] + 1, True), (False, 1, False)]
print("all agree")
"""
)

CUT_AND_NOTHING = (
    MADE
    + """
from model.train.lstm import recurrence
lstm, x, h0, c0, (by_h, _, by_end) = make(3, 7, 20)
w, asked = lstm.weight_hh_l0, [x, h0, c0, *lstm.parameters()]
h, c = recurrence(gates(lstm, x), h0, c0, w)
wanted = torch.autograd.grad((h, c), asked, (by_h, by_end))
for cut in (1, 4, 6):
    first, between = recurrence(gates(lstm, x[:, :cut]), h0, c0, w)
    second, end = recurrence(gates(lstm, x[:, cut:]), first[:, -1], between, w)
    whole = torch.cat([first, second], 1)
    close(whole, h, 1e-6)
    close(end, c, 1e-6)
    for got, want in zip(torch.autograd.grad((whole, end), asked, (by_h, by_end)), wanted, strict=True):
        close(got, want, 2e-6)
for size in [(0, 3, 4), (2, 0, 4)]:
    lstm, x, h0, c0, (by_h, _, by_end) = make(*size)
    h, c = recurrence(gates(lstm, x), h0, c0, lstm.weight_hh_l0)
    assert h.shape == size and torch.equal(c, c0)
    found = torch.autograd.grad((h, c), [h0, c0, lstm.weight_hh_l0], (by_h, by_end))
    assert torch.equal(found[1], by_end) and not found[0].any() and not found[2].any()
print("all agree")
"""
)

MODULE_AND_BENCH = (
    MADE
    + """
from model.train import bench_gpu, lstm as wrapper
from model.train.bench_gpu import Bench
from model.train.network import Lstm, LstmState
own, torch_own = Lstm(7, 20), Lstm(7, 20)
own.load_state_dict(torch_own.state_dict())
own.triton = True
x = torch.randn(3, 5, 7)
for state in (None, LstmState(torch.randn(1, 3, 20).tanh(), torch.randn(1, 3, 20))):
    h, after = own(x, state)
    wanted, end = torch_own(x, state)
    close(h, wanted, 2e-6), close(after.h, end.h, 2e-6), close(after.c, end.c, 2e-6)
asked = [list(lstm.parameters()) for lstm in (own, torch_own)]
with torch.autocast("cpu", torch.float16):  # as bfloat16 on a GPU
    low, after = own(x, state)
assert low.dtype == after.h.dtype == torch.float16 and after.c.dtype == torch.float32
by = torch.randn(3, 5, 20)
theirs = torch.autograd.grad(wanted, asked[1], by)
for got, want in zip((low, *torch.autograd.grad(low, asked[0], by.half())), (wanted, *theirs), strict=True):
    close(got, want, 5e-3)
bench_gpu.CALLS = 1
bench = Bench(torch.device("cpu"), units=20, inputs=7)
lines = bench.check(((3, 5), (2, 1)))
assert len(lines) == 2 and "gradient by weight_hh_l0" in lines[0], lines
rows = bench.rows(1, ((2, 3),))
assert [(r.backend, r.computed) for r in rows] == [
    (b, c) for c in ("forward", "forward and backward") for b in ("triton", "torch")]
assert all(r.characters_per_second > 0 and (r.lanes, r.steps, r.units, r.inputs) == (2, 3, 20, 7) for r in rows)
assert rows[1].times_torch == rows[3].times_torch == 1
right = wrapper.Recurrence.backward
def wrong(ctx, *by):
    first, *others = right(ctx, *by)
    return first, others[0] * 1.001, *others[1:]
wrapper.Recurrence.backward = staticmethod(wrong)
try:
    bench.check(((3, 5),))
except ValueError as error:
    assert "3 lanes, 5 steps: gradient by h0 differs by 0.001" in str(error), error
else:
    raise AssertionError("a wrong gradient was not seen")
print("all agree")
"""
)

COMPILED = """
import sys
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
sys.path.insert(0, {root!r})
from kernels import triton_lstm
from model.train.bench_gpu import UNITS
for function, blocks in ((triton_lstm._forward, 1), (triton_lstm._backward, 2)):
    for sequences in (64, 4096):
        s = triton_lstm.sizes_of(sequences, 16)
        constants = dict(UNITS=UNITS, KEEP=True, ROWS=s.rows, COLUMNS=s.columns, DEPTH=blocks * s.depth)
        constants = {{name: v for name, v in constants.items() if name in function.arg_names}}
        types = dict.fromkeys(function.arg_names, "*bf16")
        types |= dict.fromkeys(["c", "by_c"] if "by_c" in types else ["c"], "*fp32")
        types |= {{"sequences": "i32", "steps": "i32", **dict.fromkeys(constants, "constexpr")}}
        aligned = {{(k,): [["tt.divisibility", 16]] for k, kind in enumerate(types.values()) if kind[0] == "*"}}
        source = ASTSource(function, types, constants, aligned)
        options = {{"num_warps": s.warps, "num_stages": s.stages}}
        made = triton.compile(source, target=GPUTarget("cuda", 90, 32), options=options)
        assert made.asm["cubin"]
        assert made.metadata.shared <= 227 * 1024, made.metadata.shared  # what a block may have there
        assert "bar.sync" in made.asm["ptx"].rpartition("st.global")[2]  # before the next step reads what was written
        assert ".f32.bf16.bf16" in made.asm["ptx"] and "cp.async" in made.asm["ptx"]  # tensor cores, loads ahead
print("compiled")
"""

INTERPRETER = {"TRITON_INTERPRET": "1"}


@needs_triton
def test_forward_and_gradients_are_those_of_torch() -> None:
    """float32, and float16 in bfloat16's place, which the interpreter cannot multiply."""
    assert run_with_triton(FORWARD_AND_GRADIENTS, INTERPRETER) == "all agree\n"


@needs_triton
def test_a_state_handed_on_and_nothing_to_read() -> None:
    assert run_with_triton(CUT_AND_NOTHING, INTERPRETER) == "all agree\n"


@needs_triton
def test_the_layer_of_the_network_and_its_measurement() -> None:
    """All of `soupstate bench gpu` but the GPU; a wrong gradient ends it."""
    assert run_with_triton(MODULE_AND_BENCH, INTERPRETER) == "all agree\n"


@needs_triton
def test_it_compiles_for_an_h200(tmp_path: Path) -> None:
    """To machine code of compute capability 9.0, as a run on it would; that it runs on one is not tested."""
    assert run_with_triton(COMPILED, {"TRITON_CACHE_DIR": str(tmp_path)}) == "compiled\n"


def test_training_with_it_asks_for_a_gpu(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="triton = true is for training on a GPU"):
        Run(Experiment("n", "s", triton=True, units=16, embedding=8), tmp_path, tmp_path, torch.device("cpu"))
    path = tmp_path / "e.toml"
    path.write_text('name = "n"\nshards = "s"\ncell = "qrnn"\ntriton = true\n', "utf-8")
    with pytest.raises(ValueError, match="triton: not for cell = 'qrnn'"):
        load_experiment(path)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_the_command_without_a_gpu() -> None:
    done = CliRunner().invoke(soupstate, ["bench", "gpu"])
    assert done.exit_code == 1 and done.output == "Error: no CUDA device here\n"


def test_the_command_tells_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(module: str) -> None:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(bench_cli.importlib, "import_module", missing)
    done = CliRunner().invoke(bench_cli.bench_command, ["gpu"])
    assert done.exit_code == 1 and "bench gpu needs torch, which is not installed" in done.output


def test_the_command_writes_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command's own part: a table and a file of rows that were measured."""
    row = {"device": "a GPU", "backend": "triton", "computed": "forward", "lanes": 64, "steps": 128, "units": 264}
    rows: list[dict[str, Any]] = [row | {"inputs": 64, "characters_per_second": 1234567.8, "times_torch": 1.5}]

    class Module:
        @staticmethod
        def bench_gpu(rounds: int, say: Any) -> list[dict[str, Any]]:
            say(f"{rounds} rounds")
            return rows

    monkeypatch.setattr(bench_cli.importlib, "import_module", lambda name: Module)
    done = CliRunner().invoke(bench_cli.bench_command, ["gpu", "--rounds", "3", "--json", str(tmp_path / "rows.json")])
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[:2] == ["3 rounds", "a GPU"]
    assert "| triton | forward | 64 | 128 | 1,234,568 | 1.50 |" in done.output.splitlines()
    assert json.loads((tmp_path / "rows.json").read_text("utf-8")) == rows
