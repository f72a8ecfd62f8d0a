"""Quality on the sample pages, and the floors that it may not fall below.

    python tests/quality.py                               # measures, prints figures and floors; status 1 where one fell
    python tests/quality.py --update                      # raises floors; refuses to lower one
    python tests/quality.py --update --allow-regression   # lowers them, too: the commit says why

A floor lies a little under what was measured (bits: over), for backends round differently. The file names the weights
and the samples it was measured on by their digests; others need another measurement.
"""

import argparse
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from soupstate.app.reading import load_json_reader
from soupstate.model.archive.records import read_pages
from soupstate.model.faults.find import find_faults
from soupstate.model.net.checkpoint import DEFAULT, digest, extractor, load_checkpoint
from soupstate.model.net.reader import Reader
from soupstate.model.page.render.links import links
from soupstate.model.page.render.text import text
from soupstate.model.page.skim import skim
from soupstate.model.page.spans import spans_of_marks
from soupstate.model.train.data.teacher import teach
from soupstate.model.train.evaluation.evaluate import NEAR_FAULT, evaluate_pages
from soupstate.model.train.evaluation.json_faults import KINDS, broken_documents, score_network
from soupstate.model.train.evaluation.json_neurons import measure_json_depth
from soupstate.model.train.evaluation.neurons import MADE_SEED, made_pages, r_squared, trace
from soupstate.model.train.evaluation.score import f1, recall, words

FLOORS = Path(__file__).parent / "quality_floors.json"
SAMPLES = Path(__file__).parents[1] / "crawl_samples"
FILES = ("samples-clean.warc.gz", "samples-broken.warc.gz")
CLEAN = ("bits per character", "href F1", "link F1", "text F1", "Markdown mean")
MOST = frozenset({"clean, bits per character", "JSON, bits per character"})  # the less, the better
SLACK = 0.005
FIRST = 5  # faults of a page that are looked at
MADE = 100  # made pages
DAMAGE = {  # what `malformed` of pages.json says, by kind
    "left open": ("comment never closed", "script never closed", "style never closed", "title never closed",
                  "textarea never closed"),
    "early end": ("body and html end in the middle", "cut off inside a tag"),
    "lost character": ("attribute without its closing quote", "attribute without its opening quote",
                       "hidden field without its closing quote", "start tag without its >", "stray < in running text"),
    "wrong tags": ("link never closed", "table never closed", "figure and its caption never closed",
                   "end tags in the wrong order"),
}  # fmt: skip

Figures = dict[str, float]


@dataclass(frozen=True)
class Broken:
    """A sample page that an edit broke: page[start:end] is what it put there."""

    kind: str
    page: str
    undamaged: str
    start: int
    end: int


@dataclass(frozen=True)
class Floors:
    """The file. weights, samples: digests; least: by figure; most: of figures that shall be low."""

    weights: str
    samples: str
    least: Figures = field(default_factory=dict)
    most: Figures = field(default_factory=dict)


def clean_pages() -> list[str]:
    """The sample pages that are whole."""
    return [page.html for page in read_pages(SAMPLES / FILES[0])]


def broken_pages() -> list[Broken]:
    """The sample pages that are broken, each beside the page that it was."""
    entries = json.loads((SAMPLES / "pages.json").read_text("utf-8"))
    html = {page.url: page.html for name in FILES for page in read_pages(SAMPLES / name)}
    whole = {entry["file"]: html[entry["url"]] for entry in entries if "file" in entry}
    kinds = {malformed: kind for kind, names in DAMAGE.items() for malformed in names}
    return [
        Broken(kinds[e["malformed"]], html[e["url"]], whole[e["undamaged"]], at, at + len(e["edit"]["ins"]))
        for e in entries
        if e["malformed"]
        for at in [e["edit"]["pos"]]
    ]


def measure(reader: Reader, extracting: Reader) -> Figures:
    """All figures of the samples, read with the network that measures and the one that extracts, and those of JSON."""
    measured = evaluate_pages(reader, clean_pages(), extracting=extracting)
    figures = {f"clean, {name}": measured[name] for name in CLEAN} | depth_figures(reader)
    wanted: dict[str, list[Counter[str]]] = {}
    near: list[bool] = []
    for broken in broken_pages():
        whole = spans_of_marks(broken.undamaged, teach(broken.undamaged))
        reading, skimmed = reader.read(broken.page), extracting.mark(skim(broken.page).text)
        sums = wanted.setdefault(broken.kind, [Counter() for _ in range(4)])
        number = f"{len(near)} "
        sums[0].update(number + word for word in words(text(broken.undamaged, whole)))
        sums[1].update(number + word for word in words(text(skimmed.page, skimmed.spans)))
        sums[2].update(number + link.href for link in links(broken.undamaged, whole))
        sums[3].update(number + link.href for link in links(skimmed.page, skimmed.spans))
        faults = find_faults(reader, reading)[:FIRST]
        near.append(any(max(0, broken.start - f.end, f.start - broken.end) <= NEAR_FAULT for f in faults))
    for kind, (words_there, words_got, hrefs_there, hrefs_got) in wanted.items():
        figures[f"{kind}, recall of words"] = recall(words_there.elements(), words_got.elements())
        figures[f"{kind}, href F1"] = f1(hrefs_there.elements(), hrefs_got.elements())
    figures[f"faults, among the first {FIRST}"] = sum(near) / len(near)
    return figures | json_figures()


def depth_figures(reader: Reader) -> Figures:
    """R^2 of the counted depth on the whole sample pages, and on pages made from a grammar."""
    assert reader.checkpoint.depth
    layer, clean = reader.checkpoint.depth.layer, clean_pages()
    made = made_pages(clean, MADE, MADE_SEED)
    return {
        "clean, depth R2": r_squared(trace(reader, clean, layer)),
        "made, depth R2": r_squared(trace(reader, made, layer)),
    }


def json_documents() -> list[str]:
    """The sample documents of JSON, all of which are whole."""
    return [path.read_text("utf-8") for path in sorted((SAMPLES / "json").iterdir())]


def json_figures() -> Figures:
    """Figures of the networks that read JSON, on the sample documents, each with slips of every kind."""
    reader, texts = load_json_reader(), json_documents()
    readings = [reader.read(text) for text in texts]
    cases = [case for text in texts for case in broken_documents([text] * len(KINDS), len(KINDS))]
    found = score_network(reader, cases).means()
    return {
        "JSON, bits per character": sum(r.bits for r in readings) / sum(map(len, texts)),
        "JSON, depth R2": measure_json_depth(reader, texts)[1],
        "JSON, MRR within 32": found["MRR within 32"],
        "JSON, fix@1": found["fix@1"],
    }


def weights_digest() -> str:
    """Of the shipped networks, of HTML and of JSON."""
    return _digest(sorted(DEFAULT.parent.glob("*.safetensors")))


def samples_digest() -> str:
    """Of the packed pages and their list, and of the documents of JSON."""
    return _digest([*(SAMPLES / name for name in (*FILES, "pages.json")), *sorted((SAMPLES / "json").iterdir())])


def _digest(files: list[Path]) -> str:
    return hashlib.sha256("".join(digest(file) for file in files).encode()).hexdigest()


def load_floors() -> Floors:
    """The floors as they are checked in."""
    return Floors(**json.loads(FLOORS.read_text("utf-8")))


def fallen(figures: Figures, floors: Floors) -> list[str]:
    """A line for each figure that is worse than its floor, or that is no longer measured."""
    lines = [
        f"{name}: {figures.get(name)} is {word} {bound}"
        for bounds, word, is_worse in (
            (floors.least, "less than", lambda value, bound: value < bound),
            (floors.most, "more than", lambda value, bound: value > bound),
        )
        for name, bound in bounds.items()
        if name not in figures or is_worse(figures[name], bound)
    ]
    return lines


def raised(figures: Figures, floors: Floors, weights: str, samples: str) -> Floors:
    """Floors for the figures. One that still holds is not lowered; one that does not is."""

    def bound(name: str, old: Figures, factor: float, better: Callable[[float, float], float]) -> float:
        new = round(figures[name] * factor, 4)
        held = name in old and better(figures[name], old[name]) == figures[name]
        return better(new, old[name]) if held else new

    least = {name: bound(name, floors.least, 1 - SLACK, max) for name in figures if name not in MOST}
    most = {name: bound(name, floors.most, 1 + SLACK, min) for name in figures if name in MOST}
    return Floors(weights, samples, least, most)


def update(figures: Figures, weights: str, *, allow_regression: bool, path: Path = FLOORS) -> list[str]:
    """Writes new floors, unless one would have to be lowered and that is not allowed; those that would."""
    old = Floors(**json.loads(path.read_text("utf-8"))) if path.exists() else Floors("", "")
    lower = fallen(figures, old)
    if not lower or allow_regression:
        new = raised(figures, old, weights, samples_digest())
        path.write_text(json.dumps(asdict(new), indent=2) + "\n", "utf-8")
    return lower


def main() -> int:
    """Measures, prints, updates; the status."""
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--weights", type=Path, default=DEFAULT, help="measure these, without --update")
    parser.add_argument("--update", action="store_true", help="write the floors")
    parser.add_argument("--allow-regression", action="store_true", help="with --update: lower floors, too")
    options = parser.parse_args()
    if options.update and options.weights != DEFAULT:
        parser.error("floors are those of the shipped weights: --update goes without --weights")
    figures = measure(*(Reader(load_checkpoint(file)) for file in (options.weights, extractor(options.weights))))
    for name, value in figures.items():
        print(f"{value:.4f}  {name}")
    if options.update:
        lower = update(figures, weights_digest(), allow_regression=options.allow_regression)
        refused = bool(lower) and not options.allow_regression
    else:
        lower = fallen(figures, load_floors()) if FLOORS.exists() else []
        refused = bool(lower)
    for line in lower:
        print(line, file=sys.stderr)
    return int(refused)


if __name__ == "__main__":
    sys.exit(main())
