"""`soupstate learn`: better weights from corrections. It needs the extra `train`."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click
from tqdm import tqdm

from soupstate.app.cli.head import head_report
from soupstate.app.cli.options import weights_options
from soupstate.app.reading import load_reader
from soupstate.app.weight_files import copied, files_beside, renamed
from soupstate.app.words import counted
from soupstate.model.corrections.correction import KINDS
from soupstate.model.corrections.store import Store
from soupstate.model.heads.fit import Figures as FieldFigures
from soupstate.model.net.checkpoint import (
    Checkpoint,
    extractor,
    load_any,
    load_checkpoint,
    ranking_file,
    save_checkpoint,
)
from soupstate.model.net.field_head import FieldHead
from soupstate.model.net.head_file import save_head
from soupstate.model.net.reader import Reader
from soupstate.model.train.data.corrected_pages import Lessons, add_main, add_marks
from soupstate.model.train.data.fault_lessons import searched_pages
from soupstate.model.train.data.replay import Replay, load_replay, replay_file
from soupstate.model.train.run.correct_blocks import steps_for
from soupstate.model.train.run.corrected_fields import fitted_heads
from soupstate.model.train.run.learn import (
    FAULT_KINDS,
    MOST_FALL,
    NO_FIGURES,
    OTHER_KINDS,
    Figures,
    figure_names,
    learn_faults,
    learn_main,
    learn_marks,
    recorded,
    unlearned,
)

STORE = click.Path(path_type=Path, exists=True, dir_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("learn")
@click.argument("store", type=STORE, metavar="CORRECTIONS.db")
@click.option("--out", type=FILE, required=True, help="Write the weights here, such as better.safetensors.")
@click.option("--allow", multiple=True, metavar="FIGURE", help="A figure that may fall; may be repeated.")
@click.option("--replay", type=FILE, help="Sample of training; default: the one beside the weights.")
@weights_options
def learn_command(
    store: Path, out: Path, allow: tuple[str, ...], replay: Path | None, weights: Path, backend: str | None
) -> None:
    """Learn from corrections, and write better weights.

    The network stands still, only small parts of it learn. A fifth of a sample of training is kept apart: the command
    prints every figure on it before and after, and writes nothing where one falls by more than .002. Networks that lie
    beside the weights are copied, so that the new weights can be used in place of the old ones. Corrections of a field
    on 20 pages or more become a head of that field, OUT.FIELD.head.safetensors.
    """
    _check_out(out, weights, store)
    source, judge = extractor(weights), ranking_file(weights)
    try:
        old, ranked = load_checkpoint(source), load_any(judge)
        sample = load_replay(replay or replay_file(source), old)
        _check_names(sample, allow)
        with Store(store) as corrections:
            if not len(corrections):
                raise ValueError(f"{store} holds no corrections")
            digest = corrections.digest()
            new, lessons, figures = _learned(old, backend, sample, corrections)
            judging, found = _faults_learned(ranked, load_reader(weights, backend), sample, corrections, lessons)
            figures += found
            with tqdm(unit="page", disable=None, leave=False) as bar:
                heads = fitted_heads(lessons, Reader(new, backend), corrections.standing(), bar.update)
        for reason in lessons.reasons:
            click.echo(f"soupstate: not used: {reason}", err=True)
        if not lessons.used:
            raise ValueError(f"no correction in {store} can be learned")
        report = _report(lessons, figures, heads)
        try:
            _check_figures(figures, allow)
        except ValueError:
            click.echo("\n".join(report))
            raise
        date = f"{datetime.now(UTC):%Y-%m-%d}"
        if judge == source:
            networks = {source: recorded(replace(new, faults=judging.faults), lessons, KINDS, digest, date)}
        else:
            networks = {
                source: recorded(new, lessons, OTHER_KINDS, digest, date),
                judge: recorded(judging, lessons, FAULT_KINDS, digest, date),
            }
        copied(replay or replay_file(source), replay_file(renamed(source, weights, out)))
        _write(out, weights, networks, heads)
        click.echo("\n".join(report))  # at last, because a pipe may end before it is read
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None


def _write(
    out: Path, weights: Path, networks: dict[Path, Checkpoint], heads: Sequence[tuple[FieldHead, FieldFigures]]
) -> None:
    """Writes heads and networks, and copies the networks beside the weights that are none of these. Raises OSError."""
    for file in files_beside(weights):
        if file not in networks:
            copied(file, renamed(file, weights, out))
    for head, found in heads:
        save_head(replace(head, figures=found.as_dict()), out.with_name(f"{out.stem}.{head.name}.head.safetensors"))
    for file, checkpoint in networks.items():
        save_checkpoint(checkpoint, renamed(file, weights, out))


def _learned(old: Checkpoint, backend: str | None, sample: Replay, store: Store) -> tuple[Checkpoint, Lessons, Figures]:
    """Reads the corrected pages, and learns main content and marks. Raises ValueError."""
    lessons, figures, new = Lessons(), NO_FIGURES, unlearned(old)
    with tqdm(unit="page", disable=None, leave=False) as bar:
        add_marks(lessons, Reader(new, backend), store.standing(), bar.update)
    if lessons.marks:
        new, found = learn_marks(new, old, sample, lessons)
        figures += found
    with tqdm(unit="page", disable=None, leave=False) as bar:  # with the marks that were learned
        add_main(lessons, Reader(new, backend), store.standing(), bar.update)
    if lessons.main:
        with tqdm(total=steps_for(len(lessons.main)), unit="step", disable=None, leave=False) as bar:
            new, found = learn_main(new, old, sample, lessons, lambda steps: bar.update(steps - bar.n))
        figures += found
    return new, lessons, figures


def _faults_learned(
    old: Checkpoint, reader: Reader, sample: Replay, store: Store, lessons: Lessons
) -> tuple[Checkpoint, Figures]:
    """Searches the pages with corrections of faults and fixes, and learns them. old: that has the ranking of faults."""
    with tqdm(unit="page", disable=None, leave=False) as bar:
        pages = searched_pages(reader, store.standing(), bar.update)
    return learn_faults(unlearned(old), old, sample, lessons, pages)


def _check_names(sample: Replay, allow: tuple[str, ...]) -> None:
    """Raises BadParameter for a figure that is not known."""
    names = figure_names(sample)
    for name in allow:
        if name not in names:
            raise click.BadParameter(f"there is no figure {name!r}; there are {', '.join(names)}", param_hint="--allow")


def _check_figures(figures: Figures, allow: tuple[str, ...]) -> None:
    """Raises ValueError where a figure fell that is not allowed to."""
    if fallen := figures.fallen(frozenset(allow)):
        names = " ".join(f"--allow '{name}'" for name in fallen)
        raise ValueError(f"nothing is written: {', '.join(fallen)} fell by more than {MOST_FALL}; {names} lets them")


def _check_out(out: Path, weights: Path, store: Path) -> None:
    """Raises BadParameter for a file that must not be written."""
    if not out.parent.is_dir():
        raise click.BadParameter(f"{out.parent} is no folder", param_hint="--out")
    if out.suffix != ".safetensors":
        raise click.BadParameter("the name must end in .safetensors", param_hint="--out")
    read = [file for file in (store, *files_beside(weights)) if file.exists()]
    for file in (out, *(renamed(file, weights, out) for file in files_beside(weights))):
        if file.exists() and any(file.samefile(other) for other in read):
            raise click.BadParameter(f"{file} is one of the files that are read", param_hint="--out")


def _report(lessons: Lessons, figures: Figures, heads: Sequence[tuple[FieldHead, FieldFigures]]) -> list[str]:
    """Returns what was learned, and the figures, as lines of Markdown."""
    used = ", ".join(f"{number} {kind}" for kind, number in sorted(lessons.used.items()))
    lines = [f"Corrections that were used: {used}, of {counted(lessons.pages, 'page')}."]
    if lessons.unused:
        unused = ", ".join(f"{number} {kind}" for kind, number in sorted(lessons.unused.items()))
        lines.append(f"Corrections that were not used: {unused}.")
    for head, found in heads:
        lines += [f"Head of {head.name}:", *head_report(found, head.places)]
    if not figures.sample and not figures.corrected:
        return lines
    lines += ["| figure | of | before | after |", "|---" * 4 + "|"]
    for of, pairs in (("corrected pages", figures.corrected), ("kept sample", figures.sample)):
        lines += [f"| {name} | {of} | {before:.4f} | {after:.4f} |" for name, (before, after) in pairs.items()]
    return lines
