"""The hooks for pre-commit and the GitHub Action: their commands run, and do what they say."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from test_check import BROKEN, WHOLE

ROOT = Path(__file__).parents[1]
PROGRAM = Path(sys.executable).with_name("soupstate")
GIT = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@a", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@a"}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a broken page, a whole one, and what is no page."""
    for name, text in (("broken.html", BROKEN), ("whole.html", WHOLE), ("notes.md", BROKEN)):
        (tmp_path / name).write_bytes(text.encode())
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
    return tmp_path


@pytest.mark.skipif(not shutil.which("git"), reason="git is missing")
@pytest.mark.parametrize("name", ["soupstate-check", "soupstate-fix"])
def test_pre_commit_runs_the_hooks(repository: Path, name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The hook is used as it is defined, but in this environment: building another needs a network."""
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    [hook] = [hook for hook in hooks if hook["id"] == name]
    local = {**hook, "language": "system", "entry": hook["entry"].replace("soupstate", str(PROGRAM), 1)}
    configuration = {"repos": [{"repo": "local", "hooks": [local]}]}
    (repository / ".pre-commit-config.yaml").write_text(yaml.safe_dump(configuration))
    home = tmp_path_factory.mktemp("pre-commit")
    environment = {**os.environ, **GIT, "PRE_COMMIT_HOME": str(home), "GIT_CEILING_DIRECTORIES": str(repository.parent)}
    command = [sys.executable, "-m", "pre_commit", "run", "--all-files"]
    done = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "notes.md" not in done.stdout, (done.stdout, done.stderr)
    if name == "soupstate-check":
        assert "broken.html:11:" in done.stdout and (repository / "broken.html").read_bytes() == BROKEN.encode()
    else:
        assert "files were modified" in done.stdout and (repository / "broken.html").read_bytes() == WHOLE.encode()


def steps() -> list[dict[str, str]]:
    """The steps of the action that are scripts: installing, checking and the end."""
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    assert action["runs"]["using"] == "composite" and set(action["inputs"]) == {
        *("paths", "threshold", "sarif-file", "upload", "fail")
    }
    return [step for step in action["runs"]["steps"] if "run" in step]


@pytest.mark.parametrize(
    ("paths", "threshold", "status", "fails"),
    [("*.html", "1", 0, {"true": 0, "false": 0}), (". broken.html", "0.3", 1, {"true": 1, "false": 0}),
     ("gone.html", "", 2, {"true": 1, "false": 1})],
)  # fmt: skip
@pytest.mark.slow
def test_the_scripts_of_the_action(
    repository: Path,
    paths: str,
    threshold: str,
    status: int,
    fails: dict[str, int],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    temporary = tmp_path_factory.mktemp("runner")
    (temporary / "soupstate" / "bin").mkdir(parents=True)
    (temporary / "soupstate" / "bin" / "soupstate").symlink_to(PROGRAM)
    _, check, end = steps()
    output = temporary / "output"
    environment = {**os.environ, "RUNNER_TEMP": str(temporary), "GITHUB_OUTPUT": str(output)}
    given = {"PATHS": paths, "THRESHOLD": threshold, "SARIF": str(temporary / "log.sarif")}
    command = ["bash", "-eo", "pipefail", "-c"]  # as GitHub runs them
    done = subprocess.run(
        [*command, check["run"]], cwd=repository, env=environment | given, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and output.read_text() == f"status={status}\n", done.stderr
    assert '"version": "2.1.0"' in (temporary / "log.sarif").read_text()
    assert ("::error file=broken.html" in done.stdout) is (status == 1)
    for fail, expected in fails.items():
        ended = subprocess.run(
            [*command, end["run"]], env=environment | {"STATUS": str(status), "FAIL": fail}, check=False
        )
        assert (ended.returncode != 0) == bool(expected)
