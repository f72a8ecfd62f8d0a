"""Measures time and memory of pages of one shape, such as a million `<`, against their size.

Each page is measured in a process of its own, because a process only tells the peak of its memory.
"""

import resource
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import orjson

from soupstate.app.answers import EXTRACT_PARTS, Asked, as_json, rendered
from soupstate.app.measurement import measure as measure_characters
from soupstate.app.reading import load_reader
from soupstate.model.faults.find import find_faults
from soupstate.model.net.checkpoint import extractor
from soupstate.model.page.skim import skim
from soupstate.model.page.stop import Stop, never

URL = "https://example.org/"
WHAT = ("extract", "main", "check", "measure")
MEASURED = frozenset(["surprisal", "entropy", "depth", "syntax", "cells"])  # what the page at / asks for
FIXED_MEMORY = 12_000_000  # bytes that any page may take


def _repeat(text: str, before: str = "") -> Callable[[int], str]:
    return lambda size: (before + text * (size // len(text) + 1))[:size]


# A page of about `size` characters for each shape. All were slow or took much memory once, or might.
SHAPES: dict[str, Callable[[int], str]] = {
    "words": _repeat("ferry tea "),
    ">": _repeat(">"),
    "<": _repeat("<"),
    "<a": _repeat("<a"),
    "line feeds": _repeat("\n", before="x"),
    "paragraphs": _repeat("<p>a"),
    "links": _repeat("<a href=x>y</a>"),
    "long base": lambda size: (
        f'<base href="http://h/{"x" * min(size // 2, 8000)}/">' + "<a href=x>y</a>" * (size // 30)
    ),
    "strong": _repeat("<b>a</b> "),
    "one link": _repeat("<b>a</b> ", before="<a href=x>"),
    "breaks": _repeat("word<br>", before="<p>"),
    "hashes": lambda size: "<h1>" + "c#" * 10 + "#" * size + "</h1>",
    "asterisks": _repeat("*", before="<p>"),
    "references": _repeat("&amp;", before="<p>"),
    "digits": lambda size: "<p>&#" + "1" * size + ";",
    "rows": _repeat("<tr><td>a", before="<table>"),
    "uneven rows": lambda size: "<table><tr><th>x" + "<td>x" * (size // 20) + "<tr><td>x" * (size // 20),
    "empty cells": _repeat("<td><p>", before="<table><tr>"),
    "looks": _repeat("<s><q>a", before="<p>"),
    "nested tables": lambda size: "<table><tr><td>" * (size // 30) + "<div> </div>" * (size // 24),
    "blocks in a cell": _repeat("<div> </div>", before="<table><tr><th>a<td>"),
    "nested lists": _repeat("<ul><li>a"),
    "code": _repeat("<i>a</i>\n", before="<pre>"),
    "one tag": _repeat(" a=b", before="<p"),
    "one value": lambda size: f'<a href="{"x" * size}">y</a>',
    "open comments": _repeat("<!--"),
    "Chinese": _repeat("<p>渡轮星期五重新开航。"),
}


@dataclass(frozen=True)
class Cost:
    """What one page took.

    size: its bytes in UTF-8. reading, rest: seconds of processor time; the rest is rendering for "extract" and "main",
    the search for faults for "check", and nothing for "measure". memory: bytes at the peak, beyond an idle process.
    """

    shape: str
    what: str
    size: int
    reading: float
    rest: float
    memory: int


def costs(shapes: list[str], sizes: list[int], what: str, weights: Path) -> Iterator[Cost]:
    """Yields the cost of each shape in each size (characters). what: one of WHAT. Raises ValueError for bad weights."""
    load_reader(extractor(weights))
    load_reader(weights)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        for shape in shapes:
            for size in sizes:
                yield pool.submit(measure, shape, size, what, weights).result()


def measure(shape: str, size: int, what: str, weights: Path, stop: Stop = never) -> Cost:
    """Measures one page in this process, which must have read no larger one before. Raises Stopped."""
    extracts = what in ("extract", "main")
    reader = load_reader(extractor(weights), extracts=True) if extracts else load_reader(weights)
    page = SHAPES[shape](size)
    asked = Asked(page, URL, frozenset(EXTRACT_PARTS), "main" if what == "main" else "all")
    if what == "check":
        find_faults(reader, reader.read("<p>x"))  # loads what is loaded at first use
    idle, start = _peak(), time.process_time()
    if extracts:
        skimmed = skim(page)
        marking = reader.mark(skimmed.text, stop)
        read = time.process_time()
        rendered(marking, skimmed, asked, stop)
    elif what == "measure":
        wanted = Asked(page, None, MEASURED, detail="packed")
        orjson.dumps(as_json(measure_characters(reader, wanted, stop)), option=orjson.OPT_SERIALIZE_NUMPY)
        read = time.process_time()
    else:
        reading = reader.read(page, stop)
        read = time.process_time()
        find_faults(reader, reading, stop)
    return Cost(shape, what, len(page.encode()), read - start, time.process_time() - read, _peak() - idle)


def _peak() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
