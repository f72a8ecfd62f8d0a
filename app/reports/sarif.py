"""Faults as a SARIF 2.1.0 log, for code hosts and editors."""

import os
from importlib.metadata import version
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

import orjson

from soupstate.app.explanations import explanation
from soupstate.app.reports.checked import TOOL, Checked, in_words, level
from soupstate.model.faults.fault import Fault, Fix
from soupstate.model.faults.kinds import KINDS, Kind
from soupstate.model.page.line_index import LineIndex

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif(files: list[Checked]) -> bytes:
    """Returns a log with a result for each fault (section 3.27), and its fixes as replacements (3.55).

    A file that could not be read is a notification of the run (3.58), which then was not successful (3.20.14).
    """
    kinds = sorted({fault.kind for file in files for fault in file.faults})
    results = []
    for file in files:
        lines = file.lines
        results += [_result(file.name, lines, kinds, fault) for fault in file.faults]
    driver = {"name": TOOL, "version": version(TOOL), "rules": [_rule(KINDS[kind]) for kind in kinds]}
    failed = [
        {
            "level": "error",
            "message": {"text": file.failure},
            "locations": [{"physicalLocation": {"artifactLocation": _artifact(file.name)}}],
        }
        for file in files
        if file.failure
    ]
    invocation = {"executionSuccessful": not failed, "toolExecutionNotifications": failed}
    run = {
        "tool": {"driver": driver},
        "invocations": [invocation],
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return orjson.dumps(log, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _rule(kind: Kind) -> dict[str, Any]:
    """Returns a rule (section 3.49) with the texts that GitHub shows. Its help is the whole page of the kind."""
    return {
        "id": kind.name,
        "shortDescription": {"text": kind.title},
        "fullDescription": {"text": kind.what},
        "help": {"text": f"{kind.what} {kind.why}", "markdown": explanation(kind.name)},
        "helpUri": kind.url,
    }


def _artifact(name: str) -> dict[str, str]:
    return {"uri": quote(os.fsencode(PurePath(name).as_posix()))}


def _result(name: str, lines: LineIndex, kinds: list[str], fault: Fault) -> dict[str, Any]:
    place = {"artifactLocation": _artifact(name), "region": _region(lines, fault.start, fault.end)}
    result: dict[str, Any] = {
        "ruleId": fault.kind,
        "ruleIndex": kinds.index(fault.kind),
        "level": level(fault),
        "rank": round(100 * fault.probability, 2),
        "message": {"text": fault.message},
        "locations": [{"physicalLocation": place}],
    }
    if fault.fixes:
        result["fixes"] = [_fix(name, lines, fix) for fix in fault.fixes]
    return result


def _fix(name: str, lines: LineIndex, fix: Fix) -> dict[str, Any]:
    replacement: dict[str, Any] = {"deletedRegion": _region(lines, fix.start, fix.end)}
    if fix.replacement:
        replacement["insertedContent"] = {"text": fix.replacement}
    change = {"artifactLocation": _artifact(name), "replacements": [replacement]}
    return {"description": {"text": in_words(lines.page, fix)}, "artifactChanges": [change]}


def _region(lines: LineIndex, start: int, end: int) -> dict[str, int]:
    """Returns lines and columns from 1, with the end past the last character, and offsets from 0 (section 3.30)."""
    (line, column), (last, past) = lines.line_column(start), lines.line_column(end)
    whole = {"startLine": line, "startColumn": column, "endLine": last, "endColumn": past}
    return {**whole, "charOffset": start, "charLength": end - start}
