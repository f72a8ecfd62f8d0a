"""The script that trains on a machine without network, for a minute and on a processor."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from soupstate.model.net.checkpoint import load_checkpoint
from soupstate.model.net.reader import Reader

ROOT = Path(__file__).parents[1]
CARD = [sys.executable, str(ROOT / "experiments" / "card.py")]
PAGES = [ROOT / "crawl_samples" / f"samples-{name}.warc.gz" for name in ("broken", "clean")]
EXPERIMENT = """
name = "small"
shards = "shards"
held_out = "held-out"
init = "model/net/weights/soupstate-extract.safetensors"
units = 128
embedding = 64
slots = 16_384
lanes = 4
steps = 64
characters = 100_000_000
learning_rate = 1e-4
warm_up = 100
log_interval = 20
"""


def card(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*CARD, *map(str, arguments)], capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_minute_on_a_processor(tmp_path: Path) -> None:
    """Packed, installed without an index, trained and written."""
    folder, out = tmp_path / "card", tmp_path / "out"
    packed = card("pack", folder, *PAGES)
    assert packed.returncode == 0, packed.stderr
    names = {path.name.partition("-")[0] for path in (folder / "wheels").iterdir()}
    assert {"soupstate", "selectolax", "warcio"} <= names and not {"torch", "numpy"} & names
    (tmp_path / "small.toml").write_text(EXPERIMENT)
    arguments = (folder, tmp_path / "small.toml", "--out", out, "--device", "cpu", "--made", "40")
    done = card("run", *arguments, "--check", "10", "--seconds", "15")
    assert done.returncode == 0, done.stdout + done.stderr
    trained = load_checkpoint(out / "small.safetensors")
    assert (trained.name, trained.version, trained.weights.units) == ("small", "1", 128)
    assert Reader(trained).mark("<p>A page.</p>").spans
    assert (out / "small.safetensors").stat().st_size < 16_000_000
    with open(out / "metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert any(row["held_out_bits"] for row in rows)


def test_what_cannot_be_packed(tmp_path: Path) -> None:
    done = card("pack", tmp_path / "card", PAGES[0])
    assert done.returncode == 2 and "two files of pages are needed" in done.stderr
    assert not (tmp_path / "card").exists()
