"""Imports run one way: soupstate -> app -> model -> kernels, and inside each of these as ALLOWED says."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from soupstate.app.cli.main import COMMANDS

ROOT = Path(__file__).parents[1]
FOLDERS = ("app", "model", "kernels")
FILES = sorted(
    [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")] + list((ROOT / "soupstate").glob("*.py"))
)
# The parts, and what each may import of the other parts.
ALLOWED = {
    "soupstate": {"soupstate.app", "soupstate.model", "soupstate.kernels"},
    "soupstate.app.cli": {"soupstate.app", "soupstate.model", "soupstate.kernels"},
    "soupstate.app.http": {"soupstate.app", "soupstate.model", "soupstate.kernels"},
    "soupstate.app.batch": {"soupstate.app", "soupstate.model"},
    "soupstate.app": {"soupstate.model", "soupstate.kernels"},
    "soupstate.model.train.evaluation": {"soupstate.model", "soupstate.kernels"},
    "soupstate.model.train.run": {"soupstate.model", "soupstate.kernels"},
    "soupstate.model.train.network": {"soupstate.model", "soupstate.kernels"},
    "soupstate.model.train.data": {"soupstate.model", "soupstate.kernels"},
    "soupstate.model.train": set(),
    "soupstate.model.heads": {"soupstate.model.net", "soupstate.model.page", "soupstate.kernels"},
    "soupstate.model.corrections": {"soupstate.model.faults", "soupstate.model.net", "soupstate.model.page"},
    "soupstate.model.faults": {"soupstate.model.net", "soupstate.model.page", "soupstate.kernels"},
    "soupstate.model.compression": {"soupstate.kernels"},
    "soupstate.model.net": {"soupstate.model.page", "soupstate.kernels"},
    "soupstate.model.archive": {"soupstate.model.page"},
    "soupstate.model.page": {"soupstate.kernels"},
    "soupstate.model": set(),
    "soupstate.kernels": set(),
}
# Where a part may import a whole package, these of its parts are above it all the same.
FORBIDDEN = {
    "soupstate.app.http": {"soupstate.app.cli", "soupstate.app.batch"},
    "soupstate.app.batch": {"soupstate.app.cli", "soupstate.app.http"},
    "soupstate.app": {"soupstate.app.cli", "soupstate.app.http", "soupstate.app.batch"},
    "soupstate.model.train.run": {"soupstate.model.train.evaluation"},
    "soupstate.model.train.network": {"soupstate.model.train.evaluation", "soupstate.model.train.run"},
    "soupstate.model.train.data": {
        "soupstate.model.train.evaluation",
        "soupstate.model.train.run",
        "soupstate.model.train.network",
    },
}
# Libraries that live in one part alone.
HOMES = {
    "torch": "soupstate.model.train",
    "onnx": "soupstate.model.train",
    "onnxruntime": "soupstate.model.train",
    "selectolax": "soupstate.model.train",
    "html5lib": "soupstate.model.train",
    "matplotlib": "soupstate.model.train",
    "scipy": "soupstate.model.train",
    "trafilatura": "soupstate.model.train",
    "fastapi": "soupstate.app",
    "starlette": "soupstate.app",
    "pydantic": "soupstate.app",
    "uvicorn": "soupstate.app",
    "click": "soupstate.app",
    "httpx": "soupstate.app",
    "prometheus_client": "soupstate.app",
    "yaml": "soupstate.model.page",
    "pyarrow": "soupstate.app.batch",
    "fsspec": "soupstate.app.batch",
    "zstandard": "soupstate.app.batch",
    "ray": "soupstate.app.batch",
    "mcp": "soupstate.app",
    "pygls": "soupstate.app",
    "lsprotocol": "soupstate.app",
    "constriction": "soupstate.model.compression",
    "datatrove": "soupstate.app.batch",
    "sqlite3": "soupstate.model.corrections",
}
# Parsers of HTML: none may come near a request.
PARSERS = {"html.parser", "lxml", "bs4", "html5lib", "selectolax", "html5_parser", "turbohtml", "resiliparse", "xml"}
DETECTORS = ("resiliparse.parse.encoding",)  # what of these libraries parses nothing
ELEMENTS = "xml.etree.ElementTree"
WRITERS = {ELEMENTS, *(f"{ELEMENTS}.{name}" for name in ("Element", "SubElement", "indent", "tostring"))}
TRAINING = {ROOT / "app" / "cli" / f"{name}.py" for name, (_, extra) in COMMANDS.items() if extra in ("train", "votes")}
SERVING = [path for path in FILES if "train" not in path.parts and path not in TRAINING]


def part_of(module: str) -> str | None:
    """The smallest part that a module of ours is in; None for other modules."""
    names = module.split(".")
    return next((part for k in range(len(names), 0, -1) if (part := ".".join(names[:k])) in ALLOWED), None)


def module_of(path: Path) -> str:
    names = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(names if names[0] == "soupstate" else ("soupstate", *names)).removesuffix(".__init__")


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module and not node.level, f"{path}: imports are absolute"
            base = node.module
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_one_way(path: Path) -> None:
    here = part_of(module_of(path))
    assert here is not None
    homes = ("soupstate.app.batch",) if path.name == "arrow.py" else ()
    for module in imports(path):
        there = part_of(module)
        if there not in (None, here, "soupstate"):
            assert any(f"{there}.".startswith(f"{part}.") for part in ALLOWED[here]), f"{here} imports {module}"
            assert not any(f"{there}.".startswith(f"{part}.") for part in FORBIDDEN.get(here, ())), f"{here}: {module}"
        home = HOMES.get(module.split(".")[0])
        assert home in (None, *homes) or f"{here}.".startswith(f"{home}."), f"{module} belongs into {home}"


@pytest.mark.parametrize("path", SERVING, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_parser_and_no_training_where_pages_are_read(path: Path) -> None:
    for module in imports(path):
        harmless = module in WRITERS or module.startswith(DETECTORS)
        assert harmless or not {module, module.split(".")[0]} & PARSERS
        assert not module.startswith("soupstate.model.train")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_sizes(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.count("\n") < 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno and node.end_lineno - node.lineno < 50, f"{node.name} is too long"
            if node.name == "__init__":
                assert len(node.args.args) - 1 + len(node.args.kwonlyargs) <= 6, "too many arguments"


def test_the_service_starts_without_what_training_needs() -> None:
    """Nothing that the extras `train` and `warc` bring is imported on the way to a served page."""
    seen: set[str] = set()
    waiting = ["soupstate.app.cli.serve", "soupstate.app.cli.extract", "soupstate.app.cli.main"]
    while waiting:
        module = waiting.pop()
        path = ROOT / f"{'/'.join(module.split('.')[1:])}.py"
        if module in seen or not path.exists():
            continue
        seen.add(module)
        found = list(imports(path))
        waiting += found
        for name in found:
            home = HOMES.get(name.split(".")[0])
            assert home not in ("soupstate.model.train", "soupstate.app.batch"), f"{module} imports {name}"
    assert {"soupstate.app.answers", "soupstate.model.net.reader", "soupstate.app.http.service"} <= seen


def test_no_circle_of_files() -> None:
    """A file's own imports never lead back to it."""
    modules = {module_of(path): path for path in FILES if path.name != "__init__.py"}
    needs = {name: {found for found in imports(path) if found in modules} for name, path in modules.items()}
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, f"a circle: {' -> '.join([*above, name])}"
        if name not in done:
            for other in sorted(needs[name]):
                visit(other, (*above, name))
            done.add(name)

    for name in modules:
        visit(name, ())
