"""Examples for the block head: blocks of labelled pages as a network reads them, and how much of each is content."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soupstate.kernels.words import WORD
from soupstate.model.net.block_head import PAGE_TYPES
from soupstate.model.net.reader import Reader
from soupstate.model.page.block_figures import Described, described
from soupstate.model.page.blocks import blocks_of
from soupstate.model.page.skim import skim
from soupstate.model.page.stop import Watch
from soupstate.model.train.data.labelled import SHINGLE, block_rows, words_of

CACHED = 2  # version of the cached files
BESIDE = 3
VOTE = 0.5  # weight of a label that two tools agree on, beside that of a person
UNKNOWN = -1  # type of a page whose type is not labelled

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Example:
    """A labelled page. name: `dataset/id`. site: pages of one site go into one fold.

    labels (blocks,): the share of each block that is main content. known (blocks,): the weight of this label; 0 where
    nobody said. texts: of the blocks. gold: the main content, or "" where no person marked all of it. kind: index of
    PAGE_TYPES, or UNKNOWN.
    """

    name: str
    site: str
    blocks: Described
    labels: Floats
    known: Floats
    texts: list[str]
    gold: str
    kind: int


def examples(
    reader: Reader, digest: str, files: Iterable[Path], cache: Path, tell: Callable[[int], None]
) -> Iterator[Example]:
    """Yields an example for each page of labelled files. Pages that were read before come from the cache folder.

    A page has a main text by a person, votes (main texts by two tools), or snippets that a person found in it and
    not in it. digest: names the network that reads, so that the examples of another one are not taken. tell(n): pages
    so far.
    """
    cache.mkdir(parents=True, exist_ok=True)
    number = 0
    for file in files:
        for row in block_rows(file):
            number += 1
            tell(number)
            html: str = row["html"].encode("utf-8", "replace").decode()
            key = hashlib.sha256(f"{CACHED} {digest} {row['name']} {len(html)}".encode()).hexdigest()[:32]
            kept = cache / f"{key}.npz"
            if not kept.exists():
                _save(_read(reader, row, html), kept)
            found = _load(kept)  # in the half precision of the file, so that the first fit is the same as later ones
            if len(found.labels):
                yield found


def label(texts: list[str], gold: str) -> Floats:
    """Returns for each block (blocks,) the share of its words that stand in the label, in runs of SHINGLE words.

    A shorter block is main content when its words stand in the label in a run, and a longer block that is main content
    lies within BESIDE blocks: words of a menu may stand in any article.
    """
    words = words_of(gold)
    known = {tuple(words[i : i + SHINGLE]) for i in range(len(words) - SHINGLE + 1)}
    by_block = [words_of(text) for text in texts]
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


def labels_of(row: dict[str, Any], texts: list[str]) -> tuple[Floats, Floats]:
    """Returns the labels (blocks,) of a row's blocks, and the weight (blocks,) of each.

    A person's text says all. Votes count where they agree. A block with a snippet is what the snippet says.
    """
    if row.get("text"):
        return label(texts, row["text"]), np.ones(len(texts), np.float32)
    labels, known = np.zeros(len(texts), np.float32), np.zeros(len(texts), np.float32)
    if votes := [label(texts, vote) for vote in row.get("votes") or ()]:
        labels = np.mean(votes, 0, dtype=np.float32)
        content = np.array(votes) > 0.5
        known[content.all(0) | ~content.any(0)] = VOTE
    extra = row.get("extra") or {}
    for snippets, share in ((extra.get("without"), 0.0), (extra.get("with_"), 1.0)):
        for snippet in filter(None, (" ".join(snippet.split()) for snippet in snippets or ())):
            at = [i for i, text in enumerate(texts) if snippet in text]
            labels[at], known[at] = share, 1.0
    return labels, known


def _read(reader: Reader, row: dict[str, Any], html: str) -> Example:
    marking, watch = reader.mark(skim(html).text), Watch()
    blocks = blocks_of(marking.page, marking.spans, watch)
    texts = blocks.texts
    kind = (row.get("extra") or {}).get("page_type")
    return Example(
        row["name"],
        row.get("site") or row["name"],
        described(marking.page, blocks, watch),
        *labels_of(row, texts),
        texts,
        row.get("text") or "",
        PAGE_TYPES.index(kind) if kind in PAGE_TYPES else UNKNOWN,
    )


def _save(example: Example, path: Path) -> None:
    blocks, part = example.blocks, path.with_suffix(".part.npz")
    text = json.dumps([example.name, example.site, example.texts, example.gold, example.kind])
    np.savez_compressed(
        part,
        figures=blocks.figures.astype(np.float16),
        words=blocks.words[0].astype(np.uint16),
        word_starts=blocks.words[1],
        names=blocks.names[0].astype(np.uint16),
        name_starts=blocks.names[1],
        weights=blocks.weights,
        labels=example.labels,
        known=example.known,
        text=np.frombuffer(text.encode(), np.uint8),
    )
    part.rename(path)


def _load(path: Path) -> Example:
    with np.load(path) as kept:
        words = kept["words"].astype(np.int64), kept["word_starts"]
        names = kept["names"].astype(np.int64), kept["name_starts"]
        blocks = Described(kept["figures"].astype(np.float32), words, names, kept["weights"])
        name, site, texts, gold, kind = json.loads(kept["text"].tobytes())
        return Example(name, site, blocks, kept["labels"], kept["known"], texts, gold, kind)
