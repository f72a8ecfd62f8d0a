"""Checks the JSON that a page carries in scripts, such as the data of schema.org, by a JSON parser (RFC 8259).

A script whose text is no JSON is reported. Where one edit makes it valid, it has fixes, and the networks choose between
them. The rules are those of JSON documents (`soupstate.model.faults.json_repairs`).
"""

import re
from collections.abc import Iterator

import numpy as np

from soupstate.model.faults.edits import Repair
from soupstate.model.faults.json_repairs import BROKEN as INVALID_JSON
from soupstate.model.faults.json_repairs import proposed
from soupstate.model.faults.json_scan import is_json, scan
from soupstate.model.page.stop import Watch

# A data block of JSON (WHATWG HTML, 4.12.1; MIME Sniffing, 4.6), an import map or speculation rules.
SCRIPT = re.compile(
    r"<script\b[^<>]*?\btype\s*=\s*[\"']?\s*(?:application/(?:[\w.-]+\+)?json|text/json|importmap|speculationrules)\b"
    r"[^<>]*>",
    re.I,
)
SCRIPT_END = re.compile(r"</script\b", re.I)
# Code of a template, which is no JSON yet; and marks that hide JSON from parsers of HTML or XML.
OTHER = re.compile(r"\{\{|\{%|<\?|<%|\$\{|<!\[CDATA\[|<!--")
LONGEST = 200_000  # characters of a script that is looked at
MOST = 20  # broken scripts that are looked at: a page has no more reports


def json_scripts(page: str, watch: Watch) -> Iterator[tuple[int, list[Repair]]]:
    """Yields (place, repairs) of scripts whose JSON is not valid. A repair that changes nothing stands for none.

    Raises Stopped.
    """
    end_tag: re.Match[str] | None = None
    broken = 0
    for m in SCRIPT.finditer(page):
        start = m.end()
        if end_tag is None or end_tag.start() < start:
            end_tag = SCRIPT_END.search(page, start)
            if end_tag is None:
                return
        body = page[start : end_tag.start()]
        watch(len(body))
        if body.lstrip()[:1] not in ("{", "[") or len(body) > LONGEST or OTHER.search(body):
            continue
        if is_json(body) is not False:
            continue
        done = scan(body, watch)
        if done.at is None:
            continue
        broken += 1
        if broken > MOST:
            return
        whole = [r.repair for r in proposed(done, np.zeros(len(body), np.float32), watch) if r.whole]
        found = [_of_script(repair, start) for repair in whole]
        kept = [repair for repair in found if repair.replacement]  # these keep all characters
        at = start + done.at
        message = "the script's JSON is not valid from here on"
        yield at, kept or found or [Repair(at, at, "", INVALID_JSON, message)]


def _of_script(repair: Repair, start: int) -> Repair:
    """Returns the repair of the text of a script as one of its page, where that text begins at `start`."""
    message = f"the script's JSON is not valid: {repair.message}"
    return Repair(start + repair.start, start + repair.end, repair.replacement, INVALID_JSON, message)
