"""What the README and docs/ name is there, what is there they name, and their examples run."""

import re
import runpy
import shlex
import subprocess
from pathlib import Path

import click
import pytest
import readme
from click.testing import CliRunner

from soupstate.app.cli.main import COMMANDS, soupstate
from soupstate.app.http.service import ERRORS
from soupstate.app.http.settings import PREFIX, Settings
from soupstate.kernels.backends import VARIABLE
from soupstate.model.net.checkpoint import load_checkpoint
from soupstate.model.page.marks import HEADS

ROOT = Path(__file__).parents[1]
README = readme.README.read_text("utf-8")
DESIGN = (ROOT / "docs" / "design.md").read_text("utf-8")
PAGES = [ROOT / "README.md", ROOT / "crawl_samples" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)|!\[[^\]\n]*\]\(([^)\s]+)\)")
CALL = re.compile(r"^.*?\bsoupstate ([a-z].*)$", re.M)


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.S | re.M)


def code(text: str) -> str:
    return "\n".join(re.findall(r"^```\n(.*?)^```$", text, re.S | re.M))


def command(name: str) -> click.Command:
    found = soupstate.get_command(click.Context(soupstate), name)
    assert found, f"no command {name}"
    return found


@pytest.mark.parametrize("name", ["commands", "settings", "columns"])
def test_tables_are_those_of_the_code(name: str) -> None:
    assert readme.current(README, (name,)) == README, "run python tests/readme.py --update"


@pytest.mark.parametrize("name", ["extract", "entropy"])
def test_the_example_is_what_the_shipped_weights_say(name: str) -> None:
    assert readme.current(README, (name,)) == README, "run python tests/readme.py --update"


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
            options = {option for parameter in command(words[0]).params for option in parameter.opts}
            assert {word for word in words if word.startswith("--")} <= options | {"--help"}, line
        else:  # `docker run ... soupstate`, or words of a command that the text says is not there
            assert "Not built yet" in text, line


def test_every_top_level_path_is_listed() -> None:
    listed = re.findall(r"^\| `([^`]+)` \|", README.split("## What is where")[1].split("\n## ")[0], re.M)
    git = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    there = {f"{name.split('/')[0]}/" if "/" in name else name for name in git.stdout.splitlines()}
    assert sorted(listed) == sorted(set(listed))
    assert all((ROOT / name).exists() for name in listed)
    assert not there or set(listed) == there  # nothing: no git here


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
    scale = runpy.run_path(str(ROOT / "docs" / "scale.py"))
    page = (ROOT / "docs" / "scale.md").read_text("utf-8")
    assert scale["current"](page) == page, "run python docs/scale.py --update"


def test_the_design_names_every_status_and_every_head() -> None:
    statuses = DESIGN.split("| status | when |")[1].split("\n\n")[0]
    assert {str(status) for status in ERRORS} <= set(re.findall(r"\d{3}", statuses))
    table = DESIGN.split("| head | says of | classes |\n|---|---|---|\n")[1].split("\n\n")[0]
    named = [name for row in table.splitlines() for name in row.split("|")[1].strip().split(", ")]
    assert named == [head.name for head in HEADS]


@pytest.mark.slow
def test_the_steps_from_pages_to_weights_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "crawl_samples").symlink_to(ROOT / "crawl_samples")
    (tmp_path / "page.html").write_text(readme.fenced(README, "page"), "utf-8")
    experiment = readme.fenced(README, "experiment")
    assert "characters = 400_000\n" in experiment
    (tmp_path / "small.toml").write_text(experiment.replace("400_000", "20_000"), "utf-8")
    lines = [shlex.split(line) for line in readme.fenced(README, "steps").splitlines()]
    for program, *arguments in lines:
        assert program == "soupstate"
        done = CliRunner().invoke(soupstate, arguments)
        assert done.exit_code == 0, f"{arguments}: {done.output}"
    made = load_checkpoint(Path("small-final.safetensors"))
    assert made.depth.neurons and made.evaluation["pages"]
    assert Path("depth.png").stat().st_size and Path("small.json").stat().st_size
