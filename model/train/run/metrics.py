"""The figures of a training run: a table and, where TensorBoard is installed, its events; a picture of the table."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from soupstate.model.page.marks import HEADS

TABLE = "metrics.csv"
PROGRESS = ("characters", "seconds", "characters_per_second", "learning_rate")
LOSSES = ("bits", *(head.name for head in HEADS), "depth changes")  # bits per byte; the heads' in nats
HELD_OUT = ("held_out_bits", *(f"held_out_f1_{head.name}" for head in HEADS if head.classes > 1))
COLUMNS = (*PROGRESS, *LOSSES, *HELD_OUT)
DIGITS = 6


class Metrics:
    """Adds rows to the table of a run's folder. A resumed run goes on with its table.

    Rows beyond the place where the run resumes are dropped: they were written after its checkpoint. Raises ValueError
    for a table with other columns.
    """

    def __init__(self, folder: Path, characters: int) -> None:
        self.path = folder / TABLE
        rows = [row for row in read_table(folder) if row["characters"] <= characters] if self.path.exists() else []
        with self.path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(map(_written, rows))
        self.events = _events(folder)

    def add(self, row: Mapping[str, float]) -> None:
        """Adds a row. Columns that it lacks stay empty."""
        with self.path.open("a", encoding="utf-8", newline="") as file:
            csv.DictWriter(file, COLUMNS).writerow(_written(row))
        if self.events:
            for name, value in row.items():
                if name != "characters":
                    self.events.add_scalar(name.replace(" ", "_"), value, int(row["characters"]))
            self.events.flush()


def read_table(folder: Path) -> list[dict[str, float]]:
    """Returns the rows of a run's table, without empty cells.

    Raises OSError where there is none, and ValueError for a table that is not of this version.
    """
    path = folder / TABLE
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file: nothing was trained there yet")
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise ValueError(f"{path}: not a table of this version: remove it, or choose another --out")
        rows = [{name: float(cell) for name, cell in row.items() if cell} for row in reader]
    return [row for row in rows if row.keys() >= {"characters"}]


def plot(folder: Path, file: Path) -> None:
    """Draws the table of a run's folder: bits, and F1 of the marks on held-out lessons or else their losses.

    Raises OSError where there is no table, and ValueError for one without rows.
    """
    rows = read_table(folder)
    if not rows:
        raise ValueError(f"{folder / TABLE}: no rows yet")
    figure = Figure(figsize=(11, 8))
    above, below = figure.subplots(2, 1, sharex=True)
    for name, label in (("bits", "training"), ("held_out_bits", "held out")):
        _draw(above, rows, name, label)
    some = HELD_OUT[1:] if any(HELD_OUT[1] in row for row in rows) else LOSSES[1:]
    for name in some:
        _draw(below, rows, name, name.removeprefix("held_out_f1_"))
    above.set_ylabel("bits per byte")
    below.set_ylabel("F1 on held-out lessons" if some[0] in HELD_OUT else "loss in nats")
    below.set_xlabel("million characters")
    for axis in (above, below):
        axis.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize="small")
    figure.tight_layout()
    figure.savefig(file, dpi=110)


def _draw(axis: Any, rows: list[dict[str, float]], name: str, label: str) -> None:
    points = [(row["characters"] / 1e6, row[name]) for row in rows if name in row]
    if points:
        axis.plot(*zip(*points, strict=True), linewidth=1, marker="." if len(points) < 40 else "", label=label)


def _written(row: Mapping[str, float]) -> dict[str, str]:
    return {name: f"{value:.{DIGITS}g}" if name not in PROGRESS[:2] else f"{value:.0f}" for name, value in row.items()}


def _events(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 (TensorBoard may not be installed)
    except ImportError:
        return None
    return SummaryWriter(str(folder))
