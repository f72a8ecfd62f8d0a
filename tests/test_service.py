"""The contract of /extract and /entropy, asked over a real connection."""

import hashlib
import json
import re
from base64 import b64encode

import pytest
from conftest import Running

from soupstate.app.http.schemas import EntropyAnswer, ExtractAnswer

PAGE = """<!doctype html><html><head><title> A &amp;
 B </title></head><body><h1>Head</h1>
<p>Some <b>bold</b> text, <a href="x?a=1&amp;b=2" rel="nofollow">a
 link</a></p><ul><li>one</ul></body></html>"""
HTML = {"Content-Type": "text/html; charset=utf-8"}
JAPANESE = "これは日本語のページです。文字を調べます。"
MIXED = '<p title="漢字">emoji 😀 and 👩‍👩‍👧 é\u0301 \u2028</p>\r\n' * 3


def test_extract(service: Running) -> None:
    answer = service.client.post("/extract?url=https://example.org/d/", content=PAGE, headers=HTML)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    got = answer.json()
    ExtractAnswer.model_validate(got)
    start = PAGE.index("<a ")
    assert got.pop("links") == [
        {
            "href": "x?a=1&b=2",
            "url": "https://example.org/d/x?a=1&b=2",
            "text": "a link",
            "rel": "nofollow",
            "start": start,
            "end": PAGE.index("</a>"),
            "alt": "",
        }
    ]
    assert got.pop("seconds") >= 0
    assert got.pop("bits_per_character") > 0
    assert got == {
        "title": "A & B",
        "text": "Head\n\nSome bold text, a link\n\none",
        "markdown": "# Head\n\nSome **bold** text, [a link](https://example.org/d/x?a=1&b=2)\n\n- one",
        "language": "en",
        "declared_language": None,
        "charset": "utf-8",
        "charset_source": "header",
        "characters": len(PAGE),
        "model": {"name": "tiny", "version": "test"},
    }


@pytest.mark.parametrize("part", ["links", "text", "markdown"])
def test_extract_answers_what_is_included_alone(service: Running, part: str) -> None:
    got = service.client.post("/extract", params={"include": part}, content=PAGE, headers=HTML).json()
    always = {"title", "language", "declared_language", "charset", "charset_source"}
    assert set(got) == always | {part, "characters", "bits_per_character", "model", "seconds"}


@pytest.mark.parametrize("part", ["surprisal", "entropy", "depth", "faults"])
def test_entropy_answers_what_is_included_alone(service: Running, part: str) -> None:
    got = service.client.post("/entropy", params={"include": part}, content=PAGE, headers=HTML).json()
    extra = {"depth_neurons"} if part == "depth" else set()
    assert set(got) == {part, "characters", "bits_per_character", "model", "seconds"} | extra


def test_include_by_commas_repeated_or_as_json(service: Running) -> None:
    queries = ["include=links,text", "include=links&include=text", "include=text,%20links"]
    for query in queries:
        got = service.client.post(f"/extract?{query}", content=PAGE, headers=HTML).json()
        assert "links" in got and "text" in got and "markdown" not in got
    got = service.client.post("/extract", json={"html": PAGE, "include": ["links", "text"]}).json()
    assert "links" in got and "text" in got and "markdown" not in got


def test_entropy(plain_service: Running) -> None:
    answer = plain_service.client.post("/entropy", content=PAGE, headers=HTML)
    assert answer.status_code == 200
    got = answer.json()
    EntropyAnswer.model_validate(got)
    assert [n["unit"] for n in got["depth_neurons"]] == [3, 0, 1, 2, 7, 6, 5, 4]
    assert got["depth_neurons"][0] == {"layer": 1, "unit": 3, "r": pytest.approx(0.3)}
    assert got["bits_per_character"] == pytest.approx(sum(got["surprisal"]) / len(PAGE), abs=1e-3)
    assert min(got["surprisal"]) >= 0 and min(got["entropy"]) >= 0 and min(got["depth"]) >= 0
    lines = PAGE.split("\n")
    for fault in got["faults"]:
        before = PAGE[: fault["start"]]
        assert fault["line"] == before.count("\n") + 1
        assert fault["column"] == len(before) - before.rfind("\n")
        assert fault["excerpt"] in lines[fault["line"] - 1]
        assert len(fault["excerpt"]) <= 120
    # no more digits than are worth sending
    assert not re.search(r"\d\.\d{4,}", json.dumps([got["surprisal"], got["entropy"]]))
    assert not re.search(r"\d\.\d{3,}", json.dumps(got["depth"]))


@pytest.mark.parametrize("page", [PAGE, MIXED, "x", "\ufeff<p>漢</p>", "a\0b\x01", "👨‍👩‍👧‍👦"])
def test_one_number_a_code_point(plain_service: Running, page: str) -> None:
    asked = {"html": page, "include": ["surprisal", "entropy", "depth"]}
    got = plain_service.client.post("/entropy", json=asked).json()
    assert len(got["surprisal"]) == len(got["entropy"]) == len(got["depth"]) == got["characters"] == len(page)


@pytest.mark.parametrize("path", ["/extract", "/entropy"])
@pytest.mark.parametrize("scope", ["all", "main"])
def test_raw_and_json_bodies_agree(plain_service: Running, path: str, scope: str) -> None:
    asked = {"url": "https://example.org/", "scope": scope}
    raw = plain_service.client.post(path, params=asked, content=MIXED, headers=HTML).json()
    from_json = plain_service.client.post(path, json={"html": MIXED, **asked}).json()
    raw.pop("seconds"), from_json.pop("seconds")
    if path == "/extract":
        assert (raw.pop("charset"), raw.pop("charset_source")) == ("utf-8", "header")
        assert (from_json.pop("charset"), from_json.pop("charset_source")) == (None, None)
    assert raw == from_json


@pytest.mark.parametrize(
    ("body", "content_type", "title"),
    [
        ("<title>Grüße</title>".encode("latin-1"), "text/html; charset=iso-8859-1", "Grüße"),
        ("<title>Привет</title>".encode("cp1251"), 'text/html; charset="windows-1251"', "Привет"),
        ("<meta charset=windows-1251><title>Привет</title>".encode("cp1251"), "text/html", "Привет"),
        ("\ufeff<title>漢字</title>".encode("utf-16-le"), "text/html", "漢字"),
        ("<title>漢字 😀</title>".encode(), "application/xhtml+xml", "漢字 😀"),
        (f"<title>{JAPANESE}</title>".encode("shift_jis"), "text/html", JAPANESE),
    ],
)
def test_charsets(service: Running, body: bytes, content_type: str, title: str) -> None:
    answer = service.client.post("/extract?include=text", content=body, headers={"Content-Type": content_type})
    assert answer.json()["title"] == title


def test_references_and_front_matter(service: Running) -> None:
    page = b"<html lang=en><title>Tea</title><p><a href=/x>tea</a>"
    asked = {"links": "reference", "front_matter": "true", "include": "markdown", "url": "https://example.org/"}
    answer = service.client.post("/extract", params=asked, content=page, headers=HTML).json()
    in_json = asked | {"html": page.decode(), "front_matter": True, "include": ["markdown"]}
    assert answer["markdown"] == service.client.post("/extract", json=in_json).json()["markdown"]
    assert answer["markdown"].startswith("---\n")
    for wrong in ({"front_matter": "yes"}, {"front_matter": "1"}, {"links": "footnotes"}):
        refused = service.client.post("/extract", params=wrong, content=page, headers=HTML)
        assert (refused.status_code, refused.json()["field"]) == (422, next(iter(wrong)))
    assert service.client.post("/entropy?front_matter=true", content=page, headers=HTML).status_code == 422


def test_base_of_the_page_counts(service: Running) -> None:
    page = '<base href="/b/"><a href="x">y</a>'
    got = service.client.post("/extract", json={"html": page, "url": "https://example.org/a/"}).json()
    assert got["links"][0]["url"] == "https://example.org/b/x"
    got = service.client.post("/extract", json={"html": '<a href="x">y</a>'}).json()
    assert got["links"][0]["url"] is None and got["links"][0]["rel"] is None and got["title"] is None


def test_small_routes(service: Running) -> None:
    client = service.client
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready"}
    assert 'href="docs"' in client.get("/").text
    for path in ("/", "/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"):
        got, head = client.get(path), client.head(path)
        assert got.status_code == head.status_code == 200 and got.content and not head.content
        assert head.headers["content-type"] == got.headers["content-type"]
        assert got.headers["x-content-type-options"] == "nosniff"
    assert client.head("/extract").status_code == 405
    paths = client.get("/openapi.json").json()["paths"]
    assert set(paths) == {
        "/extract",
        "/entropy",
        "/nu",
        "/warc",
        "/healthz",
        "/readyz",
        "/metrics",
        "/docs",
        "/",
        "/faults",
        "/faults/{kind}",
    }
    body = paths["/extract"]["post"]["requestBody"]["content"]
    assert set(body) == {"text/html", "application/xhtml+xml", "application/json", "application/x-ndjson"}
    assert set(body["application/json"]["schema"]["properties"]) == {
        *("html", "url", "include", "scope", "favor", "links", "front_matter", "max_characters", "cursor")
    }


def test_the_page_of_docs_loads_nothing_from_elsewhere(service: Running) -> None:
    """What it links to is served, and the policy allows its style by its hash, and nothing else."""
    answer = service.client.get("/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    page = answer.text
    for path in ("/extract", "/entropy", "/warc", "/healthz"):
        assert f" {path}</h2>" in page
    addresses = re.findall(
        r"""(?:src|href|action)\s*=\s*["']?([^"'\s>]+)""", re.sub(r"<(pre|td)>.*?</\1>", "", page, flags=re.S)
    )
    assert addresses == ["openapi.json"]
    assert all(service.client.get(f"/{address}").status_code == 200 for address in addresses)
    assert "<script" not in page and "@import" not in page and "url(" not in page
    (style,) = re.findall("<style>(.*?)</style>", page, re.S)
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    rules = dict(rule.strip().split(" ", 1) for rule in answer.headers["content-security-policy"].split(";"))
    assert rules.pop("style-src") == f"'sha256-{digest}'"
    assert set(rules.values()) == {"'none'"} and "default-src" in rules


def test_the_examples_of_openapi_are_answered(service: Running) -> None:
    paths = service.client.get("/openapi.json").json()["paths"]
    for path in ("/extract", "/entropy", "/nu"):
        for kind, content in paths[path]["post"]["requestBody"]["content"].items():
            if kind == "multipart/form-data":
                files = {"file": ("tea.html", "<p>Tea")}
                assert service.client.post(path, files=files).status_code == 200
                continue
            example = content["example"]
            sent = json.dumps(example) if kind == "application/json" else example
            assert service.client.post(path, content=sent, headers={"Content-Type": kind}).status_code == 200
    fields = paths["/extract"]["post"]["requestBody"]["content"]["application/json"]["schema"]["properties"]
    assert fields["html"]["minLength"] == 1
    for page in ("", " \n\0\ufeff", "x", "\v", "\u2028"):
        status = service.client.post("/extract", json={"html": page}).status_code
        assert (status == 200) == bool(re.search(fields["html"]["pattern"], page))
    url = fields["url"]["anyOf"][0]
    assert url["format"] == "uri" and url["maxLength"] == 8192
    for address in ("HTTP://a.example", "https://x", "ftp://x/", "http:///x", "/x", "", "http://x/" + "y" * 8183):
        status = service.client.post("/extract", json={"html": "x", "url": address}).status_code
        assert (status == 200) == bool(re.search(url["pattern"], address))
    assert service.client.post("/extract", json={"html": "x", "url": "http://x/" + "y" * 8184}).status_code == 422


def test_request_ids_and_metrics(serve: object) -> None:
    service = serve()  # type: ignore[operator]
    client = service.client
    assert client.get("/healthz", headers={"X-Request-Id": "abc-1"}).headers["x-request-id"] == "abc-1"
    made = client.get("/healthz", headers={"X-Request-Id": "no spaces, please"}).headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{32}", made)
    client.post("/extract", content=PAGE, headers=HTML)
    client.post("/extract", content=b"", headers=HTML)
    assert service.metric('soupstate_requests_total{route="/extract",status="200"}') == 1
    assert service.metric('soupstate_requests_total{route="/extract",status="422"}') == 1
    assert service.metric("soupstate_characters_read_total") == len(PAGE)
    assert service.metric("soupstate_page_bits_per_character_count") == 1
    assert service.metric('soupstate_request_seconds_count{route="/extract"}') == 2
    assert service.metric('soupstate_memory_bytes{state="waiting"}') == 0
