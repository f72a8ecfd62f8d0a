"""Reads the examples of a field from a file with one JSON object a line."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from soupstate.app.json_lines import PAGE_NAMES, json_object, page_of
from soupstate.model.archive.records import read_pages
from soupstate.model.heads.align import NotFound, key
from soupstate.model.heads.declared_examples import declared_examples
from soupstate.model.heads.examples import LEAST, MOST, Example, ReadExample, read_example, state_reader
from soupstate.model.net.reader import Reader

DECLARES = re.compile("og:|schema\\.org|author|itemprop")  # a page without these declares nothing
MOST_VALUES = 100  # of a page
NAMES = PAGE_NAMES | {"values"}


class BadExample(ValueError):
    """A line of a file of examples cannot be used. The message names the file and the line."""


@dataclass(frozen=True)
class Line:
    """An example and its place in the file."""

    number: int
    example: Example


def read_lines(file: Path) -> list[Line]:
    """Returns the examples of a file, each page once. Raises OSError, and BadExample that names the first bad line."""
    lines: list[Line] = []
    seen: dict[str, Line] = {}
    for number, data in enumerate(_split(file), 1):
        if not data.strip():
            continue
        try:
            line = Line(number, _example(json_object(data), file.parent))
        except ValueError as error:
            raise BadExample(f"{file}, line {number}: {error}") from None
        before = seen.setdefault(line.example.html, line)
        if before is line:
            lines.append(line)
        elif set(map(key, before.example.values)) != set(map(key, line.example.values)):
            raise BadExample(f"{file}, line {number}: the page of line {before.number} again, with other values")
        if len(lines) > MOST:
            raise BadExample(f"{file}, line {number}: more than {MOST} pages; as many are enough")
    _check_enough(file, lines)
    return lines


def _check_enough(file: Path, lines: list[Line]) -> None:
    """Raises BadExample where a head would know too little."""
    filled = sum(bool(line.example.values) for line in lines)
    if filled < LEAST:
        pages = "1 page" if filled == 1 else f"{filled} pages"
        raise BadExample(f"{file}: a head that has seen values on {pages} knows too little; it needs {LEAST} or more")


def _split(file: Path) -> Iterator[bytes]:
    with open(file, "rb") as stream:
        yield from stream


def _example(line: dict[str, Any], folder: Path) -> Example:
    """Returns the example of an object. folder: from which the names of archives count. Raises ValueError."""
    if unknown := sorted(set(line) - NAMES):
        raise ValueError(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(NAMES))}")
    values = line.get("values")
    if not isinstance(values, list) or not all(isinstance(value, str) and key(value) for value in values):
        raise ValueError("values must be a list of strings that are not empty; [] where the page has none")
    if len(values) > MOST_VALUES:
        raise ValueError(f"more than {MOST_VALUES} values")
    html, url = page_of(line, folder)
    try:
        site = urlsplit(url or "").hostname or ""
    except ValueError:
        raise ValueError(f"url: {url!r} is no address") from None
    return Example(html, tuple(values), site)


def read_examples(
    reader: Reader, file: Path, progress: Callable[[list[Line]], Iterator[Line]], *, visible: bool
) -> list[ReadExample]:
    """Reads the pages of a file of examples with the network. progress: yields its lines.

    visible: values are looked for only where a person sees them. Raises OSError and BadExample.
    """
    states = state_reader(reader)
    read = []
    for line in progress(read_lines(file)):
        try:
            read.append(read_example(states, line.example, visible=visible))
        except NotFound as error:
            raise BadExample(f"{file}, line {line.number}: {error}") from None
    return read


def archived_examples(
    reader: Reader, files: Iterable[Path], left_out: frozenset[str], per_site: int
) -> Iterator[dict[str, ReadExample]]:
    """Yields what the pages of archives declare and show, by field, at most `per_site` pages of each site.

    left_out: sites whose pages are not read, without `www.`. Raises OSError.
    """
    states = state_reader(reader)
    read: Counter[str] = Counter()
    for file in files:
        for page in read_pages(file):
            site = (urlsplit(page.url).hostname or "").removeprefix("www.")
            if site not in left_out and read[site] < per_site and DECLARES.search(page.html):
                read[site] += 1
                yield declared_examples(states, page.html, site)
