"""The committed type stub of the compiled module is the one that its build generated."""

import ast
from pathlib import Path

import pytest

from soupstate.kernels.compiled import cpp

COMMITTED = Path(__file__).parents[1] / "kernels" / "_cpp.pyi"


@pytest.mark.skipif(cpp is None, reason="pure build")
def test_the_stub_is_the_generated_one() -> None:
    """Compared as syntax trees: ruff formats the committed stub."""
    generated = Path(cpp.__file__ or "").with_name(COMMITTED.name)
    if not generated.exists():
        pytest.skip("the module was built without a stub")
    assert ast.dump(ast.parse(COMMITTED.read_text("utf-8"))) == ast.dump(ast.parse(generated.read_text("utf-8"))), (
        f"copy {generated} to {COMMITTED} and run ruff format on it"
    )
