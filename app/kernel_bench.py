"""Measures the speed of the kernels, and of other libraries' LSTM beside them where they are installed."""

import importlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from soupstate.kernels import available
from soupstate.kernels.bench import (
    Measured,
    Timed,
    check,
    operations,
    rate_of,
)
from soupstate.kernels.peaks import Peaks, peaks
from soupstate.kernels.weights import Weights

LSTM_CELL, LSTM_NETWORK = "lstm", "lstm with output and heads"
REGIMES = {"one": (1, 1000), "many": (16, 150)}  # the batch and length that peers read
# Module and function of each peer, and its options.
PEERS: dict[str, tuple[str, str, dict[str, bool]]] = {
    "torch": ("soupstate.model.train.evaluation.baselines", "torch_lstm", {}),
    "onnxruntime": ("soupstate.model.train.evaluation.baselines_onnx", "onnx_lstm", {"int8": False}),
    "onnxruntime int8": ("soupstate.model.train.evaluation.baselines_onnx", "onnx_lstm", {"int8": True}),
}
TRIES = 3  # a rate is the best of this many measurements of some milliseconds, for kernels, peaks and peers alike
NUMBERS = ("characters_per_second", "share_of_peak", "times_torch", "times_onnxruntime")
HEADER = ("backend", "cell", "pages", "threads", "characters/s", "of peak", "x torch", "x onnxruntime int8")

Peers = dict[tuple[str, str], Timed]  # by name and regime


@dataclass(frozen=True)
class Key:
    """What a rate belongs to. backend: a backend or a peer. regime: "one" page at a time, or "many"."""

    backend: str
    cell: str
    regime: str
    threads: int = 1


def check_all(weights: Weights) -> None:
    """Checks every backend against the reference. Raises ValueError for one that reads differently."""
    for backend in available():
        check(weights, backend)


def installed_peers(units: int, tell: Callable[[str], None]) -> Peers:
    """Returns what to run for each peer and regime. It tells about a peer that is not installed."""
    found: Peers = {}
    for name, (module, function, options) in PEERS.items():
        try:
            make: Callable[..., Timed] = getattr(importlib.import_module(module), function)
        except ModuleNotFoundError as error:
            tell(f"{name}: not measured, {error.name} is not installed (pip install 'soupstate[bench]')")
            continue
        for regime, (batch, length) in REGIMES.items():
            found[name, regime] = make(units, batch, length, **options)
            found[name, regime]()
    return found


class Bench:
    """Measures everything in every round. Figures are medians over the rounds; ratios are taken within a round."""

    def __init__(self, weights: Weights, peers: Peers) -> None:
        self.weights, self.peers = weights, peers
        self.measured = {backend: Measured(weights, backend) for backend in available()}
        self.fastest = available()[0]
        self.found: dict[Key, list[dict[str, float]]] = defaultdict(list)
        self.peaks: list[Peaks] = []
        self.best_by_clock: dict[tuple[str, int], float] = {}  # best rate of all rounds, by regime and threads

    def round(self) -> None:
        """Measures everything once."""
        limit = _best([peaks(self.fastest, self.weights.recurrent.size) for _ in range(TRIES)])
        self.peaks += [limit] if limit else []
        rates: dict[Key, float] = {}
        for regime in REGIMES:
            for backend, speed in self.measured.items():
                if backend != "reference":  # it cannot run the cell alone
                    rates[Key(backend, LSTM_CELL, regime)] = max(speed.rate(regime, alone=True) for _ in range(TRIES))
                rates[Key(backend, LSTM_NETWORK, regime)] = max(speed.rate(regime) for _ in range(TRIES))
            for (name, peer_regime), timed in self.peers.items():
                if peer_regime == regime:
                    rates[Key(name, LSTM_CELL, regime)] = max(rate_of(timed) for _ in range(TRIES))
            for threads in (1, 2):
                rate = max(self.measured[self.fastest].rate_of_threads(regime, threads) for _ in range(TRIES))
                self.best_by_clock[regime, threads] = max(rate, self.best_by_clock.get((regime, threads), 0))
            rates[Key(self.fastest, LSTM_NETWORK, regime, 2)] = rate
        for key, rate in rates.items():
            self.found[key].append({"characters_per_second": rate, **self._ratios(key, rates, limit)})

    def _ratios(self, key: Key, rates: dict[Key, float], limit: Peaks | None) -> dict[str, float]:
        ratios = {}
        for name, peer in (("times_torch", "torch"), ("times_onnxruntime", "onnxruntime int8")):
            other = rates.get(Key(peer, LSTM_CELL, key.regime))
            if other:
                ratios[name] = rates[key] / other
        if limit and key.backend in self.measured:
            bound = limit.stream / self.weights.recurrent.size
            if key.regime == "many":
                bound = limit.int8 / operations(self.weights, alone=key.cell == LSTM_CELL)
            ratios["share_of_peak"] = rates[key] / bound / key.threads
        return ratios

    def rows(self) -> list[dict[str, Any]]:
        """Returns a row for each backend or peer, cell, regime and number of threads."""
        return [
            {**asdict(key), "units": self.weights.units}
            | {name: median(v[name] for v in values) if name in values[0] else None for name in NUMBERS}
            for key, values in self.found.items()
        ]

    def limits(self) -> list[str]:
        """Returns a line that tells what one core can do at most."""
        if not self.peaks:
            return []
        fp32, int8, stream = (median(getattr(p, name) for p in self.peaks) / 1e9 for name in ("fp32", "int8", "stream"))
        size = self.weights.recurrent.size
        return [f"a core: fp32 {fp32:.0f} GFLOP/s, int8 {int8:.0f} GOP/s, {stream:.0f} GB/s from {size:,} bytes"]

    def threads(self) -> list[str]:
        """Returns lines with the rate of two threads, each with pages of its own, as a multiple of one thread's.

        These are wall-clock rates, which other programs on the machine lower, so each is the best of all rounds.
        """
        ratios = {regime: self.best_by_clock[regime, 2] / self.best_by_clock[regime, 1] for regime in REGIMES}
        return [f"two threads to one, {regime}: {ratio:.2f}" for regime, ratio in ratios.items()]


def _best(tries: list[Peaks | None]) -> Peaks | None:
    found = [one for one in tries if one]
    return Peaks(*(max(getattr(p, name) for p in found) for name in ("fp32", "int8", "stream"))) if found else None


def table(rows: list[dict[str, Any]]) -> list[str]:
    """Returns the lines of a Markdown table of rows."""
    lines = [f"| {' | '.join(HEADER)} |", "|---" * len(HEADER) + "|"]
    for row in rows:
        speed, share, *ratios = (row[name] for name in NUMBERS)
        cells = [row["backend"], row["cell"], row["regime"], str(row["threads"]), f"{speed:,.0f}"]
        cells += ["" if share is None else f"{share:.0%}", *("" if r is None else f"{r:.2f}" for r in ratios)]
        lines.append(f"| {' | '.join(cells)} |")
    return lines
