"""`soupstate evaluate`. It needs the extra `train`."""

import json
import lzma
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from soupstate.model.archive.records import read_html
from soupstate.model.net.checkpoint import DEFAULT, digest, load_checkpoint, save_checkpoint
from soupstate.model.net.reader import Reader
from soupstate.model.train.data.labelled import labelled_pages, read_ids
from soupstate.model.train.evaluation.evaluate import (
    evaluate_damage,
    evaluate_faults,
    evaluate_pages,
    evaluate_teacher,
    table,
)
from soupstate.model.train.evaluation.fault_ablation import ablate_faults
from soupstate.model.train.evaluation.made import evaluate_made
from soupstate.model.train.evaluation.mending import evaluate_mending

INPUT = click.Path(path_type=Path, exists=True, dir_okay=False)
OUTPUT = click.Path(path_type=Path, dir_okay=False)


@click.command("evaluate")
@click.option("--weights", type=INPUT, default=DEFAULT, envvar="SOUPSTATE_WEIGHTS", help="Checkpoint to measure.")
@click.option("--pages", type=INPUT, multiple=True, help="Held-out WARC: bits, links, text, Markdown and speed.")
@click.option("--teacher", is_flag=True, help="With --pages: also measure the teacher's own marks, the ceiling.")
@click.option("--mend", is_flag=True, help="With --pages: also measure what fixes do to html5lib's parse errors.")
@click.option("--made", type=click.IntRange(min=1), help="With --pages: words lost on so many small made pages.")
@click.option("--damage", type=INPUT, help="Labelled pages, .jsonl.xz: recall of the article in damaged pages.")
@click.option("--ids", type=INPUT, help="With --damage: file with the ids (dataset/id) of the pages, one per line.")
@click.option("--faults", type=INPUT, help="Pages with one fault each, .jsonl.gz: how many are found and fixed.")
@click.option("--ablation", is_flag=True, help="With --faults: also measure the search without some of its parts.")
@click.option("--limit", type=click.IntRange(min=1), help="Pages to measure of each kind; default: all.")
@click.option("--json", "report", type=OUTPUT, help="Also write the figures to this file.")
@click.option("--store", type=OUTPUT, help="Write the checkpoint, with the figures in it, to this file.")
def evaluate_command(
    weights: Path, pages: tuple[Path, ...], limit: int | None, report: Path | None, store: Path | None, **options: Any
) -> None:
    """Measure weights on pages that they were not trained on, and print tables of figures."""
    damage, faults = options["damage"], options["faults"]
    if not (pages or damage or faults):
        raise click.UsageError("nothing to measure: give --pages, --damage or --faults")
    figures: dict[str, dict[str, float]] = {}
    try:
        checkpoint = load_checkpoint(weights)
        reader = Reader(checkpoint)
        if pages:
            read = list(islice(read_html(pages), limit))
            figures["pages"] = evaluate_pages(reader, read, _progress)
            if options["teacher"]:
                figures["teacher"] = evaluate_teacher(read, _progress)
            if options["made"]:
                figures["made"] = evaluate_made(reader, read, options["made"], _progress)
            if options["mend"]:
                figures["mending"] = evaluate_mending(reader, read, _progress)
        if damage:
            labelled = list(islice(labelled_pages(damage, only=read_ids(options["ids"])), limit))
            figures["damage"] = evaluate_damage(reader, labelled, _progress)
        if faults:
            if options["ablation"]:
                parts = ablate_faults(reader, faults, limit or 0, _progress)
                figures |= {f"faults: {name}": found for name, found in parts.items()}
            else:
                figures["faults"] = evaluate_faults(reader, faults, limit or 0, _progress)
    except (OSError, ValueError, KeyError, EOFError, lzma.LZMAError) as error:
        raise click.ClickException(f"{type(error).__name__}: {error}") from None
    click.echo("\n\n".join(f"{name}:\n\n{table(rows)}" for name, rows in figures.items()))
    if report:
        whole = {"weights": digest(weights), "model": checkpoint.name, "version": checkpoint.version, **figures}
        report.write_text(json.dumps(whole, indent=1) + "\n", "utf-8")
    if store:
        save_checkpoint(replace(checkpoint, evaluation=checkpoint.evaluation | figures), store)


def _progress(items: list[Any]) -> Iterable[Any]:
    shown: Iterable[Any] = tqdm(items, disable=None, leave=False)
    return shown
