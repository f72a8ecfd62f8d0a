"""POST /nu: the interface of the Nu HTML checker, so that its clients work with this service unchanged."""

import asyncio
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import orjson
from starlette.requests import Request

from soupstate.app.answers import Asked
from soupstate.app.faults import likely
from soupstate.app.http.bodies import (
    JSON_TYPE,
    RAW_TYPES,
    Form,
    Received,
    Written,
    encodings_of,
    read_body,
    reserve,
    room,
)
from soupstate.app.http.fault_pages import PATH as FAULTS
from soupstate.app.http.forms import read_form
from soupstate.app.http.memory import Ticket, TooLarge
from soupstate.app.http.openapi import BINARY, ERRORS
from soupstate.app.http.problems import Problem
from soupstate.app.http.queue import WorkQueue
from soupstate.app.http.schemas import EntropyRequest
from soupstate.app.http.settings import Settings
from soupstate.app.reports.checked import is_error
from soupstate.model.faults.apply import LIKELY
from soupstate.model.faults.fault import Fault
from soupstate.model.page.line_index import LineIndex

FORM_TYPE = "multipart/form-data"
KINDS = (*RAW_TYPES, FORM_TYPE)
PAGES = ("file", "uploaded_file", "content")  # fields of a form that may hold the page
# Parameters of the checker. Those without values are accepted, and have no effect: there is one parser and no schema.
OUT = "out"
VALUES: dict[str, tuple[str, ...]] = {
    OUT: ("json", "text", "gnu"),
    "level": ("error", "warning", "info"),
    "showsource": ("yes", "no"),
    **dict.fromkeys(("parser", "schema", "preset", "laxtype", "checkerrorpages", "charset"), ()),
    "threshold": (),
}
STEP = 1 << 16  # bytes that are unpacked between two looks at the memory
GZIP = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class Wanted:
    """The options of a request. threshold: the probability from which a fault is a message.

    service: the address that the client has asked, with which those of the pages about faults begin.
    """

    out: str = "json"
    level: str = "info"
    showsource: bool = False
    threshold: float = LIKELY
    service: str = "/"


@dataclass(frozen=True, slots=True)
class Message:
    """A message as the checker's JSON has it. Lines and columns count from 1; columns count units of UTF-16.

    help: the address of the service's page about the kind of fault. Only this service has it.
    """

    type: str
    subType: str | None
    message: str
    extract: str
    hiliteStart: int
    hiliteLength: int
    firstLine: int
    lastLine: int
    firstColumn: int
    lastColumn: int
    help: str

    @property
    def level(self) -> str:
        """The level in words: error, or info warning."""
        return f"{self.type} {self.subType}" if self.subType else self.type


async def receive_nu(request: Request, queue: WorkQueue, ticket: Ticket, settings: Settings) -> Received:
    """Reads a request for the checker: a page, or a form with one, which may be packed with gzip. Raises Problem."""
    content_type = request.headers.get("content-type", "")
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in KINDS:
        raise Problem(415, f"send {', '.join(KINDS)}", "Content-Type", {"Accept": ", ".join(KINDS)})
    encodings = encodings_of(request)
    if encodings not in ([], ["gzip"]):
        raise Problem(415, "only gzip is supported", "Content-Encoding", {"Accept-Encoding": "gzip"})
    given = dict(_checked(request.query_params.multi_items()))
    async with room(request, queue, "body"):
        body = await read_body(request, ticket, settings, "body")
        if encodings:
            body = await _unpacked(body, ticket, settings.max_body_bytes)
    if kind == FORM_TYPE:
        fields = await asyncio.to_thread(read_form, content_type, body)
        pages = [(name, field) for name, field in fields if name in PAGES and field.data]
        if len(pages) != 1:
            raise Problem(422, f"a form has one page, in a field named {', '.join(PAGES[:-1])} or {PAGES[-1]}", "body")
        said = [(name, field.data.decode("utf-8", "replace")) for name, field in fields if name not in PAGES]
        given |= dict(_checked(said))
        [(name, page)] = pages
        body, content_type = page.data, "text/html; charset=utf-8" if name == "content" else page.content_type
    wanted = replace(_wanted(given), service=str(request.base_url))
    options = {"include": ["faults"], "detail": "none"}
    media_type = JSON_TYPE if wanted.out == "json" else "text/plain; charset=utf-8"
    form = Form(media_type, partial(WRITERS[wanted.out], wanted))
    return Received(EntropyRequest, RAW_TYPES[0], content_type, options, body, form)


def _checked(given: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yields the parameters with their values. Raises Problem."""
    for name, value in given:
        if name == "doc":
            raise Problem(422, "this service fetches no address: POST the page itself", name)
        if name not in VALUES:
            raise Problem(422, f"unknown parameter; known: {', '.join(VALUES)}", name)
        if VALUES[name] and value not in VALUES[name]:
            raise Problem(422, f"{value!r} is not supported; known: {', '.join(VALUES[name])}", name)
        yield name, value


def _wanted(given: dict[str, str]) -> Wanted:
    try:
        threshold = float(given.get("threshold", LIKELY))
    except ValueError:
        threshold = -1.0
    if not 0.0 <= threshold <= 1.0:
        raise Problem(422, "expected a number from 0 to 1", "threshold")
    return Wanted(given.get(OUT, "json"), given.get("level", "info"), given.get("showsource") == "yes", threshold)


async def _unpacked(packed: bytes, ticket: Ticket, most: int) -> bytes:
    """Unpacks a body. It takes its share of memory as it grows. Raises Problem, NoRoom or TooLarge."""
    unpacker, body = zlib.decompressobj(GZIP), bytearray()
    left = packed
    try:
        while left and not unpacker.eof:
            body += unpacker.decompress(left, STEP)
            left = unpacker.unconsumed_tail
            if len(body) > most:
                raise TooLarge(f"more than {most} bytes")
            reserve(ticket, len(packed) + len(body), len(packed) + most)
            await asyncio.sleep(0)
    except zlib.error as error:
        raise Problem(400, f"the body is not gzip: {error}", "body") from None
    if not unpacker.eof:
        raise Problem(400, "the body is not gzip: it has no end", "body")
    return bytes(body)


def messages(page: str, faults: list[Fault], wanted: Wanted) -> list[Message]:
    """Returns a message for each fault from the threshold on, in the order of the page."""
    lines = LineIndex(page)
    chosen = likely(faults, wanted.threshold)
    return [_message(lines, fault, wanted.service) for fault in chosen if wanted.level != "error" or is_error(fault)]


def _message(lines: LineIndex, fault: Fault, service: str) -> Message:
    """Returns a fault as a message. Its place has one character at least, because the last column belongs to it."""
    page = lines.page
    first = max(0, min(fault.start, len(page) - 1))
    while first and page[first] in "\r\n":
        first -= 1
    last = max(first, fault.end - 1) if first == fault.start else first
    (line, column), (last_line, last_column) = lines.line_column(first), lines.line_column(last)
    begin, end = lines.window(first, last + 1)
    before = units(page[first - column + 1 : first])
    return Message(
        type="error" if is_error(fault) else "info",
        subType=None if is_error(fault) else "warning",
        message=fault.message,
        extract=page[begin:end],
        hiliteStart=units(page[begin:first]),
        hiliteLength=units(page[first : min(last + 1, end)]),
        firstLine=line,
        lastLine=last_line,
        firstColumn=before + 1,
        lastColumn=units(page[last - last_column + 1 : last + 1]),
        help=f"{service}{FAULTS.removeprefix('/')}/{fault.kind}",
    )


def units(text: str) -> int:
    """Returns the length of a text in units of UTF-16."""
    return len(text) + sum(character > "\uffff" for character in text)


def _json(wanted: Wanted, asked: Asked, answer: dict[str, Any]) -> Written:
    rows = []
    for message in messages(asked.html, answer["faults"], wanted):
        row = {name: getattr(message, name) for name in Message.__dataclass_fields__}
        rows.append({name: value for name, value in row.items() if value is not None})
    found: dict[str, Any] = {"messages": rows}
    if wanted.showsource:
        found["source"] = {"type": RAW_TYPES[0], "encoding": asked.charset, "code": asked.html}
    return orjson.dumps(found), {}


def _gnu(wanted: Wanted, asked: Asked, answer: dict[str, Any]) -> Written:
    found = messages(asked.html, answer["faults"], wanted)
    rows = (
        f":{m.firstLine}.{m.firstColumn}-{m.lastLine}.{m.lastColumn}: {m.level}: {' '.join(m.message.split())}\n"
        for m in found
    )
    return "".join(rows).encode(), {}


def _text(wanted: Wanted, asked: Asked, answer: dict[str, Any]) -> Written:
    """Returns text. Clients look for the words "There were errors" at its end."""
    found = messages(asked.html, answer["faults"], wanted)
    parts = []
    for m in found:
        place = f"From line {m.firstLine}, column {m.firstColumn}; to line {m.lastLine}, column {m.lastColumn}"
        parts.append(f"{'Error' if m.type == 'error' else 'Warning'}: {' '.join(m.message.split())}\n{place}\n\n")
    errors = any(m.type == "error" for m in found)
    return ("".join(parts) + ("There were errors.\n" if errors else "No error was found.\n")).encode(), {}


WRITERS: dict[str, Callable[[Wanted, Asked, dict[str, Any]], Written]] = {"json": _json, "text": _text, "gnu": _gnu}

NU_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The faults as messages of the Nu HTML checker.",
        "content": {JSON_TYPE: {}, "text/plain": {}},
    },
    **{status: error for status, error in ERRORS.items() if status != 405},
}
_PAGE = "<title>Tea</title><p>See the <a href='/tea>list</a>.</p>"
NU_REQUEST = {
    "requestBody": {
        "required": True,
        "content": {
            **dict.fromkeys(RAW_TYPES, {"schema": {"type": "string", "minLength": 1}, "example": _PAGE}),
            FORM_TYPE: {"schema": {"type": "object", "properties": {"file": BINARY}, "required": ["file"]}},
        },
    },
    "parameters": [
        {"name": name, "in": "query", "schema": {"type": "string", **({"enum": list(values)} if values else {})}}
        for name, values in VALUES.items()
        if name != "threshold"
    ]
    + [{"name": "threshold", "in": "query", "schema": {"type": "number", "minimum": 0, "maximum": 1}}],
}
