"""The Dockerfile's steps give a service that runs as an ordinary user, without torch and without a network."""

import os
import shutil
from pathlib import Path
from typing import Any

import image
import pytest


def test_instructions_are_read() -> None:
    text = "# a comment\nFROM a AS b\nRUN one \\\n    && two\nENV A=1 \\\n    B=2\n"
    found = [(name, " ".join(arguments.split())) for name, arguments in image.instructions(text)]
    assert found == [("FROM", "a AS b"), ("RUN", "one && two"), ("ENV", "A=1 B=2")]


@pytest.mark.slow
@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() != 0 or not shutil.which("debootstrap"), reason="needs root and debootstrap"
)
def test_the_image_serves(tmp_path: Path) -> None:
    measured: dict[str, Any] = image.measure(tmp_path)
    print(measured)
    assert measured["user"] != 0 and "Night ferry" in measured["answer"]["text"]
    assert measured["files_of_torch"] == 0 and measured["script_bytes"] > 100_000
    assert measured["installed_mb"] < 400 and measured["peak_mb"] < 300
