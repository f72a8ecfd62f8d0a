"""Faults in two formats: text for people, and SARIF for tools."""

import os
from importlib.metadata import version
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from soupstate.model.faults.fault import Fault, Fix
from soupstate.model.page.line_index import LineIndex

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def source_frame(name: str, lines: LineIndex, fault: Fault) -> str:
    """Returns a line that says where and what, the line of the page, and the fix below the place that it mends."""
    head = f"{name}:{fault.line}:{fault.column}: {fault.message}"
    head += f"  [{fault.kind}, {fault.probability:.0%}, {fault.bits:.0f} bits]\n"
    fix = fault.fixes[0] if fault.fixes else None
    at = fix.start if fix else fault.start
    line, _ = lines.line_column(at)
    first, last = lines.window(at, at + 1)
    margin = f"  {line} | "
    pointer = " " * (len(margin) + at - first) + "^"
    excerpt = lines.page[first:last].replace("\t", " ")
    return f"{head}{margin}{excerpt}\n{pointer}{' ' + in_words(lines.page, fix) if fix else ''}\n"


def in_words(page: str, fix: Fix) -> str:
    """Returns a fix in words."""
    old, new = page[fix.start : fix.end], fix.replacement
    if not old:
        return f"insert {new}"
    return f"replace {old} by {new}" if new else f"delete {old}"


def sarif(files: list[tuple[str, str, list[Fault]]]) -> dict[str, Any]:
    """Returns a SARIF 2.1.0 log of (name, page, faults): results (section 3.27) with fixes as replacements (3.55)."""
    kinds = sorted({fault.kind for _, _, faults in files for fault in faults})
    placed = [(name, LineIndex(page), faults) for name, page, faults in files]
    results = [_result(name, lines, kinds, fault) for name, lines, faults in placed for fault in faults]
    driver = {"name": "soupstate", "version": version("soupstate"), "rules": [{"id": kind} for kind in kinds]}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(name: str, lines: LineIndex, kinds: list[str], fault: Fault) -> dict[str, Any]:
    artifact = {"uri": quote(os.fsencode(PurePath(name).as_posix()))}
    place = {"artifactLocation": artifact, "region": _region(lines, fault.start, fault.end)}
    result: dict[str, Any] = {
        "ruleId": fault.kind,
        "ruleIndex": kinds.index(fault.kind),
        "level": "warning",
        "rank": round(100 * fault.probability, 2),
        "message": {"text": fault.message},
        "locations": [{"physicalLocation": place}],
    }
    if fault.fixes:
        result["fixes"] = [_fix(artifact, lines, fix) for fix in fault.fixes]
    return result


def _fix(artifact: dict[str, str], lines: LineIndex, fix: Fix) -> dict[str, Any]:
    replacement: dict[str, Any] = {"deletedRegion": _region(lines, fix.start, fix.end)}
    if fix.replacement:
        replacement["insertedContent"] = {"text": fix.replacement}
    change = {"artifactLocation": artifact, "replacements": [replacement]}
    return {"description": {"text": in_words(lines.page, fix)}, "artifactChanges": [change]}


def _region(lines: LineIndex, start: int, end: int) -> dict[str, int]:
    """Returns lines and columns from 1, with the end past the last character, and offsets from 0 (section 3.30)."""
    (line, column), (last, past) = lines.line_column(start), lines.line_column(end)
    whole = {"startLine": line, "startColumn": column, "endLine": last, "endColumn": past}
    return {**whole, "charOffset": start, "charLength": end - start}
