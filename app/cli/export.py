"""`soupstate export`. It needs the extra `train`."""

from pathlib import Path

import click
from safetensors import SafetensorError

from soupstate.model.train.run.experiment import load_experiment
from soupstate.model.train.run.export import export

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command("export")
@click.argument("checkpoint", type=FILE, metavar="CHECKPOINT")
@click.option("--experiment", type=FILE, required=True, help="The experiment that made the checkpoint.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File of weights to write.")
@click.option("--name", default="soupstate", show_default=True, help="Model name in answers.")
@click.option("--version", default="1", show_default=True, help="Model version in answers.")
def export_command(checkpoint: Path, experiment: Path, out: Path, name: str, version: str) -> None:
    """Turn a training checkpoint into weights to read with.

    The command counts changes of syntax in the experiment's shards, so it needs them.
    """
    try:
        export(checkpoint, load_experiment(experiment), out, name=name, version=version)
    except SafetensorError as error:
        raise click.ClickException(f"{checkpoint} is no training checkpoint: {error}") from None
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{out}: {out.stat().st_size} bytes")
