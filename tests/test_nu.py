"""POST /nu: clients of the Nu HTML checker run unchanged, and bad requests get a clear answer."""

import gzip
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import Running, served

from soupstate.app.http.nu import Wanted, messages
from soupstate.model.faults.fault import Fault

ROWS = "".join(f'<li class="entry"><a href="/boats/{n}.html">Boat 😀 {n} für zwei</a></li>\n' for n in range(12))
WHOLE = f"<!DOCTYPE html>\n<html><head><title>Boote</title></head><body>\n<ul>\n{ROWS}</ul></body></html>\n"
BROKEN = WHOLE.replace('/boats/7.html">', "/boats/7.html>")
HTML = {"Content-Type": "text/html; charset=utf-8"}
CLIENTS = Path(__file__).with_name("clients")
NODE = shutil.which("node")


def needs(folder: Path) -> pytest.MarkDecorator:
    there = NODE and (folder / "node_modules").is_dir()
    return pytest.mark.skipif(not there, reason=f"node is missing, or npm has not installed {folder.name}")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The service as a process, with the shipped networks."""
    with served("--workers", "1") as (url, lines):
        yield f"{url}/nu"
    assert all(json.loads(line)["level"] in ("info", "warning") for line in lines)


def post(address: str, body: Any = BROKEN, query: str = "out=json", **more: Any) -> httpx.Response:
    content = {} if "files" in more or "data" in more else {"content": body, "headers": HTML}
    return httpx.post(f"{address}?{query}", timeout=20, **(content | more))


def found(address: str, **more: Any) -> list[dict[str, Any]]:
    answer = post(address, **more)
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["messages"]
    return rows


def test_messages(address: str) -> None:
    [message] = found(address)
    line = BROKEN.splitlines()[10]
    assert message["help"] == f"{address.removesuffix('nu')}faults/unpaired-quote"
    assert "HTML standard" in httpx.get(message["help"]).text
    assert message["type"] == "error" and "subType" not in message and message["message"] == "a quote is missing"
    assert message["firstLine"] == message["lastLine"] == 11
    assert message["firstColumn"] == message["lastColumn"] == line.index("html>") + len("html>")
    assert message["extract"] == line
    assert line.encode("utf-16-le")[2 * message["hiliteStart"] :][:2] == b">\0" and message["hiliteLength"] == 1
    assert found(address, body=WHOLE) == [] and found(address, query="out=json&threshold=1") == []
    assert found(address, query="level=error&parser=html5") == [message]
    assert len(found(address, query="threshold=0")) > 1
    source = post(address, query="out=json&showsource=yes").json()["source"]
    assert source == {"type": "text/html", "encoding": "utf-8", "code": BROKEN}


def test_columns_are_units_of_utf_16() -> None:
    page = "<p>\r\n😀😀<i>\n"
    faults = [
        Fault(6, 8, 2, 2, 9.0, 0.6, "unpaired-quote", "x", "", ()),
        Fault(len(page), len(page), 3, 1, 9.0, 0.9, "unpaired-quote", "y", "", ()),
    ]
    first, last = messages(page, faults, Wanted())
    assert (first.type, first.subType, last.type, last.subType) == ("info", "warning", "error", None)
    assert (first.firstLine, first.firstColumn, first.lastLine, first.lastColumn) == (2, 3, 2, 5)
    assert (first.extract, first.hiliteStart, first.hiliteLength) == ("😀😀<i>", 2, 3)
    assert (last.firstLine, last.firstColumn, last.lastColumn) == (2, 7, 7)
    assert [m.message for m in messages(page, faults, Wanted(level="error"))] == ["y"]
    assert messages("", [], Wanted()) == []


def test_text_and_gnu(address: str) -> None:
    text = post(address, query="out=text")
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    column = BROKEN.splitlines()[10].index("html>") + len("html>")
    place = f"From line 11, column {column}; to line 11, column {column}"
    assert text.text == f"Error: a quote is missing\n{place}\n\nThere were errors.\n"
    assert post(address, WHOLE, "out=text").text == "No error was found.\n"
    assert post(address, WHOLE, "out=gnu").text == ""
    assert post(address, query="out=gnu").text == f":11.{column}-11.{column}: error: a quote is missing\n"


def test_gzip_and_forms(address: str) -> None:
    plain = found(address)
    packed = gzip.compress(BROKEN.encode())
    assert found(address, body=packed, headers={**HTML, "Content-Encoding": "gzip"}) == plain
    latin = BROKEN.replace("😀", "ä").encode("latin-1")
    file = found(
        address, files={"file": ("page.html", latin, "text/html; charset=iso-8859-1")}, data={"level": "error"}
    )
    assert [m["message"] for m in file] == ["a quote is missing"] and "für" in file[0]["extract"]
    assert found(address, files={"content": (None, BROKEN)}) == plain
    text = httpx.post(address, files={"content": (None, BROKEN), "out": (None, "gnu")}, timeout=20).text
    assert text.startswith(":11.")


def test_a_malformed_form_is_not_in_the_log(address: str) -> None:
    """What the log holds is looked at when the service has ended."""
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = post(address, b"--x\r\nContent-Dispos\xc2ition: form-data\r\n\r\n", headers=form)
    assert answer.status_code == 400 and "malformed" in answer.json()["detail"]


def test_what_is_refused(plain_service: Running) -> None:
    client = plain_service.client

    def refused(status: int, field: str | None, **more: Any) -> str:
        answer = client.post("/nu", **({"content": WHOLE, "headers": HTML} | more))
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json" and answer.json().get("field") == field
        detail: str = answer.json()["detail"]
        return detail

    assert "fetches no address" in refused(422, "doc", params={"doc": "https://example.org/"})
    for name, value in (("out", "xml"), ("level", "loud"), ("threshold", "2"), ("threshold", "nan"), ("colour", "x")):
        refused(422, name, params={name: value})
    refused(415, "Content-Type", headers={"Content-Type": "application/json"})
    refused(415, "Content-Encoding", headers={**HTML, "Content-Encoding": "br"})
    packed = gzip.compress(WHOLE.encode())
    for body in (WHOLE.encode(), packed[:-4], b"\x1f\x8b"):
        refused(400, "body", content=body, headers={**HTML, "Content-Encoding": "gzip"})
    refused(422, "body", content=gzip.compress(b""), headers={**HTML, "Content-Encoding": "gzip"})
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    refused(422, "Content-Type", headers={"Content-Type": "multipart/form-data"})
    for body in (b"", b"nonsense", b"--x\r\nContent-Disposition: form-data; name=file\r\n\r\n<p>"):
        refused(400, "body", content=body, headers=form)
    part = b'--x\r\nContent-Disposition: form-data; name="other"\r\n\r\ny\r\n'
    refused(422, "other", content=part + part.replace(b"other", b"file") + b"--x--\r\n", headers=form)
    refused(422, "body", content=part.replace(b"other", b"level") + b"--x--\r\n", headers=form)
    refused(422, "body", content=part * 40 + b"--x--\r\n", headers=form)
    got = client.get("/nu", params={"doc": "https://example.org/"})
    assert got.status_code == 405 and got.headers["allow"] == "POST" and "fetches no address" in got.json()["detail"]


def test_a_body_that_unpacks_to_too_much_is_refused(service: Running) -> None:
    """The service of these tests takes 200,000 bytes."""
    bomb = gzip.compress(b"<p>" + bytes(30_000_000))
    assert len(bomb) < 100_000
    small = gzip.compress(b"<p>" + b"x" * 250_000)
    answer = service.client.post("/nu", content=small, headers={**HTML, "Content-Encoding": "gzip"})
    assert answer.status_code == 413 and answer.json()["field"] == "body"
    assert service.metric('soupstate_memory_bytes{state="waiting"}') == 0
    answer = service.client.post("/nu", content=bomb, headers={**HTML, "Content-Encoding": "gzip"})
    assert answer.status_code == 413


@needs(CLIENTS)
def test_html_validator(address: str, tmp_path: Path) -> None:
    assert NODE
    script = """
    const validator = require('html-validator');
    const read = stdin => JSON.parse(require('fs').readFileSync(stdin, 'utf8'));
    const [address, data] = read(0);
    (async () => {
      const json = await validator({validator: address, data, format: 'json'});
      const text = await validator({validator: address, data, format: 'text'});
      console.log(JSON.stringify([json.messages, text]));
    })();
    """
    for page in (BROKEN, WHOLE):
        given = json.dumps([address, page])
        done = subprocess.run(
            [NODE, "-e", script], input=given, text=True, capture_output=True, check=True, cwd=CLIENTS
        )
        messages, text = json.loads(done.stdout)
        assert [m["message"] for m in messages] == (["a quote is missing"] if page == BROKEN else [])
        assert ("There were errors" in text) is (page == BROKEN)


@needs(CLIENTS)
def test_html_validator_cli(address: str, tmp_path: Path) -> None:
    assert NODE
    program = CLIENTS / "node_modules" / "html-validator-cli" / "index.js"
    for page, status, said in ((BROKEN, 1, "Page is not valid"), (WHOLE, 0, "Page is valid")):
        file = tmp_path / "page.html"
        file.write_text(page, "utf-8")
        command = [NODE, program, f"--file={file}", f"--validator={address}"]
        for form in ("text", "json"):
            done = subprocess.run([*command, f"--format={form}"], text=True, capture_output=True, check=False)
            assert (done.returncode, done.stdout.strip()) == (status, said), done.stderr
        verbose = subprocess.run([*command, "--verbose"], text=True, capture_output=True, check=False)
        assert ("a quote is missing" in verbose.stdout) is (page == BROKEN)


@pytest.mark.slow
@needs(CLIENTS / "webhint")
def test_webhint(address: str, tmp_path: Path) -> None:
    assert NODE
    folder = CLIENTS / "webhint" / "node_modules"
    file, settings = tmp_path / "page.html", tmp_path / ".hintrc"
    file.write_text(BROKEN, "utf-8")
    hints = {"html-checker": ["error", {"validator": address, "details": True}]}
    configuration = {"connector": {"name": "local"}, "parsers": ["html"], "formatters": ["json"], "hints": hints}
    settings.write_text(json.dumps(configuration))
    command = [NODE, folder / "hint" / "dist" / "src" / "bin" / "hint.js", "--config", settings, file]
    environment = {**os.environ, "HINT_TRACKING": "off", "CI": "true"}
    done = subprocess.run(command, text=True, capture_output=True, check=False, cwd=tmp_path, env=environment)
    assert "a quote is missing" in done.stdout and done.returncode == 1, (done.stdout, done.stderr)
