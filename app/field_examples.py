"""Reads the examples of a field from a file with one JSON object a line."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

from soupstate.model.archive.records import read_pages, read_records
from soupstate.model.heads.align import NotFound, key
from soupstate.model.heads.declared_examples import declared_examples
from soupstate.model.heads.examples import Example, ReadExample, read_example, state_reader
from soupstate.model.net.reader import Reader

DECLARES = re.compile("og:|schema\\.org|author|itemprop")  # a page without these declares nothing
LEAST, MOST = 20, 1000  # examples that a head is fitted to
MOST_VALUES = 100  # of a page
NAMES = frozenset(("html", "warc", "offset", "url", "values"))


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
            line = Line(number, _example(_object(data), file.parent))
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


def _object(data: bytes) -> dict[str, Any]:
    """Returns the object of a line. Raises ValueError."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 at byte {error.start}; write the file in UTF-8") from None
    try:
        value = orjson.loads(data.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error}") from None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    if unknown := sorted(set(value) - NAMES):
        raise ValueError(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(NAMES))}")
    return value


def _example(line: dict[str, Any], folder: Path) -> Example:
    """Returns the example of an object. folder: from which the names of archives count. Raises ValueError."""
    values, url = line.get("values"), line.get("url")
    if not isinstance(values, list) or not all(isinstance(value, str) and key(value) for value in values):
        raise ValueError("values must be a list of strings that are not empty; [] where the page has none")
    if len(values) > MOST_VALUES:
        raise ValueError(f"more than {MOST_VALUES} values")
    if url is not None and not isinstance(url, str):
        raise ValueError("url must be a string")
    if ("html" in line) == ("warc" in line):
        raise ValueError("either html or warc, with offset, must hold the page")
    if "html" in line:
        html = line["html"]
        if not isinstance(html, str) or not html.strip():
            raise ValueError("html must be a string that is not empty")
    else:
        html, url = _archived(line, folder, url)
    try:
        site = urlsplit(url or "").hostname or ""
    except ValueError:
        raise ValueError(f"url: {url!r} is no address") from None
    return Example(html, tuple(values), site)


def _archived(line: dict[str, Any], folder: Path, url: str | None) -> tuple[str, str]:
    """Returns the page at an offset of an archive, and its address. Raises ValueError."""
    warc, offset = line["warc"], line.get("offset")
    if not isinstance(warc, str) or type(offset) is not int or offset < 0:
        raise ValueError("warc must be the name of a file, and offset a whole number")
    path = folder / warc
    try:
        with open(path, "rb") as file:
            file.seek(offset)
            record = next(iter(islice(read_records(file), 1)), None)
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    if record is None or record.page is None:
        raise ValueError(f"{path} has no page at offset {offset}{f' ({record.reason})' if record else ''}")
    return record.page.text, url or record.url


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
