"""The files that a command line names: files, folders and patterns."""

import glob
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from soupstate.app.check_settings import Exclusion
from soupstate.app.cli.files import STDIN, SUFFIXES

KNOWN = tuple(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
LEFT_OUT = ("node_modules",)  # folders of other people's files, beside those whose names begin with a dot


def page_files(
    given: Sequence[str],
    exclusions: Sequence[Exclusion],
    failed: Callable[[OSError], None],
    suffixes: tuple[str, ...] = SUFFIXES["html"],
    passed: Callable[[str], object] = id,
) -> Iterator[str]:
    """Yields each file once: those named, those in named folders, and those that a pattern stands for.

    In folders, at any depth, pages are the files that end in one of `suffixes`. A name that stands for nothing is
    yielded, so that reading it says why. failed: is told of a folder that cannot be listed. passed: is told of each
    file in a folder that is passed over because it ends in another of SUFFIXES.
    """
    seen: set[str] = set()
    for name in given:
        for file in _files(name, exclusions, failed, suffixes, passed):
            if file not in seen:
                seen.add(file)
                yield file


def _files(
    name: str,
    exclusions: Sequence[Exclusion],
    failed: Callable[[OSError], None],
    suffixes: tuple[str, ...],
    passed: Callable[[str], object],
) -> Iterator[str]:
    if name == STDIN:
        yield name
    elif _excluded(name, exclusions):
        return
    elif os.path.isdir(name):
        yield from _pages_below(name, exclusions, failed, suffixes, passed)
    elif os.path.lexists(name) or not glob.has_magic(name):
        yield name
    else:
        found = sorted(path for path in glob.glob(name, recursive=True) if not _linked(path, name))
        for path in found or [name]:
            others = set(LEFT_OUT) & set(Path(path).parts) - set(Path(name).parts)
            if not (others or os.path.isdir(path) or _excluded(path, exclusions)):
                yield path


def _pages_below(
    folder: str,
    exclusions: Sequence[Exclusion],
    failed: Callable[[OSError], None],
    suffixes: tuple[str, ...],
    passed: Callable[[str], object],
) -> Iterator[str]:
    """Yields the pages of a folder and of those below it, sorted. It follows no links to folders."""
    for place, folders, names in os.walk(folder, onerror=failed):
        folders[:] = sorted(
            name
            for name in folders
            if not (name.startswith(".") or name in LEFT_OUT or _excluded(os.path.join(place, name), exclusions))
        )
        for name in sorted(names):
            path = os.path.normpath(os.path.join(place, name))
            if not name.lower().endswith(KNOWN) or _excluded(path, exclusions):
                continue
            if name.lower().endswith(suffixes):
                yield path
            else:
                passed(path)


def _linked(path: str, pattern: str) -> bool:
    """Whether a path that ** stands for leads through a link to a folder, which may lead back to where it is."""
    whole = Path(pattern).parts
    fixed = whole.index("**") if "**" in whole else len(whole)
    parents = Path(path).parents
    return any(parent.is_symlink() for parent in parents if len(parent.parts) > fixed)


def _excluded(name: str, exclusions: Sequence[Exclusion]) -> bool:
    path = Path(os.path.abspath(name))
    return any(exclusion.matches(path) for exclusion in exclusions)
