"""Applies fixes to a page. No other code does."""

from collections.abc import Iterable
from dataclasses import dataclass

from soupstate.model.faults.fault import Fault, Fix

LIKELY = 0.5  # faults from this probability on are shown and mended
FIXES_APART = 96  # characters between two fixes: what seems wrong near a fault may only be its consequence


@dataclass(frozen=True, slots=True)
class Mended:
    """A page with fixes applied. mended: the faults whose first fix was applied; left: the other likely ones."""

    page: str
    mended: list[Fault]
    left: list[Fault]

    def is_near(self, fault: Fault) -> bool:
        """Whether a fault of the page, as it is now, is within FIXES_APART characters of a fix that was applied."""
        moved = 0
        for fix in sorted((f.fixes[0] for f in self.mended), key=lambda fix: fix.start):
            start, end = fix.start + moved, fix.start + moved + len(fix.replacement)
            if fault.start <= end + FIXES_APART and start <= fault.end + FIXES_APART:
                return True
            moved += len(fix.replacement) - (fix.end - fix.start)
        return False


def apply_fix(page: str, fix: Fix) -> str:
    """Returns the page with one fix applied."""
    return page[: fix.start] + fix.replacement + page[fix.end :]


def mend(page: str, faults: Iterable[Fault], threshold: float = LIKELY) -> Mended:
    """Applies the first fix of every fault of at least this probability, the likeliest faults first.

    A fault stays where it has no fix, or where its fix comes within FIXES_APART characters of one that was applied.
    Raises ValueError for a fix that lies outside the page: the faults are then of another page.
    """
    mended: list[tuple[Fix, Fault]] = []
    left: list[Fault] = []
    for fault in sorted(faults, key=lambda fault: -fault.probability):
        if fault.probability < threshold:
            continue
        fix = fault.fixes[0] if fault.fixes else None
        if fix and not 0 <= fix.start <= fix.end <= len(page):
            raise ValueError(f"a fix at {fix.start} to {fix.end} lies outside the page of {len(page)} characters")
        if fix is None or any(_near(fix, other) for other, _ in mended):
            left.append(fault)
        else:
            mended.append((fix, fault))
    for fix, _ in sorted(mended, key=lambda pair: -pair[0].start):
        page = apply_fix(page, fix)
    return Mended(page, [fault for _, fault in mended], left)


def _near(fix: Fix, other: Fix) -> bool:
    return fix.start <= other.end + FIXES_APART and other.start <= fix.end + FIXES_APART
