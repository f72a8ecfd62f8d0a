"""Middleware for every request: its id, log line and counters, and an answer when the code fails."""

import asyncio
import re
import secrets
import time
import uuid
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from soupstate.app.http.metrics import Metrics
from soupstate.app.http.problems import Problem, problem_response, shown
from soupstate.app.logs import LOG

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
CLIENT_GONE = 499  # used in logs and metrics only, as nobody receives it
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})  # polled all the time, so logged at level debug


# Answered without the API key. The page at / asks for it.
OPEN = frozenset({"/healthz", "/readyz", "/", "/faults"})
OPEN_FOLDERS = ("/web/", "/faults/")
NO_SNIFFING = (b"x-content-type-options", b"nosniff")
STOPPING = Problem(503, "the service is stopping", headers={"Retry-After": "1"})
# Of the connections, up to so many, and a quarter at most, are never taken by requests other than QUIET ones.
FREE_CONNECTIONS = 16
LONGEST_PATH = 200  # characters of it that are logged


class Access:
    """ASGI middleware. Routes add what they know to `scope["state"]["fields"]`, which goes into the log.

    HEAD is answered as GET, without the body, which the server leaves out. most: of open connections. Few less than
    these may have a request under way. key: what requests must name, but for those of OPEN; none where it is empty.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, most: int, key: str = "") -> None:
        self.app, self.metrics, self.key = app, metrics, key.encode()
        self.most = most - min(FREE_CONNECTIONS, most // 4)
        self.running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, then logs and counts it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, status, method = time.perf_counter(), 0, scope["method"]
        if method == "HEAD":
            scope = {**scope, "method": "GET"}
        sent = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
        name = sent if REQUEST_ID.fullmatch(sent) else uuid.uuid4().hex
        fields: dict[str, Any] = {}

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", name.encode()), NO_SNIFFING]
            await send(message)

        try:
            await self._answer(scope, receive, send_named, fields)
        except Problem as problem:
            fields["detail"] = problem.detail
            await problem_response(problem)(scope, receive, send_named)
        except asyncio.CancelledError:  # by the server, after it has waited for requests to end
            fields["detail"] = STOPPING.detail
            if not status:
                await problem_response(STOPPING)(scope, receive, send_named)
        except Exception:
            LOG.exception("a request failed", extra={"fields": {"id": name}})
            if not status:
                await problem_response(Problem(500, "the service failed; its log says why"))(scope, receive, send_named)
        finally:
            route = getattr(scope.get("route"), "path", None)
            status = status or CLIENT_GONE
            seconds = time.perf_counter() - start
            self.metrics.requests.labels(route or "none", str(status)).inc()
            self.metrics.seconds.labels(route or "none").observe(seconds)
            line = {"id": name, "method": method, "route": route or shown(scope["path"], LONGEST_PATH)}
            line |= {"status": status, "seconds": round(seconds, 4), **fields}
            LOG.log(10 if route in QUIET else 20, "request", extra={"fields": line})

    async def _answer(self, scope: Scope, receive: Receive, send: Send, fields: dict[str, Any]) -> None:
        """Lets the application answer, where the request may be answered. Raises Problem."""
        scope.setdefault("state", {})["fields"] = fields
        self.running += 1
        try:
            _check_framing(scope)
            if self.key and scope["path"] not in OPEN and not scope["path"].startswith(OPEN_FOLDERS):
                self._check_key(scope)
            if self.running > self.most and scope["path"] not in QUIET:
                raise Problem(503, "too many requests at once", headers={"Retry-After": "1", "Connection": "close"})
            await self.app(scope, receive, send)
        finally:
            self.running -= 1

    def _check_key(self, scope: Scope) -> None:
        """Raises Problem where a request does not name the API key (RFC 6750, section 2.1)."""
        scheme, _, given = dict(scope["headers"]).get(b"authorization", b"").partition(b" ")
        if scheme.lower() != b"bearer" or not secrets.compare_digest(given.strip(b" "), self.key):
            detail = "send the API key as Authorization: Bearer KEY"
            raise Problem(401, detail, "Authorization", {"WWW-Authenticate": "Bearer"})


def _check_framing(scope: Scope) -> None:
    """Raises Problem for a request that two servers may read in two ways (RFC 9112, section 6.1; RFC 9110, 5.3)."""
    names = [name for name, _ in scope["headers"]]
    if b"content-length" in names and b"transfer-encoding" in names:
        detail = "a request has a Content-Length or a Transfer-Encoding, not both"
        raise Problem(400, detail, "Content-Length", {"Connection": "close"})
    if names.count(b"content-type") > 1:
        raise Problem(400, "given twice", "Content-Type", {"Connection": "close"})
