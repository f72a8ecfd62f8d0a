"""`soupstate ablation`. It needs the extra `train`."""

from pathlib import Path

import click
from tqdm import tqdm

from soupstate.model.train.data.shards import Shards
from soupstate.model.train.evaluation.heldout import kernel_speed, measure, training
from soupstate.model.train.run.experiment import load_experiment
from soupstate.model.train.run.initial_weights import load_weights
from soupstate.model.train.run.loop import build_network

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


@click.command("ablation")
@click.argument("experiments", nargs=-1, required=True, type=FILE, metavar="EXPERIMENT.toml...")
@click.option("--shards", type=FOLDER, required=True, help="Held-out lessons (made by `lessons --damaged 0`).")
@click.option("--runs", type=FOLDER, default=Path("runs"), show_default=True, help="Folder that holds the runs.")
@click.option("--longest", type=click.IntRange(min=1), default=50_000, show_default=True, help="Bytes read per lesson.")
def ablation_command(experiments: tuple[Path, ...], shards: Path, runs: Path, longest: int) -> None:
    """Compare trained experiments on held-out lessons. The table has a column for each experiment.

    Its rows are bits per byte, two figures for each head, and speed. For each head: the share of right marks, and F1,
    the mean over the classes that occur. Training speed is in wall-clock time, as the checkpoint records it. Reading
    speed is in processor time of one thread that reads page by page: through torch, and by the kernel. The kernel reads
    the cell alone, and the whole network where it can (an LSTM).
    """
    columns: dict[str, dict[str, float]] = {}
    try:
        for file in experiments:
            plan = load_experiment(file)
            network = build_network(plan)
            checkpoint = runs / plan.name / "checkpoint.safetensors"
            load_weights(network, checkpoint)
            lessons = Shards(shards, backward=plan.backward)

            def progress(numbers: range, name: str = plan.name) -> "tqdm[int]":
                return tqdm(numbers, desc=name, unit="page", disable=None)

            measured = measure(network, lessons, plan.delay, longest, progress)
            columns[plan.name] = training(checkpoint, plan) | measured | kernel_speed(network, lessons, longest)
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    names = list(dict.fromkeys(name for column in columns.values() for name in column))
    click.echo("| | " + " | ".join(columns) + " |\n|---|" + "---|" * len(columns))
    for name in names:
        values = (_number(column[name]) if name in column else "" for column in columns.values())
        click.echo(f"| {name} | " + " | ".join(values) + " |")


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 or value == int(value) else f"{value:.4f}"
