"""Finds the JSON of web pages: in scripts, in programs, and in attributes."""

import html
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from soupstate.model.archive.records import NotAnArchive, Tally, read_pages
from soupstate.model.faults.checks.json_scripts import SCRIPT
from soupstate.model.faults.json_scan import is_json

SHORTEST, LONGEST = 60, 100_000  # characters of a document; the few longer ones would fill the lessons
HELD_OUT = 10  # one domain in this many is kept from training
ANY_SCRIPT = re.compile(r"<script\b[^<>]*>(.*?)</script\b", re.I | re.S)
# An attribute's value that may be an object or an array.
ATTRIBUTE = re.compile(r"=\s*(?:\"(\s*[\[{][^\"]*[\]}]\s*)\"|'(\s*[\[{][^']*[\]}]\s*)')")
VALUE_START = re.compile(r"[\[{]\s*[\[{\"\]}]")  # in a program; names without quotes are no JSON
DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON document, and the domain of its page."""

    text: str
    domain: str

    @property
    def held_out(self) -> bool:
        """Whether the domain is one that is only measured on, by a hash of its name."""
        return zlib.crc32(self.domain.encode()) % HELD_OUT == 0


def documents(file: Path) -> Iterator[Document]:
    """Yields the documents of the pages of a WARC or ARC file, each once.

    They are objects and arrays of SHORTEST to LONGEST characters: the text of scripts that hold JSON, values in other
    scripts, and values of attributes. Raises NotAnArchive.
    """
    tally, seen = Tally(), set[int]()
    for page in read_pages(file, tally=tally):
        domain = urlsplit(page.url).hostname or ""
        for text in documents_of_page(page.html):
            if SHORTEST <= len(text) <= LONGEST and hash(text) not in seen:
                seen.add(hash(text))
                yield Document(text, domain)
    if tally.problem:
        raise NotAnArchive(tally.problem)


def documents_of_page(page: str) -> Iterator[str]:
    """Yields the objects and arrays of JSON in a page."""
    for m in ANY_SCRIPT.finditer(page):
        if SCRIPT.match(page, m.start()):
            text = m[1].strip()
            if text[:1] in ("{", "[") and is_json(text):
                yield text
        else:
            yield from _values(m[1])
    for m in ATTRIBUTE.finditer(page):
        text = html.unescape(m[1] or m[2]).strip()
        if is_json(text):
            yield text


def _values(program: str) -> Iterator[str]:
    """Yields the objects and arrays of JSON in a program."""
    at = 0
    while m := VALUE_START.search(program, at):
        at = m.start()
        try:
            end = DECODER.raw_decode(program, at)[1]
        except (ValueError, RecursionError):
            at += 1
            continue
        yield program[at:end]
        at = end
