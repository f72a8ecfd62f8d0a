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

from soupstate.app.cli.options import format_option
from soupstate.app.json_peers import PEERS
from soupstate.app.peers import installed
from soupstate.model.archive.records import read_html
from soupstate.model.net.checkpoint import DEFAULT, digest, json_network, load_checkpoint, save_checkpoint
from soupstate.model.net.json_reader import JsonReader
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
from soupstate.model.train.evaluation.json_faults import (
    Figures,
    broken_documents,
    false_reports,
    held_out_texts,
    score_network,
    score_peer,
)
from soupstate.model.train.evaluation.json_neurons import measure_json_depth
from soupstate.model.train.evaluation.made import evaluate_made
from soupstate.model.train.evaluation.mending import evaluate_mending

INPUT = click.Path(path_type=Path, exists=True, dir_okay=False)
OUTPUT = click.Path(path_type=Path, dir_okay=False)
JSON_DOCUMENTS = 300  # that are broken, and as many whole ones


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
@format_option("json: faults in the JSON of --pages, beside other tools, and depth. Held-out domains alone.")
@click.option("--all-domains", is_flag=True, help="With --format json: of all domains, where --pages was held out.")
@click.option("--limit", type=click.IntRange(min=1), help="Pages to measure of each kind; default: all. Of JSON: 300.")
@click.option("--json", "report", type=OUTPUT, help="Also write the figures to this file.")
@click.option("--store", type=OUTPUT, help="Write the checkpoint, with the figures in it, to this file.")
def evaluate_command(
    weights: Path, pages: tuple[Path, ...], limit: int | None, report: Path | None, store: Path | None, **options: Any
) -> None:
    """Measure weights on pages that they were not trained on, and print tables of figures."""
    damage, faults = options["damage"], options["faults"]
    if options["format_"] == "json":
        if damage or faults or any(options[name] for name in ("teacher", "mend", "made", "ablation", "ids")):
            raise click.UsageError("--format json takes --pages, --all-domains, --limit, --json and --store")
        _evaluate_json(weights, pages, limit or JSON_DOCUMENTS, report, store, all_domains=options["all_domains"])
        return
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


def _evaluate_json(
    weights: Path, pages: tuple[Path, ...], count: int, report: Path | None, store: Path | None, *, all_domains: bool
) -> None:
    """Measures the networks of JSON on documents with one fault each, beside other tools, and on whole ones."""
    try:
        checkpoint = load_checkpoint(json_network(weights), reads="json")
        texts = held_out_texts(pages, all_domains=all_domains)
        cases = broken_documents(texts, count)
        if not cases:
            raise ValueError("these files hold no JSON of held-out domains")
        reader = JsonReader(checkpoint)
        own = score_network(reader, cases, _progress)
        peers = installed(PEERS, lambda line: click.echo(line, err=True))
        scores = {checkpoint.name: own} | {name: score_peer(peer, cases, _progress) for name, peer in peers.items()}
        whole: Figures = {"documents with one fault": len(cases), "whole documents": len(texts[:count])}
        whole["faults of 0.5 or more on a whole one"] = false_reports(reader, texts[:count])
        if checkpoint.depth:
            neurons, share = measure_json_depth(reader, texts[:count])
            whole |= {"depth: R^2": share, "depth: r of the best cell": neurons[0].r}
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{type(error).__name__}: {error}") from None
    figures = {name: found.means() for name, found in scores.items()}
    click.echo(f"{_beside(figures)}\n\n{_beside({'fix@1, ' + checkpoint.name: own.kinds('fix@1')})}\n\n{table(whole)}")
    stored = {"JSON": figures[checkpoint.name] | whole}
    if report:
        named = {"weights": digest(json_network(weights)), **stored, "tools": figures}
        report.write_text(json.dumps(named, indent=1) + "\n", "utf-8")
    if store:
        save_checkpoint(replace(checkpoint, evaluation=checkpoint.evaluation | stored), store)


def _beside(figures: dict[str, Figures]) -> str:
    """Returns a Markdown table with a row for each tool."""
    names = list(next(iter(figures.values())))
    rows = [f"| {tool} | {' | '.join(f'{found[name]:.3f}' for name in names)} |" for tool, found in figures.items()]
    return "\n".join([f"| tool | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|", *rows])


def _progress(items: list[Any]) -> Iterable[Any]:
    shown: Iterable[Any] = tqdm(items, disable=None, leave=False)
    return shown
