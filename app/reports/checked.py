"""A checked file, which every report is made from, and what reports say of a fault alike."""

from dataclasses import dataclass

from soupstate.app.file_names import printable
from soupstate.model.faults.fault import Fault, Fix
from soupstate.model.page.line_index import LineIndex

SURE = 0.8  # faults from this probability on are errors; those below are warnings
TOOL = "soupstate"


@dataclass(frozen=True, slots=True)
class Checked:
    """A file with the faults that are reported. failure: why it could not be read; "" where it could.

    name: its path, which need not be UTF-8. page: its text.
    """

    name: str
    page: str
    faults: list[Fault]
    failure: str = ""

    @property
    def shown(self) -> str:
        """The name as reports print it."""
        return printable(self.name)

    @property
    def lines(self) -> LineIndex:
        """The lines of the page, made anew by each call."""
        return LineIndex(self.page)


def is_error(fault: Fault) -> bool:
    """Returns whether a fault counts as an error, not as a warning."""
    return fault.probability >= SURE


def level(fault: Fault) -> str:
    """Returns "error" or "warning"."""
    return "error" if is_error(fault) else "warning"


def in_words(page: str, fix: Fix) -> str:
    """Returns a fix in words."""
    old, new = page[fix.start : fix.end], fix.replacement
    if not old:
        return f"insert {new}"
    return f"replace {old} by {new}" if new else f"delete {old}"
