"""Names of what a job writes, and what tells two files of one name apart."""

import hashlib
from pathlib import Path

from soupstate.app.batch.job import FORMATS


def source_name(address: str) -> str:
    """Returns the last part of a path or address. The source's rows and marker are named by it."""
    return address.partition("?")[0].rstrip("/").rsplit("/", 1)[-1]


def target_name(address: str, form: str) -> str:
    """Returns the name of a source's file of rows, the first where there are several."""
    return source_name(address) + FORMATS[form]


def part_name(address: str, form: str, number: int) -> str:
    """Returns the name of part `number` of a source's rows, counted from 0."""
    return f"{source_name(address)}.part-{number:05d}{FORMATS[form]}" if number else target_name(address, form)


def identity(address: str) -> str:
    """Returns a digest that tells apart two sources of one name: of a local file's size, or of a remote address.

    A local file may be moved, so its path does not count.
    """
    path = Path(address)
    text = f"{path.stat().st_size} bytes" if path.exists() else address.partition("?")[0]
    return hashlib.sha256(text.encode()).hexdigest()[:8]
