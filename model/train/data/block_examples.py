"""Examples for the block head: blocks of labelled pages as a network reads them, and how much of each is content."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from soupstate.model.net.reader import Reader
from soupstate.model.page.blocks import WORD, Described, blocks_of, described
from soupstate.model.page.skim import skim
from soupstate.model.page.stop import Watch
from soupstate.model.train.data.labelled import SHINGLE, labelled_rows

BESIDE = 3

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Example:
    """A labelled page. name: `dataset/id`. site: pages of one site go into one fold. labels (blocks,): see `label`.

    texts: of the blocks. gold: the main content by its label.
    """

    name: str
    site: str
    blocks: Described
    labels: Floats
    texts: list[str]
    gold: str


def examples(
    reader: Reader, digest: str, files: Iterable[Path], cache: Path, tell: Callable[[int], None]
) -> Iterator[Example]:
    """Yields an example for each page of labelled files. Pages that were read before come from the cache folder.

    digest: names the network that reads, so that the examples of another one are not taken. tell(n): pages so far.
    """
    cache.mkdir(parents=True, exist_ok=True)
    number = 0
    for file in files:
        for row in labelled_rows(file):
            number += 1
            tell(number)
            html: str = row["html"].encode("utf-8", "replace").decode()
            key = hashlib.sha256(f"{digest} {row['name']} {len(html)}".encode()).hexdigest()[:32]
            kept = cache / f"{key}.npz"
            found = (
                _load(kept) if kept.exists() else _read(reader, row["name"], row.get("site") or "", html, row["text"])
            )
            if not kept.exists():
                _save(found, kept)
            if len(found.labels):
                yield found


def label(texts: list[str], gold: str) -> Floats:
    """Returns for each block (blocks,) the share of its words that stand in the label, in runs of SHINGLE words.

    A shorter block is main content when its words stand in the label in a run, and a longer block that is main content
    lies within BESIDE blocks: words of a menu may stand in any article.
    """
    words = [word.lower() for word in WORD.findall(gold)]
    known = {tuple(words[i : i + SHINGLE]) for i in range(len(words) - SHINGLE + 1)}
    by_block = [[word.lower() for word in WORD.findall(text)] for text in texts]
    sizes = np.array([len(block) for block in by_block], np.int64)
    page = [word for block in by_block for word in block]
    hit = np.zeros(len(page), np.bool_)
    for i in range(len(page) - SHINGLE + 1):
        if tuple(page[i : i + SHINGLE]) in known:
            hit[i : i + SHINGLE] = True
    owner = np.repeat(np.arange(len(texts)), sizes)
    shares = np.bincount(owner, hit, minlength=len(texts)) / np.maximum(1, sizes)
    longer = np.flatnonzero(sizes >= SHINGLE)
    whole = f" {' '.join(words)} "
    for i in np.flatnonzero(sizes < SHINGLE).tolist():
        content = not len(longer) or (np.abs(i - longer[shares[longer] > 0.5]) <= BESIDE).any()
        shares[i] = float(content and sizes[i] > 0 and f" {' '.join(by_block[i])} " in whole)
    return shares.astype(np.float32)


def word_f1(gold: str, got: Iterable[str]) -> float:
    """Returns the F1 of the words of some blocks against those of the label, as multisets."""
    wanted, found = Counter(WORD.findall(gold)), Counter(word for text in got for word in WORD.findall(text))
    common = (wanted & found).total()
    return 2 * common / (wanted.total() + found.total()) if common else 0.0


def _read(reader: Reader, name: str, site: str, html: str, gold: str) -> Example:
    marking, watch = reader.mark(skim(html).text), Watch()
    blocks, title = blocks_of(marking.page, marking.spans, watch)
    texts = [block.text for block in blocks]
    return Example(name, site, described(marking.page, blocks, title, watch), label(texts, gold), texts, gold)


def _save(example: Example, path: Path) -> None:
    blocks, part = example.blocks, path.with_suffix(".part.npz")
    text = json.dumps([example.name, example.site, example.texts, example.gold])
    np.savez_compressed(
        part,
        figures=blocks.figures.astype(np.float16),
        words=blocks.words[0].astype(np.uint16),
        word_starts=blocks.words[1],
        names=blocks.names[0].astype(np.uint16),
        name_starts=blocks.names[1],
        weights=blocks.weights,
        labels=example.labels,
        text=np.frombuffer(text.encode(), np.uint8),
    )
    part.rename(path)


def _load(path: Path) -> Example:
    with np.load(path) as kept:
        words = kept["words"].astype(np.int64), kept["word_starts"]
        names = kept["names"].astype(np.int64), kept["name_starts"]
        blocks = Described(kept["figures"].astype(np.float32), words, names, kept["weights"])
        name, site, texts, gold = json.loads(kept["text"].tobytes())
        return Example(name, site, blocks, kept["labels"], texts, gold)
