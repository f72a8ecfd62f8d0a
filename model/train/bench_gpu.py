"""Speed of the LSTM of `kernels.triton_lstm` on a GPU, beside torch's own there (cuDNN). Never run on a GPU.

Both are whole layers, the input's product included, under torch's automatic mixed precision (bfloat16), with the same
weights and inputs.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import torch
from torch import Tensor

from model.train.device import choose_device
from model.train.network import Lstm, LstmState

UNITS, INPUTS = 264, 64  # of the shipped network
SIZES = ((16, 256), (64, 128), (512, 128), (4096, 128))  # lanes and steps
CHECKED = ((17, 128), (4099, 8))  # the same, of what is compared first: few lanes and many go by different blocks
# How many times as far from float32 as torch's in bfloat16 the results may be, by the norm of the difference. Rounding
# as the kernel does, emulated on a processor (17 lanes, 32 and 128 steps, 264 units), is 1.0 to 1.8 times as far as
# rounding nothing but the factors of the recurrent product.
TIMES, LEAST = 3.0, 1e-5
CALLS = 10  # of one measurement
FORWARD, TRAINING = "forward", "forward and backward"


@dataclass(frozen=True)
class Row:
    """A rate is the median over the rounds; so is the ratio to torch's, which is taken within a round."""

    backend: str  # "triton" or "torch"
    computed: str
    lanes: int
    steps: int
    units: int
    inputs: int
    characters_per_second: float
    times_torch: float


class Bench:
    """The LSTM in Triton and torch's, on one device."""

    def __init__(self, device: torch.device, units: int = UNITS, inputs: int = INPUTS) -> None:
        torch.manual_seed(0)
        self.device, self.units, self.inputs = device, units, inputs
        self.torch, self.triton = Lstm(inputs, units).to(device), Lstm(inputs, units).to(device)
        self.triton.load_state_dict(self.torch.state_dict())
        self.triton.triton = True

    def check(self, sizes: tuple[tuple[int, int], ...] = CHECKED) -> list[str]:
        """How far results and gradients are from torch's in float32, as text. Raises ValueError where that is too far.

        torch's in bfloat16 are the measure, see TIMES.
        """
        lines = []
        for lanes, steps in sizes:
            given = self._given(lanes, steps)
            with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
                exact = self._results(self.torch, given, low=False)
            own, peer = (self._results(lstm, given, low=self._low) for lstm in (self.triton, self.torch))
            far = []
            for name, wanted in exact.items():
                here, there = ((found[name] - wanted).norm() / wanted.norm() for found in (own, peer))
                if not here <= TIMES * there + LEAST:  # so nan is too far, too
                    raise ValueError(
                        f"{lanes} lanes, {steps} steps: {name} differs by {here:.2g}, torch's by {there:.2g}"
                    )
                far.append(f"{name} {here:.2g} ({there:.2g})")
            lines.append(f"{lanes} lanes, {steps} steps, differences from float32 (torch's): {', '.join(far)}")
        return lines

    def rows(self, rounds: int, sizes: tuple[tuple[int, int], ...] = SIZES) -> list[Row]:
        """Both backends, forward alone and with backward, at each size; every round measures both."""
        rows = []
        for lanes, steps in sizes:
            given = self._given(lanes, steps)
            for computed, run in ((FORWARD, self._forward), (TRAINING, self._train)):
                rates: dict[str, list[float]] = {"triton": [], "torch": []}
                for n in range(rounds + 1):  # the first compiles, and is left out
                    for backend in rates:
                        seconds = self._seconds(run, getattr(self, backend), given)
                        rates[backend] += [CALLS * lanes * steps / seconds] if n else []
                for backend, found in rates.items():
                    ratio = median(a / b for a, b in zip(found, rates["torch"], strict=True))
                    rows.append(Row(backend, computed, lanes, steps, self.units, self.inputs, median(found), ratio))
        return rows

    @property
    def _low(self) -> bool:
        return self.device.type == "cuda"

    def _given(self, lanes: int, steps: int) -> list[Tensor]:
        """x, h and c before, and gradients by h and by the last c."""
        random = torch.Generator(self.device).manual_seed(1)
        shapes = [(lanes, steps, self.inputs), *[(1, lanes, self.units)] * 2, (lanes, steps, self.units)]
        shapes.append((1, lanes, self.units))
        x, h0, *rest = (torch.randn(shape, generator=random, device=self.device) for shape in shapes)
        given = [x, h0.tanh(), *rest]
        for tensor in given[:3]:
            tensor.requires_grad_()
        return given

    def _results(self, lstm: Lstm, given: list[Tensor], *, low: bool) -> dict[str, Tensor]:
        """Outputs and gradients by name, in float32."""
        x, h0, c0, by_h, by_c = given
        with torch.autocast(self.device.type, torch.bfloat16, enabled=low):
            h, after = lstm(x, LstmState(h0, c0))
        asked = {"x": x, "h0": h0, "c0": c0, **dict(lstm.named_parameters())}
        total = (h.float() * by_h).sum() + (after.c.float() * by_c).sum()
        gradients = zip(asked, torch.autograd.grad(total, list(asked.values())), strict=True)
        found = {"h": h.detach(), "c": after.c.detach()} | {f"gradient by {name}": g for name, g in gradients}
        return {name: value.float() for name, value in found.items()}

    def _forward(self, lstm: Lstm, given: list[Tensor]) -> None:
        x, h0, c0 = given[:3]
        with torch.no_grad(), torch.autocast(self.device.type, torch.bfloat16, enabled=self._low):
            lstm(x, LstmState(h0, c0))

    def _train(self, lstm: Lstm, given: list[Tensor]) -> None:
        x, h0, c0, by_h = given[:4]
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self._low):
            h, _ = lstm(x, LstmState(h0.detach(), c0.detach()))
        torch.autograd.grad(h, [x, *lstm.parameters()], by_h.to(h.dtype))

    def _seconds(self, run: Callable[[Lstm, list[Tensor]], None], lstm: Lstm, given: list[Tensor]) -> float:
        self._wait()
        start = time.perf_counter()
        for _ in range(CALLS):
            run(lstm, given)
        self._wait()
        return time.perf_counter() - start

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def bench_gpu(rounds: int, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Rows as `Row`, with the device's name. `say` gets the lines of the check.

    Raises ValueError without CUDA, or where Triton's results are not torch's.
    """
    device = choose_device("cuda")
    bench = Bench(device)
    for line in bench.check():
        say(line)
    name = torch.cuda.get_device_name(device)
    return [{"device": name, **asdict(row)} for row in bench.rows(rounds)]
