"""JSON from the command line and over HTTP."""

import json
import re
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result
from conftest import Running, served
from test_json_scan import MENU

from soupstate.app.cli.main import soupstate
from soupstate.model.net.checkpoint import DEFAULT, json_network

BROKEN = MENU.replace('"green",', '"green"')
JSON = {"Content-Type": "application/json"}


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(soupstate, list(arguments), input=stdin)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a broken and a whole document, and a page."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "broken.json").write_text(BROKEN, "utf-8")
    (tmp_path / "whole.geojson").write_text(MENU, "utf-8")
    (tmp_path / "page.html").write_text("<p>Tea", "utf-8")
    return tmp_path


def test_check_finds_json_in_folders(folder: Path) -> None:
    done = run("check", "--format-in", "json", "--format", "json", str(folder))
    assert done.exit_code == 1 and "checked 2 files: 1 fault in 1 file" in done.stderr
    [row] = json.loads(done.stdout)
    assert row["file"].endswith("broken.json") and row["kind"] == "json-missing-comma"
    assert row["url"].startswith("https://www.rfc-editor.org/rfc/rfc8259")


def test_check_shows_and_writes_fixes(folder: Path) -> None:
    file = folder / "deep" / "broken.json"
    diff = run("check", "--format-in", "json", "--diff", str(file))
    assert '+  "tags": ["green", "black", "white"],' in diff.stdout and file.read_text("utf-8") == BROKEN
    assert run("check", "--format-in", "json", "--fix", str(file)).exit_code == 0
    assert file.read_text("utf-8") == MENU
    assert run("check", "--format-in", "json", "-", stdin=b"[1, 2,]").exit_code == 1


def test_names_tell_json(folder: Path) -> None:
    """If all names are those of JSON; a page beside them makes the command read HTML, as always."""
    broken, page = str(folder / "deep" / "broken.json"), str(folder / "page.html")
    assert "json-missing-comma" in run("check", "--format", "json", broken).stdout
    assert "json-missing-comma" not in run("check", "--format", "json", broken, page).stdout
    assert "json-missing-comma" not in run("check", "--format", "json", "--format-in", "html", broken).stdout
    assert "cells" in run("entropy", "--include", "cells", broken).stdout


def test_files_of_json_among_pages_are_named(folder: Path) -> None:
    done = run("check", str(folder))
    assert "soupstate: 2 files of JSON passed over; --format-in json checks JSON\n" in done.stderr
    broken = str(folder / "deep" / "broken.json")
    done = run("check", str(folder / "page.html"), broken)
    assert f"soupstate: {broken} is read as HTML; --format-in json checks JSON\n" in done.stderr
    assert "JSON" not in run("check", "--format-in", "json", str(folder)).stderr
    assert "JSON" not in run("check", broken).stderr


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "the document is empty"),
        (b" \n", "the document is empty"),
        (b'{"a": "caf\xe9"}', "byte 10 of the document is not UTF-8"),
        (b"\x89PNG\r\n\x1a\n\0", "byte 0 of the document is not UTF-8"),
    ],
)
def test_what_is_no_text_of_json_is_a_failure(body: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(body)
    done = run("check", "--format-in", "json", "--fix", str(tmp_path / "a.json"))
    assert done.exit_code == 2 and words in done.stderr
    assert (tmp_path / "a.json").read_bytes() == body


def test_a_document_is_mended_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "callback.json"
    file.write_text('callback({"a": 1});')
    done = run("check", "--format-in", "json", "--fix", str(file))
    assert done.exit_code == 1 and file.read_text() == 'callback({"a": 1});'
    assert re.search(r"0 mended, \d+ left", done.output)


def test_other_charsets(tmp_path: Path) -> None:
    for name, charset in (("utf-16", None), ("latin-1", "latin1")):
        file = tmp_path / f"{name}.json"
        file.write_bytes(BROKEN.replace("Tea", "Thé").encode(name))
        options = ["--charset", charset] if charset else []
        assert run("check", "--format-in", "json", "--fix", *options, str(file)).exit_code == 0
        assert file.read_bytes() == MENU.replace("Tea", "Thé").encode(name)


def test_entropy_of_json(folder: Path) -> None:
    file = str(folder / "deep" / "broken.json")
    got = json.loads(run("entropy", "--format-in", "json", "--include", "surprisal,faults,cells", file).stdout)
    assert len(got["surprisal"]) == len(BROKEN) and got["cells"]["kinds"] == ["objects", "arrays"]
    assert got["model"]["name"] == "soupstate-json" and got["faults"][0]["kind"] == "json-missing-comma"
    done = run("entropy", "--format-in", "json", "--include", "marks", "--end", "5", file)
    assert done.exit_code == 1 and "marks: a part of HTML, not of json" in done.stderr


def test_weights_of_another_format_are_refused(folder: Path) -> None:
    own = json_network(DEFAULT)
    done = run("check", "--weights", str(own), str(folder / "page.html"))
    assert done.exit_code == 2 and "this network reads json; one that reads html is needed" in done.stderr
    extract = DEFAULT.with_stem(f"{DEFAULT.stem}-extract")
    done = run("check", "--format-in", "json", "--weights", str(extract), str(folder / "whole.geojson"))
    assert done.exit_code == 2 and "this network reads html; one that reads json is needed" in done.stderr
    assert run("check", "--format-in", "json", "--weights", str(own), str(folder / "whole.geojson")).exit_code == 0


def test_the_service_reads_json() -> None:
    with served() as (url, _), httpx.Client(base_url=url, timeout=30) as client:
        got = client.post("/entropy?page=json", content=BROKEN, headers=JSON).json()
        assert set(got) >= {"surprisal", "entropy", "depth", "faults"} and len(got["depth"]) == len(BROKEN)
        assert got["faults"][0]["kind"] == "json-missing-comma" and got["model"]["name"] == "soupstate-json"
        whole = client.post("/entropy?page=json&include=faults", content=MENU, headers=JSON).json()
        assert whole["faults"] == []
        as_object = {"html": BROKEN, "page": "json", "include": ["faults"]}
        assert client.post("/entropy", json=as_object).json()["faults"] == got["faults"]
        ld = client.post("/entropy?page=json", content=MENU, headers={"Content-Type": "application/ld+json"})
        assert ld.status_code == 200
        for query, content, headers, status, field in (
            ("page=json", BROKEN, {"Content-Type": "text/html"}, 415, "Content-Type"),
            ("page=json", b'{"a": "\xff"}', JSON, 422, "body"),
            ("page=json", b" ", JSON, 422, "body"),
            ("page=json&include=marks&end=9", BROKEN, JSON, 422, "include"),
            ("page=yaml", BROKEN, JSON, 400, "body"),
        ):
            answer = client.post(f"/entropy?{query}", content=content, headers=headers)
            assert (answer.status_code, answer.json()["field"]) == (status, field), answer.text
        assert client.post("/extract?page=json", content=MENU, headers=JSON).status_code == 422


def test_a_service_without_such_a_network_says_so(plain_service: Running) -> None:
    answer = plain_service.client.post("/entropy?page=json", content=MENU, headers=JSON)
    assert answer.status_code == 422 and "no network that reads JSON" in answer.json()["detail"]
