"""Lessons: pages with the teacher's marks, some of them damaged, as rows of bytes."""

import numpy as np

from model.train.damage import damage
from model.train.labelled import mark_main
from model.train.shards import Rows, lesson_rows
from model.train.teacher import Marks, teach

LONGEST = 300_000  # characters of a page that are kept; the few longer ones would fill the lanes
SHORTEST = 300


def byte_rows(page: str, marks: Marks) -> Rows:
    """Rows (bytes of the page in UTF-8, columns); every byte of a character has its marks."""
    widths = 1 + np.array([(c > 0x7F) + (c > 0x7FF) + (c > 0xFFFF) for c in map(ord, page)], np.int64)
    return lesson_rows(page.encode("utf-8"), np.repeat(marks, widths, axis=0))


def lesson(page: str, random: np.random.Generator, damaged: float, label: str | None = None) -> Rows | None:
    """A page as a lesson, damaged with that probability; None for a page too short to teach anything."""
    if len(page) < SHORTEST:
        return None
    marks = teach(page)
    if label is not None:
        mark_main(page, marks, label)
    page, marks = page[:LONGEST], marks[:LONGEST]
    if random.random() < damaged:
        page, marks, _ = damage(page, marks, random)
    return byte_rows(page, marks)
