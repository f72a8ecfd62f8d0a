"""Faults as one JSON array."""

from typing import Any

import orjson

from soupstate.app.reports.checked import Checked, level
from soupstate.model.faults.fault import Fault
from soupstate.model.faults.kinds import KINDS
from soupstate.model.page.line_index import LineIndex


def json(files: list[Checked]) -> bytes:
    """Returns an array with an object for each fault, and for each file that could not be read one with `error`.

    `end_line` and `end_column` are those past the last character. All else is as in `Fault`.
    """
    rows: list[dict[str, Any]] = []
    for file in files:
        lines = file.lines
        rows += [{"file": file.shown} | fault_row(lines, fault) for fault in file.faults]
        if file.failure:
            rows.append({"file": file.shown, "error": file.failure})
    return orjson.dumps(rows, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def fault_row(lines: LineIndex, fault: Fault) -> dict[str, Any]:
    """Returns a fault as orjson takes it, with its level, its end and the address of the rule."""
    end_line, end_column = lines.line_column(fault.end)
    fields = {name: getattr(fault, name) for name in Fault.__dataclass_fields__}
    extra = {"level": level(fault), "end_line": end_line, "end_column": end_column, "url": KINDS[fault.kind].url}
    return fields | extra
