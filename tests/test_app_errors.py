"""Every way to be refused: status, field, and always application/problem+json."""

import json
import socket
from collections.abc import Iterator

import httpx
import pytest
from conftest import Running

HTML = {"Content-Type": "text/html"}
JSON = {"Content-Type": "application/json"}
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(32)) * 8


def refused(answer: httpx.Response, status: int, field: str | None) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    problem = answer.json()
    assert len(answer.content) < 2000
    assert problem["status"] == status and problem["type"] == "about:blank" and problem["title"]
    assert problem.get("field") == field, problem
    return str(problem["detail"])


@pytest.mark.parametrize("path", ["/extract", "/entropy"])
@pytest.mark.parametrize(
    ("content", "headers", "query", "status", "field"),
    [
        (b"", HTML, "", 422, "body"),
        (b" \n\t ", HTML, "", 422, "body"),
        (PNG, HTML, "", 422, "body"),
        (b"\xff\xfe\x00\xd8<\x00p\x00>\x00" * 9, {"Content-Type": "text/html; charset=utf-16le"}, "", 422, "body"),
        (b"<p>", HTML, "?include=nothing", 422, "include"),
        (b"<p>", HTML, "?include=", 422, "include"),
        (b"<p>", HTML, "?scope=half", 422, "scope"),
        (b"<p>", HTML, "?scope=all&scope=main", 422, "scope"),
        (b"<p>", HTML, "?url=/relative", 422, "url"),
        (b"<p>", HTML, "?url=file:///etc/passwd", 422, "url"),
        (b"<p>", HTML, "?url=http://[::1", 422, "url"),
        (b"<p>", HTML, "?url=", 422, "url"),
        (b"<p>", HTML, "?inlcude=links", 422, "inlcude"),
        (b"<p>", {"Content-Type": "text/plain"}, "", 415, "Content-Type"),
        (b"<p>", {"Content-Type": "application/x-www-form-urlencoded"}, "", 415, "Content-Type"),
        (b"<p>", {}, "", 415, "Content-Type"),
        (b"<p>", {**HTML, "Content-Encoding": "gzip"}, "", 415, "Content-Encoding"),
        (b'{"html": "<p>"', JSON, "", 400, "body"),
        (b"", JSON, "", 400, "body"),
        (b'{"html": "\xff"}', JSON, "", 400, "body"),
        (b"[" * 100_000, JSON, "", 400, "body"),
        (b'["<p>"]', JSON, "", 422, "body"),
        (b"{}", JSON, "", 422, "html"),
        (b'{"html": 1}', JSON, "", 422, "html"),
        (b'{"html": null}', JSON, "", 422, "html"),
        (b'{"html": ""}', JSON, "", 422, "html"),
        (b'{"html": " \\n "}', JSON, "", 422, "html"),
        (b'{"html": "<p>\\ud800"}', JSON, "", 422, "html"),
        (b'{"html": "<p>", "include": ["nothing"]}', JSON, "", 422, "include"),
        (b'{"html": "<p>", "include": "text"}', JSON, "", 422, "include"),
        (b'{"html": "<p>", "scope": "half"}', JSON, "", 422, "scope"),
        (b'{"html": "<p>", "url": "nowhere"}', JSON, "", 422, "url"),
        (b'{"html": "<p>", "url": "http://\\ud800/"}', JSON, "", 422, "url"),
        (b'{"html": "<p>", "more": 1}', JSON, "", 422, "more"),
        (b'{"html": "<p>", "\\udfff": 1}', JSON, "", 422, "\\udfff"),
        (b'{"html": "<p>", "url": {"a\\ud800": "\\ud800"}}', JSON, "", 422, "a\\ud800"),
        (b'{"html": "<p>", "include": ["\\ud800"]}', JSON, "", 422, "include"),
        (b'{"html": "<p>", "html": "<b>"}', JSON, "", 422, "html"),
        (b'{"html": "\\u0000"}', JSON, "", 422, "html"),
        (b'{"html": ' + b"9" * 5000 + b"}", JSON, "", 400, "body"),
        (b'{"html": NaN}', JSON, "", 400, "body"),
        (b'{"html": -Infinity}', JSON, "", 400, "body"),
        (b'{"html": ' + b"[" * 900 + b"]" * 900 + b"}", JSON, "", 422, "html"),
        (b'{"html": "<p>", "' + b"k" * 9000 + b'": 1}', JSON, "", 422, "k" * 100 + "..."),
        (b"<p>", HTML, "?include=%ff%00", 422, "include"),
        (b"<p>", HTML, "?%ff=1", 422, "\ufffd"),
        (b"<p>", HTML, "?scope=%ed%a0%80", 422, "scope"),
        (b"\xff\xfe\x80", {"Content-Type": b"text/html; charset=\xff"}, "", 422, "body"),
        (b"<p>", {"Content-Type": b"\xff" * 9000}, "", 415, "Content-Type"),
        (b"<p>", {**HTML, "Content-Encoding": "identity, gzip"}, "", 415, "Content-Encoding"),
        (b"<p>", [*HTML.items(), ("Content-Encoding", ""), ("Content-Encoding", "br")], "", 415, "Content-Encoding"),
    ],
)
def test_bad_requests(
    service: Running,
    path: str,
    content: bytes,
    headers: dict[str, str] | list[tuple[str, str]],
    query: str,
    status: int,
    field: str,
) -> None:
    refused(service.client.post(path + query, content=content, headers=headers), status, field)


def test_parts_of_the_other_route_are_unknown(service: Running) -> None:
    refused(service.client.post("/extract?include=depth", content=b"<p>", headers=HTML), 422, "include")
    refused(service.client.post("/entropy?include=text", content=b"<p>", headers=HTML), 422, "include")


def test_no_such_route_or_method(service: Running) -> None:
    refused(service.client.get("/nowhere"), 404, None)
    answer = service.client.get("/extract")
    refused(answer, 405, None)
    assert answer.headers["allow"] == "POST"


def test_other_paths_are_not_there_and_lead_nowhere(service: Running) -> None:
    for path in ("/extract/", "/healthz/", "//extract"):
        refused(service.client.post(f"{service.client.base_url}{path}", content=b"<p>", headers=HTML), 404, None)
    refused(service.client.get("/" + "x" * 9000), 404, None)
    answer = service.client.put("/healthz", content=b"")
    refused(answer, 405, None)
    assert answer.headers["allow"] == "GET, HEAD"


def test_what_is_no_http_is_a_problem_too(service: Running) -> None:
    url = service.client.base_url
    for sent in (b"GET /\xff HTTP/1.1\r\n\r\n", b"nonsense\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"):
        with socket.create_connection((url.host, url.port or 0), timeout=10) as connection:
            connection.sendall(sent)
            head, _, body = b"".join(iter(lambda: connection.recv(1000), b"")).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 ") and b"x-content-type-options: nosniff" in head
        assert json.loads(body)["status"] == 400


def test_a_body_too_large(service: Running) -> None:
    most = 200_000
    refused(service.client.post("/extract", content=b"<" * (most + 1), headers=HTML), 413, "body")

    def chunks(count: int) -> Iterator[bytes]:
        for _ in range(count):
            yield b"<p>x</p>" * 125

    answer = service.client.post("/extract", content=chunks(most // 1000 + 1), headers=HTML)
    assert "content-length" not in answer.request.headers
    refused(answer, 413, "body")
    assert service.client.post("/extract", content=chunks(3), headers=HTML).status_code == 200
    assert service.metric('soupstate_memory_bytes{state="waiting"}') == 0


def test_a_refusal_reaches_clients_that_send_much(service: Running) -> None:
    much = b"<p>x</p>" * 500_000
    refused(service.client.post("/extract?more=1", content=much, headers=HTML), 422, "more")
    refused(service.client.post("/extract", content=much), 415, "Content-Type")
    refused(service.client.post("/extract", content=iter([much]), headers=HTML), 413, "body")


def test_a_failure_of_the_service_itself(service: Running) -> None:
    detail = refused(service.client.post("/extract", content=b"<p>BROKEN", headers=HTML), 500, None)
    assert "test wants" not in detail
    assert service.client.post("/extract", content=b"<p>whole", headers=HTML).status_code == 200
