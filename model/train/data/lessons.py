"""Makes lessons: pages with the teacher's marks, some of them skimmed or damaged, as rows of bytes."""

import lzma
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

from soupstate.model.archive.records import NotAnArchive, Tally, read_pages
from soupstate.model.page.brief import brief
from soupstate.model.page.marks import HEADS
from soupstate.model.page.render.text import text
from soupstate.model.page.skim import skim
from soupstate.model.page.spans import spans_of_marks
from soupstate.model.train.data.damage import damage
from soupstate.model.train.data.labelled import labelled_pages, mark_main
from soupstate.model.train.data.made.pages import Texts, made_page
from soupstate.model.train.data.processes import in_processes
from soupstate.model.train.data.shards import MARKS, Rows, lesson_rows, write_shard
from soupstate.model.train.data.teacher import Marks, teach

LONGEST_PAGE = 300_000  # characters kept of a page; the few longer pages would fill the lanes
SHORTEST_PAGE = 300
SHORTEST_MADE = 30  # characters of a made page: these teach what short pages look like
TEXTS_PER_FILE = 300  # pages of each file whose words made pages are written with
MADE = "made"  # name of the shard of made pages
LABELLED = ".jsonl.xz"
SUFFIXES = (LABELLED, ".warc.gz", ".warc.xz", ".warc", ".arc.gz", ".arc")

Page = tuple[str, str | None]  # the HTML, and the main text where a person labelled it
Progress = Callable[[Iterable[Page]], Iterable[Page]]


class UnreadableFile(ValueError):
    """A file of pages that cannot be read. The message says why."""


@dataclass(frozen=True)
class LessonPlan:
    """How pages become lessons. Shares are probabilities from 0 to 1, drawn for each page."""

    damaged: float = 0.4  # share of pages that get faults
    skimmed: float = 0.0  # share of pages that are skimmed first, as `/extract` reads them
    seed: int = 1
    left_out: frozenset[str] = field(default_factory=frozenset)  # ids (dataset/id) of labelled pages to leave out
    held_out: bool = False  # JSON of the held-out domains instead of that of the others


def byte_rows(page: str, marks: Marks) -> Rows:
    """Returns rows (bytes, columns): the page in UTF-8, where every byte of a character has the character's marks."""
    widths = 1 + np.array([(c > 0x7F) + (c > 0x7FF) + (c > 0xFFFF) for c in map(ord, page)], np.int64)
    return lesson_rows(page.encode("utf-8"), np.repeat(marks, widths, axis=0))


def lesson(
    page: str, random: np.random.Generator, plan: LessonPlan, label: str | None = None, shortest: int = SHORTEST_PAGE
) -> Rows | None:
    """Makes the lesson of a page; returns None for one of fewer than `shortest` characters."""
    if len(page) < shortest:
        return None
    short = None
    if plan.skimmed and random.random() < plan.skimmed:
        page = skim(page).text
        short = brief(page)
    marks = teach(page)
    if label is not None:
        mark_main(page, marks, label)
    if short:
        page, marks = short.text, marks[short.places]
    page, marks = page[:LONGEST_PAGE], marks[:LONGEST_PAGE]
    if random.random() < plan.damaged:
        page, marks, _ = damage(page, marks, random)
    return byte_rows(page, marks)


def shard_name(file: Path) -> str:
    """Returns the name of the shard made from a file."""
    suffix = next((s for s in SUFFIXES if file.name.endswith(s)), file.suffix)
    return file.name.removesuffix(suffix).replace(".", "-")


def make_shard(
    file: Path, out: Path, plan: LessonPlan, progress: Progress = iter, workers: int = 1
) -> tuple[int, Counter[str]]:
    """Writes the shard of a file of pages into the folder `out`, with `workers` processes; 1: with this one.

    Returns the bytes of text in the shard, and the number of pages left out by reason. Raises UnreadableFile. The
    number of processes changes nothing in the shard.
    """
    name = shard_name(file)
    lost: Counter[str] = Counter()
    tally = Tally()
    pages = enumerate(progress(_pages(file, plan.left_out, tally)))
    made = in_processes(partial(_of_page, plan=plan, seed=_seed(plan, name)), pages, workers)
    try:
        size = write_shard(out / name, _kept(made, lost), MARKS + len(HEADS))
    except (OSError, ValueError, EOFError, lzma.LZMAError) as error:
        raise UnreadableFile(f"{file}: {error}") from error
    lost.update(tally.skipped)
    return size, lost


def _seed(plan: LessonPlan, name: str) -> list[int]:
    return [plan.seed, zlib.crc32(name.encode())]


def _of_page(numbered: tuple[int, Page], plan: LessonPlan, seed: list[int]) -> Rows | str:
    """Returns the lesson of a page, or why it has none."""
    number, (html, label) = numbered
    try:
        rows = lesson(html, np.random.default_rng([*seed, number]), plan, label)
    except Exception as error:  # one page in millions that the teacher cannot take must not end the work
        return f"failed ({type(error).__name__})"
    return "too short" if rows is None else rows


def _kept(made: Iterable[Rows | str], lost: Counter[str]) -> Iterator[Rows]:
    """Yields the lessons, and counts why others were not made."""
    for rows in made:
        if isinstance(rows, str):
            lost[rows] += 1
        else:
            yield rows


def make_made_shard(
    files: Iterable[Path],
    out: Path,
    pages: int,
    plan: LessonPlan,
    progress: Callable[[range], Iterable[int]] = iter,
    workers: int = 1,
) -> int:
    """Writes a shard of pages made from a grammar of HTML, with words from the text of the files' pages.

    workers: as in `make_shard`. Returns the bytes of text in the shard. Raises UnreadableFile, and ValueError where the
    files have too little text.
    """
    texts = Texts.from_texts(shown for file in files for shown in _shown(file, plan.left_out))
    make = partial(_of_made, texts=texts, plan=plan, seed=_seed(plan, MADE))
    made = in_processes(make, progress(range(pages)), workers)
    return write_shard(out / MADE, _kept(made, Counter()), MARKS + len(HEADS))


def _of_made(number: int, texts: Texts, plan: LessonPlan, seed: list[int]) -> Rows | str:
    random = np.random.default_rng([*seed, number])
    rows = lesson(made_page(random, texts), random, plan, shortest=SHORTEST_MADE)
    return "too short" if rows is None else rows


def _shown(file: Path, left_out: frozenset[str]) -> Iterator[str]:
    """Yields the visible text of the first pages of a file."""
    try:
        for page, _ in islice(_pages(file, left_out, Tally()), TEXTS_PER_FILE):
            page = page[:LONGEST_PAGE]
            yield text(page, spans_of_marks(page, teach(page)))
    except (OSError, NotAnArchive, EOFError, lzma.LZMAError) as error:
        raise UnreadableFile(f"{file}: {error}") from error


def _pages(file: Path, left_out: frozenset[str], tally: Tally) -> Iterator[Page]:
    if file.name.endswith(LABELLED):
        for html, label in labelled_pages(file, left_out):
            yield html.encode("utf-8", "replace").decode(), label
    else:
        for page in read_pages(file, tally=tally):
            yield page.html, None
        if tally.problem:
            raise NotAnArchive(tally.problem)
