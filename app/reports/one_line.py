"""Faults as one line each: for editors that read the format of GNU compilers, and for GitHub's log of a workflow."""

from collections.abc import Iterator

from soupstate.app.file_names import visible
from soupstate.app.reports.checked import TOOL, Checked, level
from soupstate.model.faults.fault import Fault

# GitHub's command `::error ...::message` escapes these characters, in properties also the last two.
ESCAPES = {"%": "%25", "\r": "%0D", "\n": "%0A"}
PROPERTY_ESCAPES = {**ESCAPES, ":": "%3A", ",": "%2C"}


def gnu(checked: Checked) -> str:
    """Returns a line for each fault: FILE:LINE.COLUMN-LINE.COLUMN: LEVEL: MESSAGE [KIND] (GNU Coding Standards, 4.4).

    Columns count from 1, and the last one is part of the place.
    """
    if checked.failure:
        return f"{checked.shown}: error: {checked.failure}\n"
    rows = []
    for fault, (end, last) in _with_ends(checked):
        place = f"{checked.shown}:{fault.line}.{fault.column}-{end}.{last}"
        rows.append(f"{place}: {level(fault)}: {_one_line(fault.message)} [{fault.kind}]\n")
    return "".join(rows)


def github(checked: Checked) -> str:
    """Returns a workflow command for each fault, which GitHub shows at the line of a pull request."""
    name = _escaped(checked.shown, PROPERTY_ESCAPES)
    if checked.failure:
        return f"::error file={name},title={TOOL}::{_escaped(checked.failure, ESCAPES)}\n"
    rows = []
    for fault, (end, last) in _with_ends(checked):
        place = f"file={name},line={fault.line},col={fault.column},endLine={end},endColumn={last}"
        title = f"{TOOL} ({fault.kind})"
        rows.append(f"::{level(fault)} {place},title={title}::{_escaped(fault.message, ESCAPES)}\n")
    return "".join(rows)


def _with_ends(checked: Checked) -> Iterator[tuple[Fault, tuple[int, int]]]:
    """Yields each fault with the line and the column of its last character."""
    lines = checked.lines
    return ((fault, lines.line_column(max(fault.start, fault.end - 1))) for fault in checked.faults)


def _one_line(message: str) -> str:
    return visible(" ".join(message.split()))


def _escaped(words: str, escapes: dict[str, str]) -> str:
    return "".join(escapes.get(character, character) for character in words)
