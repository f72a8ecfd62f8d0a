"""`soupstate export`. It needs the extra `train`."""

from pathlib import Path

import click

from soupstate.model.train.run.experiment import load_experiment
from soupstate.model.train.run.export import export

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command("export")
@click.argument("checkpoint", type=FILE, metavar="CHECKPOINT")
@click.option("--experiment", type=FILE, required=True, help="The experiment that made the checkpoint.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File of weights to write.")
@click.option("--name", default="soupstate", show_default=True, help="Model name in answers.")
@click.option("--version", default="1", show_default=True, help="Model version in answers.")
@click.option("--mean-with", type=FILE, multiple=True, help="Write the mean with these weights; may be repeated.")
def export_command(
    checkpoint: Path, experiment: Path, out: Path, name: str, version: str, mean_with: tuple[Path, ...]
) -> None:
    """Turn a training checkpoint into weights to read with.

    The command counts changes of syntax in the experiment's shards, so it needs them. The mean of several weights that
    were trained on from the same ones is often better than each.
    """
    try:
        export(checkpoint, load_experiment(experiment), out, name=name, version=version, mean_with=mean_with)
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{out}: {out.stat().st_size} bytes")
