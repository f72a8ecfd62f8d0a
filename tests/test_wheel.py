"""The wheel: one top-level name, no C++ sources, and it works where there is no compiler and no repository."""

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
import readme

from soupstate.model.faults.kinds import KINDS

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(ROOT)]
    subprocess.run(command, check=True)
    (made,) = folder.glob("*.whl")
    return made


def test_it_has_one_package_and_no_sources_of_the_compiled_part(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"soupstate"}
    assert not [name for name in names if name.endswith((".cpp", ".h", "CMakeLists.txt", ".ts", "package.json"))]
    for name in (
        "py.typed",
        "kernels/_cpp.pyi",
        "model/net/weights/soupstate.safetensors",
        "app/cli/main.py",
        "app/http/page/index.html",
        "app/http/page/page.js",
        "api.py",
        *(f"faults/{kind}.md" for kind in KINDS),
    ):
        assert names.count(f"soupstate/{name}") == 1, name
    assert [name for name in names if name.startswith("soupstate/kernels/_cpp.") and name.endswith(".so")]
    assert wheel.stat().st_size < 25_000_000


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The repository's files, without anything that was built."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        target = tmp_path / "checkout" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target, follow_symlinks=False)
    return tmp_path / "checkout"


def pip_wheel(source: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Makes a wheel without the compiled part."""
    settings = ["-Cwheel.cmake=false", "-Cwheel.py-api=py3"]
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", *settings, "-w", str(folder), str(source)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_builds_the_page(checkout: Path, tmp_path: Path) -> None:
    done = pip_wheel(checkout, tmp_path / "made")
    assert not done.returncode, done.stderr
    (made,) = (tmp_path / "made").glob("*.whl")
    assert "soupstate/app/http/page/page.js" in zipfile.ZipFile(made).namelist()


def test_a_page_that_cannot_be_built_is_an_error(checkout: Path, tmp_path: Path) -> None:
    (checkout / "web" / "src" / "main.ts").write_text("const broken: number = 'text'\n")
    done = pip_wheel(checkout, tmp_path / "made")
    assert done.returncode and "npm run check failed" in done.stdout + done.stderr
    assert not list((tmp_path / "made").glob("*.whl"))


def test_it_works_alone(wheel: Path, tmp_path: Path) -> None:
    """In an environment of its own, in a folder with an `app` of its own, with no compiler to be found."""
    venv.create(tmp_path / "env", with_pip=True)
    binaries = tmp_path / "env" / "bin"
    environ = {**os.environ, "CC": "/bin/false", "CXX": "/bin/false", "PATH": f"{binaries}:/bin"}
    environ.pop("PYTHONPATH", None)
    subprocess.run([binaries / "pip", "install", "-q", str(wheel)], check=True, env=environ)
    project = tmp_path / "project"
    (project / "app").mkdir(parents=True)
    (project / "app" / "__init__.py").write_text("OWN = True\n")
    page = readme.fenced(readme.README.read_text("utf-8"), "page")
    (project / "page.html").write_text(page, "utf-8")

    def run(*command: str, path: str = "") -> str:
        given = {**environ, "PYTHONPATH": path, "SOUPSTATE_BACKEND": "compiled"}
        program = [binaries / command[0], *command[1:]]
        done = subprocess.run(program, capture_output=True, text=True, env=given, cwd=project, check=False)
        assert not done.returncode, done.stderr
        return done.stdout

    example = readme.fenced(readme.README.read_text("utf-8"), "python")
    assert "Night ferry returns https://example.org/" in run("python", "-W", "error", "-c", example)
    assert run("python", "-c", "import app; print(app.OWN)", path=".") == "True\n"
    assert run("soupstate", "--version", path=".").startswith("soupstate, version ")
    assert run("soupstate", "extract", "--format", "text", "page.html").startswith("Home News")
    assert run("python", "-m", "soupstate", "entropy", "--include", "depth", "page.html").startswith('{"characters"')
    assert run("soupstate", "check", "--explain", "unpaired-quote").startswith("# unpaired-quote\n")
    assert run("soupstate", "check", "--format", "json", "--threshold", "1", "page.html") == "[]\n"
    missing = "import importlib.util as u; print([n for n in ('app', 'model', 'kernels', 'torch') if u.find_spec(n)])"
    command = [binaries / "python", "-c", missing]
    outside = subprocess.run(command, capture_output=True, env=environ, cwd=tmp_path, check=True)
    assert outside.stdout == b"[]\n"
