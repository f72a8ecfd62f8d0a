"""`soupstate rank`. It needs the extra `train`."""

from concurrent.futures import BrokenExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import click
from tqdm import tqdm

from soupstate.app.cli.options import format_option
from soupstate.model.archive.records import read_html
from soupstate.model.net.checkpoint import DEFAULT, json_network, load_checkpoint, save_checkpoint
from soupstate.model.net.json_reader import JsonReader
from soupstate.model.train.evaluation.fault_ranking import fit_ranking
from soupstate.model.train.evaluation.json_faults import training_texts
from soupstate.model.train.evaluation.json_ranking import fit_json_ranking
from soupstate.model.train.run.calibration import BINS, draw_reliability

WARC = click.Path(path_type=Path, exists=True, dir_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("rank")
@click.option("--weights", type=FILE, default=DEFAULT, envvar="SOUPSTATE_WEIGHTS", help="Checkpoint to fit it for.")
@click.option("--pages", type=WARC, multiple=True, required=True, help="Training pages to break; may be repeated.")
@click.option("--limit", type=click.IntRange(min=1), help="Pages to take from each file; default: all.")
@click.option("--out", type=FILE, required=True, help="Write the checkpoint with the fitted ranking here.")
@format_option("json: the ranking of the repairs of JSON, on the JSON in pages, but for the held-out domains.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--alone", is_flag=True, help="Fit it without the backward network.")
@click.option("--png", type=FILE, help="Draw how often reports of each probability are right.")
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes, one core each.")
def rank_command(
    weights: Path,
    pages: tuple[Path, ...],
    limit: int | None,
    out: Path,
    seed: int,
    png: Path | None,
    workers: int,
    format_: str,
    *,
    alone: bool,
) -> None:
    """Fit the probability that a reported fault is one, on pages that the command breaks.

    Where a backward network (NAME-backward.safetensors) lies beside the checkpoint, the command uses both, and
    writes the backward network's checkpoint with the ranking in it.
    """
    if format_ == "json":
        if png or alone or workers > 1:
            raise click.UsageError("--png, --alone and --workers are for HTML")
        _rank_json(weights, pages, limit, out, seed)
        return
    try:
        html = list(read_html(pages, limit))
        progress = partial(tqdm, total=len(html), unit="page", disable=None)
        fitted = fit_ranking(weights, html, seed=seed, alone=alone, workers=workers, progress=progress)
        save_checkpoint(fitted.checkpoint, out)
        if png:
            draw_reliability(fitted.reliable, f"{fitted.reports} reports", png)
    except (OSError, ValueError, BrokenExecutor) as error:
        raise click.ClickException(str(error)) from None
    click.echo(
        f"{fitted.reports} reports on {fitted.pages} pages, {fitted.right} of them right. Log loss on pages outside "
        f"the fit: {fitted.loss:.4f} nats per report; with the share of right reports alone: {fitted.prior_loss:.4f}"
    )
    click.echo(f"Expected calibration error there: {fitted.error:.3f}")
    click.echo(f"| probability | reports | said | right |\n{'|---' * 4}|")
    for i, (share, said, right) in enumerate(fitted.reliable):
        click.echo(f"| {i / BINS:.1f} to {(i + 1) / BINS:.1f} | {share:.3f} | {said:.3f} | {right:.3f} |")


def _rank_json(weights: Path, pages: tuple[Path, ...], limit: int | None, out: Path, seed: int) -> None:
    """Fits the ranking of the repairs of JSON, and writes the checkpoint that holds it."""
    try:
        checkpoint = load_checkpoint(json_network(weights), reads="json")
        behind = checkpoint.backward_file
        target = load_checkpoint(behind, backward=True, reads="json") if behind else checkpoint
        texts = training_texts(pages, limit)
        shown = partial(tqdm, unit="document", disable=None)
        fitted = fit_json_ranking(JsonReader(checkpoint), texts, seed=seed, progress=shown)
        save_checkpoint(replace(target, ranking=fitted.ranking), out)
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(
        f"{fitted.documents} broken documents. On a fifth of them, outside the fit: the likeliest edit is right in "
        f"{fitted.right:.3f} of them, some edit in {fitted.possible:.3f}; log loss {fitted.loss:.4f} nats per document"
    )
