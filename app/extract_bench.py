"""Measures whole calls of extraction and of the search for faults, beside other tools, page by page in one run."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from soupstate.app.answers import Asked, extract
from soupstate.app.peers import installed
from soupstate.model.faults.find import find_faults
from soupstate.model.net.reader import Reader

Run = Callable[[str], object]  # extracts from a page of HTML
BOUNDS = (30_000, 100_000, 300_000)  # bytes of UTF-8 that part the pages by size
PEERS: dict[str, dict[str, tuple[str, Callable[[Any, str], object]]]] = {
    # scope: tool: the module that it needs, and its call
    "main": {
        "trafilatura": ("trafilatura", lambda tool, page: tool.extract(page)),
        "resiliparse": ("resiliparse.extract.html2text", lambda tool, page: tool.extract_plain_text(page, True)),
    },
    "all": {
        "html2text": ("html2text", lambda tool, page: tool.html2text(page)),
        "resiliparse": ("resiliparse.extract.html2text", lambda tool, page: tool.extract_plain_text(page)),
    },
}


@dataclass(frozen=True)
class Speed:
    """The rate of one system. mb_per_second: megabytes of raw HTML per second of processor time.

    ratio: its rate divided by ours. by_size: rates of the pages between the BOUNDS, None where there is no such page.
    """

    system: str
    scope: str
    pages: int
    mb_per_second: float
    ratio: float
    by_size: list[float | None]


def speeds(
    reader: Reader, pages: Sequence[str], scope: str, tell: Callable[[str], None], checker: Reader | None = None
) -> list[Speed]:
    """Measures this network and the installed peers. tell: takes a line for each peer that is not installed.

    checker: reads pages to find their faults, which is then measured too.

    Every page goes through each system in turn, so that other work on the machine disturbs all of them alike. A page
    that a system fails on counts with the time that it took.
    """
    parts = frozenset({"text"} if scope == "main" else {"text", "markdown", "links"})
    systems: dict[str, Run] = {"soupstate": lambda page: extract(reader, Asked(page, None, parts, scope))}
    if checker:
        systems["soupstate check"] = lambda page: find_faults(checker, checker.read(page))
    systems |= installed(PEERS[scope], tell)
    sizes = [len(page.encode("utf-8", "replace")) for page in pages]
    seconds: dict[str, list[float]] = {name: [] for name in systems}
    for run in systems.values():
        _seconds(run, "<p>Loads what is loaded at first use.</p>")
    for page in pages:
        for name, run in systems.items():
            seconds[name].append(_seconds(run, page))
    rates = {name: _rate(sizes, spent) for name, spent in seconds.items()}
    return [
        Speed(name, scope, len(pages), rates[name], rates[name] / rates["soupstate"], _by_size(sizes, seconds[name]))
        for name in systems
    ]


def _seconds(run: Run, page: str) -> float:
    start = time.process_time()
    with suppress(Exception):  # a peer may fail on a page
        run(page)
    return time.process_time() - start


def _rate(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    return sum(sizes) / 1e6 / max(sum(seconds), 1e-9)


def _by_size(sizes: list[int], seconds: list[float]) -> list[float | None]:
    rates: list[float | None] = []
    for least, most in zip((0, *BOUNDS), (*BOUNDS, 1 << 62), strict=True):
        some = [(size, spent) for size, spent in zip(sizes, seconds, strict=True) if least <= size < most]
        rates.append(_rate(*zip(*some, strict=True)) if some else None)
    return rates
