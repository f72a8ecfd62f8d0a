"""Are the fixes of faults on real pages any good? html5lib's count of parse errors, before and after, is a judge."""

from collections import Counter

import html5lib

from model.net.faults import find_faults
from model.net.reader import Reader
from model.train.evaluate import LIKELY, Figures, Progress, mended

OUTCOMES = ("lower the errors", "leave them", "raise them")


def parse_errors(page: str) -> int:
    """Parse errors that html5lib reports (WHATWG HTML, 13.2.2), but for a doctype that is missing or old."""
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    parser.parse(page)
    return sum("doctype" not in code for _, code, _ in parser.errors)


def evaluate_mending(reader: Reader, pages: list[str], progress: Progress = iter) -> Figures:
    """Over pages as they are: faults of LIKELY or more, and what the first fix of each does to the parse errors.

    And the same of each page's first fault, however likely. A page is malformed where there are parse errors.
    """
    counts: Counter[str] = Counter()
    for page in progress(pages):
        before = parse_errors(page)
        counts["malformed"] += before > 0
        for number, fault in enumerate(find_faults(reader, reader.read(page))):
            likely = fault.probability >= LIKELY
            counts["likely"] += likely
            after = mended(page, fault) if likely or number == 0 else None
            if after is None:
                continue
            outcome = _outcome(parse_errors(after) - before)
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

