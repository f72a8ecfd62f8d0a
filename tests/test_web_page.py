"""The files of the page at /: what is sent with them, and what they may load."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Running

from soupstate.app.http import web_page

ROOT = Path(__file__).parents[1]


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """An empty folder in place of that of the page."""
    monkeypatch.setattr(web_page, "FOLDER", tmp_path)
    web_page._file.cache_clear()
    yield tmp_path
    web_page._file.cache_clear()


def test_files_and_their_policy(service: Running) -> None:
    page = service.client.get("/").text
    names = set(re.findall(r'(?:src|href)="web/([^"]+)"', page)) | {web_page.INDEX}
    assert names == set(web_page.KINDS)
    for name in names:
        got = service.client.get(f"/web/{name}")
        assert got.status_code == 200 and got.headers["content-type"] == web_page.KINDS[name]
        rules = dict(rule.strip().split(" ", 1) for rule in got.headers["content-security-policy"].split(";"))
        assert rules["default-src"] == "'self'" and "unsafe" not in got.headers["content-security-policy"]
        assert not {"script-src", "style-src", "connect-src", "img-src"} & set(rules)
    assert not re.search(r"<style|style=|\son\w+=|<script(?![^>]*\bsrc=)", page)


def test_what_the_client_has_is_not_sent_again(service: Running) -> None:
    got = service.client.get("/web/page.js")
    again = service.client.get("/web/page.js", headers={"If-None-Match": got.headers["etag"]})
    assert again.status_code == 304 and not again.content and again.headers["etag"] == got.headers["etag"]
    assert service.client.get("/web/page.js", headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("path", ["/web/nothing.js", "/web/..%2Fweb_page.py", "/web/", "/web/a/b"])
def test_other_files_are_not_sent(service: Running, path: str) -> None:
    got = service.client.get(path)
    assert got.status_code == 404 and got.headers["content-type"] == "application/problem+json"


@pytest.mark.usefixtures("moved")
def test_a_page_that_was_not_built_is_an_error(service: Running) -> None:
    for path in ("/", "/web/page.js"):
        got = service.client.get(path)
        assert got.status_code == 404 and "run python web/build.py" in got.json()["detail"]


def test_licences_of_what_is_bundled(service: Running) -> None:
    text = service.client.get("/web/licences.txt").text
    for name in ("@codemirror/view", "uplot", "markdown-it", "style-mod"):
        assert re.search(rf"^{name} [\d.]+ \(MIT\)$", text, re.M)


def test_the_lock_names_no_address() -> None:
    lock = (ROOT / "web" / "package-lock.json").read_text("utf-8")
    assert '"resolved"' not in lock and "integrity" in lock


def test_a_build_that_fails_is_an_error(tmp_path: Path) -> None:
    """With an npm that fails at its second step."""
    npm = tmp_path / "npm"
    npm.write_text('#!/bin/sh\n[ "$1 $2" != "run check" ]\n')
    npm.chmod(0o755)
    done = subprocess.run(
        [sys.executable, ROOT / "web" / "build.py"],
        env={"PATH": f"{tmp_path}:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and "the page was not built: npm run check failed with status 1" in done.stderr


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb (WCAG 2.2)."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours (WCAG 2.2)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_has_the_contrast_that_wcag_asks_for(scheme: int) -> None:
    css = (ROOT / "web" / "src" / "page.css").read_text("utf-8")
    colours = dict(re.findall(r"--(\w+): (#\w{6});", re.findall(r":root \{(.*?)\}", css, re.S)[scheme]))
    texts = ("text", "quiet", "accent", "wrong", "tag", "attribute", "value", "address", "comment", "raw")
    pairs = [(text, "paper") for text in texts] + [("text", "raised"), ("text", "heat"), ("paper", "accent")]
    weak = [(one, other) for one, other in pairs if contrast(colours[one], colours[other]) < 4.5]
    assert weak == []
