"""Faults as text for people and as SARIF for tools; `fault` is one of an answer of /entropy."""

from importlib.metadata import version
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from model.page.places import Places

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def shown(name: str, places: Places, fault: dict[str, Any]) -> str:
    """A line that says where and what, the line of the page, and the fix below the place that it is for."""
    head = f"{name}:{fault['line']}:{fault['column']}: {fault['message']}"
    head += f"  [{fault['kind']}, {fault['probability']:.0%}, {fault['bits']:.0f} bits]\n"
    page = places.page
    fix = fault["fixes"][0] if fault["fixes"] else None
    at = fix["start"] if fix else fault["start"]
    line, _ = places.line_column(at)
    first, last = places.window(at, at + 1)
    margin = f"  {line} | "
    pointer = " " * (len(margin) + at - first) + "^"
    excerpt = page[first:last].replace("\t", " ")
    return f"{head}{margin}{excerpt}\n{pointer}{' ' + said(page, fix) if fix else ''}\n"


def said(page: str, fix: dict[str, Any]) -> str:
    """A fix in words."""
    old, new = page[fix["start"] : fix["end"]], fix["replacement"]
    if not old:
        return f"insert {new}"
    return f"replace {old} by {new}" if new else f"delete {old}"


def sarif(files: list[tuple[str, str, list[dict[str, Any]]]]) -> dict[str, Any]:
    """A SARIF 2.1.0 log of (name, page, faults): each a result (section 3.27), its fixes as replacements (3.55)."""
    kinds = sorted({fault["kind"] for _, _, faults in files for fault in faults})
    placed = [(name, Places(page), faults) for name, page, faults in files]
    results = [_result(name, places, kinds, fault) for name, places, faults in placed for fault in faults]
    driver = {"name": "soupstate", "version": version("soupstate"), "rules": [{"id": kind} for kind in kinds]}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(name: str, places: Places, kinds: list[str], fault: dict[str, Any]) -> dict[str, Any]:
    artifact = {"uri": quote(PurePath(name).as_posix())}
    place = {"artifactLocation": artifact, "region": _region(places, fault["start"], fault["end"])}
    result: dict[str, Any] = {
        "ruleId": fault["kind"],
        "ruleIndex": kinds.index(fault["kind"]),
        "level": "warning",
        "rank": round(100 * fault["probability"], 2),
        "message": {"text": fault["message"]},
        "locations": [{"physicalLocation": place}],
    }
    if fault["fixes"]:
        result["fixes"] = [_fix(artifact, places, fix) for fix in fault["fixes"]]
    return result


def _fix(artifact: dict[str, str], places: Places, fix: dict[str, Any]) -> dict[str, Any]:
    replacement: dict[str, Any] = {"deletedRegion": _region(places, fix["start"], fix["end"])}
    if fix["replacement"]:
        replacement["insertedContent"] = {"text": fix["replacement"]}
    change = {"artifactLocation": artifact, "replacements": [replacement]}
    return {"description": {"text": said(places.page, fix)}, "artifactChanges": [change]}


def _region(places: Places, start: int, end: int) -> dict[str, int]:
    """Lines and columns from 1, the end's column is past the last character; offsets from 0 (section 3.30)."""
    (line, column), (last, past) = places.line_column(start), places.line_column(end)
    lines = {"startLine": line, "startColumn": column, "endLine": last, "endColumn": past}
    return {**lines, "charOffset": start, "charLength": end - start}
