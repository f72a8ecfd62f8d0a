"""What `POST /entropy` and `soupstate entropy` answer: numbers for each character, and faults."""

from base64 import b64encode
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soupstate.app.answers import Asked
from soupstate.model.faults.fault import Fault
from soupstate.model.faults.find import find_faults
from soupstate.model.faults.json_find import find_json_faults
from soupstate.model.net.alternatives import Alternative
from soupstate.model.net.depth import DepthNeuron
from soupstate.model.net.json_reader import JsonReader
from soupstate.model.net.reader import NO_WINDOW, Reader, Reading
from soupstate.model.page.counted import OpenElements
from soupstate.model.page.line_index import LineIndex
from soupstate.model.page.marks import Block, Cell, Event, JsonSyntax, Syntax, Visible
from soupstate.model.page.nesting import NESTINGS
from soupstate.model.page.spans import TEXT_HEADS, Span, TagSpan, TextSpan
from soupstate.model.page.stop import Stop, never

ENTROPY_PARTS = ("surprisal", "entropy", "depth", "faults")
MORE_ENTROPY_PARTS = ("syntax", "cells", "marks", "alternatives")  # only where they are asked for
HTML_PARTS = ("marks",)  # that JSON does not have
NARROW_PARTS = ("marks", "alternatives")  # of at most MOST_WINDOW characters
DETAILS = ("characters", "lines", "packed", "none")
WHOLE_DETAILS = ("lines", "none")  # that have no arrays of a part of the page
MOST_WINDOW = 256
BITS_DECIMALS = 3  # of surprisal and entropy
DEPTH_DECIMALS = 2
CHANCE_DECIMALS = 6  # of alternatives
PACKED_PER_BIT = 8  # with detail=packed, bits are counted in eighths
MOST_BYTE = 255
SYNTAX_NAMES = tuple(kind.name.lower() for kind in Syntax)
JSON_SYNTAX_NAMES = tuple(kind.name.lower() for kind in JsonSyntax)
NAMES = {"visible": Visible, "block": Block, "cell": Cell}  # of classes that have names; the others are numbers

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class CellChanges:
    """What the depth layer's cells count over a part of the page.

    kinds: the elements that each cell counts. value[i] is what cell[i] holds from character at[i] on, until its next
    change. Cells hold 0 before their first change. The three arrays are equally long, in the order of the page.
    """

    kinds: tuple[str, ...]
    at: NDArray[np.int64]
    cell: NDArray[np.int64]
    value: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class MarkedSpan:
    """A text, a tag or the title from `start` to `end`, with its marks by the name of their head.

    kind: text, tag, end_tag or title. Comments, doctypes, scripts and styles have no span.
    """

    start: int
    end: int
    kind: str
    marks: dict[str, str | int]


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was measured on a page. A part that was not asked for is None.

    Arrays are (characters of the window,), or (lines,) with `detail="lines"`; with `detail="packed"` they are base64 of
    one byte per character. bits_per_character is exact, and that of the whole page, as the faults are.
    """

    characters: int
    bits_per_character: float
    surprisal: Floats | str | None
    entropy: Floats | str | None
    depth: Floats | str | None
    depth_neurons: tuple[DepthNeuron, ...] | None
    faults: list[Fault] | None
    syntax: NDArray[np.uint8] | str | None = None
    syntax_names: tuple[str, ...] | None = None
    cells: CellChanges | None = None
    marks: list[MarkedSpan] | None = None
    alternatives: Sequence[tuple[Alternative, ...]] | None = None


def check_detail(include: frozenset[str], detail: str) -> None:
    """Raises ValueError where a part that was asked for has no such detail."""
    if "syntax" in include and detail == "lines":
        raise ValueError("syntax has no form per line; detail must be characters, packed or none")


def check_window(include: frozenset[str], detail: str, size: int, start: int, end: int | None) -> None:
    """Raises ValueError where a page of `size` characters has no such parts of characters start .. end - 1."""
    if end is not None and end < start:
        raise ValueError(f"the window ends at {end}, before its start at {start}")
    if (start or end is not None) and detail == "lines":
        raise ValueError("detail=lines is of the whole page, and takes no start or end")
    narrow = [part for part in NARROW_PARTS if part in include]
    first, last = _extent(size, start, end)
    if narrow and last - first > MOST_WINDOW:
        asked = f"the window has {last - first}; give start and end"
        raise ValueError(f"{' and '.join(narrow)} are of at most {MOST_WINDOW} characters, and {asked}")


def check_page(include: frozenset[str], page: str) -> None:
    """Raises ValueError where a part that was asked for is not one of what a page is, html or json."""
    unfit = [part for part in HTML_PARTS if part in include]
    if page != "html" and unfit:
        raise ValueError(f"{' and '.join(unfit)}: a part of HTML, not of {page}")


def measure(reader: Reader | JsonReader, asked: Asked, stop: Stop = never) -> Measurement:
    """Measures the surprisal, entropy and depth of every character or line, and finds faults.

    Raises ValueError as `check_page`, `check_detail` and `check_window` do, and Stopped.
    """
    check_page(asked.include, asked.page)
    check_detail(asked.include, asked.detail)
    check_window(asked.include, asked.detail, len(asked.html), asked.start, asked.end)
    window = slice(*_extent(len(asked.html), asked.start, asked.end))
    reading = reader.read(asked.html, stop, window if "alternatives" in asked.include else NO_WINDOW)
    lines = LineIndex(asked.html).starts if asked.detail == "lines" else None

    def array(name: str, values: Floats, decimals: int, together: np.ufunc = np.add) -> Floats | str | None:
        if asked.detail == "none" or name not in asked.include:
            return None
        if asked.detail == "packed":
            return _packed(values[window], 1 if name == "depth" else PACKED_PER_BIT)
        rounded: Floats = np.round(_per_line(values[window], lines, together), decimals)
        return rounded

    depth_layer = reader.checkpoint.depth
    return Measurement(
        characters=len(asked.html),
        bits_per_character=round(reading.bits_per_character, 4),
        surprisal=array("surprisal", reading.surprisal, BITS_DECIMALS),
        entropy=array("entropy", reading.entropy, BITS_DECIMALS),
        depth=array("depth", reading.depth, DEPTH_DECIMALS, np.maximum),
        depth_neurons=(depth_layer.neurons if depth_layer else ()) if "depth" in asked.include else None,
        faults=_faults(reader, reading, stop) if "faults" in asked.include else None,
        **_more(reading, asked, window),
    )


def _faults(reader: Reader | JsonReader, reading: Reading, stop: Stop) -> list[Fault]:
    if isinstance(reader, JsonReader):
        return find_json_faults(reader, reading.page, stop)
    return find_faults(reader, reading, stop)


def _more(reading: Reading, asked: Asked, window: slice) -> dict[str, Any]:
    """Returns the parts of MORE_ENTROPY_PARTS that were asked for, by the names of `Measurement`."""
    found: dict[str, Any] = {}
    if "syntax" in asked.include and asked.detail != "none":
        syntax = np.ascontiguousarray(reading.syntax[window])
        found["syntax"] = _base64(syntax) if asked.detail == "packed" else syntax
        found["syntax_names"] = JSON_SYNTAX_NAMES if asked.page == "json" else SYNTAX_NAMES
    if "cells" in asked.include:
        found["cells"] = _changes(reading.open_elements, window, NESTINGS[asked.page].names)
    if "marks" in asked.include:
        found["marks"] = _marked(reading.spans, window)
    if "alternatives" in asked.include:
        found["alternatives"] = [
            tuple(Alternative(one.text, round(one.probability, CHANCE_DECIMALS)) for one in likely)
            for likely in reading.expected
        ]
    return found


def _extent(size: int, start: int, end: int | None) -> tuple[int, int]:
    """Returns the part of a page of `size` characters that a window covers."""
    last = size if end is None else min(end, size)
    return min(start, last), last


def _packed(values: Floats, unit: int) -> str:
    """Returns values (n,) in units of 1 / `unit`, one byte each, at most MOST_BYTE, in base64."""
    return _base64(np.minimum(np.rint(values * np.float32(unit)), MOST_BYTE).astype(np.uint8))


def _base64(values: NDArray[np.uint8]) -> str:
    return b64encode(values.tobytes()).decode("ascii")


def _changes(counted: OpenElements | None, window: slice, names: tuple[str, ...]) -> CellChanges:
    """Returns the changes of the cells over a window; none without a depth layer."""
    if counted is None:
        none = np.zeros(0, np.int64)
        return CellChanges(names, none, none, np.zeros(0, np.uint8))
    first, last = np.searchsorted(counted.places, [window.start, window.stop], "left")
    if first == len(counted.places) or counted.places[first] > window.start:
        first = max(0, first - 1)  # what the cells hold at the window's start
    cells = counted.cells[first:last]
    before = np.concatenate([np.zeros((1, len(names)), np.uint8), cells[:-1]])
    place, cell = np.nonzero(cells != before[: len(cells)])
    at = np.maximum(counted.places[first:last][place], window.start)
    return CellChanges(names, at, np.ascontiguousarray(cell), cells[place, cell])


def _marked(spans: Sequence[Span], window: slice) -> list[MarkedSpan]:
    """Returns the spans that a window touches."""
    found = []
    first = max(0, bisect_right(spans, window.start, key=lambda span: span.start) - 1)
    for i in range(first, len(spans)):
        span = spans[i]
        if span.start >= window.stop:
            break
        if span.end > window.start:
            found.append(_named(span))
    return found


def _named(span: Span) -> MarkedSpan:
    """Returns a span with its marks by name."""
    if isinstance(span, TagSpan):
        kind = "end_tag" if span.closing else "tag"
        return MarkedSpan(span.start, span.end, kind, {"event": Event(span.event).name.lower()})
    if not isinstance(span, TextSpan):
        return MarkedSpan(span.start, span.end, "title", {})
    marks: dict[str, str | int] = {}
    for head in TEXT_HEADS:
        value = int(getattr(span, head))
        marks[head] = NAMES[head](value).name.lower() if head in NAMES else value
    return MarkedSpan(span.start, span.end, "text", marks)


def _per_line(values: Floats, lines: NDArray[np.int64] | None, together: np.ufunc) -> Floats:
    """Returns values (characters,) as they are, or reduced per line with `together`; an empty last line has 0."""
    if lines is None:
        return values
    padded = np.append(values, np.float32(0.0))
    summed: Floats = together.reduceat(padded, lines)
    return summed
