"""Reads lines of JSON whose page is given by value, or by its place in an archive."""

from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from soupstate.model.archive.records import read_records

PAGE_NAMES = frozenset(("html", "warc", "offset", "url"))


def json_object(data: bytes) -> dict[str, Any]:
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
    return value


def page_of(line: dict[str, Any], folder: Path) -> tuple[str, str | None]:
    """Returns the page of a line, and its address. folder: from which the names of archives count.

    Raises ValueError.
    """
    url = line.get("url")
    if url is not None and not isinstance(url, str):
        raise ValueError("url must be a string")
    if ("html" in line) == ("warc" in line):
        raise ValueError("either html or warc, with offset, must hold the page")
    if "warc" in line:
        return _archived(line, folder, url)
    html = line["html"]
    if not isinstance(html, str) or not html.strip():
        raise ValueError("html must be a string that is not empty")
    return html, url


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
