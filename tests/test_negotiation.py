"""/extract as a client likes it: Markdown or text alone, and long texts in pieces."""

import pytest
from conftest import Running
from hypothesis import given
from hypothesis import strategies as st

from soupstate.app.http.negotiation import preferred
from soupstate.app.paging import piece

PAGE = "<title>Tea</title><h1>Tea</h1>" + "".join(f"<p>Cup <b>{n}</b> of tea, for you.</p>" for n in range(60))
HTML = {"Content-Type": "text/html; charset=utf-8"}


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "application/json"),
        ("text/markdown", "text/markdown"),
        ("text/markdown, text/plain;q=0.9, */*;q=0.1", "text/markdown"),
        ("TEXT/Plain ; q=1", "text/plain"),
        ("text/*", "text/markdown"),
        ("text/*, text/markdown;q=0", "text/plain"),
        ("application/json;q=0.2, text/plain;q=0.3", "text/plain"),
        ("text/plain;q=x", "application/json"),
        ("image/png", "application/json"),
    ],
)
def test_what_an_accept_header_prefers(accept: str, kind: str) -> None:
    assert preferred(accept) == kind


@pytest.mark.parametrize(("kind", "part"), [("text/markdown", "markdown"), ("text/plain", "text")])
def test_markdown_and_text_alone(service: Running, kind: str, part: str) -> None:
    wanted = service.client.post("/extract", content=PAGE, headers=HTML)
    assert wanted.headers["vary"] == "Accept" and wanted.headers["content-type"] == "application/json"
    raw = service.client.post("/extract", content=PAGE, headers={**HTML, "Accept": kind})
    asked = service.client.post("/extract", json={"html": PAGE, "include": ["links"]}, headers={"Accept": kind})
    for got in (raw, asked):
        assert got.status_code == 200 and got.headers["content-type"] == f"{kind}; charset=utf-8"
        assert got.headers["vary"] == "Accept" and "etag" not in got.headers and "next-cursor" not in got.headers
        assert got.text == wanted.json()[part] + "\n"
    problem = service.client.post("/extract", content="", headers={**HTML, "Accept": kind})
    assert problem.status_code == 422 and problem.headers["content-type"] == "application/problem+json"


def test_pieces_together_are_the_whole(service: Running) -> None:
    whole = service.client.post("/extract", json={"html": PAGE}).json()
    assert "next_cursor" not in whole
    cursor, parts = "0.0", []
    while cursor:
        asked = {"html": PAGE, "max_characters": 200, "cursor": cursor}
        answer = service.client.post("/extract", json=asked).json()
        assert len(answer["text"]) <= 200 and len(answer["markdown"]) <= 200
        parts.append((answer["text"], answer["markdown"]))
        cursor = answer.get("next_cursor")
    assert "".join(text for text, _ in parts) == whole["text"] and len(parts) > 5
    assert "".join(markdown for _, markdown in parts) == whole["markdown"]
    headers = {**HTML, "Accept": "text/plain"}
    alone = [service.client.post("/extract", params={"max_characters": "200"}, content=PAGE, headers=headers)]
    while cursor := alone[-1].headers.get("next-cursor"):
        query = {"max_characters": "200", "cursor": cursor}
        alone.append(service.client.post("/extract", params=query, content=PAGE, headers=headers))
    assert "".join(answer.text for answer in alone) == whole["text"] + "\n" and alone[0].text == parts[0][0]


@pytest.mark.parametrize(
    "options", [{"max_characters": 0}, {"max_characters": "x"}, {"cursor": "1"}, {"cursor": "-1.0"}, {"cursor": "x"}]
)
def test_wrong_pieces_are_refused(service: Running, options: dict[str, str | int]) -> None:
    raw = service.client.post("/extract", params=options, content=PAGE, headers=HTML)
    asked = service.client.post("/extract", json={"html": PAGE, **options})
    assert raw.status_code == asked.status_code == 422
    assert raw.json()["field"] == asked.json()["field"] == next(iter(options))


@given(st.text(alphabet="ab \n", max_size=200), st.integers(1, 40))
def test_pieces_of_any_text(text: str, most: int) -> None:
    at, parts = 0, []
    while at < len(text):
        part, end = piece(text, at, most)
        assert 0 < len(part) <= most and end == at + len(part)
        parts.append(part)
        at = end
    assert "".join(parts) == text
    assert piece(text, 0, None) == (text, len(text))
