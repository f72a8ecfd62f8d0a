"""Errors of the service: application/problem+json (RFC 9457), with the field that is wrong."""

from http import HTTPStatus
from typing import Any

import orjson
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"
LONGEST_DETAIL, LONGEST_FIELD = 500, 100  # characters; both may hold what the request said
PHRASES = {413: "Content Too Large", 422: "Unprocessable Content"}  # RFC 9110; Python's names differ by version


class Problem(Exception):
    """An answer other than 200. field: the part of the request that is wrong, where it is one part."""

    def __init__(
        self, status: int, detail: str, field: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.headers = status, headers or {}
        self.detail = shown(detail, LONGEST_DETAIL)
        self.field = None if field is None else shown(field, LONGEST_FIELD)


def shown(text: str, most: int) -> str:
    """Returns the text as answers and logs show it: at most so many characters, lone surrogates as escapes.

    >>> shown("a\\ud800b", 9), shown("abcdef", 3)
    ('a\\\\ud800b', 'abc...')
    """
    cut = text if len(text) <= most else text[:most] + "..."
    return cut.encode("utf-8", "backslashreplace").decode("utf-8")


def problem_response(problem: Problem) -> Response:
    """Returns the response for a problem."""
    return Response(orjson.dumps(problem_fields(problem)), problem.status, problem.headers, MEDIA_TYPE)


def problem_fields(problem: Problem) -> dict[str, Any]:
    """Returns a problem as JSON has it (RFC 9457, section 3.1)."""
    title = PHRASES.get(problem.status) or HTTPStatus(problem.status).phrase
    fields = {"type": "about:blank", "title": title, "status": problem.status, "detail": problem.detail}
    return fields if problem.field is None else fields | {"field": problem.field}
