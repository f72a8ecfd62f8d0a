"""`soupstate neurons`. Imported when it runs: it needs the extra `train`."""

from dataclasses import replace
from itertools import islice
from pathlib import Path

import click
import numpy as np

from model.net.checkpoint import DEFAULT, Depth, DepthNeuron, load_checkpoint, save_checkpoint
from model.net.reader import Reader
from model.page.warc import read_pages
from model.train.neurons import correlations, draw, find, r_squared, trace

WARC = click.Path(path_type=Path, exists=True, dir_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("neurons")
@click.option("--weights", type=FILE, default=DEFAULT, envvar="SOUPSTATE_WEIGHTS", help="Checkpoint to measure.")
@click.option("--pages", type=WARC, multiple=True, required=True, help="Held-out pages to measure on; may be repeated.")
@click.option("--find-on", type=WARC, multiple=True, help="Training pages to choose new neurons on; may be repeated.")
@click.option("--out", type=FILE, help="With --find-on: write the checkpoint with the new neurons here.")
@click.option("--limit", type=click.IntRange(min=1), help="Pages read of each of the two; default: all.")
@click.option("--png", type=FILE, help="Draw a page's depth beside the best neuron.")
@click.option("--page", type=click.IntRange(min=1), default=1, show_default=True, help="Which of --pages to draw.")
def neurons_command(
    weights: Path,
    pages: tuple[Path, ...],
    find_on: tuple[Path, ...],
    out: Path | None,
    png: Path | None,
    **numbers: int | None,
) -> None:
    """The units whose output follows nesting depth, with their correlation on held-out pages.

    Those that the checkpoint names, or with --find-on, those that are chosen anew.
    """
    if out and not find_on:
        raise click.UsageError("--out goes with --find-on")
    try:
        checkpoint = load_checkpoint(weights)
        reader = Reader(checkpoint)
        held_out = _pages(pages, numbers["limit"])
        if find_on:
            depth, share = find(reader, _pages(find_on, numbers["limit"]), held_out)
            checkpoint = replace(checkpoint, depth=depth)
            reader = Reader(checkpoint)
        else:
            depth, share = _measured(reader, held_out)
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    for neuron in depth.neurons:
        click.echo(f"layer {neuron.layer}  unit {neuron.unit:4}  r {neuron.r:+.4f}")
    click.echo(f"linear probe on these {len(depth.neurons)}: R^2 {share:.4f} on {len(held_out)} pages")
    if out:
        save_checkpoint(checkpoint, out)
    if png:
        number = numbers["page"] or 1
        if number > len(held_out):
            raise click.UsageError(f"--page {number}: there are {len(held_out)} pages")
        draw(reader, held_out[number - 1], png)


def _pages(files: tuple[Path, ...], limit: int | None) -> list[str]:
    found = list(islice((page.html for file in files for page in read_pages(file)), limit))
    if not found:
        raise ValueError(f"no pages in {', '.join(map(str, files))}")
    return found


def _measured(reader: Reader, pages: list[str]) -> tuple[Depth, float]:
    """The checkpoint's neurons with their r on these pages, and the probe's R^2."""
    depth = reader.checkpoint.depth
    if not depth.neurons:
        raise ValueError("the checkpoint names no depth neurons; --find-on finds some")
    traces = trace(reader, pages, reader.units)
    measured = correlations(traces)
    share = r_squared(traces, list(range(len(depth.neurons))), np.array(depth.weights), depth.bias)
    again = tuple(DepthNeuron(n.layer, n.unit, float(r)) for n, r in zip(depth.neurons, measured, strict=True))
    return replace(depth, neurons=again), share
