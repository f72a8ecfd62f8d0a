"""Scripts with Triton, each in a process of its own: Triton asks its environment when it is imported."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

needs_triton = pytest.mark.skipif(
    find_spec("triton") is None, reason="triton is not installed (pip install 'soupstate[gpu]')"
)


def run_with_triton(script: str, environ: dict[str, str]) -> str:
    """What a script prints; {root} and {tests} in it are folders."""
    paths = {"root": str(Path(__file__).parents[1]), "tests": str(Path(__file__).parent)}
    done = subprocess.run(
        [sys.executable, "-c", script.format(**paths)],
        env={**os.environ, "OMP_NUM_THREADS": "1", **environ},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout
