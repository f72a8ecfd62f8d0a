"""POST /corrections: keeps what people say is right, where the service has a store for it."""

import asyncio
from collections.abc import Iterator
from typing import Any

import orjson
from fastapi import APIRouter
from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response

from soupstate.app.http.answering import Service, refusing
from soupstate.app.http.bodies import JSON_TYPE, encodings_of, media_type_of, read_body, room
from soupstate.app.http.json_body import json_value
from soupstate.app.http.memory import Ticket
from soupstate.app.http.openapi import ERRORS
from soupstate.app.http.problems import Problem
from soupstate.app.http.queue import WorkQueue
from soupstate.app.http.schemas import CorrectionsAnswer
from soupstate.app.http.settings import Settings
from soupstate.app.logs import LOG
from soupstate.model.corrections.checks import WrongCorrection
from soupstate.model.corrections.correction import KINDS, Corrected, MainCorrection, read_correction, written
from soupstate.model.corrections.store import Contradiction, Store, StoreFailed

router = APIRouter()  # of a service that has a store
MOST = 1000  # corrections of a request
RETRY = "5"  # seconds after which a store that could not be written may be


async def receive_corrections(request: Request, queue: WorkQueue, ticket: Ticket, settings: Settings) -> bytes:
    """Returns the body of a request with corrections. Raises Problem."""
    for name in request.query_params:
        raise Problem(422, "unknown query parameter; there are none", name)
    kind = media_type_of(request)
    if kind != JSON_TYPE:
        raise Problem(415, f"{kind!r} is not supported; send {JSON_TYPE}", "Content-Type", {"Accept": JSON_TYPE})
    if encodings := encodings_of(request):
        detail = f"{', '.join(encodings)!r} is not supported; send the body as it is"
        raise Problem(415, detail, "Content-Encoding", {"Accept-Encoding": "identity"})
    async with room(request, queue, "body"):
        return await read_body(request, ticket, settings, "body")


def read_corrections(body: bytes) -> list[Corrected]:
    """Returns the corrections of a body: one object, or a list of them. Raises Problem."""
    given = json_value(body)
    several = isinstance(given, list)
    if not several:
        given = [given]
    if not 1 <= len(given) <= MOST:
        raise Problem(422, f"a list must have from 1 to {MOST} corrections", "body")
    return list(_read(given, several))


def _read(given: list[Any], several: bool) -> Iterator[Corrected]:
    pages: dict[str, str] = {}  # so that the corrections of a page share its text
    for number, each in enumerate(given):
        which = f"correction {number}: " if several else ""
        if not isinstance(each, dict):
            raise Problem(422, f"{which}must be an object", "body")
        html = each.get("html")
        try:
            yield read_correction(each | {"html": pages.setdefault(html, html)} if isinstance(html, str) else each)
        except WrongCorrection as wrong:
            raise Problem(422, f"{which}{wrong.detail}", wrong.field) from None


def keep(store: Store, given: list[Corrected]) -> Response:
    """Stores corrections, all or none. Returns the response. Raises Problem."""
    try:
        added = store.add(given)
    except StoreFailed as failed:
        LOG.error("the store of corrections failed", extra={"fields": {"reason": str(failed)}})
        detail = "the store of corrections cannot be written now; nothing was stored"
        raise Problem(503, detail, headers={"Retry-After": RETRY}) from None
    contradictions = [_contradiction(each) for each in added.contradictions]
    answer = {"new": added.new, "merged": added.merged, "contradictions": contradictions}
    return Response(orjson.dumps(answer), media_type=JSON_TYPE)


def _contradiction(each: Contradiction) -> dict[str, Any]:
    return {"index": each.index, "digest": each.page, "before": written(each.before), "now": written(each.now)}


def _schema() -> dict[str, Any]:
    """Returns the schema of a request: a correction of any kind, or a list of them."""
    page = {
        "html": {"type": "string", "minLength": 1, "description": "The page, decoded."},
        "url": {"type": "string", "format": "uri", "description": "The page's address."},
        "digest": {"type": "string", "description": "The SHA-256 of the page's UTF-8; it is checked."},
        "answered": {"description": "What was answered instead."},
    }
    kinds = []
    for name, kind in KINDS.items():
        found = TypeAdapter(kind).json_schema()
        fields, needed = found["properties"], found.get("required", [])
        if kind is MainCorrection:
            right = [{"type": "object", "properties": {key: _of(fields[key])}, "required": [key]} for key in fields]
            fields, needed = {"right": {"oneOf": right}}, ["right"]
        fields = {key: _of(value) for key, value in fields.items()}
        kinds.append(
            {
                "type": "object",
                "title": found["title"],
                "description": found["description"],
                "properties": page | {"kind": {"const": name}} | fields,
                "required": ["html", "kind", *needed],
                "additionalProperties": False,
            }
        )
    return {"oneOf": [*kinds, {"type": "array", "items": {"oneOf": kinds}, "minItems": 1, "maxItems": MOST}]}


def _of(schema: dict[str, Any]) -> dict[str, Any]:
    """Returns the schema of a field that is left out where it has no value."""
    kinds: list[dict[str, Any]] = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    return kinds[0] if len(kinds) == 1 else {name: value for name, value in schema.items() if name != "default"}


_PAGE = "<nav>Teas</nav><p>Sencha is a green tea."
CORRECTIONS_REQUEST = {
    "requestBody": {
        "required": True,
        "content": {
            JSON_TYPE: {
                "schema": _schema(),
                "example": {"html": _PAGE, "kind": "main", "right": {"text": "Sencha is a green tea."}},
            }
        },
    }
}
CORRECTIONS_RESPONSES: dict[int | str, dict[str, Any]] = {
    **{status: error for status, error in ERRORS.items() if status != 504},
    415: {**ERRORS[415], "description": "The body is not JSON, or it is compressed."},
    422: {**ERRORS[422], "description": "A correction does not fit its page, or a field is unknown or wrong."},
}


@router.post(
    "/corrections",
    response_model=CorrectionsAnswer,
    responses=CORRECTIONS_RESPONSES,
    openapi_extra=CORRECTIONS_REQUEST,
)
async def post_corrections(request: Request) -> Response:
    """Stores corrections of answers, one object or a list of them: all, or none where one is wrong."""
    service: Service = request.app.state.service
    assert service.store is not None  # where this route is
    ticket = service.queue.ticket()
    try:
        body = await receive_corrections(request, service.queue, ticket, service.settings)
        with refusing("body"):
            given = await service.wait(request, service.queue.submit(lambda _: read_corrections(body), len(body)))
        request.state.fields["corrections"] = len(given)
        return await asyncio.to_thread(keep, service.store, given)
    finally:
        ticket.release()
