"""`soupstate train`. It needs the extra `train`."""

import math
import os
import signal
from contextlib import closing
from pathlib import Path

import click

from soupstate.model.train.run.device import choose_device
from soupstate.model.train.run.experiment import load_experiment
from soupstate.model.train.run.loop import Run
from soupstate.model.train.run.metrics import plot as draw
from soupstate.model.train.run.train import train
from soupstate.model.train.run.workers import further_workers

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)
PNG = click.Path(path_type=Path, dir_okay=False)
BAD_INPUT = (OSError, ValueError)


@click.command("train")
@click.argument("experiment", type=FILE, metavar="EXPERIMENT.toml")
@click.option("--out", type=FOLDER, help="Folder of the run; default: runs/NAME. Training resumes from its checkpoint.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option("--threads", type=click.IntRange(min=1), help="Processor threads; default: all.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Processes that train one network together, one core each. For a processor only.",
)
@click.option(
    "--loaders",
    type=click.IntRange(min=0),
    help="Processes that prepare batches ahead. Default: one per core with a GPU, and none with a processor.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0.0),
    default=math.inf,
    help="End after this time. The learning rate falls in time, as it does towards the last character.",
)
@click.option("--plot", type=PNG, help="Draw the figures of the run so far to this PNG file, and train nothing.")
def train_command(
    experiment: Path,
    out: Path | None,
    device: str,
    threads: int | None,
    workers: int,
    loaders: int | None,
    seconds: float,
    plot: Path | None,
) -> None:
    """Train a network as an experiment file says. Folders in the file are relative to the working folder.

    The command prints one line per log interval, and writes it to metrics.csv in the folder of the run, and as events
    of TensorBoard where that is installed. SIGINT and SIGTERM save the checkpoint and end the run; the same command
    then resumes it.
    """
    try:
        plan = load_experiment(experiment)
        folder = out or Path("runs") / plan.name
        if plot:
            draw(folder, plot)
            return
        folder.mkdir(parents=True, exist_ok=True)
        if (copy := folder / "experiment.toml").resolve() != experiment.resolve():
            copy.write_bytes(experiment.read_bytes())
        chosen = choose_device(device, 1 if workers > 1 else threads)
        if workers > 1 and chosen.type != "cpu":
            raise ValueError("--workers is for training on a processor: add --device cpu")
        if workers > 1 and loaders:
            raise ValueError("--loaders: each of several --workers prepares its own batches")
        if loaders is None:
            loaders = 0 if chosen.type == "cpu" else len(os.sched_getaffinity(0))
        run = Run(plan, Path("."), folder, chosen, loaders)
        resumed = run.resume()
    except BAD_INPUT as error:
        raise click.ClickException(str(error)) from None
    caught: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda sig, frame: caught.append(sig))
    click.echo(f"{plan.name} on {run.device}: {'resumed' if resumed else 'begun'} at {run.characters} characters")
    try:
        with closing(run), further_workers(run, Path("."), workers - 1):
            train(run, click.echo, seconds=seconds, stop=lambda: bool(caught))
    except BAD_INPUT as error:
        raise click.ClickException(str(error)) from None
    ended = "stopped" if run.characters < plan.characters else "done"
    click.echo(f"{ended} at {run.characters} characters: {folder / 'checkpoint.safetensors'}")
