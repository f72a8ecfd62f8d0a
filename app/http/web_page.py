"""The page at /: the files that `web/build.py` builds. They load nothing from elsewhere."""

import hashlib
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from soupstate.app.http.problems import Problem

FOLDER = Path(__file__).with_name("page")
INDEX = "index.html"
# The files of FOLDER and their media types.
KINDS = {
    INDEX: "text/html; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "page.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "licences.txt": "text/plain; charset=utf-8",
}
# Nothing but the service's own files, and no text that becomes markup (W3C, Content Security Policy Level 3, and
# Trusted Types).
POLICY = (
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)


def web_page(request: Request, name: str) -> Response:
    """Returns a file of the page, or 304 where the client has it. Raises Problem where it is missing."""
    if name not in KINDS:
        raise Problem(404, f"the page has no file {name}")
    try:
        body, tag = _file(name)
    except FileNotFoundError:
        detail = "the page was not built; run python web/build.py in the checkout, or read /docs"
        raise Problem(404, detail) from None
    headers = {
        "ETag": tag,
        "Cache-Control": "no-cache",
        "Content-Security-Policy": POLICY,
        "Referrer-Policy": "no-referrer",
    }
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=KINDS[name], headers=headers)


@cache
def _file(name: str) -> tuple[bytes, str]:
    """Returns a file and its entity tag. Raises FileNotFoundError."""
    body = (FOLDER / name).read_bytes()
    return body, f'"{hashlib.sha256(body).hexdigest()[:16]}"'
