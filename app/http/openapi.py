"""What OpenAPI says of bodies, queries and errors, which the routes read and answer without FastAPI."""

from typing import Any

from soupstate.app.http.bodies import JSON_TYPE, LINES_TYPE, NAMES, RAW_TYPES, RequestModel
from soupstate.app.http.problems import MEDIA_TYPE
from soupstate.app.http.schemas import ExtractRequest, ProblemAnswer


def documentation(model: RequestModel) -> dict[str, Any]:
    """Returns OpenAPI's description of the body and the query, which `bodies` reads without FastAPI."""
    schema = model.model_json_schema()
    fields = schema["properties"]
    page = fields["html"]["examples"][0]
    html = {"schema": fields["html"], "example": page}
    asked = {"html": page, "url": fields["url"]["anyOf"][0]["examples"][0]}
    content = {JSON_TYPE: {"schema": schema, "example": asked}, **dict.fromkeys(RAW_TYPES, html)}
    query = [
        {"name": name, "in": "query", "schema": _of_query(fields[name]), "explode": True}
        for name in NAMES
        if name in fields
    ]
    return {"requestBody": {"required": True, "content": content}, "parameters": query}


def _of_query(field: dict[str, Any]) -> dict[str, Any]:
    """Returns a field's schema as that of a query parameter, which is never null."""
    kinds = [kind for kind in field.get("anyOf", []) if kind != {"type": "null"}]
    return kinds[0] if kinds else field


ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"description": text, "content": {MEDIA_TYPE: {"schema": ProblemAnswer.model_json_schema()}}}
    for status, text in {
        400: "The JSON or the request is malformed.",
        401: "The service asks for an API key, and the request has another or none.",
        408: "The body took too long to arrive.",
        413: "The body is too large, or there will never be memory for the page.",
        415: "The body is neither HTML nor JSON, or it is compressed.",
        422: "The page is empty, binary or undecodable, or a field is unknown or wrong.",
        500: "The service failed. Its log says why.",
        503: "The service has no room for the request now, or is stopping. Retry-After tells when to try again.",
        504: "Reading the page took longer than the limit. Another try is unlikely to help.",
    }.items()
}


ARCHIVE_TYPES = ("application/warc", "application/octet-stream")  # any other is taken too
BINARY = {"type": "string", "format": "binary"}
KEYED: dict[int | str, dict[str, Any]] = {status: ERRORS[status] for status in (401, 500, 503)}
UNKEYED: dict[int | str, dict[str, Any]] = {
    404: {**ERRORS[500], "description": "There is no such page, or it was not built."},
    **{status: ERRORS[status] for status in (500, 503)},
}

_LINES = '{"html": "<h1>Tea</h1>", "include": ["text"]}\n{"html": "<p>Milk", "url": "https://example.org/"}\n'
EXTRACT_REQUEST = documentation(ExtractRequest)
EXTRACT_REQUEST["requestBody"]["content"][LINES_TYPE] = {
    "schema": {"type": "string", "description": "A JSON object, as with application/json, on each line."},
    "example": _LINES,
}
EXTRACT_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The extraction: as JSON, the Markdown or the text alone, or an object per line.",
        "content": dict.fromkeys(("text/markdown", "text/plain", LINES_TYPE), {"schema": {"type": "string"}}),
        "headers": {"Next-Cursor": {"description": "`next_cursor` of Markdown or text.", "schema": {"type": "string"}}},
    },
    **ERRORS,
}
