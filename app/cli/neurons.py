"""`soupstate neurons`. It needs the extra `train`."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import click
from tqdm import tqdm

from soupstate.app.cli.options import format_option
from soupstate.model.archive.records import read_html
from soupstate.model.net.checkpoint import DEFAULT, json_network, load_checkpoint, save_checkpoint
from soupstate.model.net.json_reader import JsonReader
from soupstate.model.net.reader import Reader
from soupstate.model.page.nesting import NESTINGS
from soupstate.model.train.evaluation.json_faults import held_out_texts, training_texts
from soupstate.model.train.evaluation.json_neurons import find_json_depth, measure_json_depth
from soupstate.model.train.evaluation.neurons import NeuronFigures, draw, find, made_pages, measure_neurons

WARC = click.Path(path_type=Path, exists=True, dir_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)
WORDS_OF = 400  # pages whose words made pages have
LESSON_SEED = 101


@click.command("neurons")
@click.option("--weights", type=FILE, default=DEFAULT, envvar="SOUPSTATE_WEIGHTS", help="Checkpoint to measure.")
@click.option("--pages", type=WARC, multiple=True, required=True, help="Held-out pages to measure on; may be repeated.")
@click.option("--limit", type=click.IntRange(min=1), help="Pages to measure on; default: all.")
@click.option(
    "--find-on", type=WARC, multiple=True, help="Training pages to fit a new depth layer to; may be repeated."
)
@click.option("--find-limit", type=click.IntRange(min=1), help="Pages to take from each of these files; default: all.")
@click.option("--find-made", type=click.IntRange(min=0), default=0, help="Made pages to fit it to, after those.")
@click.option("--made", type=click.IntRange(min=0), default=0, help="Made pages to measure R^2 on, too.")
@click.option("--out", type=FILE, help="With --find-on: write the checkpoint with the new layer to this file.")
@click.option("--png", type=FILE, help="Draw a page's depth beside the best neuron.")
@format_option("json: of the JSON in pages; measured are held-out domains, and cells for objects and arrays.")
@click.option("--page", type=click.IntRange(min=1), default=1, show_default=True, help="Which of --pages to draw.")
def neurons_command(
    weights: Path,
    pages: tuple[Path, ...],
    find_on: tuple[Path, ...],
    out: Path | None,
    png: Path | None,
    page: int,
    made: int,
    format_: str,
    **limits: int | None,
) -> None:
    """Measure how closely the cells that count open elements follow nesting depth on held-out pages.

    These are the cells of the checkpoint's depth layer or, with --find-on, of a layer that the command fits: 5000 pages
    take about half an hour and 6 GB. The command also names the unit of the LSTM itself that follows depth best.
    """
    if out and not find_on:
        raise click.UsageError("--out goes with --find-on")
    if format_ == "json":
        _json(weights, pages, find_on, out, limits, of_html=bool(png or made or limits["find_made"]))
        return
    try:
        checkpoint = load_checkpoint(weights)
        held_out = list(islice(read_html(pages), limits["limit"]))
        if not held_out:
            raise ValueError(f"no pages in {', '.join(map(str, pages))}")
        if png and page > len(held_out):
            raise click.UsageError(f"--page {page}: there are {len(held_out)} pages")
        reader = Reader(checkpoint)
        depth = checkpoint.depth
        if find_on:
            lessons = _lessons(find_on, limits["find_limit"], limits["find_made"] or 0)
            depth = find(reader, tqdm(lessons, unit="page", disable=None))
        if not depth:
            raise ValueError("the checkpoint has no depth layer; --find-on fits one")
        found = measure_neurons(reader, held_out, depth, made)
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    _tell(found, len(held_out), made)
    checkpoint = replace(checkpoint, depth=found.depth)
    if out:
        save_checkpoint(checkpoint, out)
    if png:
        draw(Reader(checkpoint), held_out[page - 1], png)


def _tell(found: NeuronFigures, pages: int, made: int) -> None:
    """Prints the figures of that many pages, and of made pages."""
    for neuron in found.depth.neurons:
        click.echo(f"layer {neuron.layer}  unit {neuron.unit:4}  r {neuron.r:+.4f}")
    click.echo(f"their sum, a linear probe on {len(found.depth.neurons)}: R^2 {found.share:.4f} on {pages} pages")
    if found.made_share is not None:
        click.echo(f"on {made} made pages: R^2 {found.made_share:.4f}")
    click.echo(f"of the LSTM itself: layer 0  unit {found.best_unit:4}  r {found.best_r:+.4f}")


def _json(
    weights: Path,
    pages: tuple[Path, ...],
    find_on: tuple[Path, ...],
    out: Path | None,
    limits: dict[str, int | None],
    *,
    of_html: bool,
) -> None:
    """Fits the cells of JSON to documents of the training domains, and measures them on those of the others.

    of_html: an option was given that is for HTML alone.
    """
    if of_html:
        raise click.UsageError("--png, --made and --find-made are for HTML")
    try:
        checkpoint = load_checkpoint(json_network(weights), reads="json")
        held_out = held_out_texts(pages)[: limits["limit"]]
        if not held_out:
            raise ValueError(f"no JSON of held-out domains in {', '.join(map(str, pages))}")
        if find_on:
            lessons = training_texts(find_on, limits["find_limit"])
            reader = JsonReader(checkpoint)
            depth = find_json_depth(reader, tqdm(lessons, unit="document", disable=None))
            checkpoint = replace(checkpoint, depth=depth)
        if not checkpoint.depth:
            raise ValueError("the checkpoint has no depth layer; --find-on fits one")
        neurons, share = measure_json_depth(JsonReader(checkpoint), held_out)
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    for neuron in neurons:
        click.echo(
            f"layer {neuron.layer}  unit {neuron.unit:4}  r {neuron.r:+.4f}  {NESTINGS['json'].names[neuron.unit]}"
        )
    click.echo(f"their sum, a linear probe on {len(neurons)}: R^2 {share:.4f} on {len(held_out)} documents")
    if out:
        save_checkpoint(replace(checkpoint, depth=replace(checkpoint.depth, neurons=neurons)), out)


def _lessons(files: tuple[Path, ...], limit: int | None, made: int) -> Iterator[str]:
    """Yields the pages of files, at most `limit` of each, and then made pages with words of the first of them."""
    first: list[str] = []
    for page in read_html(files, limit):
        if len(first) < WORDS_OF:
            first.append(page)
        yield page
    if made:
        yield from made_pages(first, made, LESSON_SEED)
