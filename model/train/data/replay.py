"""A sample of training: what networks learned from, as numbers without text, so that new lessons do not undo old ones.

It lies beside the weights, as NAME-replay.npz, and belongs to the states of one network. Of the pages of each type, one
in PARTS is kept apart, so that figures on it say what new lessons cost.
"""

import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soupstate.model.net.block_head import PAGE_TYPES
from soupstate.model.net.checkpoint import Checkpoint
from soupstate.model.page.block_figures import BUCKETS, FIGURES, Described
from soupstate.model.train.data.block_examples import UNKNOWN, Example
from soupstate.model.train.data.mark_sample import MarkSample, sample_of

FORMAT = "soupstate-replay-1"
LARGEST_FILE = 2_000_000  # bytes
LARGEST_PAGE = 300  # blocks of a page of the sample
LARGEST_SIZE = 100_000  # words of a block
SHARE = 255  # of a label that is 1
PARTS = 5  # one in so many pages is kept apart for checking

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Sampled:
    """A page as numbers. labels (blocks,): the share of each block that is main content.

    same (blocks,): the number of the first block with the same text. kind: index of PAGE_TYPES, or UNKNOWN.
    """

    blocks: Described
    labels: Floats
    same: NDArray[np.int64]
    kind: int

    @property
    def type(self) -> str:
        """The page's type, or "page" where it is not known."""
        return "page" if self.kind == UNKNOWN else PAGE_TYPES[self.kind]


@dataclass(frozen=True)
class Replay:
    """The sample: pages for main content, and spans for marks.

    states: digest of the parameters that made the states, see `Checkpoint.states_digest`.
    """

    states: str
    pages: list[Sampled]
    marks: MarkSample

    def parted_marks(self) -> tuple[MarkSample, MarkSample]:
        """Returns the spans to learn from, and those that are kept apart for checking."""
        return self.marks.parted(PARTS)

    def parted(self) -> tuple[list[Sampled], list[Sampled]]:
        """Returns the pages to learn from, and those that are kept apart for checking."""
        seen: dict[int, int] = {}
        parts: tuple[list[Sampled], list[Sampled]] = ([], [])
        for page in self.pages:
            seen[page.kind] = seen.get(page.kind, 0) + 1
            parts[seen[page.kind] % PARTS == 0].append(page)
        return parts


def replay_file(weights: Path) -> Path:
    """Returns the file of the sample that belongs to a file of weights."""
    return weights.with_name(f"{weights.stem}-replay.npz")


def sampled(blocks: Described, labels: Floats, texts: Sequence[str], kind: int = UNKNOWN) -> Sampled:
    """Returns a page without its texts."""
    first: dict[str, int] = {}
    return Sampled(
        blocks, labels, np.array([first.setdefault(text, i) for i, text in enumerate(texts)], np.int64), kind
    )


def sample(examples: Iterable[Example], per_type: int, seed: int = 0) -> list[Sampled]:
    """Returns pages that a person has marked as a whole, drawn by type: `per_type` of each, twice as many without one.

    Pages of more than LARGEST_PAGE blocks are left out.
    """
    by_kind: dict[int, list[Example]] = {}
    for example in examples:
        if example.gold and len(example.labels) <= LARGEST_PAGE:
            by_kind.setdefault(example.kind, []).append(example)
    random = np.random.default_rng(seed)
    found: list[Sampled] = []
    for kind, some in sorted(by_kind.items()):
        most = per_type * (2 if kind == UNKNOWN else 1)
        drawn = [some[i] for i in random.permutation(len(some))[:most]]
        found.extend(sampled(each.blocks, each.labels, each.texts, kind) for each in drawn)
    return found


def save_replay(replay: Replay, path: Path) -> None:
    """Writes the sample under a temporary name and renames it. Raises OSError, and ValueError where it is too large."""
    pages = replay.pages
    words, word_counts = _joined([page.blocks.words for page in pages])
    names, name_counts = _joined([page.blocks.names for page in pages])
    part = path.with_name(f"{path.stem}.part.npz")
    # The figures are turned, so that like numbers lie together.
    arrays: dict[str, NDArray[Any]] = {
        "format": np.array(FORMAT),
        "states": np.array(replay.states),
        "pages": np.array([len(page.labels) for page in pages], np.uint16),
        "kinds": np.array([page.kind for page in pages], np.int8),
        "figures": np.concatenate([page.blocks.figures for page in pages]).T.astype(np.float16),
        "words": words,
        "word_counts": word_counts,
        "names": names,
        "name_counts": name_counts,
        "sizes": np.concatenate([np.rint(page.blocks.sizes) for page in pages]).astype(np.uint32),
        "labels": np.concatenate([np.rint(page.labels * SHARE) for page in pages]).astype(np.uint8),
        "same": np.concatenate([page.same for page in pages]).astype(np.uint16),
    }
    np.savez_compressed(part, allow_pickle=False, **arrays, **replay.marks.arrays())
    if part.stat().st_size > LARGEST_FILE:
        part.unlink()
        raise ValueError(f"{path}: larger than {LARGEST_FILE} bytes; take fewer pages")
    part.rename(path)


def load_replay(path: Path, checkpoint: Checkpoint) -> Replay:
    """Loads the sample that belongs to a network.

    Raises OSError, such as FileNotFoundError, and ValueError that says what is wrong with the file.
    """
    if not path.exists():
        raise FileNotFoundError(f"no sample of training at {path}")
    if path.stat().st_size > LARGEST_FILE:
        raise ValueError(f"{path}: larger than {LARGEST_FILE} bytes, so it is no sample of training")
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            found = {name: file[name] for name in file.files}
    except (ValueError, EOFError, KeyError, zlib.error, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is no sample of training: {error}") from None
    if str(found.get("format")) != FORMAT:
        raise ValueError(f"{path}: format {str(found.get('format'))[:60]!r}, expected {FORMAT!r}")
    if str(found.get("states")) != checkpoint.states_digest:
        raise ValueError(f"{path}: it was made by another network; `soupstate replay` makes one for this network")
    try:
        return Replay(checkpoint.states_digest, list(_pages(found)), sample_of(found, checkpoint.weights.units))
    except (KeyError, ValueError, IndexError) as error:
        raise ValueError(f"{path}: not a whole sample: {error}") from None


def _pages(found: dict[str, NDArray[Any]]) -> Iterator[Sampled]:
    """Yields the pages of a file. Raises KeyError, IndexError or ValueError for arrays that cannot be theirs."""
    sizes, total = found["pages"].astype(np.int64), int(found["pages"].sum())
    word_ends, name_ends = (np.cumsum(found[name], dtype=np.int64) for name in ("word_counts", "name_counts"))
    lengths = [len(found[name]) for name in ("sizes", "labels", "same", "word_counts", "name_counts")]
    if set(lengths) != {total} or found["figures"].shape != (FIGURES, total) or len(found["kinds"]) != len(sizes):
        raise ValueError("arrays of different lengths")
    if total and (word_ends[-1] != len(found["words"]) or name_ends[-1] != len(found["names"])):
        raise ValueError("lists of different lengths")
    if max(found["words"].max(initial=0), found["names"].max(initial=0)) >= BUCKETS:
        raise ValueError("a hash that is too large")
    if found["kinds"].max(initial=0) >= len(PAGE_TYPES) or found["kinds"].min(initial=0) < UNKNOWN:
        raise ValueError("an unknown type of page")
    if not np.isfinite(found["figures"]).all():
        raise ValueError("a figure that is no number")
    at = 0
    for size, kind in zip(sizes.tolist(), found["kinds"].tolist(), strict=True):
        some = slice(at, at + size)
        blocks = Described(
            found["figures"][:, some].T.astype(np.float32),
            _lists(found["words"], found["word_counts"], word_ends, some),
            _lists(found["names"], found["name_counts"], name_ends, some),
            1 + np.log1p(found["sizes"][some].astype(np.float32)),
        )
        if (found["same"][some] >= size).any():
            raise ValueError("a block that is not there")
        labels = (found["labels"][some] / SHARE).astype(np.float32)
        yield Sampled(blocks, labels, found["same"][some].astype(np.int64), kind)
        at += size


def _joined(
    lists: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]],
) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """Returns the hashes of all pages, and how many each block has."""
    counts = [np.diff(np.append(starts, len(rows))) for rows, starts in lists]
    return np.concatenate([rows for rows, _ in lists]).astype(np.uint16), np.concatenate(counts).astype(np.uint16)


def _lists(
    rows: NDArray[Any], counts: NDArray[Any], ends: NDArray[np.int64], some: slice
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns the hashes of some blocks, and where those of each block begin."""
    if not len(counts[some]):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    first = int(ends[some.start]) - int(counts[some.start])
    starts = ends[some] - counts[some] - first
    if not (counts[some] > 0).all():
        raise ValueError("a block without hashes")
    return rows[first : int(ends[some.stop - 1])].astype(np.int64), starts.astype(np.int64)
