"""Which form of an answer a client of /extract wants: JSON, or the Markdown or text alone (RFC 9110, section 12)."""

from functools import partial
from typing import Any

from starlette.requests import Request

from soupstate.app.answers import Asked
from soupstate.app.http.bodies import JSON_TYPE, Form, Received, Written, receive, written_json
from soupstate.app.http.memory import Ticket
from soupstate.app.http.queue import WorkQueue
from soupstate.app.http.schemas import ExtractRequest
from soupstate.app.http.settings import Settings

PARTS = {"text/markdown": "markdown", "text/plain": "text"}
OFFERED = (JSON_TYPE, *PARTS)  # the first where a client likes several alike
VARY = {"Vary": "Accept"}
NEXT = "Next-Cursor"  # the header with `next_cursor`


async def receive_extract(request: Request, queue: WorkQueue, ticket: Ticket, settings: Settings) -> Received:
    """Reads a request for an extraction, with the form of its answer. Raises Problem."""
    received = await receive(ExtractRequest, request, queue, ticket, settings)
    kind = preferred(",".join(request.headers.getlist("accept")))
    if kind == JSON_TYPE:
        form = Form(write=_json)
    else:
        part = PARTS[kind]
        form = Form(f"{kind}; charset=utf-8", partial(_part, part), frozenset([part]))
    return Received(received.model, received.kind, received.content_type, received.given, received.body, form)


def preferred(accept: str) -> str:
    """Returns the media type of OFFERED that an Accept header likes best; JSON where it likes none.

    >>> preferred("text/html, text/*;q=0.5, text/plain;q=0.1"), preferred("*/*"), preferred("image/png")
    ('text/markdown', 'application/json', 'application/json')
    """
    ranges = dict(_range(part) for part in accept.split(",") if part.strip())

    def quality(kind: str) -> float:
        names = (kind, f"{kind.partition('/')[0]}/*", "*/*")  # the most specific one counts
        return next((ranges[name] for name in names if name in ranges), 0.0)

    return max(OFFERED, key=quality)


def _range(part: str) -> tuple[str, float]:
    """Returns a media range and its weight; one that is no number counts as 0."""
    name, *parameters = (word.strip().lower() for word in part.split(";"))
    weights = [value.strip() for key, _, value in (p.partition("=") for p in parameters) if key.strip() == "q"]
    try:
        return name, float(weights[0]) if weights else 1.0
    except ValueError:
        return name, 0.0


def _json(asked: Asked, answer: dict[str, Any]) -> Written:
    return written_json(asked, answer)[0], VARY


def _part(name: str, asked: Asked, answer: dict[str, Any]) -> Written:
    """Returns the part alone. A line feed ends its last piece, so that the pieces together are the whole."""
    following = answer.get("next_cursor")
    if following:
        return answer[name].encode(), VARY | {NEXT: following}
    return f"{answer[name]}\n".encode(), VARY
