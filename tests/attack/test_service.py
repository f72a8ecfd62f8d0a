"""Attacks on the running service, with the shipped weights: odd requests, slow clients, long pages, many clients.

Whatever comes, it answers as its OpenAPI description says, and with no 5xx but a 503 that says when to come again.
"""

import json
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import httpx
import pytest
import schemathesis
from conftest import served
from hypothesis import HealthCheck, given, settings
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from test_connections import closed

HTML = {"Content-Type": "text/html"}
JSON = {"Content-Type": "application/json"}
CONFORMS = [status_code_conformance, content_type_conformance, response_schema_conformance]
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
WORDS = "ferry night quay harbour sails ticket island winter boat timetable".split()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    store = tmp_path_factory.mktemp("store") / "corrections.db"
    with served("--corrections", str(store)) as (url, lines):
        yield url
    for line in lines:
        assert json.loads(line)["level"] in ("info", "warning"), line


def fine(answer: httpx.Response | schemathesis.Response) -> bool:
    """Whether the service has not failed."""
    return answer.status_code < 500 or (answer.status_code == 503 and "retry-after" in answer.headers)


def page_of(size: int, seed: int = 1) -> str:
    """A page with links and text of about so many characters."""
    chosen, parts, length = random.Random(seed), ["<title>Boats</title><ul>\n"], 0
    while length < size:
        words = " ".join(chosen.choices(WORDS, k=8))
        parts.append(f'<li><a href="/boat/{chosen.randrange(10**6)}.html">{words}</a> costs 7 crowns</li>\n')
        length += len(parts[-1])
    return "".join(parts)


def asked_as_described(url: str, examples: int) -> Counter[tuple[str, int]]:
    """Sends requests that OpenAPI allows, and ones that it does not, to every route. Returns the statuses."""
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    statuses: Counter[tuple[str, int]] = Counter()
    for result in schema.get_all_operations():
        operation = result.ok()
        for mode in MODES:
            if mode is GenerationMode.NEGATIVE and operation.method.lower() == "get":  # nothing can be wrong with it
                continue

            @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
            @given(case=operation.as_strategy(generation_mode=mode))
            def ask(case: schemathesis.Case) -> None:
                answer = case.call()
                statuses[case.operation.path, answer.status_code] += 1
                assert fine(answer), answer.text
                case.validate_response(answer, checks=CONFORMS)

            ask()
    return statuses


def test_openapi_says_what_it_does(url: str) -> None:
    statuses = asked_as_described(url, 8)
    assert statuses["/extract", 200] and statuses["/entropy", 200] and statuses["/healthz", 200]
    assert statuses["/corrections", 422]
    assert any(status >= 400 for path, status in statuses)


@pytest.mark.slow
def test_openapi_says_what_it_does_at_length(url: str) -> None:
    statuses = asked_as_described(url, 150)
    assert statuses["/extract", 200] > 50 and statuses["/entropy", 200] > 50


def waiting(client: httpx.Client) -> float:
    """Bytes that bodies and pages that wait take."""
    rows = client.get("/metrics").text.splitlines()
    return next(
        float(row.rsplit(" ", 1)[1]) for row in rows if row.startswith('soupstate_memory_bytes{state="waiting"}')
    )


def beside_long_pages(workers: int, seconds: float, size: int) -> list[float]:
    """Asks for a page of 2 kB beside four of `size`, for so long and at least a dozen times.

    Returns the seconds that each answer took, sorted.
    """
    long, short, times, over = page_of(size).encode(), page_of(2000).encode(), [], threading.Event()

    def post_long(url: str) -> None:
        with httpx.Client(base_url=url, timeout=None) as client:
            while not over.is_set():
                with suppress(httpx.TransportError):  # the service stops at the end
                    assert fine(client.post("/extract", content=long, headers=HTML))

    with served("--workers", str(workers), "--page-seconds", "600", "--stop-seconds", "1") as (url, _):
        clients = [threading.Thread(target=post_long, args=(url,)) for _ in range(4)]
        for thread in clients:
            thread.start()
        with httpx.Client(base_url=url, timeout=60) as client:
            until = time.monotonic() + 20
            while waiting(client) < 4 * 6 * len(long):
                assert time.monotonic() < until
                time.sleep(0.02)
            start = time.monotonic()
            while time.monotonic() - start < seconds or len(times) < 12:
                begun = time.monotonic()
                assert client.post("/extract", content=short, headers=HTML).status_code == 200
                times.append(time.monotonic() - begun)
        over.set()
    for thread in clients:
        thread.join()
    return sorted(times)


@pytest.mark.timed
@pytest.mark.parametrize("workers", [1, 2])
def test_short_pages_are_answered_beside_long_ones(workers: int) -> None:
    times = beside_long_pages(workers, 1.0, 3_000_000)
    assert times[len(times) // 2] < 1 and times[-1] < 3  # a long page takes more


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_short_pages_are_answered_beside_long_ones_until_these_are_read(workers: int) -> None:
    times = beside_long_pages(workers, 30.0, 1_500_000 * workers)
    assert len(times) > 100 and times[int(0.99 * len(times))] < 1


def flood(url: str) -> None:
    """Opens 400 connections that say nothing or half a request, and asks for /healthz until they are closed."""
    address = httpx.URL(url)
    times: list[float] = []
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            start = time.monotonic()
            try:
                answered = httpx.get(f"{url}/healthz", timeout=10).status_code == 200
            except httpx.TransportError:
                answered = False
            times.append(time.monotonic() - start if answered else 99.0)
            time.sleep(0.02)

    watching = threading.Thread(target=watch)
    watching.start()
    with ExitStack() as stack:
        connections = []
        for number in range(400):
            connection = stack.enter_context(socket.create_connection((address.host, address.port or 0), timeout=10))
            if number % 4 == 3:
                connection.sendall(b"POST /extract HTTP/1.1\r\nHost: x\r\nX-Half: ")
            connections.append(connection)
        ended = [closed(connection) for connection in connections]
    over.set()
    watching.join()
    assert all(ended) and len(times) > 5 and max(times) < 3


@pytest.mark.timed
def test_health_beside_silent_clients() -> None:
    """With 256 file descriptors. One line of JSON tells of it, and asyncio never runs out of descriptors."""
    with served("--header-seconds", "2", files=256) as (url, lines):
        flood(url)
    assert sum(map(len, lines)) < 5000
    told = [json.loads(line)["message"] for line in lines]
    assert told.count("too many connections") == 1 and not any("resource" in message for message in told)


@pytest.mark.timed
def test_health_beside_uploads_that_stall(url: str) -> None:
    """Eight uploads of 9 MB that send nothing more: other pages are answered at once."""
    address = httpx.URL(url)
    head = b"POST /extract HTTP/1.1\r\nHost: x\r\nContent-Type: text/html\r\nContent-Length: 9000000\r\n\r\n<p>"
    with ExitStack() as stack, httpx.Client(base_url=url, timeout=30) as client:
        for _ in range(8):
            upload = stack.enter_context(socket.create_connection((address.host, address.port or 0)))
            upload.sendall(head)
        until = time.monotonic() + 5
        while waiting(client) < 8 * 6 * 9_000_000:
            assert time.monotonic() < until
        for number in range(20):
            begun = time.monotonic()
            assert client.get("/healthz").status_code == 200
            assert client.post("/extract", content=page_of(2000, number), headers=HTML).status_code == 200
            assert time.monotonic() - begun < 1
        assert waiting(client) == 8 * 6 * 9_000_000


def under_load(url: str, clients: int, seconds: float) -> Counter[int]:
    """Lets clients ask at once for all kinds of things. Returns the statuses."""
    statuses: Counter[int] = Counter()
    pages = [page_of(size, size) for size in (200, 2000, 20_000, 120_000)]
    asked: list[Callable[[httpx.Client, str], httpx.Response]] = [
        lambda client, page: client.post("/extract", content=page, headers=HTML),
        lambda client, page: client.post("/extract", json={"html": page, "scope": "main"}),
        lambda client, page: client.post("/entropy?include=surprisal", content=page[:2000], headers=HTML),
        lambda client, page: client.post("/entropy?include=faults", content=page[:500], headers=HTML),
        lambda client, page: client.post("/extract", content=json.dumps({"html": page, "\udfff": 1}), headers=JSON),
        lambda client, page: client.post("/warc", content=page),
        lambda client, page: client.get("/readyz"),
    ]
    over, failed = time.monotonic() + seconds, []

    def ask(number: int) -> None:
        chosen = random.Random(number)
        with httpx.Client(base_url=url, timeout=120) as client:
            while time.monotonic() < over:
                try:
                    answer = chosen.choice(asked)(client, chosen.choice(pages))
                except httpx.TransportError as error:
                    failed.append(repr(error))
                    return
                statuses[answer.status_code] += 1
                if not fine(answer):
                    failed.append(answer.text)

    asking = [threading.Thread(target=ask, args=(number,)) for number in range(clients)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert not failed, failed[:3]
    return statuses


def test_many_clients(url: str) -> None:
    statuses = under_load(url, 10, 1.0)
    assert statuses[200]


@pytest.mark.slow
def test_two_hundred_clients_for_a_minute(url: str) -> None:
    statuses = under_load(url, 200, 60.0)
    assert statuses[200] > 500 and set(statuses) <= {200, 422, 503}
