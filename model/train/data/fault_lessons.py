"""Lessons from corrections of faults and fixes: for each edit of a corrected page, how likely it shall be."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from soupstate.model.corrections.correction import FaultCorrection, FixCorrection
from soupstate.model.corrections.store import Standing
from soupstate.model.faults.apply import LIKELY
from soupstate.model.faults.edits import Repair, names_of
from soupstate.model.faults.find import search
from soupstate.model.faults.judging import Candidate, alike, reported
from soupstate.model.faults.ranking import chance
from soupstate.model.faults.scoring import LONG, ScoredEdit
from soupstate.model.faults.taught import (
    GAP,
    UNPROPOSED,
    Searched,
    corrected,
    odds_of,
    recalled,
    repairs_of,
    right_fix,
    same_edit,
    tried_again,
    unproposed,
)
from soupstate.model.net.corrected_faults import LONGEST_FIX, MOST_FIXES, CorrectedFaults, RightFix
from soupstate.model.net.reader import Reader
from soupstate.model.page.block_figures import names_in
from soupstate.model.page.stop import Watch
from soupstate.model.train.data.corrected_pages import Lessons

SILENCE = 0.25  # weight of an edit that nobody corrected, of a page that people corrected; one that they did has 1

Said = FaultCorrection | FixCorrection


@dataclass(frozen=True, eq=False)
class FaultPage:
    """A corrected page, as the search without any correction sees it. names: hashes of the names in its tags."""

    standing: Standing
    searched: Searched
    said: tuple[Said, ...]

    @property
    def names(self) -> NDArray[np.int64]:
        """The hashes of the names in its tags."""
        return names_in(self.searched.page)

    def reports(self, taught: CorrectedFaults | None) -> list[Candidate]:
        """Returns what is reported of the page with a probability of LIKELY or more, after corrections taught."""
        found, group = self.searched.found, taught.group_of(self.searched.page) if taught else None
        if taught is not None and group is not None:
            more = tried_again(self.searched.page, taught, group, Watch())
            found = corrected(self.searched, more, taught, group)
        return [candidate for candidate in reported(self.searched.page, found) if candidate.fault.probability >= LIKELY]


@dataclass(eq=False)
class Item:
    """An edit of a corrected page. odds: its log-odds before. target: its probability after. weight: of that."""

    page: FaultPage
    repair: Repair
    candidate: Candidate | None  # that has the edit; None for one that the search did not propose
    odds: float
    target: float
    weight: float = SILENCE

    def say(self, target: float) -> None:
        """Notes what a person says of it."""
        self.target, self.weight = target, 1.0


@dataclass
class FaultLessons:
    """What corrections teach of faults. fixes: those to try on pages like these."""

    pages: list[FaultPage] = field(default_factory=list)
    fixes: tuple[RightFix, ...] = ()
    items: list[Item] = field(default_factory=list)


def searched_pages(reader: Reader, pages: Iterable[Standing], progress: Callable[[int], object]) -> list[FaultPage]:
    """Returns the pages with corrections of faults or fixes, searched. progress(1): after each page."""
    found: list[FaultPage] = []
    for page in pages:
        said = tuple(one for one in page.corrections if isinstance(one, FaultCorrection | FixCorrection))
        if said:
            found.append(FaultPage(page, search(reader, reader.read(page.html), []), said))
        progress(1)
    return found


def fault_lessons(lessons: Lessons, pages: list[FaultPage]) -> FaultLessons:
    """Returns what corrected pages teach, and notes in `lessons` which corrections were used."""
    counts: Counter[RightFix] = Counter()
    for page in pages:
        for one in page.said:
            if isinstance(one, FixCorrection) and GAP not in page.searched.page[one.start : one.end] + one.replacement:
                counts[right_fix(page.searched.page, one.start, one.end, one.replacement)] += 1
    short = Counter(
        {fix: n for fix, n in counts.items() if max(map(len, (fix.removed, fix.replacement))) <= LONGEST_FIX}
    )
    fixes = tuple(fix for fix, _ in short.most_common(MOST_FIXES))
    taught = FaultLessons(fixes=fixes)
    for page in pages:
        items = _items(page, fixes)
        used = [_teach(lessons, page, one, items) for one in sorted(page.said, key=_positive)]
        if any(used):
            taught.pages.append(page)
            taught.items += [item for item in items if item.weight]
    return taught


def _positive(said: Said) -> bool:
    """Whether a correction says that something is a fault. Such ones come last, and count where both speak."""
    return isinstance(said, FixCorrection) or said.right


def _items(page: FaultPage, fixes: Sequence[RightFix]) -> list[Item]:
    """Returns the edits of a page. What nobody corrected is to stay as it is.

    A likely fault that was not shown, because the list was full or another one stood for it, says nothing.
    """
    html, found = page.searched.page, page.searched.found
    shown = {id(candidate) for candidate in reported(html, found)}
    items: list[Item] = []
    for candidate in found:
        hidden = candidate.fault.probability >= LIKELY and id(candidate) not in shown
        for repair, odds in zip(repairs_of(candidate), odds_of(candidate), strict=True):
            weight = 0.0 if hidden else SILENCE
            items.append(Item(page, repair, candidate, odds, chance(odds), weight))
    again = [ScoredEdit(repair.start, repair) for repair in recalled(html, fixes)]
    for edit in unproposed(html, found, again):
        items.append(Item(page, edit.repair, None, UNPROPOSED, chance(UNPROPOSED)))
    return items


def _teach(lessons: Lessons, page: FaultPage, said: Said, items: list[Item]) -> bool:
    """Gives the edits that a correction speaks of their targets. Returns whether there are some."""
    if isinstance(said, FixCorrection):
        reason = _teach_fix(page, said, items)
    elif said.right:
        reason = _teach_fault(said, items)
    else:
        reason = _teach_none(said, items)
    if reason:
        lessons.refuse(page.standing, said, reason)
    else:
        lessons.used[said.KIND] += 1
    return not reason


def _teach_fix(page: FaultPage, said: FixCorrection, items: list[Item]) -> str:
    html = page.searched.page
    key = same_edit(html, said.start, said.end, said.replacement)
    right = [item for item in items if same_edit(html, *item.repair.key) == key]
    if not right:
        return "this fix is too long, or stands beyond the places of the page that are tried"
    for item in items:
        if not (item.weight == 1 and item.target == 1) and any(_rivals(item, each, html) for each in right):
            item.say(0.0)
    for item in right:
        item.say(1.0)
    return ""


def _rivals(item: Item, right: Item, html: str) -> bool:
    """Whether an edit is probably about the same slip as one that is right."""
    if item.candidate is not None and item.candidate is right.candidate:
        return True
    one, other = item.repair, right.repair
    if one.start <= other.end and other.start <= one.end:
        return True
    near = abs(one.start - other.start) <= LONG
    return near and item.candidate is not None and not item.candidate.about.isdisjoint(_about(other, html))


def _about(repair: Repair, html: str) -> frozenset[str]:
    return frozenset({repair.kind, *names_of(html, repair)})


def _teach_fault(said: FaultCorrection, items: list[Item]) -> str:
    inside = [item for item in items if item.candidate and meant(said, item.candidate)]
    if not inside:
        return "the search finds nothing there; a correction of kind fix would say what is wrong"
    max(inside, key=lambda item: item.odds).say(1.0)
    return ""


def _teach_none(said: FaultCorrection, items: list[Item]) -> str:
    inside = [item.candidate for item in items if item.candidate and meant(said, item.candidate)]
    if not inside:
        return "the search finds nothing there, so there is nothing to unlearn"
    for item in items:
        one = item.candidate
        if one is None:
            if said.start <= item.repair.start and item.repair.end <= said.end:
                item.say(0.0)
        elif any(one is each for each in inside) or (
            one.fault.fixes and not item.weight and any(alike(item.page.searched.page, one, each) for each in inside)
        ):
            item.say(0.0)
    return ""


def meant(said: FaultCorrection, candidate: Candidate) -> bool:
    """Whether a correction speaks of a candidate: it lies in the stretch, and has the kind, where one is given."""
    fault = candidate.fault
    return said.start <= fault.start and fault.end <= said.end and said.id in (None, fault.kind)


def is_right(page: FaultPage, said: Said, reports: Sequence[Candidate]) -> bool:
    """Returns whether what is reported of a page is as a correction says."""
    if isinstance(said, FaultCorrection):
        return any(meant(said, candidate) for candidate in reports) == said.right
    html = page.searched.page
    key = same_edit(html, said.start, said.end, said.replacement)
    first = [candidate.fault.fixes[0] for candidate in reports if candidate.fault.fixes]
    return any(same_edit(html, fix.start, fix.end, fix.replacement) == key for fix in first)
