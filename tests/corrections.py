"""Measures how well corrections mend templates: `python tests/corrections.py [--all] [--pages 10]`.

Of the designs in tests/templates it draws 20, on whose pages the shipped weights choose wrong main content. It corrects
10 made pages of each, runs `soupstate learn`, and measures 10 other pages of each before and after. The error is 1 - F1
of words against what the design marks. --marks does the same for designs in which a mark is wrong, and the error is the
share of wrong spans. --faults does it for designs in which a fault is reported that is none, or is not found or not
mended: the error is the share of such places. docs/corrections.md has the tables.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from click.testing import CliRunner
from templates import faults, marks, odd, press, trade
from templates.writer import Made, Writer, page_of

from soupstate.app.answers import Asked, extract
from soupstate.app.cli.main import soupstate
from soupstate.app.faults import likely_faults
from soupstate.app.reading import load_reader
from soupstate.model.corrections.checks import head_class
from soupstate.model.corrections.correction import read_correction
from soupstate.model.corrections.store import Store
from soupstate.model.faults.taught import same_edit
from soupstate.model.net.checkpoint import DEFAULT, extractor
from soupstate.model.net.reader import Reader
from soupstate.model.train.data.block_examples import word_f1
from soupstate.model.train.evaluation.fault_ranking import slipped

DESIGNS = {design.__name__: design for part in (press, trade, odd) for design in part.DESIGNS}
TEMPLATES, PAGES = 20, 10
WRONG = 0.1  # least error, on pages that nothing else is measured on
FIRST_MEASURED, FIRST_DRAWN = 5000, 2000  # seeds of pages; those to learn from begin at 0


@dataclass(frozen=True)
class Row:
    """A template with its errors before and after."""

    name: str
    before: float
    after: float


@cache
def shipped_reader() -> Reader:
    """Loads the shipped weights that find faults."""
    return load_reader(DEFAULT)


def made(name: str, first: int, count: int) -> list[Made]:
    """Returns pages of a design. first: the seed of the first page."""
    design = (DESIGNS | marks.DESIGNS | faults.DESIGNS)[name]
    return [page_of(*design(Writer(seed))) for seed in range(first, first + count)]


def error(reader: Reader, name: str, pages: Sequence[Made]) -> float:
    """Returns the error on pages of a design: of main content, or of the mark or the faults that it is about."""
    if name in faults.DESIGNS:
        return fault_error(reader, name, pages)
    return mark_error(reader, name, pages) if name in marks.MARKS else main_error(reader, pages)


def mark_error(reader: Reader, name: str, pages: Sequence[Made]) -> float:
    """Returns the share of the spans in question that have the wrong mark."""
    head, right = marks.MARKS[name]
    wrong = []
    for page in pages:
        spans = reader.mark(page.html).spans
        for start, end in page.spans:
            inside = [span for span in spans if span.start < end and start < span.end]
            wrong.append(all(getattr(span, head, None) != head_class(head, right) for span in inside))
    return sum(wrong) / len(wrong)


def fault_error(reader: Reader, name: str, pages: Sequence[Made]) -> float:
    """Returns the share of the places in question where a fault is reported that is none, or the right fix is not."""
    wrong = []
    for page in pages:
        found = likely_faults(reader, page.html)
        for start, end in page.spans:
            if name in faults.MEANT:
                wrong.append(any(fault.start <= end and start <= fault.end for fault in found))
            else:
                right = same_edit(page.html, start, end, faults.RIGHT[name](page.html[start:end]))
                first = [fault.fixes[0] for fault in found if fault.fixes]
                wrong.append(right not in [same_edit(page.html, fix.start, fix.end, fix.replacement) for fix in first])
    return sum(wrong) / len(wrong)


def other_reports(reader: Reader, pages: Sequence[Made]) -> int:
    """Returns how many faults are reported where the design has nothing in question."""
    found = [(page, fault) for page in pages for fault in likely_faults(reader, page.html)]
    return sum(not any(f.start <= end and start <= f.end for start, end in page.spans) for page, f in found)


def found_slips(reader: Reader, pages: Sequence[Made]) -> int:
    """Returns on how many pages a slip that has nothing to do with the design is reported, one put into each."""
    found = 0
    for seed, page in enumerate(pages):
        broken, places = slipped(page.html, 1, np.random.default_rng(seed))
        reports = likely_faults(reader, broken)
        found += any(f.start <= end + 32 and start <= f.end + 32 for start, end in places for f in reports)
    return found


def main_error(reader: Reader, pages: Sequence[Made]) -> float:
    """Returns the mean of 1 - F1 of words of main content."""
    answers = [extract(reader, Asked(page.html, None, scope="main", include=frozenset(("text",)))) for page in pages]
    f1 = [word_f1(page.text, [answer.text or ""]) for page, answer in zip(pages, answers, strict=True)]
    return 1 - sum(f1) / len(f1)


def wrong_templates(reader: Reader, designs: Iterable[str]) -> list[str]:
    """Returns the designs on which these weights are wrong, in a random order."""
    names = [name for name in designs if error(reader, name, made(name, FIRST_DRAWN, 5)) >= WRONG]
    random.Random(0).shuffle(names)
    return names


def corrections_of(name: str, page: Made) -> list[dict[str, Any]]:
    """Returns what a person would correct on a page of a design."""
    if name in faults.MEANT:
        found = likely_faults(shipped_reader(), page.html)
        places = [(f.start, f.end) for f in found for start, end in page.spans if f.start <= end and start <= f.end]
        return [{"kind": "fault", "start": start, "end": end, "right": False} for start, end in places]
    if name in faults.RIGHT:
        right = faults.RIGHT[name]
        fixes = [(start, end, right(page.html[start:end])) for start, end in page.spans]
        return [{"kind": "fix", "start": start, "end": end, "replacement": text} for start, end, text in fixes]
    if name not in marks.MARKS:
        return [{"kind": "main", "right": {"spans": [list(span) for span in page.spans]}}]
    head, right = marks.MARKS[name]
    return [{"kind": "mark", "mark": head, "start": start, "end": end, "right": right} for start, end in page.spans]


def store_of(path: Path, names: Sequence[str], pages: int) -> Path:
    """Writes a store with corrections of some pages of each template."""
    with Store(path, create=True) as store:
        for name in names:
            for page in made(name, 0, pages):
                store.add([read_correction({"html": page.html, **each}) for each in corrections_of(name, page)])
    return path


def measured(names: Sequence[str], pages: int, folder: Path) -> tuple[list[Row], str, float]:
    """Corrects pages of templates, learns, and measures others. Returns rows, the command's output, and seconds."""
    store, out = store_of(folder / "corrections.db", names, pages), folder / "better.safetensors"
    begin = time.perf_counter()
    done = CliRunner().invoke(soupstate, ["learn", str(store), "--out", str(out)])
    seconds = time.perf_counter() - begin
    if done.exit_code:
        raise SystemExit(done.output)
    finds = names[0] in faults.DESIGNS
    old, new = (load_reader(weights if finds else extractor(weights)) for weights in (DEFAULT, out))
    others = {name: made(name, FIRST_MEASURED, pages) for name in names}
    if finds:
        for what, count in (
            ("Reports of other places on these pages", other_reports),
            ("Other slips found", found_slips),
        ):
            before, after = (sum(count(reader, others[name]) for name in names) for reader in (old, new))
            print(f"{what}: {before} before, {after} after.")
    rows = [Row(name, error(old, name, others[name]), error(new, name, others[name])) for name in names]
    return rows, done.output, seconds


def table(rows: Sequence[Row]) -> list[str]:
    """Returns the rows and their mean as Markdown."""
    mean = Row("mean", *(sum(getattr(row, part) for row in rows) / len(rows) for part in ("before", "after")))
    lines = ["| template | error before | after | fall |", "|---" * 4 + "|"]
    for row in (*rows, mean):
        lines.append(f"| {row.name} | {row.before:.3f} | {row.after:.3f} | {1 - row.after / row.before:.0%} |")
    return lines


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description="Measure how well corrections mend templates.")
    parser.add_argument("--all", action="store_true", help="all templates that are wrong, not 20 of them")
    parser.add_argument("--marks", action="store_true", help="templates with a wrong mark, all of them")
    parser.add_argument("--faults", action="store_true", help="templates with a wrong report, all of them")
    parser.add_argument("--apart", action="store_true", help="learn each template alone, from its own corrections")
    parser.add_argument("--pages", type=int, default=PAGES, help="pages of each template to correct and to measure")
    options = parser.parse_args()
    designs = marks.DESIGNS if options.marks else faults.DESIGNS if options.faults else DESIGNS
    wrong = wrong_templates(shipped_reader() if options.faults else load_reader(extractor(DEFAULT)), designs)
    names = wrong if options.all or options.marks or options.faults else wrong[:TEMPLATES]
    print(f"{len(wrong)} of {len(designs)} designs are wrong with the shipped weights, {len(names)} are corrected.")
    groups = [[name] for name in names] if options.apart else [names]
    rows: list[Row] = []
    for group in groups:
        with tempfile.TemporaryDirectory() as folder:
            found, output, seconds = measured(group, options.pages, Path(folder))
        rows += found
        print(f"\n{output}\nlearn took {seconds:.0f} s")
    print("\n".join(["", *table(rows)]))


if __name__ == "__main__":
    main()
