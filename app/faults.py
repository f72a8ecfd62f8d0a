"""Which faults of a page are shown, and how a page is mended: the one place for every way in."""

from collections.abc import Iterable
from dataclasses import dataclass

from soupstate.model.faults.apply import LIKELY, mend
from soupstate.model.faults.fault import Fault
from soupstate.model.faults.find import find_faults
from soupstate.model.faults.json_find import find_json_faults
from soupstate.model.faults.judging import REPORTED
from soupstate.model.net.json_reader import JsonReader
from soupstate.model.net.reader import Reader

MOST_PASSES = 10


@dataclass(frozen=True, slots=True)
class Repaired:
    """A page after all passes. mended: the number of fixes in it. left: its likely faults, in the order of the page."""

    page: str
    mended: int
    left: list[Fault]


def likely(faults: Iterable[Fault], threshold: float = LIKELY) -> list[Fault]:
    """Returns the faults of at least this probability, in the order of the page."""
    return sorted((fault for fault in faults if fault.probability >= threshold), key=lambda fault: fault.start)


def likely_faults(reader: Reader | JsonReader, page: str, threshold: float = LIKELY) -> list[Fault]:
    """Finds the faults of a page or a JSON document, as the reader reads them, of at least this probability.

    Returns them in the order of the page.
    """
    if not page.strip():
        return []
    found = find_json_faults(reader, page) if isinstance(reader, JsonReader) else find_faults(reader, reader.read(page))
    return likely(found, threshold)


def repair(
    reader: Reader | JsonReader, page: str, threshold: float = LIKELY, found: Iterable[Fault] | None = None
) -> Repaired:
    """Mends a page in passes: each applies the fixes that `mend` takes, and finds the faults of what comes out.

    found: the faults of the page, where they are known. The passes end where no fault of at least this probability has
    a fix, where a pass leaves as many such faults as there were, and after MOST_PASSES. A pass after which there are
    more of them is undone. A list that is full of faults above .5 may hide others, so passes go on while it stays full.
    A JSON document is mended whole or not at all: one that is still broken after the passes comes back as it was.
    """
    whole = page
    left = before = likely_faults(reader, page, threshold) if found is None else likely(found, threshold)
    number = 0
    for _ in range(MOST_PASSES):
        done = mend(page, left, threshold)
        if not done.mended:
            break
        now = likely_faults(reader, done.page, threshold)
        if len(now) > len(left):
            break
        lower = len(now) < len(left) or len(likely(left)) == REPORTED
        page, left, number = done.page, now, number + len(done.mended)
        if not lower:
            break
    if number and isinstance(reader, JsonReader) and find_json_faults(reader, page):
        return Repaired(whole, 0, before)
    return Repaired(page, number, left)
