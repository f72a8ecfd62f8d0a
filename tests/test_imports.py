"""Imports run one way: app -> model -> kernels, and inside model train -> net -> page."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli import COMMANDS

ROOT = Path(__file__).parents[1]
FILES = sorted(path for folder in ("app", "model", "kernels") for path in (ROOT / folder).rglob("*.py"))
# What a part may import of our own, besides itself.
ALLOWED = {
    "app": {"model", "kernels"},
    "model.train": {"model.net", "model.page", "kernels"},
    "model.net": {"model.page", "kernels"},
    "model.page": {"kernels"},
    "kernels": set(),
    "model": set(),
}
# Libraries that live in one part alone.
HOMES = {
    "torch": "model.train",
    "triton": "kernels",
    "onnx": "model.train",
    "onnxruntime": "model.train",
    "selectolax": "model.train",
    "html5lib": "model.train",
    "markdown_it": "model.train",
    "matplotlib": "model.train",
    "fastapi": "app",
    "starlette": "app",
    "pydantic": "app",
    "uvicorn": "app",
    "click": "app",
    "httpx": "app",
    "prometheus_client": "app",
    "pyarrow": "app.batch",
    "fsspec": "app.batch",
    "zstandard": "app.batch",
    "ray": "app.batch",
    "datatrove": "app.batch",
}
# Parsers of HTML: none may come near a request.
PARSERS = {"html.parser", "lxml", "bs4", "html5lib", "selectolax", "html5_parser", "turbohtml", "resiliparse", "xml"}
TRAINING = {module for module, _, _, extra in COMMANDS.values() if extra == "train"}
SERVING = [path for path in FILES if "train" not in path.parts and f"app.{path.stem}" not in TRAINING]


def part_of(module: str) -> str | None:
    names = module.split(".")
    for depth in (2, 1):
        part = ".".join(names[:depth])
        if part in ALLOWED:
            return part
    return None


def imports(path: Path) -> Iterator[str]:
    package = ".".join(path.relative_to(ROOT).parent.parts)
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_one_way(path: Path) -> None:
    here = part_of(".".join(path.relative_to(ROOT).with_suffix("").parts))
    assert here is not None
    for module in imports(path):
        there = part_of(module)
        if there is not None and there != here and there != "model":
            assert there in ALLOWED[here] or there.split(".")[0] in ALLOWED[here], f"{here} imports {module}"
        home = HOMES.get(module.split(".")[0])
        folder = ".".join(path.relative_to(ROOT).parent.parts)
        assert home in (None, here, folder), f"{module} belongs into {home}"


@pytest.mark.parametrize("path", SERVING, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_parser_and_no_training_where_pages_are_read(path: Path) -> None:
    for module in imports(path):
        assert module not in PARSERS and module.split(".")[0] not in PARSERS
        assert not module.startswith("model.train")


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
    waiting = ["app.serving", "app.reading", "app.cli"]
    while waiting:
        module = waiting.pop()
        path = ROOT / Path(*module.split(".")).with_suffix(".py")
        if module in seen or not path.exists():
            continue
        seen.add(module)
        found = list(imports(path))
        waiting += found
        for name in found:
            assert HOMES.get(name.split(".")[0]) not in ("model.train", "app.batch"), f"{module} imports {name}"
    assert "app.answers" in seen and "model.net.reader" in seen and "app.service" in seen
