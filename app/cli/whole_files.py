"""Files that a command reads and writes whole, or not at all."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import click
from tqdm import tqdm

from soupstate.app.cli.files import STDIN, reason_of, write
from soupstate.app.file_names import printable
from soupstate.kernels.backends import Packed, pack
from soupstate.model.net.checkpoint import digest, load_checkpoint


def whole_file(source: str, target: str | None, force: bool, change: Callable[[bytes], bytes]) -> None:
    """Writes to `target` what `change` makes of the bytes of `source`; `-` is stdin or stdout, None as well.

    Raises ClickException with the file's name. An error leaves no file behind, and an existing one as it was.
    """
    path = None if target in (STDIN, None) else Path(str(target))
    try:
        _refuse_existing(path, force)
        with click.open_file(source, "rb") as stream:
            content = stream.read()
        made = change(content)
        if path is None:
            write(made)
        else:
            _refuse_existing(path, force)  # again: it may have come meanwhile
            replace_file(path.resolve(), made)
    except (OSError, ValueError) as error:
        name = getattr(error, "filename", None) or ("<stdin>" if source == STDIN else source)
        raise click.ClickException(f"{printable(str(name))}: {reason_of(error)}") from None


def replace_file(path: Path, body: bytes) -> None:
    """Writes a file beside the old one, with its permissions, and renames it. A reader never sees half a file.

    A new file gets the permissions that the process gives to new files.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        mode = 0o666 & ~_umask()
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(body)
        part.chmod(mode)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def progress(total: int) -> "tqdm[None]":
    """Returns a bar for that many bytes, which shows on a terminal only."""
    return tqdm(total=total, unit="B", unit_scale=True, disable=None, leave=False)


def packer(weights: Path) -> tuple[str, Callable[[str | None], Packed]]:
    """Returns the SHA-256 of a file of weights and what packs them for a backend. Raises OSError and ValueError."""
    loaded = load_checkpoint(weights).weights
    return digest(weights), lambda backend: pack(loaded, backend)


def _refuse_existing(path: Path | None, force: bool) -> None:
    if path and not force and path.exists():
        raise FileExistsError(0, "exists; --force overwrites it", str(path))
    if path and path.exists() and not path.is_file():
        raise OSError(0, "is no regular file", str(path))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
