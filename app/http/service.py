"""The HTTP service. `create_app` makes the application; the network is loaded when it starts."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from fastapi import APIRouter, FastAPI
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from soupstate.app.answers import extract
from soupstate.app.http.access import OPEN, Access
from soupstate.app.http.answering import Service
from soupstate.app.http.bodies import (
    ARCHIVE_NAMES,
    JSON_TYPE,
    LINES_TYPE,
    is_batch,
    read_wanted,
    receive,
)
from soupstate.app.http.connections import most_connections
from soupstate.app.http.docs_page import POLICY, docs_page
from soupstate.app.http.fault_pages import PATH as FAULTS
from soupstate.app.http.fault_pages import fault_list, fault_page
from soupstate.app.http.memory import machine_bytes
from soupstate.app.http.metrics import Metrics
from soupstate.app.http.negotiation import receive_extract
from soupstate.app.http.networks import Load, load_networks
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
from soupstate.app.http.problems import Problem, problem_response
from soupstate.app.http.queue import WorkQueue
from soupstate.app.http.schemas import (
    EntropyAnswer,
    EntropyRequest,
    ExtractAnswer,
    Health,
)
from soupstate.app.http.settings import Settings, load_settings
from soupstate.app.http.web_page import INDEX, web_page
from soupstate.app.logs import LOG
from soupstate.app.measurement import measure

if TYPE_CHECKING:
    from soupstate.model.corrections.store import Store

FAULT = f"{FAULTS}/{{kind}}"
CLOSE_SECONDS = 5.0  # wait for the threads to end
ABOUT = "Soupstate reads HTML with a recurrent network. POST a page to /extract or /entropy, or open / in a browser."
router = APIRouter()


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
        store = _store(settings.corrections)
        service = app.state.service = Service(settings, networks, queue, metrics, store)
        _warn(settings, queue.memory.largest, machine_bytes())
        backend = networks.extracting.packed.backend
        LOG.info("ready", extra={"fields": {"weights": str(settings.weights), "backend": backend}})
        yield
        service.stopping = True
        await asyncio.to_thread(queue.close, CLOSE_SECONDS)
        if store is not None:
            store.close()
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
    if settings.corrections:
        from soupstate.app.http.corrections import router as corrections  # noqa: PLC0415  it takes 1 MB

        app.include_router(corrections)
    app.openapi = partial(_described, app.openapi, bool(settings.api_key))  # type: ignore[method-assign]
    app.add_middleware(Access, metrics=metrics, most=most_connections(settings), key=settings.api_key)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(ClientDisconnect, _nobody)
    return app


def _store(path: str | None) -> "Store | None":
    """Opens the store of corrections where the service has one."""
    if not path:
        return None
    from soupstate.model.corrections.store import Store  # noqa: PLC0415  it takes 1 MB

    return Store(Path(path), create=True)


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


@router.get("/web/offers.json", include_in_schema=False)
async def get_offers(request: Request) -> Response:
    """Answers what this service offers beside pages: whether it takes corrections."""
    service: Service = request.app.state.service
    return Response(orjson.dumps({"corrections": service.store is not None}), media_type=JSON_TYPE)


@router.get("/web/{name}", include_in_schema=False)
async def get_web(request: Request, name: str) -> Response:
    """Answers a file of that page."""
    return web_page(request, name)
