"""Labelled pages: pages whose main content a person has marked."""

import json
import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from soupstate.kernels.words import WORD
from soupstate.model.page.entities import unescape_text
from soupstate.model.page.marks import COLUMN
from soupstate.model.page.spans import TextSpan, spans_of_marks
from soupstate.model.train.data.teacher import Marks

SHINGLE = 4  # words that must stand together in the label for each of them to count as found


def labelled_pages(
    path: Path, left_out: frozenset[str] = frozenset(), only: frozenset[str] | None = None
) -> Iterator[tuple[str, str]]:
    """Yields the HTML and the main text of the pages of a .jsonl.xz file that has such labels.

    left_out, only: ids (`dataset/id`) of pages to leave out, and of the only pages to take.
    """
    for row in labelled_rows(path):
        if row["name"] not in left_out and (only is None or row["name"] in only):
            yield row["html"], row["text"]


def labelled_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yields the rows of a .jsonl.xz file that have a page and its main text, with their `dataset/id` as `name`."""
    return (row for row in _rows(path) if row.get("text"))


def block_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yields the rows of a .jsonl.xz file that say something of a page's blocks, with their `dataset/id` as `name`.

    They have a main text, votes, or snippets in `extra.with_` and `extra.without`.
    """
    for row in _rows(path):
        extra = row.get("extra") or {}
        if row.get("text") or row.get("votes") or extra.get("with_") or extra.get("without"):
            yield row


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with lzma.open(path, "rt", encoding="utf-8") as f:
        for line in f:
            row = json.loads(line)
            if row.get("html"):
                yield row | {"name": f"{row['dataset']}/{row['id']}"}


def read_ids(path: Path | None) -> frozenset[str] | None:
    """Returns the ids in a file, one per line; None without a file."""
    return frozenset(path.read_text("utf-8").split()) if path else None


def words_of(text: str) -> list[str]:
    """Returns the words of a text in lower case."""
    return [word.lower() for word in WORD.findall(text)]


def mark_main(page: str, marks: Marks, label: str) -> None:
    """Fills the `main` column. A run of text is main content when more than half of its words are in the label."""
    gold = words_of(label)
    known = {tuple(gold[i : i + SHINGLE]) for i in range(len(gold) - SHINGLE + 1)}
    spans = [s for s in spans_of_marks(page, marks) if isinstance(s, TextSpan) and not s.blank and s.visible == 0]
    words: list[str] = []
    owner: list[int] = []
    for i, s in enumerate(spans):
        found = words_of(unescape_text(page[s.start : s.end]))
        words += found
        owner += [i] * len(found)
    hit = np.zeros(len(words), bool)
    for i in range(len(words) - SHINGLE + 1):
        if tuple(words[i : i + SHINGLE]) in known:
            hit[i : i + SHINGLE] = True
    total = np.bincount(np.array(owner, np.int64), minlength=len(spans))
    share = np.bincount(np.array(owner, np.int64), hit, minlength=len(spans)) / np.maximum(total, 1)
    for s, n, x in zip(spans, total, share, strict=True):
        if n:
            marks[s.start : s.end, COLUMN["main"]] = int(x > 0.5)
