"""Reads requests: the page in the body, its charset, and the fields in body or query."""

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Any, NoReturn

from pydantic import ValidationError
from starlette.requests import ClientDisconnect, Request

from soupstate.app.answers import Asked
from soupstate.app.http.problems import Problem
from soupstate.app.http.queue import Full, Ticket, TooLarge
from soupstate.app.http.schemas import EntropyRequest, ExtractRequest
from soupstate.app.http.settings import Settings
from soupstate.model.page.decode import decode

RequestModel = type[ExtractRequest] | type[EntropyRequest]

RAW_TYPES = ("text/html", "application/xhtml+xml")
JSON_TYPE = "application/json"
NAMES = ("url", "include", "scope", "detail")
ARCHIVE_NAMES = ("include", "scope")  # of the options of a request with an archive
# A refused body is read and thrown away for this many seconds and bytes at most, because a client that is still
# sending when the connection closes may never see the answer.
LINGER_SECONDS = 2.0
LINGER_BYTES = 16_000_000


class _Refused(Exception):
    """A body is refused. more: whether some of it is still to come."""

    def __init__(self, problem: Problem, more: bool) -> None:
        super().__init__(problem)
        self.problem, self.more = problem, more


async def read_asked(request: Request, model: RequestModel, ticket: Ticket, settings: Settings) -> Asked:
    """Reads the page of a request and its options. The ticket then holds the page's characters. Raises Problem."""
    kind = _kind(request)
    given = _query(request, [name for name in NAMES if name in model.model_fields])
    try:
        body = await asyncio.wait_for(_body(request, ticket, settings.max_body_bytes), settings.body_seconds)
    except TimeoutError:
        detail = f"the body took longer than {settings.body_seconds:g} s to arrive"
        raise Problem(408, detail, "body", {"Connection": "close"}) from None
    except _Refused as refused:
        if refused.more:
            await _linger(request)
        refused.problem.headers |= {"Connection": "close"}
        raise refused.problem from None
    asked = await asyncio.to_thread(_parse, body, kind, request.headers.get("content-type"), given, model)
    ticket.shrink(len(asked.html))
    return asked


def read_wanted(request: Request) -> Asked:
    """Reads the options of a request with an archive, and ignores its Content-Type. Raises Problem."""
    if "url" in request.query_params:
        raise Problem(422, "the archive holds the addresses of its pages", "url")
    given = _query(request, ARCHIVE_NAMES)
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity", "gzip"):
        detail = f"{encoding!r} is not supported; send the file as it is"
        raise Problem(415, detail, "Content-Encoding", {"Accept-Encoding": "identity"})
    try:
        asked = ExtractRequest.model_validate(given | {"html": "-"})
    except ValidationError as error:
        _refuse(error)
    return Asked("", None, frozenset(asked.include), asked.scope)


def _kind(request: Request) -> str:
    declared = request.headers.get("content-type", "")
    kind = declared.partition(";")[0].strip().lower()
    if kind not in (*RAW_TYPES, JSON_TYPE):
        unsupported = f"{kind!r} is" if kind else "a body without one is"
        detail = f"{unsupported} not supported; send {', '.join(RAW_TYPES)} or {JSON_TYPE}"
        raise Problem(415, detail, "Content-Type", {"Accept": ", ".join((*RAW_TYPES, JSON_TYPE))})
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        detail = f"{encoding!r} is not supported; send the body as it is"
        raise Problem(415, detail, "Content-Encoding", {"Accept-Encoding": "identity"})
    return kind


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
            given[name] = value
    return given


async def _body(request: Request, ticket: Ticket, most: int) -> bytes:
    """Reads the body. Each byte reserves one character of the budget, which is always enough."""
    declared = request.headers.get("content-length", "")
    announced = int(declared) if declared.isdigit() else 0
    body, more = bytearray(), True
    try:
        _check_size(announced, most)
        ticket.queue.check(announced)
        while more:
            message = await request.receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            chunk, more = message.get("body", b""), message.get("more_body", False)
            _check_size(len(body) + len(chunk), most)
            ticket.grow(len(chunk))
            body += chunk
    except Full as full:
        raise _Refused(busy(full), more) from None
    except TooLarge as large:
        raise _Refused(Problem(413, str(large), "body"), more) from None
    return bytes(body)


def _check_size(size: int, most: int) -> None:
    if size > most:
        raise TooLarge(f"more than {most} bytes")


def busy(full: Full) -> Problem:
    """Returns the answer to a request that finds the queue full."""
    return Problem(503, str(full), headers={"Retry-After": str(full.retry_after)})


async def _linger(request: Request) -> None:
    if "expect" in request.headers:  # the client waits for permission to send
        return
    until, left = time.monotonic() + LINGER_SECONDS, LINGER_BYTES
    try:
        while left > 0 and (rest := until - time.monotonic()) > 0:
            message = await asyncio.wait_for(request.receive(), rest)
            left -= len(message.get("body", b""))
            if not message.get("more_body"):
                return
    except TimeoutError:
        return


def _parse(body: bytes, kind: str, content_type: str | None, given: dict[str, Any], model: RequestModel) -> Asked:
    if kind == JSON_TYPE:
        given = given | _json(body)
    else:
        try:
            given = given | {"html": decode(body, content_type).text}
        except ValueError as error:
            raise Problem(422, str(error), "body") from None
    try:
        asked = model.model_validate(given)
    except ValidationError as error:
        _refuse(error)
    detail = asked.detail if isinstance(asked, EntropyRequest) else "none"
    return Asked(asked.html, asked.url, frozenset(asked.include), asked.scope, detail)


def _json(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Problem(400, "the JSON is not UTF-8", "body") from None
    except (ValueError, RecursionError) as error:
        raise Problem(400, f"invalid JSON: {error}", "body") from None
    if not isinstance(value, dict):
        raise Problem(422, f"expected a JSON object, not {type(value).__name__}", "body")
    return value


def _refuse(error: ValidationError) -> NoReturn:
    """Raises the Problem that names the first error and its field."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    detail = first["msg"].removeprefix("Value error, ")
    raise Problem(422, detail, str(first["loc"][0])) from None
