"""`soupstate entropy`: arrays with a number per line, and none."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from test_check import BROKEN

from soupstate.app.answers import Asked
from soupstate.app.cli import main as cli
from soupstate.app.measurement import measure
from soupstate.model.net.checkpoint import DEFAULT, load_checkpoint
from soupstate.model.net.reader import Reader


@pytest.mark.parametrize("detail", ["lines", "none"])
def test_detail(tmp_path: Path, detail: str) -> None:
    path = tmp_path / "broken.html"
    path.write_bytes(BROKEN.encode("cp1252"))
    command = ["entropy", "--include", "surprisal,entropy,depth", "--detail", detail, str(path)]
    done = CliRunner().invoke(cli.soupstate, command)
    answer = json.loads(done.stdout)
    if detail == "none":
        assert not {"surprisal", "entropy", "depth"} & set(answer) and answer["bits_per_character"] > 0
        return
    whole = measure(Reader(load_checkpoint(DEFAULT)), Asked(BROKEN, None, frozenset(["surprisal", "depth"])))
    assert whole.surprisal is not None and whole.depth is not None
    assert len(answer["surprisal"]) == len(answer["depth"]) == BROKEN.count("\n") + 1
    assert sum(answer["surprisal"]) == pytest.approx(float(whole.surprisal.sum()), abs=0.2)
    assert max(answer["depth"]) == pytest.approx(float(whole.depth.max()), abs=0.01)
