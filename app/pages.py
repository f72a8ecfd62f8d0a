"""Reads many pages at once, and fills their rows. A page that fails gets a status; it never raises."""

import time
from collections.abc import Callable, Sequence

from soupstate.app.answers import EXTRACT_PARTS, Asked, main_text, rendered
from soupstate.app.logs import LOG
from soupstate.app.rows import Row, fill
from soupstate.model.archive.status import Status, failed
from soupstate.model.net.reader import Marking, Reader
from soupstate.model.page.skim import Skimmed
from soupstate.model.page.stop import Stop, Stopped

# Pages read together. 32 pages of 4 kB took .83 of the time that they take one by one. Their characters are limited,
# because reading takes about 150 bytes of memory per character.
MOST_PAGES = 32
MOST_CHARACTERS = 1_000_000

Beat = Callable[[], None]  # called repeatedly while pages are read


def _no_beat() -> None:
    return


def processor_limit(seconds: float) -> Stop:
    """Returns a Stop that is True once this many seconds of processor time have passed since this call."""
    until = time.process_time() + seconds
    return lambda: time.process_time() > until


def mark_pages(reader: Reader, pages: Sequence[Skimmed], seconds: float, beat: Beat = _no_beat) -> list[Marking | str]:
    """Returns the marking of each page, or its status where there is none.

    seconds: processor time allowed per page; pages read together may take the sum.
    """
    texts = [page.text for page in pages]
    if len(texts) > 1:
        late = _with_beat(processor_limit(seconds * len(texts)), beat)
        try:
            markings = reader.mark_many(texts, lambda page: late())
        except Exception as error:  # of one of the pages; reading them one by one shows which
            LOG.debug("reading pages one by one: %s", error)
        else:
            return [Status.TIMED_OUT if marking is None else marking for marking in markings]
    return [_mark(reader, text, _with_beat(processor_limit(seconds), beat)) for text in texts]


def _mark(reader: Reader, text: str, stop: Stop) -> Marking | str:
    try:
        return reader.mark(text, stop)
    except Stopped:
        return Status.TIMED_OUT
    except Exception as error:  # one page in millions that cannot be read must not end the work
        return failed(error)


def _with_beat(stop: Stop, beat: Beat) -> Stop:
    def asked() -> bool:
        beat()
        return stop()

    return asked


def fill_row(row: Row, page: Skimmed, marking: Marking | str, seconds: float) -> bool:
    """Renders a page into its row, or writes its status there. Returns whether the row now has the page's text."""
    if isinstance(marking, str):
        row.status = marking
        return False
    asked = Asked(page.whole, row.url or None, frozenset(EXTRACT_PARTS))
    try:
        answer = rendered(marking, page, asked, processor_limit(seconds))
        fill(row, answer, main_text(marking))
    except Stopped:
        row.status = Status.TIMED_OUT
    except Exception as error:  # as in `_mark`
        row.status = failed(error)
    return row.status == Status.OK
