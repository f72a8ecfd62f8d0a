"""`soupstate rank`. Imported when it runs: it needs the extra `train`."""

from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from dataclasses import replace
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

import click
import numpy as np
from tqdm import tqdm

from model.net.checkpoint import DEFAULT, load_checkpoint, save_checkpoint
from model.net.reader import Reader
from model.page.warc import read_pages
from model.train.ranking import Examples, examples_of, fit, gathered, log_loss

WARC = click.Path(path_type=Path, exists=True, dir_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)
READER: Reader  # of a worker
HELD_OUT = 5  # one page in so many is kept from the fit, to measure it


@click.command("rank")
@click.option("--weights", type=FILE, default=DEFAULT, envvar="SOUPSTATE_WEIGHTS", help="Checkpoint to fit it for.")
@click.option("--pages", type=WARC, multiple=True, required=True, help="Training pages, to be broken; may be repeated.")
@click.option("--limit", type=click.IntRange(min=1), help="Pages taken of each file; default: all.")
@click.option("--out", type=FILE, required=True, help="Write the checkpoint with the fitted ranking here.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--alone", is_flag=True, help="Fit it without the network that reads backward.")
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes, a core each.")
def rank_command(
    weights: Path, pages: tuple[Path, ...], limit: int | None, out: Path, seed: int, workers: int, *, alone: bool
) -> None:
    """Fit how likely a reported fault is one, on pages that are broken on purpose.

    Where a network that reads backward (NAME-backward.safetensors) stands beside the other, both are used, and the
    ranking is kept in the former: that is the checkpoint written.
    """
    try:
        reader = _reader(weights, alone)
        target = reader.behind.checkpoint if reader.behind else reader.checkpoint
        html = [page.html for file in pages for page in islice(read_pages(file), limit)]
        found = _examples(html, seed, weights, alone, workers)
        table = gathered(tqdm(found, total=len(html), unit="page", disable=None))
    except (OSError, ValueError, BrokenExecutor) as error:
        raise click.ClickException(str(error)) from None
    kept = table.page % HELD_OUT > 0
    seen, unseen = _part(table, kept), _part(table, ~kept)
    ranking = fit(seen)
    save_checkpoint(replace(target, ranking=fit(table)), out)
    click.echo(
        f"{len(table.rows)} reports on {int(table.page.max()) + 1} pages, {int(table.right.sum())} of them right; "
        f"nats a report on pages left out of the fit: {log_loss(ranking, unseen):.4f}, "
        f"by the share of right ones alone: {_entropy(float(seen.right.mean())):.4f}"
    )


def _reader(weights: Path, alone: bool) -> Reader:
    checkpoint = load_checkpoint(weights)
    return Reader(replace(checkpoint, behind=None) if alone else checkpoint)


def _examples(
    html: list[str], seed: int, weights: Path, alone: bool, workers: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Of page after page, each broken by a generator of its own, so that the number of workers changes nothing."""
    pages = zip(html, np.random.SeedSequence(seed).spawn(len(html)), strict=True)
    with ProcessPoolExecutor(workers, get_context("spawn"), _begin, (weights, alone)) as pool:
        yield from (found for found in pool.map(_work, pages) if found)


def _begin(weights: Path, alone: bool) -> None:
    """Loads the networks, once a worker."""
    global READER
    READER = _reader(weights, alone)


def _work(page: tuple[str, np.random.SeedSequence]) -> tuple[np.ndarray, np.ndarray] | None:
    return examples_of(READER, page[0], np.random.default_rng(page[1]))


def _part(table: Examples, rows: np.ndarray) -> Examples:
    return Examples(table.rows[rows], table.right[rows], table.page[rows])


def _entropy(p: float) -> float:
    return float(-p * np.log(p) - (1 - p) * np.log(1 - p))
