"""Reads many pages at once, and fills their rows. A page that fails gets a status; it never raises."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from soupstate.app.answers import EXTRACT_PARTS, Asked, main_parts, rendered
from soupstate.app.logs import LOG
from soupstate.app.rows import Row, fill
from soupstate.model.archive.status import Status, failed
from soupstate.model.net.reader import Marking, Reader
from soupstate.model.page.skim import Skimmed
from soupstate.model.page.stop import Stop, Stopped

# Pages read together. 32 pages of 4 kB took .83 of the time that they take one by one. Their characters are limited,
# because their spans are kept until they are rendered, which may take 100 bytes per character. With 1,000,000 they
# took 10 MB more and as much time.
MOST_PAGES = 32
MOST_CHARACTERS = 400_000

Beat = Callable[[], None]  # called repeatedly while pages are read and rendered


@dataclass(frozen=True, slots=True)
class Read:
    """A page that was read. marking: or its status, where there is none. seconds: processor time that it took."""

    marking: Marking | str
    seconds: float


class _Shared:
    """The processor time of pages that are read together.

    Each page is charged for its share of the pieces that were read, which are about equally long.
    """

    def __init__(self, pages: int, seconds: float, beat: Beat) -> None:
        self._start, self._limit, self._beat = time.process_time(), seconds, beat
        self._pieces, self._all = [0] * pages, 0

    def late(self, page: int) -> bool:
        """Counts another piece of a page. Returns whether the page has had its time."""
        self._beat()
        self._pieces[page] += 1
        self._all += 1
        return self.spent(page) > self._limit

    def spent(self, page: int) -> float:
        """Returns the seconds of a page."""
        return (time.process_time() - self._start) * self._pieces[page] / max(1, self._all)


def _no_beat() -> None:
    return


def processor_limit(seconds: float, beat: Beat = _no_beat) -> Stop:
    """Returns a Stop that is True once this many seconds of processor time have passed since this call."""
    until = time.process_time() + seconds

    def passed() -> bool:
        beat()
        return time.process_time() > until

    return passed


def mark_pages(reader: Reader, pages: Sequence[Skimmed], seconds: float, beat: Beat = _no_beat) -> list[Read]:
    """Reads pages, each for at most `seconds` of processor time."""
    texts = [page.text for page in pages]
    if len(texts) > 1:
        shared = _Shared(len(texts), seconds, beat)
        try:
            markings = reader.mark_many(texts, shared.late)
        except Exception as error:  # of one of the pages; reading them one by one shows which
            LOG.debug("reading pages one by one: %s", error)
        else:
            return [Read(marking or Status.TIMED_OUT, shared.spent(i)) for i, marking in enumerate(markings)]
    return [_mark(reader, text, seconds, beat) for text in texts]


def _mark(reader: Reader, text: str, seconds: float, beat: Beat) -> Read:
    start = time.process_time()
    try:
        marking: Marking | str = reader.mark(text, processor_limit(seconds, beat))
    except Stopped:
        marking = Status.TIMED_OUT
    except Exception as error:  # one page in millions that cannot be read must not end the work
        marking = failed(error)
    return Read(marking, time.process_time() - start)


def fill_row(row: Row, page: Skimmed, read: Read, seconds: float, beat: Beat = _no_beat) -> bool:
    """Renders a page into its row, or writes its status there. Returns whether the row now has the page's text.

    seconds: processor time allowed for reading and rendering together.
    """
    if isinstance(read.marking, str):
        row.status = read.marking
        return False
    asked = Asked(page.whole, row.url or None, frozenset(EXTRACT_PARTS))
    stop = processor_limit(seconds - read.seconds, beat)
    try:
        fill(row, rendered(read.marking, page, asked, stop), main_parts(read.marking, asked.url, stop))
    except Stopped:
        row.status = Status.TIMED_OUT
    except Exception as error:  # as in `_mark`
        row.status = failed(error)
    return row.status == Status.OK
