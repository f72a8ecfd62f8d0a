"""Reads requests: the page in the body, its charset, and the fields in body or query."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import orjson
from pydantic import ValidationError
from starlette.requests import ClientDisconnect, Request

from soupstate.app.answers import Asked
from soupstate.app.http.json_body import json_body
from soupstate.app.http.memory import NoRoom, Ticket, TooLarge
from soupstate.app.http.problems import Problem
from soupstate.app.http.queue import Full, WorkQueue
from soupstate.app.http.schemas import EntropyRequest, ExtractRequest
from soupstate.app.http.settings import Settings
from soupstate.app.wrong_values import wrong_value
from soupstate.model.page.decode import Decoded, decode, decode_json

RequestModel = type[ExtractRequest] | type[EntropyRequest]

RAW_TYPES = ("text/html", "application/xhtml+xml")
JSON_TYPE = "application/json"
DOCUMENT = "a document of JSON"
LINES_TYPE = "application/x-ndjson"
JSON_TYPES = re.compile(r"application/json|text/json|[\w.+-]+/[\w.+-]+\+json")  # RFC 8259, 11; RFC 6839, 3.1
NAMES = (
    "page", "url", "include", "scope", "favor", "links", "front_matter", "max_characters", "cursor", "detail", "start",
    "end",
)  # fmt: skip
NUMBERS = ("max_characters", "start", "end")
ARCHIVE_NAMES = ("include", "scope", "favor", "links", "front_matter")  # of the options of a request with an archive
NUMBER = re.compile("-?[0-9]{1,999}")
BOOLEANS = {"true": True, "false": False}  # as a query writes them
# A body must have come in at this many bytes per second on average, but for the first GRACE_SECONDS.
GRACE_SECONDS = 5.0
SLOWEST_BODY = 10_000


Written = tuple[bytes, dict[str, str]]


def written_json(asked: Asked, answer: dict[str, Any]) -> Written:
    """Returns an answer as JSON, without headers of its own."""
    return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY), {}


@dataclass(frozen=True, slots=True)
class Form:
    """How an answer is written.

    write: makes its body and headers from what was asked and what `reply` returned. include: the parts of the answer,
    where the form decides on them.
    """

    media_type: str = JSON_TYPE
    write: Callable[[Asked, dict[str, Any]], Written] = written_json
    include: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Received:
    """A request whose body has arrived.

    kind: its media type, or DOCUMENT. given: the options of its query. form: of the answer.
    """

    model: RequestModel
    kind: str
    content_type: str | None
    given: dict[str, Any]
    body: bytes
    form: Form = Form()

    @property
    def field(self) -> str:
        """The part of the request that holds the page."""
        return _field(self.kind)

    def parse(self) -> tuple[Asked, int]:
        """Returns the page with its options, and its bytes of UTF-8. Raises Problem."""
        page: Decoded | None = None
        if self.kind == JSON_TYPE:
            given = self.given | json_body(self.body)
        else:
            try:
                page = decode_json(self.body) if self.kind == DOCUMENT else decode(self.body, self.content_type)
            except ValueError as error:
                raise Problem(422, str(error), "body") from None
            given = self.given | {"html": page.text}
        try:
            asked = self.model.model_validate(given)
        except ValidationError as error:
            _refuse(error, self.model, self.field)
        wanted = _asked(asked)
        if self.form.include:
            wanted = replace(wanted, include=self.form.include, fields=False)
        if page:
            wanted = replace(wanted, charset=page.charset, charset_source=page.source)
        return wanted, len(asked.html.encode())


async def receive(
    model: RequestModel, request: Request, queue: WorkQueue, ticket: Ticket, settings: Settings
) -> Received:
    """Reads a request with a page. The ticket then holds the page's share of memory.

    Raises Problem. The server throws away what still comes of a refused body.
    """
    given = _query(request, [name for name in NAMES if name in model.model_fields])
    kind = _document(request) if given.get("page") == "json" else _kind(request)
    async with room(request, queue, field := _field(kind)):
        body = await read_body(request, ticket, settings, field)
    return Received(model, kind, request.headers.get("content-type"), given, body)


@asynccontextmanager
async def room(request: Request, queue: WorkQueue, field: str) -> AsyncIterator[None]:
    """Raises the Problem of a body for which there is no memory, and never will be, or not now. field: its name."""
    try:
        yield
        return
    except NoRoom as missing:
        refused = busy(queue.full(missing))
    except TooLarge as large:
        refused = Problem(413, str(large), field)
    if "expect" in request.headers:  # whether the body still comes is left to the client (RFC 9110, section 10.1.1)
        refused.headers |= {"Connection": "close"}
    raise refused


def is_batch(request: Request) -> bool:
    """Returns whether a request has pages in lines. Raises Problem for one with a query or a coding."""
    if media_type_of(request) != LINES_TYPE:
        return False
    for name in request.query_params:
        raise Problem(422, "each line has its own options", name)
    if encodings := encodings_of(request):
        detail = f"{', '.join(encodings)!r} is not supported; send the lines as they are"
        raise Problem(415, detail, "Content-Encoding", {"Accept-Encoding": "identity"})
    return True


def read_wanted(request: Request) -> Asked:
    """Reads the options of a request with an archive, and ignores its Content-Type. Raises Problem."""
    if "url" in request.query_params:
        raise Problem(422, "the archive holds the addresses of its pages", "url")
    given = _query(request, ARCHIVE_NAMES)
    encodings = encodings_of(request)
    if encodings not in ([], ["gzip"]):
        detail = f"{', '.join(encodings)!r} is not supported; send the file as it is"
        raise Problem(415, detail, "Content-Encoding", {"Accept-Encoding": "identity"})
    try:
        asked = ExtractRequest.model_validate(given | {"html": "-"})
    except ValidationError as error:
        _refuse(error, ExtractRequest, "html")
    return replace(_asked(asked), html="")


def _asked(asked: ExtractRequest | EntropyRequest) -> Asked:
    include = frozenset[str](asked.include)
    if isinstance(asked, EntropyRequest):
        measured = Asked(asked.html, asked.url, include, asked.scope, asked.detail, start=asked.start, end=asked.end)
        return replace(measured, page=asked.page)
    options = (asked.favor, asked.links, asked.front_matter)
    wanted = Asked(asked.html, asked.url, include, asked.scope, "none", *options)
    return replace(wanted, max_characters=asked.max_characters, cursor=asked.cursor)


def media_type_of(request: Request) -> str:
    """Returns the media type of a body in lower case, without parameters; "" where none is given."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _document(request: Request) -> str:
    """Returns DOCUMENT, the kind of a body that is the JSON to be read. Raises Problem for a body that is none."""
    kind = media_type_of(request)
    if not JSON_TYPES.fullmatch(kind):
        detail = f"{kind!r} is no type of JSON; with page=json send {JSON_TYPE}, or another type of JSON"
        raise Problem(415, detail, "Content-Type", {"Accept": JSON_TYPE})
    _refuse_encodings(request)
    return DOCUMENT


def _kind(request: Request) -> str:
    kind = media_type_of(request)
    if kind not in (*RAW_TYPES, JSON_TYPE):
        unsupported = f"{kind!r} is" if kind else "a body without one is"
        detail = f"{unsupported} not supported; send {', '.join(RAW_TYPES)} or {JSON_TYPE}"
        raise Problem(415, detail, "Content-Type", {"Accept": ", ".join((*RAW_TYPES, JSON_TYPE))})
    _refuse_encodings(request)
    return kind


def _refuse_encodings(request: Request) -> None:
    if encodings := encodings_of(request):
        detail = f"{', '.join(encodings)!r} is not supported; send the body as it is"
        raise Problem(415, detail, "Content-Encoding", {"Accept-Encoding": "identity"})


def encodings_of(request: Request) -> list[str]:
    """Returns the codings of the body but `identity`: of all the fields (RFC 9110, sections 5.3 and 8.4)."""
    joined = ",".join(request.headers.getlist("content-encoding"))
    return [name for part in joined.split(",") if (name := part.strip().lower()) not in ("", "identity")]


def _field(kind: str) -> str:
    return "html" if kind == JSON_TYPE else "body"


def _query(request: Request, names: Sequence[str]) -> dict[str, Any]:
    """Returns the parameters of the query, some of `names`. include may be repeated or separated by commas."""
    given: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        if name not in names:
            raise Problem(422, f"unknown query parameter; known: {', '.join(names)}", name)
        if name == "include":
            given.setdefault(name, []).extend(part.strip() for part in value.split(","))
        elif name in given:
            raise Problem(422, "given twice", name)
        else:
            given[name] = _value(name, value)
    return given


def _value(name: str, value: str) -> str | bool | int:
    """Returns a parameter's value as JSON has it. What is no such value stays a str, which the model refuses."""
    if name == "front_matter":
        return BOOLEANS.get(value, value)
    if name in NUMBERS and NUMBER.fullmatch(value):
        return int(value)
    return value


async def read_body(request: Request, ticket: Ticket, settings: Settings, field: str) -> bytes:
    """Reads the body. One that says its length takes its share of memory at once."""
    start, body, more = time.monotonic(), bytearray(), True
    declared = request.headers.get("content-length", "0")
    reserve(ticket, int(declared), settings.max_body_bytes)
    while more:
        allowed = min(settings.body_seconds, GRACE_SECONDS + len(body) / SLOWEST_BODY)
        try:
            async with asyncio.timeout(start + allowed - time.monotonic()):
                message = await request.receive()
        except TimeoutError:
            detail = f"only {len(body)} bytes of it arrived in {allowed:.3g} s"
            raise Problem(408, detail, field, {"Connection": "close"}) from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk, more = message.get("body", b""), message.get("more_body", False)
        reserve(ticket, len(body) + len(chunk), settings.max_body_bytes)
        body += chunk
    return bytes(body)


def reserve(ticket: Ticket, size: int, most: int) -> None:
    """Takes the share of a body of `size` bytes. Raises NoRoom, and TooLarge where it has more than `most`."""
    if size > most:
        raise TooLarge(f"more than {most} bytes")
    ticket.reserve(size)


def busy(full: Full) -> Problem:
    """Returns the answer to a request that finds the queue full."""
    return Problem(503, str(full), headers={"Retry-After": str(full.retry_after)})


def _refuse(error: ValidationError, model: RequestModel, page: str) -> NoReturn:
    """Raises the Problem that names the first error and its field. page: the field that holds the page."""
    field, detail = wrong_value(error)
    if field not in model.model_fields:
        detail = f"unknown field; known: {', '.join(model.model_fields)}"
    raise Problem(422, detail, page if field == "html" else field) from None
