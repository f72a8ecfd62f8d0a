"""Diagnostics between two checks of a document: they move with its lines, and go where a line was edited."""

import re
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass

from lsprotocol import types

LINE_END = re.compile("\r\n|\r|\n")  # Language Server Protocol 3.17, section Text Documents


@dataclass(frozen=True, slots=True)
class LineEdit:
    """Lines first .. last - 1 became `lines` lines, counted from 0. last: None for the end of the document."""

    first: int
    last: int | None
    lines: int = 0


def line_edit(change: types.TextDocumentContentChangeEvent) -> LineEdit:
    """Returns the lines that a change touches. Whole lines that are put in or taken out touch no other line."""
    if isinstance(change, types.TextDocumentContentChangeWholeDocument):
        return LineEdit(0, None)
    start, end, ends = change.range.start, change.range.end, LINE_END.findall(change.text)
    if start.character == end.character == 0 and (not change.text or change.text.endswith(("\r", "\n"))):
        return LineEdit(start.line, end.line, len(ends))
    return LineEdit(start.line, end.line + 1, len(ends) + 1)


def moved(diagnostics: Iterable[types.Diagnostic], edits: Iterable[LineEdit]) -> list[types.Diagnostic]:
    """Returns the diagnostics of a document after edits, in their order. Those on edited lines are left out."""
    left = list(diagnostics)
    for edit in edits:
        left = [after for diagnostic in left if (after := _moved(diagnostic, edit))]
    return left


def _moved(diagnostic: types.Diagnostic, edit: LineEdit) -> types.Diagnostic | None:
    start, end = diagnostic.range.start, diagnostic.range.end
    if end.line < edit.first:
        return diagnostic
    if edit.last is None or start.line < edit.last:
        return None
    down = edit.lines - (edit.last - edit.first)
    made = copy(diagnostic)
    made.range = types.Range(*(types.Position(place.line + down, place.character) for place in (start, end)))
    return made
