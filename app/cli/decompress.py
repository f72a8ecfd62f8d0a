"""`soupstate decompress`. It needs the extra `compress`."""

from pathlib import Path

import click

from soupstate.app.cli.compress import SUFFIX
from soupstate.app.cli.files import STDIN
from soupstate.app.cli.options import weights_option
from soupstate.app.cli.whole_files import packer, progress, whole_file
from soupstate.model.compression.container import decompress, read_header


@click.command("decompress")
@click.argument("file", metavar="FILE|-")
@click.option("--out", metavar="FILE|-", help=f"File to write; default: FILE without {SUFFIX}, or stdout for stdin.")
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
@weights_option
def decompress_command(file: str, out: str | None, force: bool, weights: Path) -> None:
    """Decompress a file that `soupstate compress` wrote; - is stdin or stdout.

    The file names the backend that it needs, and $SOUPSTATE_BACKEND has no effect.
    """
    if not out and file != STDIN and (not file.endswith(SUFFIX) or Path(file).name == SUFFIX):
        raise click.UsageError(f"{file} does not end in {SUFFIX}: --out names the file to write")

    def change(data: bytes) -> bytes:
        header = read_header(data)
        digest, pack = packer(weights)
        with progress(header.length) as bar:
            return decompress(pack, digest, data, bar.update)

    target = out or (None if file == STDIN else file.removesuffix(SUFFIX))
    whole_file(file, target, force, change)
