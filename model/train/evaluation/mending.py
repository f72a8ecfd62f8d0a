"""Judges the fixes of faults on real pages by html5lib's count of parse errors before and after."""

from collections import Counter

import html5lib

from soupstate.model.faults.apply import LIKELY, apply_fix
from soupstate.model.faults.find import find_faults
from soupstate.model.net.reader import Reader
from soupstate.model.train.evaluation.evaluate import Figures, Progress

OUTCOMES = ("lower the errors", "leave them", "raise them")


def parse_errors(page: str) -> int:
    """Returns the number of parse errors that html5lib reports (WHATWG HTML, 13.2.2), less those of the doctype."""
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    parser.parse(page)
    return sum("doctype" not in code for _, code, _ in parser.errors)


def evaluate_mending(reader: Reader, pages: list[str], progress: Progress = iter) -> Figures:
    """Counts faults of LIKELY or more on pages as they are, and what the first fix of each does to the parse errors.

    The same is counted for each page's first fault, however likely. A page with parse errors is malformed.
    """
    counts: Counter[str] = Counter()
    for page in progress(pages):
        before = parse_errors(page)
        counts["malformed"] += before > 0
        for number, fault in enumerate(find_faults(reader, reader.read(page))):
            likely = fault.probability >= LIKELY
            counts["likely"] += likely
            if not fault.fixes or not (likely or number == 0):
                continue
            outcome = _outcome(parse_errors(apply_fix(page, fault.fixes[0])) - before)
            counts[f"likely {outcome}"] += likely
            counts[f"first {outcome}"] += number == 0
    figures: Figures = {
        "pages": len(pages),
        "malformed pages": counts["malformed"],
        f"faults of {LIKELY} or more a page": counts["likely"] / max(1, len(pages)),
    }
    for who, name in (("likely", f"fixes of {LIKELY} or more"), ("first", "fixes of a page's first fault")):
        figures |= {f"{name} that {how}": counts[f"{who} {how}"] for how in OUTCOMES}
    return figures


def _outcome(difference: int) -> str:
    return OUTCOMES[(difference > 0) - (difference < 0) + 1]
