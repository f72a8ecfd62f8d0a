"""What the service says of values and of JSON that it refuses: the field, and what is allowed, in words of its own."""

import re

import httpx
import pytest
from conftest import Running

HTML = {"Content-Type": "text/html"}
JSON = {"Content-Type": "application/json"}
# Words of pydantic and of Python's parser of JSON, which say nothing to who sent the request.
FOREIGN = re.compile("Input should|\\bvalid|should match|Expecting|delimiter|char \\d|recursion|sys\\.", re.I)


def expect_refusal(got: httpx.Response, status: int, field: str, detail: str) -> None:
    assert got.status_code == status and got.json()["field"] == field
    assert detail in got.json()["detail"] and not FOREIGN.search(got.json()["detail"])


@pytest.mark.parametrize(
    ("path", "field", "detail"),
    [
        ("/entropy?start=-1", "start", "start must be 0 or more"),
        ("/entropy?end=-1", "end", "end must be 0 or more"),
        ("/entropy?start=two", "start", "start must be a whole number"),
        (f"/entropy?start={10**30}", "start", "start must be 9007199254740991 or less"),
        ("/entropy?include=syntax&detail=lines", "detail", "must be characters, packed or none"),
        ("/entropy?detail=words", "detail", "detail must be 'characters', 'lines', 'packed' or 'none'"),
        ("/extract?cursor=abc", "cursor", "cursor must be the next_cursor of an answer"),
        ("/extract?cursor=1.2.3", "cursor", "cursor must be the next_cursor of an answer"),
        ("/extract?max_characters=0", "max_characters", "max_characters must be 1 or more"),
        ("/extract?front_matter=maybe", "front_matter", "front_matter must be true or false"),
        ("/extract?include=text,words", "include", "each value of include must be 'links', 'text', 'markdown'"),
        ("/extract?url=example.org", "url", "not an absolute http or https address, such as https://example.org/"),
        ("/extract?url=http://[x/", "url", "not an absolute http or https address"),
        ("/extract?url=http://example.org:99999/", "url", "port of the address must be a number from 0 to 65535"),
        ("/extract?url=http://example.org:http/", "url", "port of the address must be a number from 0 to 65535"),
    ],
)
def test_a_wrong_value_in_the_query(plain_service: Running, path: str, field: str, detail: str) -> None:
    got = plain_service.client.post(path, content="<p>Tea", headers=HTML)
    expect_refusal(got, 422, field, detail)


@pytest.mark.parametrize(
    ("body", "status", "field", "detail"),
    [
        ("", 400, "body", "the body is empty; send a JSON object"),
        ("{", 400, "body", "at column 2: a name in double quotes is missing"),
        ('{"html":\n}', 400, "body", "at line 2, column 1: a value is missing"),
        ('{"html" "x"}', 400, "body", "at column 9: a colon is missing"),
        ('{"html": "x"', 400, "body", "a comma, or the end of an object or a list, is missing"),
        ('{"html": "x', 400, "body", "at column 10: a string that begins here has no end"),
        ('{"html": "a\nb"}', 400, "body", r"write it as \n"),
        (r'{"html": "\x"}', 400, "body", r"write \\ for a backslash"),
        (r'{"html": "\u12"}', 400, "body", r"\u needs four hexadecimal digits"),
        ('{"html": "x"} y', 400, "body", "text follows the end of the value"),
        ('{"html": NaN}', 400, "body", "NaN is no number"),
        ('{"max_characters": ' + "9" * 5000 + "}", 400, "body", "a number has too many digits"),
        ("[" * 100_000, 400, "body", "nested too deeply"),
        ("[]", 422, "body", "must be an object"),
        ("{}", 422, "html", "html is missing"),
        ('{"html": 1}', 422, "html", "html must be a string"),
        ('{"html": "x", "include": "text"}', 422, "include", "include must be a list"),
        ('{"html": "x", "max_characters": 1.5}', 422, "max_characters", "must be a whole number"),
        ('{"html": "x", "html5": true}', 422, "html5", "unknown field; known: html, url, include"),
    ],
)
def test_a_wrong_body(plain_service: Running, body: str, status: int, field: str, detail: str) -> None:
    got = plain_service.client.post("/extract", content=body, headers=JSON)
    expect_refusal(got, status, field, detail)


@pytest.mark.parametrize("cursor", ["0.0", "3.2"])
def test_a_cursor_and_a_port_that_are_allowed(plain_service: Running, cursor: str) -> None:
    query = f"cursor={cursor}&url=http://example.org:65535/"
    assert plain_service.client.post(f"/extract?{query}", content="<p>Tea", headers=HTML).status_code == 200
