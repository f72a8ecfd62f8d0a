"""Votes: the main text of a page by two tools, for pages that no person has marked. It needs the extra `votes`.

Where trafilatura and resiliparse agree they are mostly right, in languages and on sites of which there are no labelled
pages. Their votes count less than a person's label, see `soupstate.model.train.data.block_examples`.
"""

import json
import lzma
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import trafilatura
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

from soupstate.kernels.words import WORD
from soupstate.model.archive.records import NotAnArchive, Tally, read_pages
from soupstate.model.train.data.block_examples import word_f1

LEAST_WORDS = 100  # of a main text; a shorter one is seldom an article
LEAST_AGREEMENT = 0.8  # F1 of words of the two texts
LONGEST_PAGE = 600_000  # characters
DATASET = "votes"


def votes_of(html: str) -> list[str] | None:
    """Returns the main text of a page by each tool; None where they do not agree, or find little."""
    first = trafilatura.extract(html, include_comments=False) or ""
    if len(WORD.findall(first)) < LEAST_WORDS:
        return None
    second: str = extract_plain_text(HTMLTree.parse(html), main_content=True, alt_texts=False, form_fields=False)
    return [first, second] if word_f1(first, [second]) >= LEAST_AGREEMENT else None


def write_votes(files: Iterable[Path], out: Path, tell: Callable[[int], None]) -> int:
    """Writes the pages of crawl files on which the tools agree, as rows of a .jsonl.xz file. Returns their number.

    tell(n): pages so far. The file is complete, or is not there. Raises OSError and ValueError.
    """
    part, count = out.with_name(out.name + ".part"), 0
    with lzma.open(part, "wt", encoding="utf-8", preset=1) as file:
        for row in _rows(files, tell):
            file.write(json.dumps(row) + "\n")
            count += 1
    part.replace(out)
    return count


def _rows(files: Iterable[Path], tell: Callable[[int], None]) -> Iterator[dict[str, Any]]:
    seen = 0
    for file in files:
        tally = Tally()
        for number, page in enumerate(read_pages(file, tally=tally)):
            seen += 1
            tell(seen)
            if len(page.html) > LONGEST_PAGE:
                continue
            try:
                found = votes_of(page.html)
            except Exception:  # a page that one of the tools cannot take has no votes
                continue
            if found:
                site = urlsplit(page.url or "").hostname or f"{file.name} {number}"
                name = f"{file.name} {number}"
                yield {"dataset": DATASET, "id": name, "url": page.url, "html": page.html, "votes": found, "site": site}
        if tally.problem:
            raise NotAnArchive(f"{file}: {tally.problem}")
