"""POST /corrections: what it stores, what it refuses, and two services that write to one store at once."""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from conftest import Running, served
from jsonschema import Draft202012Validator
from test_corrections import LINK, PAGE

from soupstate.app.cli.serve import serve_command
from soupstate.app.http.schemas import CorrectionsAnswer
from soupstate.model.corrections import store as store_module
from soupstate.model.corrections.correction import KINDS, page_digest
from soupstate.model.corrections.store import Store

Serve = Callable[..., Running]
KIND_OF_EACH: list[dict[str, Any]] = [
    {"kind": "main", "right": {"text": "Sencha & Milk"}, "answered": "Milk"},
    {"kind": "main", "right": {"spans": [[18, 40]]}},
    {"kind": "link", "start": 61, "end": 67, "right": True, "href": "/tea"},
    {"kind": "mark", "mark": "block", "start": 18, "end": 30, "right": "h2"},
    {"kind": "mark", "mark": "list", "start": 18, "end": 30, "right": 2},
    {"kind": "fault", "start": 20, "end": 20, "right": False, "id": "unclosed-tag"},
    {"kind": "fix", "start": 20, "end": 20, "replacement": "</p>"},
    {"kind": "field", "field": "price", "values": ["$12.50"]},
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "corrections.db"


@pytest.fixture
def client(serve: Serve, file: Path) -> httpx.Client:
    return serve(corrections=str(file), max_body_bytes=200_000).client


def kept(file: Path) -> int:
    with Store(file) as store:
        return len(list(store.all()))


def test_one_correction_or_a_list(client: httpx.Client, file: Path) -> None:
    answer = client.post("/corrections", json=LINK)
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/json"
    assert answer.json() == {"new": 1, "merged": 0, "contradictions": []}
    answer = client.post("/corrections", json=[LINK, LINK | {"url": "https://example.org/", "right": False}])
    CorrectionsAnswer.model_validate(answer.json())
    before = {"kind": "link", "start": 61, "end": 67, "right": True}
    contradiction = {"index": 1, "digest": page_digest(PAGE), "before": before, "now": before | {"right": False}}
    assert answer.json() == {"new": 1, "merged": 1, "contradictions": [contradiction]}
    with Store(file) as store:
        [page] = store.standing()
    assert page.html == PAGE and page.url == "https://example.org/" and not page.corrections[0].right  # type: ignore[union-attr]


def test_every_kind_is_taken_and_is_in_the_schema(client: httpx.Client) -> None:
    answer = client.post("/corrections", json=[{"html": PAGE, **each} for each in KIND_OF_EACH])
    assert answer.json()["new"] == len(KIND_OF_EACH), answer.text
    assert {each["kind"] for each in KIND_OF_EACH} == set(KINDS)
    content = client.get("/openapi.json").json()["paths"]["/corrections"]["post"]["requestBody"]["content"]
    schema = content["application/json"]["schema"]
    Draft202012Validator.check_schema(schema)
    valid = Draft202012Validator(schema)
    for each in KIND_OF_EACH:
        valid.validate({"html": PAGE, **each})
        assert not valid.is_valid({"html": PAGE, "colour": 1, **each})
    valid.validate([LINK, LINK])
    assert client.post("/corrections", json=content["application/json"]["example"]).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "field", "says"),
    [
        (b"", 400, "body", "the body is empty"),
        (b'{"html": "<p>', 400, "body", "has no end"),
        (b"\xff", 400, "body", "not UTF-8"),
        (b"3", 422, "body", "must be an object"),
        (b"[]", 422, "body", "from 1 to 1000 corrections"),
        (json.dumps([LINK] * 1001).encode(), 422, "body", "from 1 to 1000 corrections"),
        (json.dumps([LINK, 3]).encode(), 422, "body", "correction 1: must be an object"),
        (json.dumps([LINK, LINK | {"end": 999}]).encode(), 422, "end", "correction 1: 999 is beyond the end"),
        (json.dumps(LINK | {"colour": 1}).encode(), 422, "colour", "unknown field; known: answered, digest, html"),
        (json.dumps(LINK | {"html": 3}).encode(), 422, "html", "must be a string"),
        (json.dumps(LINK | {"html": "\ud800"}).encode(), 422, "html", "half of a surrogate pair"),
        (json.dumps({"warc": "a.warc", "offset": 0, "kind": "main"}).encode(), 422, "offset", "unknown field"),
        (b'{"kind": "link", "kind": "main"}', 422, "kind", "given twice"),
        (b'{"answered":' + b"[" * 90_000 + b"]" * 90_000 + b"}", 400, "body", "nested too deeply"),
        (json.dumps(LINK | {"answered": "x" * 150_000}).encode(), 422, "answered", "at most 100000 bytes"),
        (json.dumps(LINK | {"html": "x" * 200_000}).encode(), 413, "body", "more than 200000 bytes"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_stored(
    client: httpx.Client, file: Path, body: bytes, status: int, field: str, says: str
) -> None:
    answer = client.post("/corrections", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status and answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["field"] == field and says in answer.json()["detail"]
    assert kept(file) == 0


def test_other_types_queries_and_methods_are_refused(client: httpx.Client, file: Path) -> None:
    for headers in ({"Content-Type": "text/html"}, {}, {"Content-Type": "application/json", "Content-Encoding": "br"}):
        answer = client.post("/corrections", content=json.dumps(LINK), headers=headers)
        assert answer.status_code == 415
    assert client.post("/corrections?url=x", json=LINK).json()["field"] == "url"
    assert client.get("/corrections").status_code == 405
    assert kept(file) == 0


def test_without_the_option_there_is_no_such_route(serve: Serve, client: httpx.Client) -> None:
    without = serve().client
    assert without.post("/corrections", json=LINK).status_code == 404
    assert "/corrections" not in without.get("/openapi.json").json()["paths"]
    assert without.get("/web/offers.json").json() == {"corrections": False}
    assert client.get("/web/offers.json").json() == {"corrections": True}


def test_the_api_key_is_asked_for(serve: Serve, file: Path) -> None:
    client = serve(corrections=str(file), api_key="ferry").client
    assert client.post("/corrections", json=LINK).status_code == 401
    assert kept(file) == 0
    assert client.post("/corrections", json=LINK, headers={"Authorization": "Bearer ferry"}).status_code == 200
    assert client.get("/web/offers.json").json() == {"corrections": True}


def test_a_store_that_cannot_be_written_is_said(
    serve: Serve, file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(store_module, "BUSY_SECONDS", 0.1)
    client = serve(corrections=str(file)).client
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    answer = client.post("/corrections", json=LINK)
    assert answer.status_code == 503 and answer.headers["retry-after"] == "5"
    assert str(file) not in answer.text and "cannot be written now" in answer.text
    assert any("locked" in str(record.__dict__.get("fields")) for record in caplog.records)
    other.execute("ROLLBACK")
    other.close()
    assert client.post("/corrections", json=LINK).json()["new"] == 1


def test_the_service_does_not_start_with_a_file_that_is_no_store(tmp_path: Path, weights: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("What is right. " * 100)
    done = CliRunner().invoke(serve_command, ["--port", "0", "--weights", str(weights), "--corrections", str(file)])
    assert done.exit_code == 1 and f"{file} is no store of corrections" in done.stderr
    assert file.read_text() == "What is right. " * 100


@pytest.fixture
def two(file: Path, weights: Path) -> Iterator[list[str]]:
    options = ("--weights", str(weights), "--workers", "1", "--corrections", str(file))
    with served(*options) as (first, _), served(*options) as (second, _):
        yield [first, second]


def test_two_services_write_to_one_store_at_once(two: list[str], file: Path) -> None:
    answers: list[httpx.Response] = []

    def send(url: str, right: bool) -> None:
        with httpx.Client(base_url=url, timeout=30) as client:
            for number in range(25):
                given = [LINK | {"start": number, "html": f"{PAGE}{end}", "right": right} for end in "ab"]
                answers.append(client.post("/corrections", json=given))

    threads = [threading.Thread(target=send, args=(url, right)) for url in two for right in (True, False)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [200] * 100
    totals = [sum(answer.json()[name] for answer in answers) for name in ("new", "merged")]
    assert totals == [100, 100]  # 2 pages, 25 places, 2 answers, each sent twice
    with Store(file) as store:
        assert len(list(store.all())) == 100 and len(store) == 50
