"""`soupstate lessons | train | export`. Imported when one of them runs: it needs the extra `train`."""

import lzma
import math
import signal
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click
import numpy as np
from tqdm import tqdm

from model.net.checkpoint import Checkpoint, save_checkpoint
from model.page.marks import HEADS
from model.page.warc import Tally, read_pages
from model.train.device import choose_device
from model.train.experiment import Experiment, load_experiment
from model.train.export import count_changes, parameters
from model.train.labelled import labelled_pages
from model.train.lessons import lesson
from model.train.loop import Run, build_network, train
from model.train.shards import MARKS, Rows, Shards, write_shard
from model.train.start import load_weights
from model.train.workers import further_workers

LABELLED = ".jsonl.xz"
SUFFIXES = (LABELLED, ".warc.gz", ".warc.xz", ".warc", ".arc.gz", ".arc")
FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)
BAD_INPUT = (OSError, ValueError)


@click.command("train")
@click.argument("experiment", type=FILE, metavar="EXPERIMENT.toml")
@click.option("--out", type=FOLDER, help="Folder of the run; default: runs/NAME. Its checkpoint is taken up.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option("--threads", type=click.IntRange(min=1), help="Of the processor; default: all.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Processes that train one network together, a core each; only on a processor.",
)
@click.option("--seconds", type=click.FloatRange(min=0.0), default=math.inf, help="Stop after so long; default: never.")
def train_command(
    experiment: Path, out: Path | None, device: str, threads: int | None, workers: int, seconds: float
) -> None:
    """Train a network as an experiment file says; folders in it are relative to the working folder.

    A line of log every so many updates. SIGINT and SIGTERM save the checkpoint and end the run; called again, it goes
    on from there.
    """
    try:
        plan = load_experiment(experiment)
        folder = out or Path("runs") / plan.name
        folder.mkdir(parents=True, exist_ok=True)
        run = Run(plan, Path("."), folder, choose_device(device, 1 if workers > 1 else threads))
        if workers > 1 and run.device.type != "cpu":
            raise ValueError("--workers is for training on a processor: add --device cpu")
        resumed = run.resume()
    except BAD_INPUT as error:
        raise click.ClickException(str(error)) from None
    caught: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda sig, frame: caught.append(sig))
    click.echo(f"{plan.name} on {run.device}: {'resumed' if resumed else 'begun'} at {run.characters} characters")
    with further_workers(run, Path("."), workers - 1):
        train(run, click.echo, seconds=seconds, stop=lambda: bool(caught))
    ended = "stopped" if run.characters < plan.characters else "done"
    click.echo(f"{ended} at {run.characters} characters: {folder / 'checkpoint.safetensors'}")


@click.command("lessons")
@click.argument("files", nargs=-1, required=True, type=FILE, metavar="WARC|LABELLED.jsonl.xz...")
@click.option("--out", type=FOLDER, required=True, help="Folder for the shards, one a file.")
@click.option("--damaged", type=click.FloatRange(0.0, 1.0), default=0.4, show_default=True, help="Share to be damaged.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--leave-out", type=FILE, help="Ids of labelled pages (dataset/id) to leave out, one a line.")
def lessons_command(files: tuple[Path, ...], out: Path, damaged: float, seed: int, leave_out: Path | None) -> None:
    """Make shards of lessons: pages with the teacher's marks. Shards that are there already are left alone."""
    named = {_shard_name(file): file for file in files}
    if len(named) < len(files):
        raise click.UsageError("two files of one name: their shards would be one")
    left = frozenset(leave_out.read_text("utf-8").split()) if leave_out else frozenset()
    out.mkdir(parents=True, exist_ok=True)
    failed = False
    for name, file in named.items():
        if (out / f"{name}.starts.npy").exists():
            click.echo(f"{name}: there already")
            continue
        random = np.random.default_rng([seed, zlib.crc32(name.encode())])
        lost: Counter[str] = Counter()
        try:
            pages = _lessons(file, left, damaged, random, lost)
            size = write_shard(out / name, pages, MARKS + len(HEADS))
        except (*BAD_INPUT, EOFError, lzma.LZMAError) as error:
            failed = True
            click.echo(f"soupstate: {file}: {error}", err=True)
            continue
        counts = ", ".join(f"{number} {reason}" for reason, number in lost.most_common())
        click.echo(f"{name}: {size} bytes" + (f"; left out: {counts}" if counts else ""))
    if failed:
        sys.exit(1)


def _shard_name(file: Path) -> str:
    suffix = next((s for s in SUFFIXES if file.name.endswith(s)), file.suffix)
    return file.name.removesuffix(suffix).replace(".", "-")


def _lessons(
    file: Path, left: frozenset[str], damaged: float, random: np.random.Generator, lost: Counter[str]
) -> Iterator[Rows]:
    """Lessons of a file; pages that make none are counted by reason."""
    tally = Tally()
    for html, label in tqdm(_pages(file, left, tally), desc=file.name, unit="page", disable=None):
        try:
            rows = lesson(html, random, damaged, label)
        except Exception as error:  # one page in millions that the teacher cannot take must not end the work
            lost[f"failed ({type(error).__name__})"] += 1
            continue
        if rows is None:
            lost["too short"] += 1
        else:
            yield rows
    lost.update(tally.skipped)


def _pages(file: Path, left: frozenset[str], tally: Tally) -> Iterator[tuple[str, str | None]]:
    if file.name.endswith(LABELLED):
        for html, label in labelled_pages(file, left):
            yield html.encode("utf-8", "replace").decode(), label
    else:
        for page in read_pages(file, tally=tally):
            yield page.html, None


@click.command("export")
@click.argument("checkpoint", type=FILE, metavar="CHECKPOINT")
@click.option("--experiment", type=FILE, required=True, help="The experiment that the checkpoint is of.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File of weights to write.")
@click.option("--name", default="soupstate", show_default=True, help="Name that answers give for the model.")
@click.option("--version", default="1", show_default=True, help="Version that answers give for the model.")
def export_command(checkpoint: Path, experiment: Path, out: Path, name: str, version: str) -> None:
    """Turn a training checkpoint into weights to read with. Needs the experiment's shards, to count changes in."""
    try:
        plan: Experiment = load_experiment(experiment)
        network = build_network(plan)
        load_weights(network, checkpoint)
        changes = count_changes(Shards(Path(plan.shards), backward=plan.backward))
        training = {"experiment": asdict(plan)}
        save_checkpoint(Checkpoint(name, version, plan.delay, parameters(network), changes, training=training), out)
    except BAD_INPUT as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{out}: {out.stat().st_size} bytes")
