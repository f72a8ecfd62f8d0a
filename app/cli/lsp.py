"""`soupstate lsp`: serves the Language Server Protocol to an editor."""

from pathlib import Path

import click

from soupstate.app.cli.options import weights_options
from soupstate.app.language_server import make_language_server
from soupstate.app.reading import LazyReader


@click.command("lsp")
@weights_options
def lsp_command(weights: Path, backend: str | None) -> None:
    """Show faults in an editor, which starts this command and speaks to it over stdin and stdout.

    A file is checked when it is opened and when it is saved, with the settings of its project.
    """
    make_language_server(LazyReader(weights, backend)).start_io()
