"""Checks the JSON that a page carries in scripts, such as the data of schema.org, by a JSON parser (RFC 8259).

A script whose text is no JSON is reported. Where one edit makes it valid, it has fixes, and the networks choose between
them.
"""

import json
import re
from collections.abc import Iterator

from soupstate.model.faults.edits import Repair
from soupstate.model.page.stop import Watch

INVALID_JSON = "invalid-json"
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
NEAR = 200  # characters in which the end of an open string is looked for
DELETED = ",;:\"'}]["  # other characters are content, and no fix deletes them
ENDS = re.compile(r"\s*[,}\]:\n]")  # what may follow a string
ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
CONTROL = re.compile("[\n\r\t]")
CLOSERS = {"{": "}", "[": "]"}
TOKEN = re.compile(r"\"(?:[^\"\\]|\\.)*+\"?+|[{}\[\]]", re.S)


def json_scripts(page: str, watch: Watch) -> Iterator[tuple[int, list[Repair]]]:
    """Yields (place, repairs) of scripts whose JSON is not valid. A repair that changes nothing stands for none.

    Raises Stopped.
    """
    end_tag: re.Match[str] | None = None
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
        at = _wrong_at(body)
        if at is None:
            continue
        found = []
        for first, end, new in dict.fromkeys(_edits(body, at)):
            watch(len(body))
            if _wrong_at(body[:first] + new + body[end:]) is None:
                message = f"the script's JSON is not valid: {_in_words(body[first:end], new)}"
                found.append(Repair(start + first, start + end, new, INVALID_JSON, message))
        kept = [repair for repair in found if repair.replacement]  # these keep all characters
        message = "the script's JSON is not valid from here on"
        yield start + at, kept or found or [Repair(start + at, start + at, "", INVALID_JSON, message)]


def _wrong_at(text: str) -> int | None:
    """Returns where a JSON parser stops; None where the text is JSON, or too deep to be parsed."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return error.pos
    except RecursionError:
        return None
    return None


def _edits(body: str, at: int) -> Iterator[tuple[int, int, str]]:
    """Yields (start, end, replacement) of edits that may mend JSON which a parser cannot read on from body[at]."""
    before = len(body[:at].rstrip())
    here = body[at : at + 1]
    if body[before - 1 : before] == "," and body[before:].lstrip()[:1] in ("}", "]", ","):
        yield before - 1, before, ""
    if here in ESCAPES:
        begin, end = body.rfind('"', 0, at) + 1, body.find('"', at)
        if end > 0:  # all of them in this string
            yield begin, end, CONTROL.sub(lambda m: ESCAPES[m[0]], body[begin:end])
        yield from ((m.start(), m.start(), '"') for m in ENDS.finditer(body, max(begin, at - NEAR), at + 1))
    if here == "\\":
        yield at, at, "\\"
    for new in (",", ":", '"'):
        yield before, before, new
    yield at, at, '"'
    if here == '"':  # a string that never ends
        yield from ((m.start(), m.start(), '"') for m in ENDS.finditer(body, at + 1, at + NEAR))
    if here == ".":
        yield at, at, "0"
    in_number = body[at - 1 : at].isdigit() and body[at + 1 : at + 2].isdigit()
    if here and here in DELETED and not in_number:
        yield at, at + 1, ""
    closers = _open_at(body, at)
    if closers:
        comma = body.rfind(",", 0, at)
        yield from ((k, k, closers[-1]) for k in (before, comma) if k > 0)
        if here and here in "}]":
            yield at, at + 1, closers[-1]
    left = _open_at(body, len(body))
    if left:
        yield len(body.rstrip()), len(body.rstrip()), left[-1]


def _open_at(body: str, end: int) -> list[str]:
    """Returns the brackets that are still to come at body[end], the outermost first."""
    closers: list[str] = []
    for m in TOKEN.finditer(body, 0, end):
        if m[0] in CLOSERS:
            closers.append(CLOSERS[m[0]])
        elif closers and m[0] == closers[-1]:
            closers.pop()
    return closers


def _in_words(old: str, new: str) -> str:
    if not old:
        return f"{new} is missing"
    if CONTROL.search(old) and len(new) > 1:
        return "a string has line breaks or tabs that are not escaped"
    return f"unexpected {old!r}" if not new else f"{new} was meant, not {old!r}"
