"""Reads and writes files of corrections, with one JSON object a line."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from soupstate.app.json_lines import json_object, page_of
from soupstate.model.corrections.correction import Corrected, read_correction, written

MOST = 100_000  # corrections of a file, which are held in memory


class BadLine(ValueError):
    """A line of a file of corrections cannot be used. The message names the line."""


@dataclass(frozen=True)
class Line:
    """A correction and the number of its line, counted from 1."""

    number: int
    corrected: Corrected


def read_lines(stream: Iterable[bytes], folder: Path) -> list[Line]:
    """Returns the corrections of a file. folder: from which the names of archives count.

    Raises OSError, and BadLine that names the first bad line.
    """
    lines: list[Line] = []
    pages: dict[str, str] = {}  # so that the corrections of a page share its text
    for number, data in enumerate(stream, 1):
        if not data.strip():
            continue
        if len(lines) == MOST:
            raise BadLine(f"line {number}: more than {MOST} corrections; divide the file")
        try:
            lines.append(Line(number, _corrected(json_object(data), folder, pages)))
        except ValueError as error:
            raise BadLine(f"line {number}: {error}") from None
    return lines


def _corrected(line: dict[str, Any], folder: Path, pages: dict[str, str]) -> Corrected:
    """Returns the correction of an object. Raises ValueError."""
    html, url = page_of(line, folder)
    given = {name: value for name, value in line.items() if name not in ("warc", "offset")}
    return read_correction(given | {"html": pages.setdefault(html, html), "url": url})


def write_line(corrected: Corrected) -> bytes:
    """Returns a correction as a line that `read_lines` reads, with the digest of its page."""
    line: dict[str, Any] = {"html": corrected.html, "digest": corrected.digest}
    if corrected.url is not None:
        line["url"] = corrected.url
    line |= written(corrected.correction)
    if corrected.answered is not None:
        line["answered"] = corrected.answered
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
