"""`soupstate check --diff`: what it prints is what --fix writes, and `patch` and `git apply` take it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from test_check import BROKEN, THRESHOLD, WHOLE, run

from soupstate.app.cli.file_diff import file_diff

TOOLS = [tool for tool in (["patch", "-p0"], ["git", "apply", "-p0"]) if shutil.which(tool[0])]
HARD_NAMES = [b"a.html", b"a b.html", b'q"\\.html', b"t\tab.html", "größe.html".encode(), b"\xff.html", b"\x01.html"]


def applied(folder: Path, tool: list[str], diff: bytes) -> None:
    """Applies a diff to the files of a folder that is in no repository."""
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent)}
    done = subprocess.run(tool, input=diff, cwd=folder, capture_output=True, check=False, env=environment)
    assert done.returncode == 0, (diff, done.stdout, done.stderr)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool[0])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"a\nb\nc\n", b"a\nB\nc\n"),
        (b"a\nb", b"a\nB"),
        (b"a\nb\n", b"a\nb"),
        (b"a\nb", b"a\nb\n"),
        (b"a\r\nb\r\nc\r\n", b"a\r\nB\r\nc\r\n"),
        (b"a\r\nb\r\nc", b"a\r\nB\r\nc"),
        (b"a\rb\nc\x0bd\x0ce\xc2\x85f\n", b"A\rb\nc\x0bd\x0ce\xc2\x85F\n"),
        (b"one line", b"another"),
        (b"x\n" * 100, b"x\n" * 10 + b"y\n" + b"x\n" * 79 + b"z\n" + b"x\n" * 10),
        (b"--- a\n+++ b\n@@\n\\ x\n", b"--- a\n+++ c\n@@\n\\ x\n"),
    ],
)
def test_the_diff_is_applied_by_other_tools(tmp_path: Path, tool: list[str], old: bytes, new: bytes) -> None:
    (tmp_path / "f.html").write_bytes(old)
    applied(tmp_path, tool, file_diff("f.html", old, new))
    assert (tmp_path / "f.html").read_bytes() == new
    assert file_diff("f.html", old, old) == b""


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool[0])
@pytest.mark.parametrize("name", HARD_NAMES)
def test_names_are_quoted_as_git_quotes_them(tmp_path: Path, tool: list[str], name: bytes) -> None:
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(b"a\n")
    applied(tmp_path, tool, file_diff(os.fsdecode(name), b"a\n", b"b\n"))
    assert path.read_bytes() == b"b\n" and len(list(tmp_path.iterdir())) == 1


def test_diff_prints_what_fix_would_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    bodies = {"a.html": BROKEN.encode(), "b c.html": BROKEN.rstrip().encode(), "d.html": WHOLE.encode("cp1252"),
              "e.html": BROKEN.encode("cp1252")}  # fmt: skip
    for name, body in bodies.items():
        Path(name).write_bytes(body)
    done = run("--diff", "--threshold", THRESHOLD, *bodies)
    assert done.exit_code == 1
    assert [line.split(": ") for line in done.stderr.splitlines()] == [
        *([name, "1 would be mended, 0 left"] for name in bodies if name != "d.html"),
        ["soupstate", "checked 4 files", "3 faults in 3 files"],
    ]
    assert {name: Path(name).read_bytes() for name in bodies} == bodies  # nothing was written
    both = run("--fix", "--diff", "--threshold", THRESHOLD, *bodies)
    assert both.stdout_bytes == done.stdout_bytes and both.exit_code == 1
    assert {name: Path(name).read_bytes() for name in bodies} == bodies
    assert b"d.html" not in done.stdout_bytes and done.stdout_bytes.count(b"\n@@ ") == 3
    applied(tmp_path, TOOLS[0], done.stdout_bytes)
    patched = {name: Path(name).read_bytes() for name in bodies}
    for name, body in bodies.items():
        Path(name).write_bytes(body)
    assert run("--fix", "--threshold", THRESHOLD, *bodies).exit_code == 0
    assert {name: Path(name).read_bytes() for name in bodies} == patched != bodies
    again = run("--diff", "--threshold", THRESHOLD, *bodies)
    assert (again.exit_code, again.stdout_bytes) == (0, b"")


def test_diff_of_stdin_and_of_utf_16() -> None:
    done = run("--diff", "--threshold", THRESHOLD, "-", stdin=BROKEN.encode())
    assert done.exit_code == 1 and done.stdout_bytes.startswith(b"--- <stdin>\n+++ <stdin>\n@@ ")
    wide = run("--diff", "--threshold", THRESHOLD, "-", stdin=BROKEN.encode("utf-16"))
    assert wide.exit_code == 1 and wide.stdout_bytes == done.stdout_bytes  # readable, in UTF-8


def test_a_page_that_would_lose_bytes_has_no_diff(tmp_path: Path) -> None:
    path = tmp_path / "bad.html"
    path.write_bytes(BROKEN.encode().replace("ü".encode(), b"\xff", 1))
    done = run("--diff", "--threshold", THRESHOLD, "--charset", "utf-8", str(path))
    assert done.exit_code == 2 and done.stdout_bytes == b"" and "would be lost" in done.stderr
