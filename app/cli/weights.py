"""`soupstate weights`: what weights are, and which corrections they hold."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from soupstate.model.net.checkpoint import DEFAULT, Checkpoint, digest, extractor, load_any
from soupstate.model.net.learned import Learned


@click.command("weights")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[WEIGHTS.safetensors]...")
def weights_command(files: tuple[Path, ...]) -> None:
    """Print what weights are: name, training, figures, and the corrections that they have learned.

    After NAME.safetensors comes the network that extracts, NAME-extract.safetensors, where it lies beside it. Without a
    file it prints the shipped weights.
    """
    try:
        for path in dict.fromkeys(each for file in files or (DEFAULT,) for each in (file, extractor(file))):
            for line in _lines(path, load_any(path)):
                click.echo(line)
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None


def _lines(file: Path, checkpoint: Checkpoint) -> Iterator[str]:
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
    yield f"  corrections:{'' if checkpoint.corrections else ' none'}"
    yield from (f"    {_learned(note)}" for note in checkpoint.corrections)


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
    return f"{note.date}: {used} of {note.pages} pages{left_out}; digest of the store: {note.digest}"
