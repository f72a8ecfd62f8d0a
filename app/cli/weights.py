"""`soupstate weights`: what weights are, and which corrections they hold."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from soupstate.app.words import counted
from soupstate.model.net.checkpoint import DEFAULT, Checkpoint, digest, extractor, load_any, ranking_file
from soupstate.model.net.learned import Learned


@click.command("weights")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[WEIGHTS.safetensors]...")
def weights_command(files: tuple[Path, ...]) -> None:
    """Print what weights are: name, training, figures, and the corrections that they have learned.

    After NAME.safetensors comes the network that extracts, NAME-extract.safetensors, where it lies beside it. Without a
    file it prints the shipped weights. NAME.safetensors is also said to hold the corrections that the networks beside
    it have learned last.
    """
    try:
        for file in dict.fromkeys(files or (DEFAULT,)):
            beside = {path: load_any(path) for path in (extractor(file), ranking_file(file)) if path != file}
            for line in _lines(file, load_any(file), beside):
                click.echo(line)
            if extractor(file) != file:
                for line in _lines(extractor(file), beside[extractor(file)], {}):
                    click.echo(line)
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None


def _lines(file: Path, checkpoint: Checkpoint, beside: Mapping[Path, Checkpoint]) -> Iterator[str]:
    """Yields what a network is, line by line. beside: others of the same set, whose corrections are named too."""
    end = "end" if checkpoint.reads_backward else "beginning"
    yield f"{file}: {checkpoint.name} {checkpoint.version}"
    yield f"  SHA-256: {digest(file)}"
    yield f"  states: {checkpoint.states_digest}"
    yield f"  reads: {checkpoint.reads}, from its {end}, with {checkpoint.weights.units} units"
    parts = {"depth layer": checkpoint.depth, "ranking of faults": checkpoint.ranking, "block head": checkpoint.blocks}
    yield f"  fitted parts: {', '.join(name for name, part in parts.items() if part) or 'none'}"
    for title, values in (("training", checkpoint.training), ("figures", checkpoint.evaluation)):
        yield f"  {title}:{'' if values else ' none'}"
        yield from (f"    {name}: {value}" for name, value in _flat(values))
    learned = [_learned(note) for note in checkpoint.corrections]
    learned += [f"{other.name}: {_learned(each.corrections[-1])}" for other, each in beside.items() if each.corrections]
    yield f"  corrections:{'' if learned else ' none'}"
    yield from (f"    {line}" for line in learned)


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Yields the values of an object and of those in it, with the names that lead to them."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}, ")
        else:
            yield f"{before}{name}", value


def _learned(note: Learned) -> str:
    used = ", ".join(f"{number} {kind}" for kind, number in sorted(note.used.items()))
    unused = ", ".join(f"{number} {kind}" for kind, number in sorted(note.unused.items()))
    left_out = f"; not used: {unused}" if unused else ""
    return (
        f"{note.date}: {used or 'none'} of {counted(note.pages, 'page')}{left_out}; digest of the store: {note.digest}"
    )
