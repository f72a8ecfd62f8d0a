"""Mutated pages through extract, check and mend: no error, and the promises of the docs hold on each."""

import math
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from multiprocessing import get_context

import numpy as np
import pytest
from test_crawl_samples import SAMPLES

from soupstate.app.answers import EXTRACT_PARTS, Asked, Extraction, extract
from soupstate.app.measurement import ENTROPY_PARTS, Measurement, measure
from soupstate.app.reading import load_reader
from soupstate.model.faults.apply import apply_fix, mend
from soupstate.model.net.reader import Reader
from soupstate.model.page.entities import unescape_attribute

PIECES = list("<>\"'=/&;!-#\0\t\n\r\f \u200b\u00e9\u6e21\U0001f600aAzé09[]()*`_|~\\")
PIECES += [
    "</",
    "<!--",
    "-->",
    "<a href=",
    "<table>",
    "<td>",
    "<li>",
    "<pre>",
    "<script>",
    "</p>",
    "&#x",
    "&amp",
    "href",
]
PIECES += [
    "<base href=x>",
    "javascript:",
    "<![CDATA[",
    "<?",
    "\r\n",
    "<ul>",
    "<blockquote>",
    "<title>",
    "<svg>",
    "\ufeff",
]
MARKS_ALIKE = 0.99  # the least share of characters whose syntax all backends agree on
CHUNK = 250


@lru_cache
def reader(backend: str | None = None) -> Reader:
    return load_reader(backend=backend)


def mutated(random: np.random.Generator) -> str:
    """A stretch of a sample page, with a few to many slips."""
    sample = SAMPLES[int(random.integers(len(SAMPLES)))].html
    size = int(random.integers(1, 240))
    at = int(random.integers(max(1, len(sample) - size)))
    page = sample[at : at + size]
    for _ in range(int(random.integers(1, 12))):
        place, length = int(random.integers(len(page) + 1)), int(random.integers(12))
        change = int(random.integers(4))
        if change == 0:
            page = page[:place] + page[place + length :]
        elif change == 1:
            page = page[:place] + PIECES[int(random.integers(len(PIECES)))] * int(random.integers(1, 4)) + page[place:]
        elif change == 2:
            page = page[:place] + page[place : place + length] * 2 + page[place + length :]
        else:
            page = page[:place] + page[place : place + length][::-1] + page[place + length :]
    return page


def check_extraction(page: str, answer: Extraction) -> None:
    assert answer.characters == len(page)
    assert answer.links is not None and answer.text is not None and answer.markdown is not None
    assert math.isfinite(answer.bits_per_character) and answer.bits_per_character >= 0
    for link in answer.links:
        assert 0 <= link.start < link.end <= len(page)
        written = "".join(unescape_attribute(page[link.start : link.end]).split())  # a skim shortens long white space
        assert link.href and "".join(link.href.split()) in written
    for text in (answer.text, answer.markdown, answer.title or ""):
        text.encode()
        assert "\r" not in text or "&#" in page


def check_measurement(page: str, found: Measurement) -> None:
    for values in (found.surprisal, found.entropy, found.depth):
        assert values is not None and len(values) == len(page)
        assert np.isfinite(values).all() and (values >= 0).all()
    assert found.faults is not None
    for fault in found.faults:
        assert 0 <= fault.start <= fault.end <= len(page) and 0 <= fault.probability <= 1
        for fix in fault.fixes:
            assert 0 <= fix.start <= fix.end <= len(page)
            assert apply_fix(page, fix) == page[: fix.start] + fix.replacement + page[fix.end :] != page
    for threshold in (0.0, 0.5):
        done = mend(page, found.faults, threshold)
        assert (done.page == page) == (not done.mended)


def attack(seed: int, count: int = CHUNK) -> tuple[int, int]:
    """Checks mutated pages. Returns how many characters have the same syntax with the scalar backend, of how many."""
    random = np.random.default_rng(seed)
    pages = [mutated(random) for _ in range(count)]
    alike = characters = 0
    for page, many in zip(pages, reader().mark_many(pages), strict=True):
        one = reader().mark(page)
        assert many is not None and many.spans == one.spans, page
        scope = "main" if random.random() < 0.3 else "all"
        url = "https://example.org/a/b" if random.random() < 0.5 else None
        try:
            check_extraction(page, extract(reader(), Asked(page, url, frozenset(EXTRACT_PARTS), scope)))
            if random.random() < 0.5:
                check_measurement(page, measure(reader(), Asked(page, None, frozenset(ENTROPY_PARTS))))
        except Exception as error:
            error.add_note(f"page: {page!r}")
            raise
        if random.random() < 0.05:
            slow, fast = reader("scalar").read(page), reader().read(page)
            alike += int((slow.syntax == fast.syntax).sum())
            characters += len(page)
    return alike, characters


def test_a_few_mutated_pages() -> None:
    alike, characters = attack(0, 80)
    assert alike >= MARKS_ALIKE * characters > 0


@pytest.mark.slow
def test_twenty_thousand_mutated_pages() -> None:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        alike, characters = np.sum(list(pool.map(attack, range(1, 1 + 20_000 // CHUNK))), 0)
    assert alike >= MARKS_ALIKE * characters
