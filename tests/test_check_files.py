"""`soupstate check`: files, folders, patterns, settings, several processes, and a terminal."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from test_check import BROKEN, THRESHOLD, WHOLE, run

from soupstate.app.check_settings import find_settings


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with pages, which is the current one."""
    pages = "a.html b.HTM en/c.xhtml en/deep/d.html .hidden/e.html node_modules/x/f.html en/notes.md"
    for name in pages.split():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(BROKEN if name != "b.HTM" else WHOLE, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found(*arguments: str) -> list[str]:
    """The files in which `check` found a fault."""
    done = run("--format", "json", "--threshold", THRESHOLD, *arguments)
    assert done.exit_code == 1, done.stderr
    return [row["file"] for row in json.loads(done.stdout)]


def test_folders_and_patterns(site: Path) -> None:
    assert found(".") == ["a.html", "en/c.xhtml", "en/deep/d.html"]
    assert found("en", "a.html", "en/c.xhtml") == ["en/c.xhtml", "en/deep/d.html", "a.html"]
    assert found("**/*.html") == ["a.html", "en/deep/d.html"]
    assert found("en/notes.md") == ["en/notes.md"]  # it was named
    assert run("*.none").exit_code == 2
    empty = site / "empty"
    empty.mkdir()
    assert run("empty").stderr == "soupstate: found no file to check\n"


def test_exclude(site: Path) -> None:
    assert found(".", "--exclude", "deep", "--exclude", "a.*") == ["en/c.xhtml"]
    assert found(".", "--exclude", "en/") == ["a.html"]
    assert run("a.html", "--exclude", "a.html").stderr == "soupstate: found no file to check\n"


def test_workers_find_the_same(site: Path) -> None:
    command = [sys.executable, "-m", "soupstate", "check", "--format", "gnu", "--threshold", THRESHOLD, "."]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    (site / "bad.html").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0")
    several = subprocess.run([*command, "--workers", "2"], capture_output=True, check=False, env=environment)
    one = run(*command[4:], "--workers", "1")
    assert several.stdout.decode() == one.stdout and several.returncode == one.exit_code == 2
    assert one.stdout.count("[unpaired-quote]") == 3 and "bad.html: error:" in one.stdout


@pytest.mark.parametrize(
    ("name", "table"),
    [(".soupstate.toml", "check"), ("pyproject.toml", "tool.soupstate.check")],
    ids=["own", "shared"],
)
def test_settings_of_the_nearest_folder(site: Path, name: str, table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = f'[{table}]\nthreshold = {THRESHOLD}\nexclude = ["en/deep"]\nformat = "gnu"\nworkers = 1\n'
    (site / name).write_text(keys)
    monkeypatch.chdir(site / "en")
    (site / "en" / "pyproject.toml").write_text("[tool.other]\n")  # says nothing of this tool
    done = run("..")
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == ["../a.html", "../en/c.xhtml"]
    assert run("--threshold", "1", "..").exit_code == 0  # the command line goes before the file
    assert json.loads(run("--format", "json", "..").stdout)
    assert run("--fix", "..").exit_code == 0  # a format in the file is no mistake


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[check]\ntreshold = 0.2\n", "treshold: unknown key; known: threshold, exclude, format, workers"),
        ("[check]\nthreshold = 2\n", "threshold must be 1.0 or less"),
        ('[check]\nformat = "html"\n', "format must be 'text', 'json'"),
        ("[check]\nexclude = 3\n", "exclude must be a list"),
        ("[chekc]\n", "chekc: unknown table"),
        ("check = 3\n", "check is no table"),
        ("[check", "soupstate.toml: "),
    ],
)
def test_settings_that_are_wrong_name_the_file(site: Path, text: str, said: str) -> None:
    file = site / ".soupstate.toml"
    file.write_text(text)
    done = run("a.html")
    assert done.exit_code == 2 and str(file) in done.stderr and said in done.stderr
    other = site / "other.toml"
    other.write_text("[check]\nthreshold = 1.0\n")
    assert run("--config", str(other), "a.html").exit_code == 0


def test_settings_are_read_from_the_root_where_no_file_has_any(tmp_path: Path) -> None:
    assert find_settings(tmp_path).keys.threshold is None


@pytest.mark.parametrize(("environment", "colours"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colours_on_a_terminal(site: Path, environment: dict[str, str], colours: bool) -> None:
    command = [sys.executable, "-m", "soupstate", "check", "--threshold", THRESHOLD, "a.html"]
    outer, inner = pty.openpty()
    variables = {"TERM": "xterm", **os.environ, **environment, "PYTHONPATH": str(Path(__file__).parents[1])}
    if "NO_COLOR" not in environment:
        variables.pop("NO_COLOR", None)
    process = subprocess.Popen(command, stdout=inner, stderr=subprocess.DEVNULL, env=variables | {"TERM": "xterm"})
    os.close(inner)
    shown = b""
    while True:
        try:
            part = os.read(outer, 4096)
        except OSError:  # the other end was closed
            break
        if not part:
            break
        shown += part
    os.close(outer)
    assert process.wait(20) == 1 and b"unpaired-quote" in shown
    assert (b"\x1b[" in shown) is colours
