"""`soupstate neurons`. It needs the extra `train`."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

import click
from tqdm import tqdm

from soupstate.app.cli.options import format_option, refuse
from soupstate.app.span_lines import read_lines
from soupstate.app.words import counted
from soupstate.model.archive.records import read_html
from soupstate.model.heads.examples import folds_of
from soupstate.model.net.checkpoint import DEFAULT, json_network, load_checkpoint, save_checkpoint
from soupstate.model.net.json_reader import JsonReader
from soupstate.model.net.reader import Reader
from soupstate.model.page.decode import decode
from soupstate.model.page.elements import KIND_NAMES
from soupstate.model.page.nesting import NESTINGS
from soupstate.model.train.data.labels import LabelledPage, labelled, of_spans, rule_of
from soupstate.model.train.evaluation.json_faults import held_out_texts, training_texts
from soupstate.model.train.evaluation.json_neurons import find_json_depth, measure_json_depth
from soupstate.model.train.evaluation.label_picture import draw_label
from soupstate.model.train.evaluation.label_units import Followers, follow
from soupstate.model.train.evaluation.neurons import (
    MOST_CHARACTERS,
    NeuronFigures,
    draw,
    find,
    made_pages,
    measure_neurons,
)

WARC = click.Path(path_type=Path, exists=True, dir_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)
Page = TypeVar("Page")
WORDS_OF = 400  # pages whose words made pages have
LESSON_SEED = 101
SPANS = ".jsonl"  # a label with this ending is a file of spans
HELD_OUT = 3  # a third of the sites of such a file is measured, and the rest is found on
LISTED_UNITS, LISTED_CELLS = 6, 3


@click.command("neurons")
@click.option("--weights", type=FILE, default=DEFAULT, envvar="SOUPSTATE_WEIGHTS", help="Checkpoint to measure.")
@click.option("--pages", type=WARC, multiple=True, help="Held-out pages to measure on; may be repeated.")
@click.option("--limit", type=click.IntRange(min=1), help="Pages to measure on; default: all.")
@click.option("--find-on", type=WARC, multiple=True, help="Training pages to fit to; may be repeated.")
@click.option("--find-limit", type=click.IntRange(min=1), help="Pages to take from each of these files; default: all.")
@click.option("--find-made", type=click.IntRange(min=0), default=0, help="Made pages to fit it to, after those.")
@click.option("--made", type=click.IntRange(min=0), default=0, help="Made pages to measure R^2 on, too.")
@click.option("--out", type=FILE, help="With --find-on: write the checkpoint with the new layer to this file.")
@click.option(
    "--png", type=FILE, help="Draw a page's depth beside the best neuron, or with --label the best unit over a page."
)
@format_option("json: of the JSON in pages; measured are held-out domains, and cells for objects and arrays.")
@click.option("--label", help='Find what follows this label, such as "inside a link", or the spans of a .jsonl file.')
@click.option("--page", type=click.IntRange(min=1), default=1, show_default=True, help="Which of --pages to draw.")
@click.option("--over", type=WARC, help="With --label: HTML file to draw, instead of one of --pages.")
def neurons_command(
    weights: Path,
    pages: tuple[Path, ...],
    find_on: tuple[Path, ...],
    out: Path | None,
    png: Path | None,
    page: int,
    made: int,
    format_: str,
    label: str | None,
    over: Path | None,
    **limits: int | None,
) -> None:
    """Measure how closely the cells that count open elements follow nesting depth on held-out pages.

    These are the cells of the checkpoint's depth layer or, with --find-on, of a layer that the command fits: 5000 pages
    take about half an hour and 6 GB. The command also names the unit of the LSTM itself that follows depth best.

    With --label it finds on the pages of --find-on which units of the LSTM, and which cells, follow a label best, and
    measures them on those of --pages. --png then draws the best unit over a page. A file of labels has its own pages,
    of which a third is held out, by site:

    \b
    {"html": "<p>...", "spans": [[3, 20]]}
    {"warc": "shop.warc.gz", "offset": 4711, "url": "https://example.org/tea", "spans": []}
    """
    if png and not png.parent.is_dir():
        raise click.BadParameter(f"{png.parent} is no folder", param_hint="--png")
    if label is not None:
        _label(weights, pages, find_on, label, _Drawing(png, page, over), limits)
        return
    refuse("over", "without --label")
    if not pages:
        raise click.UsageError("Missing option '--pages'.")
    if out and not find_on:
        raise click.UsageError("--out goes with --find-on")
    if format_ == "json":
        _json(weights, pages, find_on, out, limits, of_html=bool(png or made or limits["find_made"]))
        return
    _depth(weights, pages, find_on, out, made, _Drawing(png, page), limits)


@dataclass(frozen=True)
class _Drawing:
    """png: where to; None: nowhere. page: which of the held-out pages. over: a file to draw instead."""

    png: Path | None
    page: int
    over: Path | None = None

    def of(self, held_out: list[Page]) -> Page:
        """Returns the page. Raises UsageError where there are fewer."""
        if self.page > len(held_out):
            raise click.UsageError(f"--page {self.page}: the number of pages is {len(held_out)}")
        return held_out[self.page - 1]


def _depth(
    weights: Path,
    pages: tuple[Path, ...],
    find_on: tuple[Path, ...],
    out: Path | None,
    made: int,
    drawing: _Drawing,
    limits: dict[str, int | None],
) -> None:
    """Fits the cells of HTML where that is asked for, measures them, and draws a page."""
    try:
        checkpoint = load_checkpoint(weights)
        held_out = _held_out(pages, limits["limit"])
        drawn = drawing.of(held_out) if drawing.png else ""
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
    if drawing.png:
        draw(Reader(checkpoint), drawn, drawing.png)


def _held_out(files: tuple[Path, ...], limit: int | None) -> list[str]:
    """Returns the pages of files, at most `limit`. Raises OSError, and ValueError where there is none."""
    held_out = list(islice(read_html(files), limit))
    if not held_out:
        raise ValueError(f"no pages in {', '.join(map(str, files))}")
    return held_out


def _label(
    weights: Path,
    pages: tuple[Path, ...],
    find_on: tuple[Path, ...],
    label: str,
    drawing: _Drawing,
    limits: dict[str, int | None],
) -> None:
    """Finds and measures what follows a label, and draws the best unit."""
    for name in ("out", "made", "find_made", "format_"):
        refuse(name, "with --label")
    learned: Iterable[LabelledPage]
    try:
        if label.endswith(SPANS):
            for name in ("pages", "find_on", "limit", "find_limit", "over"):
                refuse(name, "with a file of spans")
            learned, measured = _dealt(Path(label))
        else:
            learned, measured = _taught(label, pages, find_on, limits)
        drawn = _drawn(label, drawing, measured) if drawing.png else None
        reader = Reader(load_checkpoint(weights))
        found = follow(reader, learned, measured, partial(tqdm, unit="page", disable=None, leave=False))
        _tell_followers(label, found, len(measured))
        if drawing.png and drawn:
            draw_label(reader, drawn, found.best, Path(label).name, drawing.png)
    except FileNotFoundError as error:
        raise click.ClickException(
            f"{error.filename}: there is no such file" if error.filename else str(error)
        ) from None
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None


def _dealt(file: Path) -> tuple[list[LabelledPage], list[LabelledPage]]:
    """Returns the pages of a file of spans to find on, and those to measure. Raises OSError and ValueError."""
    lines = read_lines(file)
    if len(lines) < HELD_OUT:
        raise ValueError(f"{file} has {counted(len(lines), 'page')}; it needs {HELD_OUT} or more")
    dealt: tuple[list[LabelledPage], list[LabelledPage]] = ([], [])
    for line, fold in zip(lines, folds_of([line.site for line in lines], HELD_OUT), strict=True):
        dealt[int(fold == 0)].append(LabelledPage(line.html, of_spans(len(line.html), line.spans)))
    return dealt


def _taught(
    label: str, pages: tuple[Path, ...], find_on: tuple[Path, ...], limits: dict[str, int | None]
) -> tuple[Iterable[LabelledPage], list[LabelledPage]]:
    """Returns pages of files with a label by the teacher, to find on and to measure. Raises OSError and ValueError."""
    try:
        rule = rule_of(label)
    except ValueError as error:
        raise click.BadParameter(f"{error}; or the name of a file that ends in {SPANS}", param_hint="--label") from None
    if not pages or not find_on:
        raise click.UsageError("--label needs --pages and --find-on, or a file of spans")
    measured = [labelled(page[:MOST_CHARACTERS], rule) for page in _held_out(pages, limits["limit"])]
    learned = (labelled(page[:MOST_CHARACTERS], rule) for page in read_html(find_on, limits["find_limit"]))
    return learned, measured


def _drawn(label: str, drawing: _Drawing, measured: list[LabelledPage]) -> LabelledPage:
    """Returns the page to draw. Raises OSError, and ValueError for one that cannot be read or lacks the label."""
    if drawing.over:
        page = labelled(decode(drawing.over.read_bytes()).text[:MOST_CHARACTERS], rule_of(label))
    else:
        page = drawing.of(measured)
    if not (page.label == 1).any():
        chosen = drawing.over or f"held-out page {drawing.page}"
        raise ValueError(f"{chosen} has no character with the label {label!r}; choose another page to draw")
    return page


def _tell_followers(label: str, found: Followers, pages: int) -> None:
    """Prints the best of the units and cells, and what all of them reach together."""
    click.echo(f"{label}: {found.label:.2%} of the characters that were looked at on {counted(pages, 'held-out page')}")
    for each in (*found.units[:LISTED_UNITS], *found.cells[:LISTED_CELLS]):
        kind = f"  {KIND_NAMES[each.unit]}" if each.layer else ""
        click.echo(f"layer {each.layer}  unit {each.unit:4}  r {each.r:+.4f}  R^2 {each.share:.4f}{kind}")
    alone, together = found.areas
    click.echo(f"all {len(found.units)} units of the LSTM, a linear probe: R^2 {found.together:.4f}")
    if found.cells:
        click.echo(f"with the {len(found.cells)} cells: R^2 {found.with_cells:.4f}")
    click.echo(f"area under the ROC curve: unit {found.best.unit} {alone:.4f}, all units {together:.4f}")


def _tell(found: NeuronFigures, pages: int, made: int) -> None:
    """Prints the figures of that many pages, and of made pages."""
    for neuron in found.depth.neurons:
        click.echo(f"layer {neuron.layer}  unit {neuron.unit:4}  r {neuron.r:+.4f}")
    click.echo(
        f"their sum, a linear probe on {len(found.depth.neurons)}: R^2 {found.share:.4f} on {counted(pages, 'page')}"
    )
    if found.made_share is not None:
        click.echo(f"on {counted(made, 'made page')}: R^2 {found.made_share:.4f}")
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
