"""The docs name what exists, what exists is named, and their examples run."""

import re
import runpy
import shlex
import tomllib
from pathlib import Path

import click
import pytest
import readme
from click.testing import CliRunner

from soupstate.app.cli.main import COMMANDS, soupstate
from soupstate.app.http.openapi import ERRORS
from soupstate.app.http.settings import PREFIX, Settings
from soupstate.kernels.backends import VARIABLE
from soupstate.model.archive.status import Status
from soupstate.model.net.checkpoint import load_checkpoint
from soupstate.model.page.marks import HEADS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
README = readme.README.read_text("utf-8")
TRAINING = (DOCS / "training.md").read_text("utf-8")
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    ROOT / "crawl_samples" / "README.md",
    *sorted(DOCS.rglob("*.md")),
]
README_LINES = 150
LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)|!\[[^\]\n]*\]\(([^)\s]+)\)")
CALL = re.compile(r"^.*?\bsoupstate ([a-z].*)$", re.M)


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.S | re.M)


def code(text: str) -> str:
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.S | re.M)
    return "\n".join(block for language, block in blocks if not language)


def command(name: str) -> click.Command:
    found = soupstate.get_command(click.Context(soupstate), name)
    assert found, f"no command {name}"
    return found


@pytest.mark.parametrize("name", readme.SECTIONS)
def test_sections_are_what_the_code_makes(name: str) -> None:
    assert readme.is_current(name), "run python tests/readme.py --update"


def test_the_readme_is_short() -> None:
    assert README.count("\n") <= README_LINES


def test_the_readmes_python_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("page.html").write_text(readme.fenced(README, "page"), "utf-8")
    python = (DOCS / "python.md").read_text("utf-8")
    exec(readme.fenced(README, "python"), {})
    shown = capsys.readouterr().out
    assert "Night ferry returns https://example.org/" in shown and "a quote is missing" in shown
    assert '<a href="/tickets.html">at the pier</a>' in shown
    exec("\n".join(readme.fenced(python, name) for name in ("python", "front matter", "main", "faults", "reading")), {})


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_variables_exist(path: Path) -> None:
    known = {PREFIX + name.upper() for name in Settings.__dataclass_fields__} | {VARIABLE}
    assert set(re.findall(rf"{PREFIX}[A-Z_]+", path.read_text("utf-8"))) <= known


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_command_lines_have_commands_and_options_that_exist(path: Path) -> None:
    text = path.read_text("utf-8")
    inline = re.findall(r"`soupstate ([a-z][^`]*)`", without_code(text))
    for line in [*CALL.findall(code(text)), *inline]:
        words = shlex.split(line, comments=True)
        if words and words[0] in COMMANDS:
            found = command(words[0])
            if isinstance(found, click.Group) and len(words) > 1:
                found = found.commands[words[1]]
            options = {option for parameter in found.params for option in parameter.opts}
            assert {word for word in words if word.startswith("--")} <= options | {"--help"}, line
        else:  # `docker run ... soupstate`, or words of a command that the text says is not there
            assert "Not built yet" in text, line


def test_the_version_stands_in_one_place() -> None:
    """pyproject.toml has it; the changelog and the citation name the same."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert f"## {project['version']}" in (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert f"version: {project['version']}\n" in (ROOT / "CITATION.cff").read_text("utf-8")


def test_every_decision_is_listed() -> None:
    listed = (DOCS / "decisions" / "README.md").read_text("utf-8")
    files = [path.name for path in (DOCS / "decisions").glob("*.md") if path.name != "README.md"]
    assert files and all(f"({name})" in listed for name in files)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    for pair in LINK.findall(without_code(path.read_text("utf-8"))):
        target, _, anchor = (pair[0] or pair[1]).partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = path.parent / target if target else path
        assert file.exists(), f"{path.name}: {target}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", without_code(file.read_text("utf-8")), re.M)
            slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in slugs, f"{path.name}: #{anchor}"


def test_what_a_crawl_takes_is_reckoned_anew() -> None:
    scale = runpy.run_path(str(DOCS / "scale.py"))
    page = (DOCS / "crawl.md").read_text("utf-8")
    assert scale["current"](page) == page, "run python docs/scale.py --update"


def test_every_status_and_every_head_is_named() -> None:
    http = (DOCS / "http.md").read_text("utf-8").split("| status | when |")[1].split("\n\n")[0]
    assert {str(status) for status in ERRORS} <= set(re.findall(r"\d{3}", http))
    crawl = (DOCS / "crawl.md").read_text("utf-8")
    assert all(f"`{status}" in crawl for status in Status)
    design = (DOCS / "design.md").read_text("utf-8")
    table = design.split("| head | says of | classes |\n|---|---|---|\n")[1].split("\n\n")[0]
    named = [name for row in table.splitlines() for name in row.split("|")[1].strip().split(", ")]
    assert named == [head.name for head in HEADS]


@pytest.mark.slow
def test_the_steps_from_pages_to_weights_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "crawl_samples").symlink_to(ROOT / "crawl_samples")
    (tmp_path / "page.html").write_text(readme.fenced(README, "page"), "utf-8")
    experiment = readme.fenced(TRAINING, "experiment")
    assert "characters = 400_000\n" in experiment
    (tmp_path / "small.toml").write_text(experiment.replace("400_000", "20_000"), "utf-8")
    lines = [shlex.split(line) for line in readme.fenced(TRAINING, "steps").splitlines()]
    for program, *arguments in lines:
        assert program == "soupstate"
        done = CliRunner().invoke(soupstate, arguments)
        assert done.exit_code == 0, f"{arguments}: {done.output}"
    made = load_checkpoint(Path("small-final.safetensors"))
    assert made.depth.neurons and made.evaluation["pages"]
    assert Path("depth.png").stat().st_size and Path("small.json").stat().st_size
