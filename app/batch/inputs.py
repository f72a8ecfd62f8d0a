"""The files of a job: expands paths, globs, lists and addresses to addresses, each of them once."""

import glob
import gzip
import os
import re
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import fsspec

from soupstate.app.batch.names import source_name

STDIN = "-"
LIST_SUFFIXES = (".txt", ".paths", ".txt.gz", ".paths.gz")
GLOB_MAGIC = re.compile(r"[*?[]")


class BadInput(ValueError):
    """An argument names no files. The message tells which."""


def sources(arguments: tuple[str, ...], prefix: str = "") -> list[str]:
    """Returns the addresses of WARC files. Raises BadInput.

    An argument is a path, a glob, an address that fsspec opens (https://, s3://), a list file, or - for a list on
    stdin. A list file (.txt or .paths, gzipped or not) has one address per line; lines that begin with # are comments.
    `prefix` goes before the lines of lists. Two files of one name are an error, because their rows would share a file.
    """
    found = list(dict.fromkeys(address for argument in arguments for address in _expand(argument, prefix)))
    named: dict[str, str] = {}
    for address in found:
        other = named.setdefault(source_name(address), address)
        if other != address:
            raise BadInput(f"{other} and {address} have the same name, so their rows would be one file")
    return found


def _expand(argument: str, prefix: str) -> Iterator[str]:
    if argument == STDIN:
        yield from _lines(os.fsdecode(sys.stdin.buffer.read()), prefix)
    elif argument.partition("?")[0].endswith(LIST_SUFFIXES):
        yield from _lines(_text(argument), prefix)
    elif "://" in argument:
        yield from _remote(argument)
    elif Path(argument).is_file():
        yield argument
    elif Path(argument).is_dir():
        raise BadInput(f"{argument} is a folder; give its files, such as {argument.rstrip('/')}/*.warc.gz")
    else:
        matches = sorted(name for name in glob.glob(argument, recursive=True) if Path(name).is_file())
        if not matches:
            raise BadInput(f"{argument}: no such file")
        yield from matches


def _remote(argument: str) -> Iterator[str]:
    files, path = _filesystem(argument)
    if not GLOB_MAGIC.search(argument) or files.exists(path):
        yield argument
        return
    matches = sorted(files.glob(path))
    if not matches:
        raise BadInput(f"{argument}: no such file")
    yield from (files.unstrip_protocol(match) for match in matches)


def _filesystem(address: str) -> tuple[fsspec.AbstractFileSystem, str]:
    try:
        files, path = fsspec.core.url_to_fs(address)
    except (ImportError, ValueError) as error:  # a package is missing, or the protocol is unknown
        raise BadInput(f"{address}: {error}") from None
    return files, path


def _text(address: str) -> str:
    try:
        with fsspec.open(address, "rb") as file:
            data: bytes = file.read()
        return os.fsdecode(gzip.decompress(data) if address.partition("?")[0].endswith(".gz") else data)
    except (OSError, ValueError, ImportError, EOFError, zlib.error) as error:
        raise BadInput(f"{address}: {getattr(error, 'strerror', None) or error}") from None


def _lines(text: str, prefix: str) -> Iterator[str]:
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            yield prefix + line.strip()
