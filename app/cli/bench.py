"""`soupstate bench`. Other libraries are measured beside the kernels where the extra `bench` is installed."""

import importlib
import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import click

from soupstate.kernels import available
from soupstate.kernels.bench import (
    Measured,
    MeasuredQrnn,
    Timed,
    check,
    check_qrnn,
    operations,
    qrnn_operations,
    qrnn_units,
    qrnn_weights,
    rate_of,
)
from soupstate.kernels.peaks import Peaks, peaks
from soupstate.kernels.qrnn import QrnnWeights
from soupstate.kernels.weights import Weights
from soupstate.model.net.checkpoint import DEFAULT, load_checkpoint

FILE = click.Path(path_type=Path, dir_okay=False)
CELL, WHOLE, QRNN = "lstm", "lstm with output and heads", "qrnn"
REGIMES = {"one": (1, 1000), "many": (16, 150)}  # batch and length of what peers read
# Name, module and function of a peer, and what else the function is given.
PEERS: dict[str, tuple[str, str, dict[str, bool]]] = {
    "torch": ("soupstate.model.train.evaluation.baselines", "torch_lstm", {}),
    "onnxruntime": ("soupstate.model.train.evaluation.baselines_onnx", "onnx_lstm", {"int8": False}),
    "onnxruntime int8": ("soupstate.model.train.evaluation.baselines_onnx", "onnx_lstm", {"int8": True}),
}
TRIES = 3  # a rate is the best of so many measurements of some milliseconds, peaks and peers no less than kernels
NUMBERS = ("characters_per_second", "share_of_peak", "times_torch", "times_onnxruntime")
HEADER = ("backend", "cell", "pages", "threads", "characters/s", "of peak", "x torch", "x onnxruntime int8")


@click.group("bench")
def bench_command() -> None:
    """Speed of this machine's kernels, or of its GPU's."""


@bench_command.command("kernels")
@click.option("--weights", type=FILE, default=DEFAULT, envvar="SOUPSTATE_WEIGHTS", help="Checkpoint to read with.")
@click.option("--rounds", type=click.IntRange(min=1), default=7, show_default=True, help="Medians are over so many.")
@click.option("--json", "path", type=FILE, help="Write the rows to this file, too.")
def kernels_command(weights: Path, rounds: int, path: Path | None) -> None:
    """Characters a second of each backend, one page at a time and many, beside other libraries' LSTM.

    Each backend is first checked against the reference. Everything is measured in every round, by the seconds of the
    measuring thread (two threads: by the clock), and ratios are taken within a round, so that what else the machine
    does disturbs them little. Shares are of the limit that weights streamed from the cache set (one page), or of the
    peak of multiplications and additions of 8 bits (many); both are measured, too. Other libraries compute the cell
    alone, with an input as wide as the state.

    The cell "qrnn" is a QRNN of two layers of H units, H the multiple of 8 next to U sqrt(2/3) for an LSTM of U, so
    that both multiply as often (6 H^2 and 4 U^2 times a character). Its weights are drawn from a seed, for speed does
    not depend on them; it reads many pages one after another; its shares are of the peak of 8 bits.
    """
    try:
        read = load_checkpoint(weights).weights
        qrnn = qrnn_weights(qrnn_units(read.units))
        for backend in available():
            check(read, backend)
            check_qrnn(qrnn, backend)
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{', '.join(available())}: each reads as the reference does")
    bench = Bench(read, qrnn, _peers(read.units))
    for _ in range(rounds):
        bench.round()
    rows = bench.rows()
    for line in [*bench.limits(), *table(rows), *bench.threads()]:
        click.echo(line)
    if path:
        path.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")


def _peers(units: int) -> dict[tuple[str, str], Timed]:
    """What to run for a peer and a regime; one that is not installed is told."""
    found: dict[tuple[str, str], Timed] = {}
    for name, (module, function, options) in PEERS.items():
        try:
            make: Callable[..., Timed] = getattr(importlib.import_module(module), function)
        except ModuleNotFoundError as error:
            click.echo(f"{name}: not measured, {error.name} is not installed (pip install 'soupstate[bench]')")
            continue
        for regime, (batch, length) in REGIMES.items():
            found[name, regime] = make(units, batch, length, **options)
            found[name, regime]()
    return found


@dataclass(frozen=True)
class Key:
    """What is measured. backend: or a peer; regime: "one" page at a time, or "many"."""

    backend: str
    cell: str
    regime: str
    threads: int = 1


class Bench:
    """Every round measures everything; figures are medians over the rounds, ratios are taken within one."""

    def __init__(self, weights: Weights, qrnn: QrnnWeights, peers: dict[tuple[str, str], Timed]) -> None:
        self.weights, self.qrnn, self.peers = weights, qrnn, peers
        self.measured = {backend: Measured(weights, backend) for backend in available()}
        self.measured_qrnn = {backend: MeasuredQrnn(qrnn, backend) for backend in available()}
        self.fastest = available()[0]
        self.found: dict[Key, list[dict[str, float]]] = defaultdict(list)
        self.peaks: list[Peaks] = []
        self.by_clock: dict[tuple[str, int], float] = {}  # of a regime and so many threads: the best rate of all rounds

    def round(self) -> None:
        """Measures all."""
        limit = _best([peaks(self.fastest, self.weights.recurrent.size) for _ in range(TRIES)])
        self.peaks += [limit] if limit else []
        rates: dict[Key, float] = {}
        for regime in REGIMES:
            for backend, speed in self.measured.items():
                if backend != "reference":  # it cannot leave out the rest
                    rates[Key(backend, CELL, regime)] = max(speed.rate(regime, alone=True) for _ in range(TRIES))
                rates[Key(backend, WHOLE, regime)] = max(speed.rate(regime) for _ in range(TRIES))
            for backend, cell in self.measured_qrnn.items():
                rates[Key(backend, QRNN, regime)] = max(cell.rate(regime) for _ in range(TRIES))
            for (name, of), timed in self.peers.items():
                if of == regime:
                    rates[Key(name, CELL, regime)] = max(rate_of(timed) for _ in range(TRIES))
            for threads in (1, 2):
                rate = max(self.measured[self.fastest].rate_of_threads(regime, threads) for _ in range(TRIES))
                self.by_clock[regime, threads] = max(rate, self.by_clock.get((regime, threads), 0))
            rates[Key(self.fastest, WHOLE, regime, 2)] = rate
        for key, rate in rates.items():
            self.found[key].append({"characters_per_second": rate, **self._ratios(key, rates, limit)})

    def _ratios(self, key: Key, rates: dict[Key, float], limit: Peaks | None) -> dict[str, float]:
        ratios = {}
        for name, peer in (("times_torch", "torch"), ("times_onnxruntime", "onnxruntime int8")):
            other = rates.get(Key(peer, CELL, key.regime))
            if other:
                ratios[name] = rates[key] / other
        if limit and key.backend in self.measured:
            bound = limit.stream / self.weights.recurrent.size
            if key.cell == QRNN:
                bound = limit.int8 / qrnn_operations(self.qrnn)
            elif key.regime == "many":
                bound = limit.int8 / operations(self.weights, alone=key.cell == CELL)
            ratios["share_of_peak"] = rates[key] / bound / key.threads
        return ratios

    def rows(self) -> list[dict[str, Any]]:
        """One for each backend or peer, cell, regime and number of threads."""
        return [
            {**asdict(key), "units": self.qrnn.units if key.cell == QRNN else self.weights.units}
            | {name: median(v[name] for v in values) if name in values[0] else None for name in NUMBERS}
            for key, values in self.found.items()
        ]

    def limits(self) -> list[str]:
        """What a core can do."""
        if not self.peaks:
            return []
        fp32, int8, stream = (median(getattr(p, name) for p in self.peaks) / 1e9 for name in ("fp32", "int8", "stream"))
        size = self.weights.recurrent.size
        return [f"a core: fp32 {fp32:.0f} GFLOP/s, int8 {int8:.0f} GOP/s, {stream:.0f} GB/s from {size:,} bytes"]

    def threads(self) -> list[str]:
        """Two to one, each with pages of its own: the best rates, for by the clock other programs' turns count."""
        ratios = {regime: self.by_clock[regime, 2] / self.by_clock[regime, 1] for regime in REGIMES}
        return [f"two threads to one, {regime}: {ratio:.2f}" for regime, ratio in ratios.items()]


def _best(tries: list[Peaks | None]) -> Peaks | None:
    found = [one for one in tries if one]
    return Peaks(*(max(getattr(p, name) for p in found) for name in ("fp32", "int8", "stream"))) if found else None


def table(rows: list[dict[str, Any]]) -> list[str]:
    """As Markdown."""
    found = []
    for row in rows:
        speed, share, *ratios = (row[name] for name in NUMBERS)
        cells = [row["backend"], row["cell"], row["regime"], str(row["threads"]), f"{speed:,.0f}"]
        found.append(
            [*cells, "" if share is None else f"{share:.0%}", *("" if r is None else f"{r:.2f}" for r in ratios)]
        )
    return _markdown(HEADER, found)


def _markdown(header: tuple[str, ...], rows: list[list[str]]) -> list[str]:
    first, *others = (f"| {' | '.join(cells)} |" for cells in (header, *rows))
    return [first, "|---" * len(header) + "|", *others]
