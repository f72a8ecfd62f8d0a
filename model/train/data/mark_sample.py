"""A sample of spans with their marks, as mean states of the network: what its outputs learned from, without text."""

import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soupstate.model.net.reader import Reader
from soupstate.model.page.block_figures import BUCKETS, names_in
from soupstate.model.page.marks import COLUMN, IGNORED, OUTPUT, Syntax
from soupstate.model.page.skim import skim
from soupstate.model.page.spans import TEXT_HEADS, Span, TagSpan, TextSpan
from soupstate.model.train.data.labelled import labelled_rows
from soupstate.model.train.data.mark_states import span_states
from soupstate.model.train.data.teacher import Marks, teach

HEADS = ("event", *TEXT_HEADS)  # whose classes spans have; the syntax is decided byte by byte
LARGEST_PAGE = 150_000  # characters
SHARE = 3  # one in so many pages is taken
LARGEST_STATE = 127  # of a state of 1, as it is kept
LARGEST_SIZE = 255  # bytes of a span, as they are kept; longer ones count as such

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class MarkLesson:
    """A span whose class is known. head: index of HEADS. state (H,): the mean over it. size: bytes. kind: the class."""

    head: int
    state: Floats
    size: int
    kind: int


@dataclass(frozen=True, eq=False)
class MarkSample:
    """Spans with their marks. states (n, H): the mean state over each. sizes (n,): bytes that were read of it.

    classes (n, HEADS): the class by each head, IGNORED where it has none. page (n,): the number of its page.
    names: of each page, the hashes of the names in its tags.
    """

    states: Floats
    sizes: NDArray[np.int64]
    classes: NDArray[np.uint8]
    page: NDArray[np.int64]
    names: list[NDArray[np.int64]]

    def some(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> "MarkSample":
        """Returns some of the spans."""
        return MarkSample(self.states[which], self.sizes[which], self.classes[which], self.page[which], self.names)

    def parted(self, parts: int) -> tuple["MarkSample", "MarkSample"]:
        """Returns the spans to learn from, and those of one page in `parts`, which are kept apart."""
        kept = self.page % parts == 0
        return self.some(~kept), self.some(kept)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Returns the arrays of a file, small types all."""
        return {
            "mark_states": np.rint(self.states * LARGEST_STATE).astype(np.int8),
            "mark_sizes": np.minimum(self.sizes, LARGEST_SIZE).astype(np.uint8),
            "mark_classes": self.classes,
            "mark_page": self.page.astype(np.uint16),
            "mark_names": np.concatenate(self.names).astype(np.uint16),
            "mark_name_counts": np.array([len(each) for each in self.names], np.uint16),
        }


def sample_of(found: dict[str, NDArray[Any]], units: int) -> MarkSample:
    """Returns the sample that a file's arrays hold. Raises KeyError or ValueError for arrays that cannot be one."""
    states, sizes, classes, page = (found[f"mark_{name}"] for name in ("states", "sizes", "classes", "page"))
    counts, names = found["mark_name_counts"].astype(np.int64), found["mark_names"].astype(np.int64)
    n = len(page)
    if states.shape != (n, units) or sizes.shape != (n,) or classes.shape != (n, len(HEADS)):
        raise ValueError("marks of different lengths")
    limits = np.array([OUTPUT[name].stop - OUTPUT[name].start for name in HEADS])
    if ((classes >= limits) & (classes != IGNORED)).any():
        raise ValueError("a class that a head does not have")
    if counts.sum() != len(names) or names.max(initial=0) >= BUCKETS or page.max(initial=0) >= max(1, len(counts)):
        raise ValueError("names of pages that cannot be")
    lists = np.split(names, np.cumsum(counts)[:-1]) if len(counts) else []
    return MarkSample(
        (states / LARGEST_STATE).astype(np.float32), sizes.astype(np.int64), classes, page.astype(np.int64), lists
    )


def sample_marks(
    reader: Reader,
    files: Iterable[Path],
    left_out: frozenset[str],
    most: int,
    per_class: int,
    progress: Callable[[], object],
) -> MarkSample:
    """Reads pages of labelled files, and draws spans. Their marks are the teacher's, and no person's.

    most: pages of each file. per_class: spans of each class of each head, where there are so many.
    """
    states, sizes, classes, page = list[Floats](), list[int](), list[list[int]](), list[int]()
    names: list[NDArray[np.int64]] = []
    for html in (html for file in files for html in _pages(file, left_out, most)):
        text = skim(html).text
        marks, read = teach(text), span_states(reader, text)
        for span, state, size in zip(read.marking.spans, read.states, read.sizes.tolist(), strict=True):
            row = _classes(span, marks)
            if row and size:
                states.append(state)
                sizes.append(size)
                classes.append(row)
                page.append(len(names))
        names.append(names_in(text))
        progress()
    found = MarkSample(np.array(states), np.array(sizes), np.array(classes, np.uint8), np.array(page), names)
    return found.some(_drawn(found.classes, per_class))


def _pages(file: Path, left_out: frozenset[str], most: int) -> Iterator[str]:
    """Yields pages, drawn by the hashes of their names."""
    for row in labelled_rows(file):
        name, html = row["name"], row["html"].encode("utf-8", "replace").decode()
        if name not in left_out and len(html) <= LARGEST_PAGE and zlib.crc32(name.encode()) % SHARE == 0:
            yield html
            most -= 1
            if not most:
                return


def _classes(span: Span, marks: Marks) -> list[int] | None:
    """Returns the classes by HEADS of a span, as the teacher has them at its middle; None where it has none."""
    row = marks[(span.start + span.end) // 2]
    if isinstance(span, TagSpan) and row[COLUMN["event"]] != IGNORED:
        return [int(row[COLUMN["event"]]), *[IGNORED] * len(TEXT_HEADS)]
    if isinstance(span, TextSpan) and not span.blank and row[COLUMN["syntax"]] == Syntax.TEXT:
        return [IGNORED, *(int(row[COLUMN[name]]) for name in TEXT_HEADS)]
    return None


def _drawn(classes: NDArray[np.uint8], per_class: int) -> NDArray[np.int64]:
    random = np.random.default_rng(0)
    drawn: set[int] = set()
    for column in classes.T:
        for kind in np.unique(column[column != IGNORED]).tolist():
            drawn.update(random.permutation(np.flatnonzero(column == kind))[:per_class].tolist())
    return np.array(sorted(drawn), np.int64)
