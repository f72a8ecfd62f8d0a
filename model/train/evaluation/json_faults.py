"""Breaks JSON documents by one slip each, and measures how many are found and mended, beside other tools."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import numpy as np

from soupstate.model.faults.apply import LIKELY, apply_fix
from soupstate.model.faults.json_find import find_json_faults
from soupstate.model.faults.json_scan import is_json
from soupstate.model.net.json_reader import JsonReader
from soupstate.model.train.data.json_damage import Places, json_slip
from soupstate.model.train.data.json_documents import documents
from soupstate.model.train.data.json_lessons import rewritten
from soupstate.model.train.evaluation.evaluate import NEAR_FAULT

KINDS = (
    "lost quote", "lost comma", "lost colon", "lost bracket", "lost brace", "lost escape", "trailing comma",
    "swapped close",
)  # fmt: skip
PER_DOMAIN = 8  # documents of a domain at most
TRIES = 20  # slips of a kind that are drawn for one that breaks the document

Figures = dict[str, float]
Progress = Callable[[list["Broken"]], Iterable["Broken"]]
# Returns the places that a tool reports, the first one first; and the mended text, or None where it mends nothing.
Peer = Callable[[str], tuple[list[int], str | None]]


@dataclass(frozen=True, slots=True)
class Broken:
    """A document with one slip. start, end: where the slip is in the broken text."""

    kind: str
    whole: str
    text: str
    start: int
    end: int


def held_out_texts(files: Iterable[Path], *, all_domains: bool = False, seed: int = 0) -> list[str]:
    """Returns documents of the held-out domains of WARC files, or of all of theirs, in a random order.

    At most PER_DOMAIN come from a domain. Every second one is written anew, so that indented ones are among them.
    """
    random = np.random.default_rng(seed)
    by_domain: dict[str, list[str]] = defaultdict(list)
    for file in files:
        for document in documents(file):
            if document.held_out or all_domains:
                by_domain[document.domain].append(document.text)
    texts = []
    for found in by_domain.values():
        texts += [found[i] for i in random.permutation(len(found))[:PER_DOMAIN].tolist()]
    order = random.permutation(len(texts)).tolist()
    return [rewritten(texts[i], random) if n % 2 else texts[i] for n, i in enumerate(order)]


def training_texts(files: Iterable[Path], limit: int | None = None) -> list[str]:
    """Returns documents of the other domains, at most `limit` of each file, spread over it."""
    texts: list[str] = []
    for file in files:
        found = [document.text for document in documents(file) if not document.held_out]
        texts += found[:: max(1, len(found) // limit)][:limit] if limit else found
    return texts


def broken_documents(texts: Iterable[str], count: int, seed: int = 0) -> list[Broken]:
    """Returns `count` documents, or fewer where the texts are too few, each with one slip; the kinds by turns."""
    random = np.random.default_rng(seed)
    found: list[Broken] = []
    left = {kind: -(-count // len(KINDS)) for kind in KINDS}
    for text in texts:
        places = Places(text)
        for kind in sorted(left, key=lambda kind: -left[kind]):
            if left[kind] and (broken := _broken(text, places, kind, random)):
                found.append(broken)
                left[kind] -= 1
                break
        if len(found) == count:
            break
    return found


def _broken(text: str, places: Places, kind: str, random: np.random.Generator) -> Broken | None:
    for _ in range(TRIES):
        slip = json_slip(places, random, kind)
        if slip is None:
            return None
        if not is_json(broken := slip.applied(text)):
            return Broken(kind, text, broken, slip.start, slip.start + len(slip.new))
    return None


class Scores:
    """Figures of one tool, by kind of slip."""

    def __init__(self) -> None:
        self.by_kind: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))

    def add(self, broken: Broken, places: list[tuple[int, int]], mended: str | None) -> None:
        """Counts what a tool reported of a document: places as (start, end), the first first; and the mended text."""
        distances = [max(0, broken.start - end, start - broken.end) for start, end in places]
        rank = next((k for k, distance in enumerate(distances) if distance <= NEAR_FAULT), None)
        scores = self.by_kind[broken.kind]
        scores["hit@1 within 8"].append(float(any(distance <= 8 for distance in distances[:1])))
        scores["hit@1 within 32"].append(float(rank == 0))
        scores["MRR within 32"].append(0.0 if rank is None else 1 / (rank + 1))
        scores["fix@1"].append(float(mended == broken.whole))
        scores["same value"].append(float(mended is not None and _same(mended, broken.whole)))

    def means(self) -> Figures:
        """Returns the means of the kinds' means."""
        names = next(iter(self.by_kind.values()))
        return {name: mean(mean(scores[name]) for scores in self.by_kind.values()) for name in names}

    def kinds(self, name: str) -> Figures:
        """Returns one figure by kind."""
        return {kind: mean(scores[name]) for kind, scores in sorted(self.by_kind.items())}


def _same(text: str, whole: str) -> bool:
    return bool(is_json(text)) and json.loads(text) == json.loads(whole)


def score_network(reader: JsonReader, cases: list[Broken], progress: Progress = iter) -> Scores:
    """Returns how the networks find and mend the slips."""
    scores = Scores()
    for case in progress(cases):
        faults = find_json_faults(reader, case.text)
        fixes = [f.fixes[0] for f in faults if f.fixes]
        mended = apply_fix(case.text, fixes[0]) if fixes else None
        scores.add(case, [(f.start, f.end) for f in faults], mended)
    return scores


def score_peer(peer: Peer, cases: list[Broken], progress: Progress = iter) -> Scores:
    """Returns how another tool does."""
    scores = Scores()
    for case in progress(cases):
        places, mended = peer(case.text)
        scores.add(case, [(at, at) for at in places], mended)
    return scores


def false_reports(reader: JsonReader, texts: Iterable[str]) -> float:
    """Returns the mean number of faults of LIKELY or more that are reported of whole documents."""
    return mean(sum(f.probability >= LIKELY for f in find_json_faults(reader, text)) for text in texts)
