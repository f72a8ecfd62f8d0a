"""What the service and the command line answer, made from a page by a Reader. One place for both."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from model.net.faults import Fault, find_faults
from model.net.reader import Marking, Reader, Stopped
from model.page.links import Link, base_url, links
from model.page.main import main_content
from model.page.markdown import markdown
from model.page.places import Places
from model.page.skim import in_whole, skim
from model.page.spans import Span, TagSpan
from model.page.text import text
from model.page.title import title

EXTRACT_PARTS = ("links", "text", "markdown")
ENTROPY_PARTS = ("surprisal", "entropy", "depth", "faults")
DETAILS = ("characters", "lines", "none")
BITS_DECIMALS = 3  # of surprisal and entropy
DEPTH_DECIMALS = 2

Stop = Callable[[], bool]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Asked:
    """A page and what is wanted of it.

    include: of EXTRACT_PARTS or ENTROPY_PARTS; scope: all or main; detail: one of DETAILS, what arrays are to hold.
    """

    html: str
    url: str | None
    include: frozenset[str]
    scope: str = "all"
    detail: str = "characters"


class Extraction(TypedDict, total=False):
    """The answer of /extract; only what was asked for is there."""

    title: str | None
    links: list[dict[str, Any]]
    text: str
    markdown: str
    characters: int
    bits_per_character: float
    model: dict[str, str]
    seconds: float


class Measurement(TypedDict, total=False):
    """The answer of /entropy; only what was asked for is there. Arrays have one number a character, or a line."""

    characters: int
    bits_per_character: float
    surprisal: Floats
    entropy: Floats
    depth: Floats
    depth_neurons: list[dict[str, Any]]
    faults: list[dict[str, Any]]
    model: dict[str, str]
    seconds: float


def extract(reader: Reader, asked: Asked, stop: Stop = lambda: False) -> Extraction:
    """Title, links, text and Markdown of a page. Raises Stopped when `stop` says so."""
    start = time.perf_counter()
    answer = rendered(reader.mark(skim(asked.html), stop), asked, stop)
    answer["model"] = model_of(reader)
    answer["seconds"] = round(time.perf_counter() - start, 4)
    return answer


def rendered(marking: Marking, asked: Asked, stop: Stop = lambda: False) -> Extraction:
    """What is wanted of a page that was marked, `model` and `seconds` left out. Raises Stopped when `stop` says so.

    The marking may be of the page as `skim` leaves it; offsets in the answer are those of the whole page.
    """
    page, spans, url = marking.page, marking.spans, asked.url
    answer: Extraction = {"title": title(page, spans)}
    if asked.scope == "main":
        spans, url = _main(page, spans, url)
    if "links" in asked.include:
        place = in_whole(asked.html) if len(page) < len(asked.html) else int
        answer["links"] = [_link(link, place) for link in links(page, spans, url)]
        _look(stop)
    if "text" in asked.include:
        answer["text"] = text(page, spans)
        _look(stop)
    if "markdown" in asked.include:
        answer["markdown"] = markdown(page, spans, url)
    answer["characters"] = len(asked.html)
    answer["bits_per_character"] = round(marking.bits_per_character, 4)
    return answer


def main_text(marking: Marking) -> str:
    """The text of a page's main content."""
    return text(marking.page, main_content(marking.page, marking.spans))


def measure(reader: Reader, asked: Asked, stop: Stop = lambda: False) -> Measurement:
    """Surprisal, entropy and depth of every character or line, and faults. Raises Stopped when `stop` says so."""
    start = time.perf_counter()
    reading = reader.read(asked.html, stop, depth="depth" in asked.include)
    answer: Measurement = {
        "characters": len(asked.html),
        "bits_per_character": round(reading.bits_per_character, 4),
    }
    places = Places(asked.html)
    if asked.detail != "none":
        lines = places.starts if asked.detail == "lines" else None
        if "surprisal" in asked.include:
            answer["surprisal"] = np.round(_per_line(reading.surprisal, lines), BITS_DECIMALS)
        if "entropy" in asked.include:
            answer["entropy"] = np.round(_per_line(reading.entropy, lines), BITS_DECIMALS)
        if "depth" in asked.include:
            answer["depth"] = np.round(_per_line(reading.depth, lines, np.maximum), DEPTH_DECIMALS)
    if "depth" in asked.include:
        depth = reader.checkpoint.depth
        answer["depth_neurons"] = [asdict(neuron) for neuron in depth.neurons] if depth else []
    if "faults" in asked.include:
        found = find_faults(reader, reading, stop)
        answer["faults"] = [_fault(fault, places) for fault in found]
    answer["model"] = model_of(reader)
    answer["seconds"] = round(time.perf_counter() - start, 4)
    return answer


def _main(page: str, spans: list[Span], url: str | None) -> tuple[list[Span], str | None]:
    """The spans of the main content, and what their relative addresses are relative to."""
    chosen = main_content(page, spans)
    if any(isinstance(span, TagSpan) and span.base for span in chosen):
        return chosen, url
    return chosen, base_url(page, spans, url)


def _link(link: Link, place: Callable[[int], int]) -> dict[str, Any]:
    """As answers have it, with its offsets where `place` says that they are."""
    start, end = place(link.start), place(link.end - 1) + 1
    return {"href": link.href, "url": link.url, "text": link.text, "rel": link.rel, "start": start, "end": end}


def _per_line(values: Floats, lines: list[int] | None, together: np.ufunc = np.add) -> Floats:
    """Values (characters,) as they are, or taken `together` (lines,) by where lines start; an empty last line is 0."""
    if lines is None:
        return values
    padded = np.append(values, np.float32(0.0))
    summed: Floats = together.reduceat(padded, lines)
    return summed


def _fault(fault: Fault, places: Places) -> dict[str, Any]:
    line, column = places.line_column(fault.start)
    return {
        "start": fault.start,
        "end": fault.end,
        "line": line,
        "column": column,
        "bits": round(float(fault.bits), BITS_DECIMALS),
        "probability": fault.probability,
        "kind": fault.kind,
        "message": fault.message,
        "excerpt": places.excerpt(fault.start, fault.end),
        "fixes": [asdict(fix) for fix in fault.fixes],
    }


def model_of(reader: Reader) -> dict[str, str]:
    """Name and version of the network."""
    return {"name": reader.checkpoint.name, "version": reader.checkpoint.version}


def _look(stop: Stop) -> None:
    if stop():
        raise Stopped
