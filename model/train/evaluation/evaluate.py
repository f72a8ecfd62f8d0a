"""Measures a checkpoint on held-out pages, with the figures that docs/design.md defines."""

import gzip
import json
import random
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import mean
from typing import Any

from soupstate.model.faults.apply import LIKELY, apply_fix
from soupstate.model.faults.find import find_faults
from soupstate.model.net.main_content import main_content
from soupstate.model.net.reader import Reader
from soupstate.model.page.render.links import links
from soupstate.model.page.render.markdown import markdown
from soupstate.model.page.render.text import text
from soupstate.model.page.skim import skim
from soupstate.model.page.spans import Spans, spans_of_marks
from soupstate.model.train.data.teacher import teach
from soupstate.model.train.evaluation.score import (
    dom_items,
    dom_links,
    dom_text,
    f1,
    markdown_items,
    recall,
    shingles,
    words,
)

Figures = dict[str, float]
Scores = dict[str, list[float]]
Progress = Callable[[list[Any]], Iterable[Any]]
TAG = re.compile(r"</?(?:p|br|div|h\d|li|span)[^<>]*>")
BUGS = {  # what is inserted after a tag inside the article
    "none": "",
    "open comment": "<!-- note ",
    "open script": "<script>var n=1;",
    "open style": "<style>p{margin:0}",
    "open textarea": "<textarea>",
    "open title": "<title>x",
    "early end": "</div></div></body></html>",
}
NEAR_FAULT = 32  # characters; a report must be this near to its fault
NOT_SCORED = {"truncated", "unescaped_amp"}


def evaluate_pages(
    reader: Reader, pages: list[str], progress: Progress = iter, extracting: Reader | None = None
) -> Figures:
    """Returns bits per character, F1 of links, text and Markdown by kind, and the speed of the whole call of /extract.

    Bits are those of whole pages. Answers are made as /extract makes them, from skimmed pages. extracting: the network
    that makes them; the same by default.
    """
    scores: Scores = defaultdict(list)
    bits = seconds = 0.0
    for page in progress(pages):
        start = time.process_time()
        marking = (extracting or reader).mark(skim(page).text)
        answer = _answer(marking.page, marking.spans)
        seconds += time.process_time() - start
        bits += reader.read(page).bits
        _score(page, answer, scores)
    size = sum(len(page.encode("utf-8")) for page in pages)
    return {
        "pages": len(pages),
        "bits per character": bits / max(1, sum(map(len, pages))),
        **_means(scores),
        "kB of HTML a second, whole call, one core": size / 1000 / max(seconds, 1e-9),
    }


def evaluate_teacher(pages: list[str], progress: Progress = iter) -> Figures:
    """Returns the same F1 for answers rendered from the teacher's own marks: the ceiling."""
    scores: Scores = defaultdict(list)
    for page in progress(pages):
        _score(page, _answer(page, spans_of_marks(page, teach(page))), scores)
    return {"pages": len(pages), **_means(scores)}


def _answer(page: str, spans: Spans) -> tuple[list[tuple[str, str]], str, str]:
    return [(link.href, link.text) for link in links(page, spans)], text(page, spans), markdown(page, spans)


def _score(page: str, answer: tuple[list[tuple[str, str]], str, str], scores: Scores) -> None:
    found, shown, marked = answer
    truth = dom_links(page)
    scores["href F1"].append(f1([href for href, _ in truth], [href for href, _ in found]))
    scores["link F1"].append(f1(truth, found))
    scores["text F1"].append(f1(words(dom_text(page)), words(shown)))
    got = markdown_items(marked)
    for kind, wanted in dom_items(page).items():
        scores[f"Markdown {kind}"].append(f1(wanted.elements(), got[kind].elements() if kind in got else []))


def _means(scores: Scores) -> Figures:
    figures = {name: mean(values) for name, values in scores.items()}
    kinds = [value for name, value in figures.items() if name.startswith("Markdown")]
    return {**figures, "Markdown mean": mean(kinds) if kinds else 0.0}


def evaluate_damage(reader: Reader, labelled: list[tuple[str, str]], progress: Progress = iter) -> Figures:
    """Returns the recall of the labelled article (runs of four words) in pages with one markup bug inside it.

    It counts the text of the whole page, and that of the main content.
    """
    placed = [(page, label, span) for page, label in labelled if (span := article_place(page, label))]
    recalls: Scores = defaultdict(list)
    for number, (page, label, (start, end)) in enumerate(progress(placed)):
        wanted = shingles(words(label))
        for name, bug in BUGS.items():
            tags = [m.end() for m in TAG.finditer(page, start, end)] or [(start + end) // 2]
            at = random.Random(number).choice(tags)
            broken = page[:at] + bug + page[at:]
            marking = reader.mark(skim(broken).text)
            for scope, spans in (("", marking.spans), ("main content, ", main_content(marking).spans)):
                shown = shingles(words(text(marking.page, spans)))
                recalls[f"{scope}recall, {name}"].append(recall(wanted, shown))
    return {"damaged pages": len(placed), **{name: mean(values) for name, values in recalls.items()}}


def article_place(page: str, label: str) -> tuple[int, int] | None:
    """Returns where the middle four fifths of an article are in the page; None when too little is found verbatim."""
    tokens = label.split()
    step = max(1, len(tokens) // 40)
    runs = (" ".join(tokens[i : i + 3]) for i in range(0, max(1, len(tokens) - 3), step))
    found = sorted(at for run in runs if len(run) > 10 and (at := page.find(run)) >= 0)
    if len(found) < 3:
        return None
    start, end = found[len(found) // 10], found[-1 - len(found) // 10]
    return (start, end) if end - start > 500 else None


def evaluate_faults(reader: Reader, path: Path, limit: int = 0, progress: Progress = iter) -> Figures:
    """Returns how many injected faults are found and fixed, as means over their kinds, and alarms on undamaged pages.

    The file has lines of JSON (.gz): {"page", "html"}, and {"page", "fault", "edit", "offset", "repair", "benign"},
    where edits are {"pos", "del", "ins"}. Every case has one fault.
    """
    with gzip.open(path, "rt", encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    clean_pages = {row["page"]: row["html"] for row in rows if "html" in row}
    cases = [row for row in rows if "fault" in row and not row["benign"] and row["fault"] not in NOT_SCORED]
    random.Random(0).shuffle(cases)
    cases = cases[:limit] if limit else cases
    kinds: dict[str, Scores] = defaultdict(lambda: defaultdict(list))
    for case in progress(cases):
        clean, edit = clean_pages[case["page"]], case["edit"]
        page = clean[: edit["pos"]] + edit["ins"] + clean[edit["pos"] + edit["del"] :]
        faults = find_faults(reader, reader.read(page))
        first = case["offset"]
        last = first + (case["repair"]["del"] if case["fault"] == "swap_close_order" else 0)
        distances = [max(0, first - f.end, f.start - last) for f in faults]
        rank = next((k for k, distance in enumerate(distances) if distance <= NEAR_FAULT), None)
        fixed = [bool(f.fixes) and apply_fix(page, f.fixes[0]) == clean for f in faults[:5]]
        scores = kinds[case["fault"]]
        scores["hit@1 within 8"].append(float(any(distance <= 8 for distance in distances[:1])))
        scores["hit@1 within 32"].append(float(rank == 0))
        scores["hit@5 within 32"].append(float(rank is not None and rank < 5))
        scores["MRR within 32"].append(0.0 if rank is None else 1 / (rank + 1))
        scores["fix@1"].append(float(fixed[:1] == [True]))
        scores["fix@5"].append(float(any(fixed)))
    figures: Figures = {"faults": len(cases)}
    for name in ("hit@1 within 8", "hit@1 within 32", "hit@5 within 32", "MRR within 32", "fix@1", "fix@5"):
        figures[name] = mean(mean(scores[name]) for scores in kinds.values())
    figures["hit@5 within 32, worst kind"] = min(mean(scores["hit@5 within 32"]) for scores in kinds.values())
    quiet = list(clean_pages.values())[: limit or None]
    alarms = [sum(f.probability >= LIKELY for f in find_faults(reader, reader.read(page))) for page in progress(quiet)]
    return {**figures, f"faults of {LIKELY} or more on a whole page": mean(alarms)}


def table(figures: Figures) -> str:
    """Returns the figures as a Markdown table."""
    values = {name: f"{value:g}" if value == int(value) else f"{value:.4f}" for name, value in figures.items()}
    rows = (f"| {name} | {value} |" for name, value in values.items())
    return "\n".join(["| figure | value |", "|---|---|", *rows])
