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
shards = "shards/{shards}"
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
    """Packed, installed without an index, two experiments trained at once, and written."""
    folder, out = tmp_path / "card", tmp_path / "out"
    packed = card("pack", folder, *PAGES)
    assert packed.returncode == 0, packed.stderr
    names = {path.name.partition("-")[0] for path in (folder / "wheels").iterdir()}
    assert {"soupstate", "selectolax", "warcio"} <= names and not {"torch", "numpy"} & names
    plans = [tmp_path / f"{shards}.toml" for shards in ("brief", "whole")]
    for plan in plans:
        plan.write_text(EXPERIMENT.format(shards=plan.stem))
    made = card("lessons", folder, "--made", "40")
    assert made.returncode == 0, made.stdout + made.stderr
    arguments = ("--out", out, "--device", "cpu", "--check", "15", "--seconds", "20")
    done = card("train", folder, *plans, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("brief", "whole"):
        trained = load_checkpoint(out / f"{name}.safetensors")
        assert (trained.name, trained.version, trained.weights.units) == (name, "1", 128)
        assert Reader(trained).mark("<p>A page.</p>").spans
        assert (out / f"{name}.safetensors").stat().st_size < 16_000_000
        with open(out / f"{name}.csv", newline="") as file:
            assert all(float(row["bits"]) < 8 for row in csv.DictReader(file))


def test_pages_that_follow(tmp_path: Path) -> None:
    done = card("pack", tmp_path / "card", *PAGES, "--no-wheels")
    assert done.returncode == 0 and "2 files of pages" in done.stdout
    assert [path.name for path in (tmp_path / "card").iterdir()] == ["pages"]


def test_what_is_too_large(tmp_path: Path) -> None:
    done = card("pack", tmp_path / "card", *PAGES, "--no-wheels", "--limit", "0.01")
    assert done.returncode == 1 and "more than 0.01 MB" in done.stderr
