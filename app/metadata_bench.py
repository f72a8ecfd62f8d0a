"""Measures metadata on labelled pages, beside other tools: the author and the date that a person found there."""

import json
import lzma
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from soupstate.app.answers import Asked, extract
from soupstate.app.peers import installed
from soupstate.model.net.reader import Reader
from soupstate.model.page.dates import day_of

FIELDS = ("author", "date")
# What pages declare, for the rows in which it is stripped: JSON-LD, `meta` but that of the charset, and attributes of
# microdata and of `time`. The text stays.
DECLARED = re.compile(
    r"<script[^>]*ld\+json[^>]*>.*?</script\s*>|<meta\b(?![^>]*charset)[^>]*>"
    r"|\s(?:itemprop|itemscope|itemtype|datetime|pubdate)\b(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s>]+))?",
    re.I | re.S,
)
BETWEEN = re.compile(r"\s*(?:[,;&|/]|\b(?:and|und|et|y|e)\b)\s*")  # authors that one text names
BY = re.compile(r"^(?:by|von|par|por|di|da)\s+", re.I)

Found = dict[str, frozenset[str]]
Run = Callable[[str], Found]


@dataclass(frozen=True)
class Labelled:
    """A page, and what a person found there; an empty set where it has none. Fields without a label are missing."""

    html: str
    labels: Found


@dataclass(frozen=True)
class Score:
    """What a system answered for a field. with_one: pages that have one. exact: of these, those whose answer is right.

    without: pages that have none. invented: of these, those with an answer. stripped: without declared metadata.
    """

    system: str
    stripped: bool
    field: str
    with_one: int
    exact: int
    without: int
    invented: int


def labelled(files: Sequence[Path]) -> Iterator[Labelled]:
    """Yields the labelled pages of .jsonl.xz files.

    A row has a page and its labels in `extra`, of which a missing or empty one says that the page has none. Or it is
    one of `metadata.jsonl.xz`, which names the page of another file by `dataset` and `id`; there an empty label says
    nothing. Pages without labels are left out. Raises OSError and ValueError.
    """
    named = {(row["dataset"], row["id"]): row for file in files for row in _rows(file) if "html" not in row}
    for file in files:
        for row in _rows(file):
            if not row.get("html"):
                continue
            elsewhere, extra = named.get((row["dataset"], row["id"])), row.get("extra") or {}
            labels = elsewhere or (extra if {"title", *FIELDS} & set(extra) else {})
            found = {field: _parsed(field, labels.get(field) or "") for field in FIELDS} if labels else {}
            if elsewhere:
                found = {field: values for field, values in found.items() if values}
            if found:
                yield Labelled(row["html"], found)


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    with lzma.open(file, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _parsed(field: str, value: str | Iterable[str]) -> frozenset[str]:
    """Returns values that can be compared: days in ISO 8601, and names of persons in small letters."""
    texts = [value] if isinstance(value, str) else list(value)
    if field == "date":
        days = (day_of(text, None) for text in texts)
        return frozenset(day.isoformat() for day in days if day)
    names = (BY.sub("", name.strip()) for text in texts for name in BETWEEN.split(" ".join(text.split())))
    return frozenset(name.casefold() for name in names if name)


def scores(reader: Reader, pages: Iterable[Labelled], tell: Callable[[str], None]) -> list[Score]:
    """Measures this network and the installed peers, on the pages as they are and without what they declare.

    tell: takes a line for each peer that is not installed. A page that a system fails on counts as one without answer.
    """
    systems: dict[str, Run] = {"soupstate": lambda page: _ours(reader, page)} | installed(PEERS, tell)
    counts = {
        (name, stripped, field): [0, 0, 0, 0] for name in systems for stripped in (False, True) for field in FIELDS
    }
    for page in pages:
        for stripped in (False, True):
            html = DECLARED.sub("", page.html) if stripped else page.html
            for name, run in systems.items():
                found: Found = {}
                with suppress(Exception):  # a peer may fail on a page
                    found = run(html)
                for field, right in page.labels.items():
                    count = counts[name, stripped, field]
                    answer = found.get(field, frozenset())
                    count[0 if right else 2] += 1
                    count[1 if right else 3] += answer == right if right else bool(answer)
    return [Score(*key, *count) for key, count in counts.items()]


def _ours(reader: Reader, page: str) -> Found:
    answer = extract(reader, Asked(page, None, frozenset(["metadata"])))
    return {field: _parsed(field, [each.value for each in (answer.metadata or {})[field]]) for field in FIELDS}


def _trafilatura(tool: Any, page: str) -> Found:
    found = tool.extract_metadata(page)
    return {"author": _parsed("author", found.author or ""), "date": _parsed("date", found.date or "")}


def _extruct(tool: Any, page: str) -> Found:
    """What extruct reads of JSON-LD, microdata and Open Graph, by the rules of `soupstate.model.page.declared`."""
    found = tool.extract(page, syntaxes=["json-ld", "microdata", "opengraph"], uniform=True, errors="ignore")
    values: dict[str, list[str]] = {"author": [], "date": []}
    for item in (each for some in found.values() for each in some):
        authors = item.get("author")
        for author in authors if isinstance(authors, list) else [authors]:
            name = author.get("name") if isinstance(author, dict) else author
            values["author"] += [name] if isinstance(name, str) and "://" not in name else []
        day = item.get("datePublished") or item.get("article:published_time")
        values["date"] += [day] if isinstance(day, str) else []
    return {"author": _parsed("author", values["author"]), "date": _parsed("date", values["date"][:1])}


PEERS: dict[str, tuple[str, Callable[[Any, str], Found]]] = {
    # tool: the module that it needs, and its call
    "trafilatura": ("trafilatura", _trafilatura),
    "htmldate": ("htmldate", lambda tool, page: {"date": _parsed("date", tool.find_date(page) or "")}),
    "extruct": ("extruct", _extruct),
}
