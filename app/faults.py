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

    @property
    def badness(self) -> tuple[int, float]:
        """The number of likely faults that are left, and the sum of their probabilities."""
        return len(self.left), round(sum(fault.probability for fault in self.left), 4)


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
    a fix, after MOST_PASSES, and where a pass leaves more such faults than there were. They also end where it leaves as
    many that are no less likely, unless all are far from its fixes, because these faults were hidden before. A list
    that is full of faults above .5 may hide others, so passes go on while it stays full. Of the pages that came out,
    the one with the fewest faults counts, and of several with as many the one with the least likely faults.
    A JSON document is mended whole or not at all: one that is still broken after the passes comes back as it was.
    """
    known = likely_faults(reader, page, threshold) if found is None else likely(found, threshold)
    whole = best = now = Repaired(page, 0, known)
    for _ in range(MOST_PASSES):
        done = mend(now.page, now.left, threshold)
        if not done.mended:
            break
        before, left = now, likely_faults(reader, done.page, threshold)
        now = Repaired(done.page, before.mended + len(done.mended), left)
        if len(left) > len(before.left):
            break
        if best is whole or now.badness < best.badness:
            best = now
        full = len(likely(before.left)) == REPORTED
        if not (now.badness < before.badness or full or not any(done.is_near(fault) for fault in left)):
            break
    if best.mended and isinstance(reader, JsonReader) and find_json_faults(reader, best.page):
        return whole
    return best
