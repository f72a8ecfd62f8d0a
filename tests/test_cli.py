"""The command line: extract, entropy, fetch, and what is said of wrong use."""

import json
import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from soupstate.app.answers import Asked, extract, reply
from soupstate.app.cli import main as cli
from soupstate.model.net.checkpoint import load_checkpoint
from soupstate.model.net.reader import Reader

PAGE = '<title>T</title><p>Hé 😀 <a href="/x">link</a>\n<p>"second</p>'
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(32)) * 8


def run(*arguments: str, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(cli.soupstate, list(arguments), input=stdin)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.html"
    path.write_bytes(PAGE.encode())
    return path


@pytest.fixture(autouse=True)
def _tiny(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOUPSTATE_WEIGHTS", str(weights))


def without_seconds(answer: dict[str, object]) -> dict[str, object]:
    assert isinstance(answer.pop("seconds"), float)
    return answer


def test_extract_answers_as_the_service_does(page: Path, weights: Path) -> None:
    done = run("extract", str(page), "--url", "https://example.org/")
    assert (done.exit_code, done.stderr) == (0, "")
    parts = frozenset(["links", "text", "markdown"])
    asked = Asked(PAGE, "https://example.org/", parts, charset="utf-8", charset_source="detected")
    wanted = json.loads(orjson.dumps(reply(Reader(load_checkpoint(weights)), asked, extract)))
    assert without_seconds(json.loads(done.stdout)) == without_seconds(wanted)


@pytest.mark.parametrize("form", ["text", "markdown", "links"])
def test_extract_as_text(page: Path, weights: Path, form: str) -> None:
    done = run("extract", "--format", form, "--scope", "main", "-", stdin=PAGE.encode())
    assert (done.exit_code, done.stderr) == (0, "")
    answer = extract(Reader(load_checkpoint(weights)), Asked(PAGE, None, frozenset([form]), "main"))
    if form == "links":
        assert done.stdout.count("\n") == len(answer.links or ())
    else:
        assert done.stdout == f"{getattr(answer, form)}\n"


def test_extract_several_files(page: Path) -> None:
    one = run("extract", "--format", "text", str(page)).stdout
    done = run("extract", "--format", "text", str(page), "missing", "-", stdin=PAGE.encode())
    assert done.stdout == f"==> {page} <==\n{one}\n==> <stdin> <==\n{one}" and done.exit_code == 1
    links = run("extract", "--format", "links", str(page), str(page)).stdout
    assert "==>" not in links


def test_extract_with_references_and_front_matter(page: Path, weights: Path) -> None:
    done = run("extract", "--format", "markdown", "--links", "reference", "--front-matter", str(page))
    wanted = Asked(PAGE, None, frozenset(["markdown"]), links="reference", front_matter=True)
    assert done.stdout == f"{extract(Reader(load_checkpoint(weights)), wanted).markdown}\n"


def test_entropy(page: Path, weights: Path) -> None:
    done = run("entropy", str(page), "--include", "surprisal,depth")
    answer = json.loads(done.stdout)
    assert len(answer["surprisal"]) == len(answer["depth"]) == len(PAGE)
    assert "entropy" not in answer and "faults" not in answer


def test_several_files_of_which_some_fail(page: Path, tmp_path: Path) -> None:
    picture, empty, gone = tmp_path / "picture.png", tmp_path / "empty.html", tmp_path / "gone.html"
    picture.write_bytes(PNG)
    empty.write_bytes(b"  \n")
    done = run("extract", str(page), str(picture), str(empty), str(gone), "-", str(tmp_path), stdin=PAGE.encode())
    assert done.exit_code == 1
    assert [json.loads(line)["file"] for line in done.stdout.splitlines()] == [str(page), "<stdin>"]
    errors = done.stderr.splitlines()
    assert [error.split(": ")[:2] for error in errors] == [
        ["soupstate", str(path)] for path in (picture, empty, gone, tmp_path)
    ]
    assert "binary" in errors[0] and "empty" in errors[1] and "No such file" in errors[2]


def test_charset_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_bytes("<p>Привет".encode("cp1251"))
    done = run("entropy", "--charset", "windows-1251", "--include", "surprisal", str(path))
    assert json.loads(done.stdout)["characters"] == 9


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nothing",),
        ("extract",),
        ("extract", "--format", "xml", "-"),
        ("extract", "--include", "links,depth", "-"),
        ("extract", "--scope", "half", "-"),
        ("extract", "--links", "footnotes", "-"),
        ("extract", "--format", "text", "--front-matter", "-"),
        ("extract", "--include", "text", "--links", "inline", "-"),
        ("extract", "--threshold", "nan", "-"),
        ("check", "--threshold", "nan", "-"),
        ("entropy", "--threshold", "0.5", "-"),
        ("warc", "--out", "out", "--page-seconds", "nan", "-"),
        ("warc", "--out", "out", "--page-seconds", "inf", "-"),
        ("serve", "--drain-seconds", "inf"),
        ("entropy", "--include", "text", "-"),
        ("serve", "--port", "99999"),
        ("serve", "--log-level", "loud"),
        ("fetch",),
    ],
)
def test_wrong_use(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert "Usage:" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        *((("extract", "--charset", name), "--charset") for name in ("nonsense", "", "replacement", "utf-8;x", "ü")),
        (("entropy", "--charset", "x-user-defined"), "--charset"),
        *((("extract", "--url", url), "--url") for url in ("nowhere", "/x", "", "file:///etc/passwd", "//a.example",
                                                           "http://", "http://[::1", "http://a.example/\udcff")),
        *((("extract", "--include", "links", "--format", form), "--include has no effect with --format " + form)
          for form in ("text", "markdown", "links")),
        (("check", "--format", "json", "--fix"), "--format has no effect with --fix or --diff"),
        (("check", "--format", "text", "--diff"), "--format has no effect with --fix or --diff"),
    ],
)  # fmt: skip
def test_options_without_effect_are_refused(arguments: tuple[str, ...], said: str) -> None:
    done = run(*arguments, "-", stdin=PAGE.encode())
    assert done.exit_code == 2 and said in done.stderr and done.stdout == ""


@pytest.mark.parametrize("name", ["utf-8", "UTF8", "latin1", "windows-1251", "shift_jis", "utf-16", "utf-16be", "gbk"])
def test_charsets_that_are_known(name: str) -> None:
    assert run("extract", "--charset", name, "-", stdin=b"<p>x").exit_code == 0


@pytest.mark.slow
def test_a_name_that_is_not_utf_8(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.html")).write_text(PAGE)
    files = [b"\xff.html", b"none\xff.html"]

    def called(*arguments: str) -> tuple[int, bytes, bytes]:
        command = [sys.executable, "-m", "soupstate", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
        done = subprocess.run([*command, *files], cwd=tmp_path, capture_output=True, check=False, env=environment)
        assert b"Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout, done.stderr

    for command in ("extract", "entropy"):
        status, out, errors = called(command)
        assert status == 1 and json.loads(out)["file"] == "\\xff.html"
        assert errors == b"soupstate: none\\xff.html: No such file or directory\n"
    assert called("check", "--threshold", "0")[1].startswith(b"\\xff.html:")
    results = json.loads(called("check", "--format", "sarif", "--threshold", "0")[1])["runs"][0]["results"]
    assert results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "%FF.html"
    assert called("check", "--diff", "--threshold", "0")[1].startswith(b"--- \xff.html\n")
    assert called("check", "--fix", "--threshold", "0")[2].startswith(b"\\xff.html: ")
    assert (tmp_path / os.fsdecode(b"\xff.html")).read_text() != PAGE
    status, _, errors = called("fetch", "--crawl", "x", "--out", "out.warc.gz")  # they are addresses here
    assert status == 2 and b"\\xff.html is not UTF-8; write such bytes as %FF" in errors


@pytest.mark.parametrize("command", ["extract", "entropy", "check", "serve"])
def test_weights_or_backend_that_are_not_there(command: str, tmp_path: Path) -> None:
    files = [] if command == "serve" else ["-"]
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"nonsense")
    for option in (("--weights", "gone"), ("--weights", str(bad)), ("--backend", "quantum")):
        done = run(command, *option, *files, stdin=PAGE.encode())
        assert done.exit_code == (2 if command == "check" else 1)
        assert done.stderr.startswith("Error: ") and done.stderr.count("\n") == 1, done.stderr
        assert option[1] in done.stderr


def test_serve_says_when_its_port_is_taken(service: object) -> None:
    port = service.client.base_url.port  # type: ignore[attr-defined]
    done = run("serve", "--port", str(port))
    assert done.exit_code == 1
    assert done.stderr == f"Error: cannot listen on 127.0.0.1:{port}: Address already in use\n"


def test_help_of_all_commands() -> None:
    listing = run("--help")
    assert listing.exit_code == 0
    for command, (text, _) in cli.COMMANDS.items():
        assert command in listing.stdout and text in listing.stdout
        assert run(command, "--help").exit_code == 0, command


@pytest.mark.parametrize(
    ("code", "modules"),
    [
        (
            "from soupstate.app.cli.main import soupstate; soupstate(['--help'], standalone_mode=False)",
            ("torch", "numpy", "fastapi", "selectolax"),
        ),
        (  # what archives, corrections and pages without a charset need is imported when the first one comes
            "import soupstate.app.cli.serve",
            ("torch", "warcio", "sqlite3", "resiliparse", "markdown_it"),
        ),
    ],
)
def test_what_is_seldom_needed_is_not_imported(code: str, modules: tuple[str, ...]) -> None:
    code = f"import sys; {code}; print([m for m in {modules} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1]
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {missing_module!r}", name=missing_module)

    monkeypatch.setattr(cli.importlib, "import_module", missing)
    missing_module = "torch"
    done = run("train", "x.toml")
    assert done.exit_code == 1
    assert done.stderr == "Error: train needs torch, which is not installed: pip install 'soupstate[train]'\n"
    missing_module = "soupstate.kernels.gone"  # a fault of ours is no missing extra
    assert isinstance(run("train", "x.toml").exception, ModuleNotFoundError)


def test_fetch_reports_what_stops_it(tmp_path: Path) -> None:
    out = tmp_path / "out.warc.gz"
    out.write_bytes(b"")
    done = run("fetch", "https://example.org/", "--crawl", "CC-MAIN-2026-17", "--out", str(out))
    assert (done.exit_code, done.stderr) == (1, f"Error: {out} exists already\n")
