"""Reads pages with stretches that have a label, from a file with one JSON object a line."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from soupstate.app.json_lines import PAGE_NAMES, json_object, page_of

NAMES = PAGE_NAMES | {"spans"}
MOST = 1000  # pages of a file, which are held in memory


class BadLine(ValueError):
    """A line of a file of spans cannot be used. The message names the file and the line."""


@dataclass(frozen=True)
class Spans:
    """A page, the stretches (start, end) in code points that have the label, and the site, or the page once more."""

    html: str
    spans: list[tuple[int, int]]
    site: str


def read_lines(file: Path) -> list[Spans]:
    """Returns the pages of a file. Raises OSError, and BadLine that names the first bad line."""
    found: list[Spans] = []
    with open(file, "rb") as stream:
        for number, data in enumerate(stream, 1):
            if not data.strip():
                continue
            if len(found) == MOST:
                raise BadLine(f"{file}, line {number}: more than {MOST} pages; as many are enough")
            try:
                found.append(_spans(json_object(data), file.parent))
            except ValueError as error:
                raise BadLine(f"{file}, line {number}: {error}") from None
    return found


def _spans(line: dict[str, Any], folder: Path) -> Spans:
    """Returns the page of an object. folder: from which the names of archives count. Raises ValueError."""
    if unknown := sorted(set(line) - NAMES):
        raise ValueError(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(NAMES))}")
    spans = line.get("spans")
    if not isinstance(spans, list) or not all(map(_is_span, spans)):
        raise ValueError("spans must be a list of pairs [start, end], start below end; [] where the page has none")
    html, url = page_of(line, folder)
    for start, end in spans:
        if end > len(html):
            raise ValueError(f"the span [{start}, {end}] ends beyond the page, which has {len(html)} characters")
    try:
        site = urlsplit(url or "").hostname
    except ValueError:
        raise ValueError(f"url: {url!r} is no address") from None
    return Spans(html, [(start, end) for start, end in spans], site or html)


def _is_span(value: object) -> bool:
    if not isinstance(value, list) or len(value) != 2:
        return False
    start, end = value
    return type(start) is int and type(end) is int and 0 <= start < end
