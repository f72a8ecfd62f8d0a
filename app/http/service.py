"""The HTTP service. `create_app` makes the application; the network is loaded when it starts."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Any, TypeVar

from fastapi import APIRouter, FastAPI
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from soupstate.app.answers import Answerer, Asked, extract, reply
from soupstate.app.http.access import OPEN, STOPPING, Access
from soupstate.app.http.bodies import (
    ARCHIVE_NAMES,
    JSON_TYPE,
    LINES_TYPE,
    Form,
    Received,
    Written,
    busy,
    is_batch,
    read_wanted,
    receive,
)
from soupstate.app.http.connections import most_connections
from soupstate.app.http.docs_page import POLICY, docs_page
from soupstate.app.http.fault_pages import PATH as FAULTS
from soupstate.app.http.fault_pages import fault_list, fault_page
from soupstate.app.http.line_stream import disconnected
from soupstate.app.http.memory import SHORT_BYTES, Ticket, TooLarge, machine_bytes
from soupstate.app.http.metrics import Metrics
from soupstate.app.http.negotiation import receive_extract
from soupstate.app.http.networks import Load, Networks, load_networks
from soupstate.app.http.nu import NU_REQUEST, NU_RESPONSES, receive_nu
from soupstate.app.http.openapi import (
    ARCHIVE_TYPES,
    BINARY,
    ERRORS,
    EXTRACT_REQUEST,
    EXTRACT_RESPONSES,
    KEYED,
    UNKEYED,
    documentation,
)
from soupstate.app.http.page_stream import PageStream
from soupstate.app.http.problems import Problem, problem_response
from soupstate.app.http.queue import LONGEST_RETRY, Entry, Full, Late, WorkQueue, awaitable
from soupstate.app.http.schemas import (
    EntropyAnswer,
    EntropyRequest,
    ExtractAnswer,
    Health,
)
from soupstate.app.http.settings import Settings, load_settings
from soupstate.app.http.warc_stream import WarcAnswer
from soupstate.app.http.web_page import INDEX, web_page
from soupstate.app.logs import LOG
from soupstate.app.measurement import measure
from soupstate.model.page.stop import Stop, Stopped

T = TypeVar("T")
Receiver = Callable[[Request, WorkQueue, Ticket, Settings], Awaitable[Received]]


FAULT = f"{FAULTS}/{{kind}}"
CLOSE_SECONDS = 5.0  # wait for the threads to end
PIECE_BYTES = 65_536  # of an answer that are sent at once
ABOUT = "Soupstate reads HTML with a recurrent network. POST a page to /extract or /entropy, or open / in a browser."
router = APIRouter()


@dataclass
class Service:
    """What the routes share from start to stop. stopping: /readyz answers 503."""

    settings: Settings
    networks: Networks
    queue: WorkQueue
    metrics: Metrics
    stopping: bool = False
    streams: int = 0

    async def answer(self, request: Request, receiver: Receiver, answerer: Answerer) -> Response:
        """Reads the request's page in the queue and answers. It gives up when the client disconnects."""
        ticket = self.queue.ticket()
        try:
            received = await receiver(request, self.queue, ticket, self.settings)
            written = await self._written(request, received, answerer)
            return Sent(written, ticket, received.form.media_type)
        except BaseException:
            ticket.release()
            raise

    async def _written(self, request: Request, received: Received, answerer: Answerer) -> Written:
        """Returns the answer to a request whose body has arrived. Raises Problem."""
        try:
            asked, size = await self._parsed(request, received)
            request.state.fields["characters"] = len(asked.html)
            # A long page has already waited once, to be parsed.
            form, long = received.form, size > SHORT_BYTES
            entry = self.queue.submit(lambda stop: self._work(answerer, asked, form, stop), size, first=long)
            return await self._wait(request, entry)
        except Full as full:
            raise busy(full) from None
        except Late as late:
            raise Problem(504, str(late), received.field) from None
        except TooLarge as large:
            raise Problem(413, str(large), received.field) from None

    async def _parsed(self, request: Request, received: Received) -> tuple[Asked, int]:
        """Parses a body; a long one as an entry of the queue, because that takes time and memory too."""
        if len(received.body) <= SHORT_BYTES:
            return await asyncio.to_thread(received.parse)
        return await self._wait(request, self.queue.submit(lambda stop: received.parse(), len(received.body)))

    def stream(self, asked: Asked) -> Response:
        """Returns the response to an archive. Raises Problem when too many streams are being read."""
        self._begin_stream()
        return WarcAnswer(self.queue, self.networks.extracting, self.settings, self.metrics, asked, self._stream_ended)

    def batch(self) -> Response:
        """Returns the response to pages in lines. Raises Problem when too many streams are being read."""
        self._begin_stream()
        return PageStream(self.queue, self.networks.extracting, self.settings, self.metrics, self._stream_ended)

    def _begin_stream(self) -> None:
        if self.streams >= self.settings.warc_streams:
            detail = f"{self.streams} archives or batches are being read, which is the limit"
            raise Problem(503, detail, headers={"Retry-After": str(LONGEST_RETRY)})
        self.streams += 1

    def _stream_ended(self) -> None:
        self.streams -= 1

    def _work(self, answerer: Answerer, asked: Asked, form: Form, stop: Stop) -> Written:
        reader = self.networks.reader(asked, extracts=answerer is extract)
        answer = reply(reader, asked, answerer, stop)
        self.metrics.page(answer["characters"], answer["bits_per_character"])
        return form.write(asked, answer)

    async def _wait(self, request: Request, entry: Entry[T]) -> T:
        """Returns the entry's answer.

        When the client disconnects first, it drops the entry, waits for its end and raises ClientDisconnect.
        """
        work = awaitable(entry)
        gone = asyncio.ensure_future(disconnected(request.receive))
        waited: set[asyncio.Future[Any]] = {work, gone}
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                self.queue.drop(entry)
                self.metrics.dropped.inc()
                await asyncio.wait({work})
                raise ClientDisconnect
            return await work
        except Stopped:  # the service is stopping
            raise STOPPING from None
        finally:
            gone.cancel()
            self.queue.drop(entry)


class Sent(Response):
    """An answer. Its ticket holds the memory of the answer until that is sent."""

    def __init__(self, written: Written, ticket: Ticket, media_type: str) -> None:
        content, headers = written
        super().__init__(content, headers=headers, media_type=media_type)
        self.ticket = ticket
        ticket.hold(len(content))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the answer in pieces, so that no more of it is kept than the client has not taken."""
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            for start in range(0, max(1, len(self.body)), PIECE_BYTES):
                body = bytes(self.body[start : start + PIECE_BYTES])
                more = start + PIECE_BYTES < len(self.body)
                await send({"type": "http.response.body", "body": body, "more_body": more})
        finally:
            self.ticket.release()


def create_app(settings: Settings | None = None, load: Load = load_networks) -> FastAPI:
    """Makes the application. Settings come from the environment by default. Nothing is loaded before it starts."""
    settings = settings or load_settings(os.environ)
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        networks = await asyncio.to_thread(load, settings)
        queue = WorkQueue(settings.max_memory_bytes, settings.threads, settings.page_seconds)
        metrics.memory.labels("waiting").set_function(lambda: queue.memory.waiting)
        metrics.memory.labels("reading").set_function(lambda: queue.memory.reading)
        service = app.state.service = Service(settings, networks, queue, metrics)
        _warn(settings, queue.memory.largest, machine_bytes())
        backend = networks.measuring.packed.backend
        LOG.info("ready", extra={"fields": {"weights": str(settings.weights), "backend": backend}})
        yield
        service.stopping = True
        await asyncio.to_thread(queue.close, CLOSE_SECONDS)
        LOG.info("stopped")

    app = FastAPI(
        title="Soupstate",
        version=version("soupstate"),
        lifespan=lifespan,
        description=ABOUT,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.include_router(router)
    app.openapi = partial(_described, app.openapi, bool(settings.api_key))  # type: ignore[method-assign]
    app.add_middleware(Access, metrics=metrics, most=most_connections(settings), key=settings.api_key)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(ClientDisconnect, _nobody)
    return app


def _described(openapi: Callable[[], dict[str, Any]], key: bool) -> dict[str, Any]:
    """Returns the OpenAPI description, with the API key where one is set."""
    schema = openapi()
    if key:
        schema["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        schema["security"] = [{"key": []}]
        for path in (*OPEN, FAULT):
            schema["paths"][path]["get"]["security"] = []
    return schema


def _warn(settings: Settings, largest: int, machine: int) -> None:
    """Logs what will not work with the memory that there is. largest: bytes of a page. machine: bytes of memory."""
    if settings.max_memory_bytes > machine:
        fields = {"max_memory_bytes": settings.max_memory_bytes, "memory": machine}
        LOG.warning("max_memory_bytes is beyond the memory of the machine", extra={"fields": fields})
    if settings.max_body_bytes > largest:
        fields = {"max_body_bytes": settings.max_body_bytes, "largest_page": largest}
        LOG.warning("max_memory_bytes leaves no room for a page of max_body_bytes", extra={"fields": fields})


def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    request.state.fields["detail"] = error.detail
    return problem_response(error)


def _http_error(request: Request, error: Exception) -> Response:
    """Answers errors of the routing: 404 and 405."""
    assert isinstance(error, HTTPException)
    detail = f"{request.method} {request.url.path}: {error.detail}"
    headers = {name: "GET, HEAD" if value == "GET" else value for name, value in (error.headers or {}).items()}
    return problem_response(Problem(error.status_code, detail, headers=headers))


def _nobody(request: Request, error: Exception) -> Response:
    return Response(status_code=499)


@router.post("/extract", response_model=ExtractAnswer, responses=EXTRACT_RESPONSES, openapi_extra=EXTRACT_REQUEST)
async def post_extract(request: Request) -> Response:
    """Extracts the title, links, text and Markdown of a page, or of many, one in a line of NDJSON.

    With `Accept: text/markdown` or `text/plain` the answer is the Markdown or the text alone.
    """
    service: Service = request.app.state.service
    if is_batch(request):
        return service.batch()
    return await service.answer(request, receive_extract, extract)


@router.post("/entropy", response_model=EntropyAnswer, responses=ERRORS, openapi_extra=documentation(EntropyRequest))
async def post_entropy(request: Request) -> Response:
    """Measures surprisal, entropy and nesting depth of every character, and finds faults."""
    service: Service = request.app.state.service
    return await service.answer(request, partial(receive, EntropyRequest), measure)


@router.post("/nu", response_class=Response, responses=NU_RESPONSES, openapi_extra=NU_REQUEST)
@router.post("/nu/", include_in_schema=False)
async def post_nu(request: Request) -> Response:
    """Answers faults of a page in the form of the Nu HTML checker, for clients of that."""
    service: Service = request.app.state.service
    return await service.answer(request, receive_nu, measure)


@router.get("/nu", include_in_schema=False)
@router.get("/nu/", include_in_schema=False)
async def get_nu() -> Response:
    """Refuses to fetch a page."""
    raise Problem(405, "this service fetches no address: POST the page itself", headers={"Allow": "POST"})


@router.post(
    "/warc",
    response_class=Response,
    responses={
        200: {"description": "One extraction per line (NDJSON).", "content": {LINES_TYPE: {}}},
        **{status: ERRORS[status] for status in (400, 401, 415, 422, 500, 503)},
    },
    openapi_extra={
        "requestBody": {"required": True, "content": dict.fromkeys(ARCHIVE_TYPES, {"schema": BINARY})},
        "parameters": [p for p in EXTRACT_REQUEST["parameters"] if p["name"] in ARCHIVE_NAMES],
    },
)
async def post_warc(request: Request) -> Response:
    """Answers a line for every record of a WARC file that may be a page, while the file comes in.

    A page's line has the answer of /extract and the fields of its record. The line of a record that was left out has
    the reason as `status`. When part of the file was lost, a last line has `error`.
    """
    service: Service = request.app.state.service
    return service.stream(read_wanted(request))


@router.get("/healthz", response_model=Health)
async def healthz() -> Response:
    """Answers while the process lives."""
    return Response(b'{"status":"ok"}', media_type=JSON_TYPE)


@router.get("/readyz", response_model=Health, responses={503: ERRORS[503]})
async def readyz(request: Request) -> Response:
    """Answers whether the service takes pages: its weights are loaded and it is not stopping."""
    service: Service | None = getattr(request.app.state, "service", None)
    if service is None or service.stopping:
        raise Problem(503, "stopping" if service else "the weights are not loaded yet", headers={"Retry-After": "1"})
    return Response(b'{"status":"ready"}', media_type=JSON_TYPE)


@router.get("/metrics", response_class=PlainTextResponse, responses=KEYED)
async def get_metrics(request: Request) -> Response:
    """Answers metrics for Prometheus."""
    service: Service = request.app.state.service
    return Response(service.metrics.text(), media_type=CONTENT_TYPE_LATEST)


@router.get("/docs", response_class=HTMLResponse, responses=KEYED)
async def get_docs(request: Request) -> Response:
    """Answers this description as a page, which loads nothing from elsewhere."""
    return HTMLResponse(docs_page(request.app.openapi()), headers={"Content-Security-Policy": POLICY})


@router.get(FAULTS, response_class=HTMLResponse, responses=UNKEYED)
async def get_faults() -> Response:
    """Answers a page that lists the kinds of fault."""
    return fault_list()


@router.get(FAULT, response_class=HTMLResponse, responses=UNKEYED)
async def get_fault(kind: str) -> Response:
    """Answers a page about a kind of fault: what it is, why it matters, and an example."""
    return fault_page(kind)


@router.get("/", response_class=HTMLResponse, responses=UNKEYED)
async def get_root(request: Request) -> Response:
    """Answers the page on which people try the service out."""
    return web_page(request, INDEX)


@router.get("/web/{name}", include_in_schema=False)
async def get_web(request: Request, name: str) -> Response:
    """Answers a file of that page."""
    return web_page(request, name)
