"""`soupstate compress`. It needs the extra `compress`."""

from pathlib import Path

import click

from soupstate.app.cli.files import STDIN
from soupstate.app.cli.options import weights_options
from soupstate.app.cli.whole_files import packer, progress, whole_file
from soupstate.model.compression.container import compress

SUFFIX = ".soup"


@click.command("compress")
@click.argument("file", metavar="FILE|-")
@click.option("--out", metavar="FILE|-", help=f"File to write; default: FILE{SUFFIX}, or stdout for stdin.")
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
@weights_options
def compress_command(file: str, out: str | None, force: bool, weights: Path, backend: str | None) -> None:
    """Compress a file with the network's odds of each byte; - is stdin or stdout.

    Only the same weights and backend can decompress it; the backend `scalar` runs on every machine.
    """

    def change(content: bytes) -> bytes:
        digest, pack = packer(weights)
        with progress(len(content)) as bar:
            return compress(pack(backend), digest, content, bar.update)

    target = out or (None if file == STDIN else file + SUFFIX)
    whole_file(file, target, force, change)
