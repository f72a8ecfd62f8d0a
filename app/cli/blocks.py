"""`soupstate blocks`. It needs the extra `train`."""

from dataclasses import replace
from pathlib import Path

import click
import numpy as np
from tqdm import tqdm

from soupstate.app.reading import load_reader
from soupstate.model.net.checkpoint import digest, extractor, load_checkpoint, save_checkpoint
from soupstate.model.train.data.block_examples import examples
from soupstate.model.train.data.labelled import read_ids
from soupstate.model.train.run.block_fit import Fitted, Score, fit, scores
from soupstate.model.train.run.calibration import BINS, calibration_error, judge

LABELLED = click.Path(path_type=Path, exists=True, dir_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)
CURVE = (0.25, 0.5)  # shares of the sites


@click.command("blocks")
@click.argument("labelled", nargs=-1, required=True, type=LABELLED, metavar="LABELLED.jsonl.xz...")
@click.option("--weights", type=FILE, default=extractor(), help="Checkpoint to fit it for.")
@click.option("--out", type=FILE, required=True, help="Write the checkpoint with the fitted block head here.")
@click.option("--leave-out", type=LABELLED, help="File of ids (dataset/id) that are held out: measured, not fitted to.")
@click.option("--folds", type=click.IntRange(min=2), default=5, show_default=True, help="Parts of the sites.")
@click.option("--passes", type=click.IntRange(min=1), default=6, show_default=True, help="Over the pages.")
@click.option("--curve", is_flag=True, help="Also fit to a quarter and to half of the sites of each fold.")
@click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("runs/blocks"),
    show_default=True,
    help="Folder for pages that were read; a second run with the same weights reads none again.",
)
def blocks_command(
    labelled: tuple[Path, ...],
    weights: Path,
    out: Path,
    leave_out: Path | None,
    folds: int,
    passes: int,
    curve: bool,
    cache: Path,
) -> None:
    """Fit the choice of main content (scope=main) on pages whose main text a person has marked.

    Reading the pages takes longest. The command then fits a head for each fold on the sites of the others, prints the
    F1 of words on pages of sites that were not fitted to, and fits the head that is written on all pages. Run it again
    for every new network.
    """
    held_out = read_ids(leave_out) or frozenset()
    try:
        reader = load_reader(weights)
        with tqdm(unit="page", disable=None, leave=False) as bar:
            found = list(examples(reader, digest(weights), labelled, cache, lambda number: bar.update(number - bar.n)))
        apart = frozenset(each.site for each in found if each.name in held_out)
        shares = CURVE if curve else ()
        fitted = fit([each for each in found if each.name not in held_out], folds, passes, click.echo, apart, shares)
        save_checkpoint(replace(load_checkpoint(weights), blocks=fitted.head), out)
    except (OSError, ValueError, KeyError) as error:
        raise click.ClickException(str(error) or type(error).__name__) from None
    for line in (*_table("out of fold", fitted.scores), *_reliability(fitted), *_curve(fitted)):
        click.echo(line)
    kept = [each for each in found if each.name in held_out and each.gold]
    for line in _table("held out", scores(fitted.head, judge(fitted.head, kept))) if kept else ():
        click.echo(line)


def _reliability(fitted: Fitted) -> list[str]:
    """Returns a table: what chances of blocks say out of fold, and what is true, by words."""
    lines = ["| chance of a block | words | said | true | words, calibrated | said | true |", "|---" * 7 + "|"]
    for i, pair in enumerate(zip(fitted.before, fitted.after, strict=True)):
        cells = " | ".join(f"{words:.3f} | {said:.3f} | {true:.3f}" for words, said, true in pair)
        lines.append(f"| {i / BINS:.1f} to {(i + 1) / BINS:.1f} | {cells} |")
    return lines


def _curve(fitted: Fitted) -> list[str]:
    """Returns a table: F1 of words out of fold by the number of pages that were fitted to."""
    rows = [f"| {pages} | {f1:.3f} |" for pages, f1 in fitted.curve]
    return ["| pages fitted to | F1 of words out of fold |", "|---|---|", *rows]


def _table(title: str, found: list[Score]) -> list[str]:
    """Returns a table of figures by set, and by type of page where it is labelled."""
    lines = [f"| {title} | pages | F1 of words | best that blocks allow | confidence | type found |", "|---" * 6 + "|"]
    sets, kinds = sorted({score.dataset for score in found}), sorted({score.kind for score in found if score.kind})
    for name in ["all", *sets, *kinds]:
        some = [score for score in found if name in ("all", score.dataset, score.kind)]
        f1, best, confidence = (
            np.mean([getattr(score, part) for score in some]) for part in ("f1", "best", "confidence")
        )
        typed = [score.typed for score in some if score.kind]
        found_types = f"{np.mean(typed):.2f}" if typed else ""
        lines.append(f"| {name} | {len(some)} | {f1:.3f} | {best:.3f} | {confidence:.3f} | {found_types} |")
    said, reached = (np.array([getattr(score, part) for score in found]) for part in ("confidence", "f1"))
    error = calibration_error(said, reached, np.ones(len(found)))
    return [*lines, f"Expected calibration error of the confidence: {error:.3f}"]
