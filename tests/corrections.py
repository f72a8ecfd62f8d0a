"""Measures how well corrections mend templates: `python tests/corrections.py [--all] [--pages 10]`.

Of the designs in tests/templates it draws 20, on whose pages the shipped weights choose wrong main content. It corrects
10 made pages of each, runs `soupstate learn`, and measures 10 other pages of each before and after. The error is 1 - F1
of words against what the design marks. docs/corrections.md has the table.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner
from templates import odd, press, trade
from templates.writer import Made, Writer, page_of

from soupstate.app.answers import Asked, extract
from soupstate.app.cli.main import soupstate
from soupstate.app.reading import load_reader
from soupstate.model.corrections.correction import read_correction
from soupstate.model.corrections.store import Store
from soupstate.model.net.checkpoint import DEFAULT, extractor
from soupstate.model.net.reader import Reader
from soupstate.model.train.data.block_examples import word_f1

DESIGNS = {design.__name__: design for part in (press, trade, odd) for design in part.DESIGNS}
TEMPLATES, PAGES = 20, 10
WRONG = 0.1  # least error, on pages that nothing else is measured on
FIRST_MEASURED, FIRST_DRAWN = 1000, 2000  # seeds of pages; those to learn from begin at 0


@dataclass(frozen=True)
class Row:
    """A template with its errors before and after."""

    name: str
    before: float
    after: float


def made(name: str, first: int, count: int) -> list[Made]:
    """Returns pages of a design. first: the seed of the first page."""
    return [page_of(*DESIGNS[name](Writer(seed))) for seed in range(first, first + count)]


def error(reader: Reader, pages: Sequence[Made]) -> float:
    """Returns the mean of 1 - F1 of words of main content."""
    answers = [extract(reader, Asked(page.html, None, scope="main", include=frozenset(("text",)))) for page in pages]
    f1 = [word_f1(page.text, [answer.text or ""]) for page, answer in zip(pages, answers, strict=True)]
    return 1 - sum(f1) / len(f1)


def wrong_templates(reader: Reader) -> list[str]:
    """Returns the designs on which the main content of these weights is wrong, in a random order."""
    names = [name for name in DESIGNS if error(reader, made(name, FIRST_DRAWN, 5)) >= WRONG]
    random.Random(0).shuffle(names)
    return names


def store_of(path: Path, names: Sequence[str], pages: int) -> Path:
    """Writes a store with corrections of some pages of each template."""
    with Store(path, create=True) as store:
        for name in names:
            for page in made(name, 0, pages):
                spans = [list(span) for span in page.spans]
                correction = {"html": page.html, "kind": "main", "right": {"spans": spans}}
                store.add([read_correction(correction)])
    return path


def measured(names: Sequence[str], pages: int, folder: Path) -> tuple[list[Row], str, float]:
    """Corrects pages of templates, learns, and measures others. Returns rows, the command's output, and seconds."""
    store, out = store_of(folder / "corrections.db", names, pages), folder / "better.safetensors"
    begin = time.perf_counter()
    done = CliRunner().invoke(soupstate, ["learn", str(store), "--out", str(out)])
    seconds = time.perf_counter() - begin
    if done.exit_code:
        raise SystemExit(done.output)
    old, new = load_reader(extractor(DEFAULT)), load_reader(extractor(out))
    others = {name: made(name, FIRST_MEASURED, pages) for name in names}
    rows = [Row(name, error(old, others[name]), error(new, others[name])) for name in names]
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
    parser.add_argument("--apart", action="store_true", help="learn each template alone, from its own corrections")
    parser.add_argument("--pages", type=int, default=PAGES, help="pages of each template to correct and to measure")
    options = parser.parse_args()
    wrong = wrong_templates(load_reader(extractor(DEFAULT)))
    names = wrong if options.all else wrong[:TEMPLATES]
    print(f"{len(wrong)} of {len(DESIGNS)} designs are wrong with the shipped weights, {len(names)} are corrected.")
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
