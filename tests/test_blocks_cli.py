"""`soupstate blocks`, on labelled pages that were made: read, fitted, written, used."""

import json
import lzma
from pathlib import Path

import numpy as np
from click.testing import CliRunner, Result

from soupstate.app.cli.main import soupstate
from soupstate.model.net.checkpoint import load_checkpoint

WORDS = "quay ferry lamp gull harbour bell storm island night tide".split()


def labelled(path: Path, count: int) -> Path:
    """A file of labelled pages: sentences between menus."""
    random = np.random.default_rng(1)
    with lzma.open(path, "wt", encoding="utf-8") as file:
        for number in range(count):
            content = [" ".join(random.choice(WORDS, 12)).capitalize() + "." for _ in range(4)]
            menu = "<ul>" + "".join(f"<li><a href=/{i}>{WORDS[i]}</a></li>" for i in range(5)) + "</ul>"
            html = f"<!doctype html><title>T</title>{menu}{''.join(f'<p>{text}</p>' for text in content)}{menu}"
            row = {
                "dataset": "made",
                "id": str(number),
                "site": f"site{number}",
                "html": html,
                "text": "\n".join(content),
            }
            file.write(json.dumps(row) + "\n")
    return path


def run(*options: object) -> Result:
    return CliRunner().invoke(soupstate, ["blocks", *map(str, options)])


def test_fits_writes_and_resumes(tmp_path: Path, weights: Path) -> None:
    pages, out, cache = labelled(tmp_path / "made.jsonl.xz", 12), tmp_path / "out.safetensors", tmp_path / "cache"
    ids = tmp_path / "ids.txt"
    ids.write_text("made/0\nmade/1\n", "utf-8")
    options = (pages, "--weights", weights, "--out", out, "--cache", cache, "--folds", 2, "--passes", 1)
    done = run(*options, "--leave-out", ids)
    assert done.exit_code == 0, done.output
    assert "| out of fold | pages |" in done.output and "| all | 10 |" in done.output
    assert "| held out | pages |" in done.output and "| made | 2 |" in done.output
    assert "calibration error" in done.output
    assert load_checkpoint(weights).blocks is None and load_checkpoint(out).blocks is not None
    assert len(list(cache.glob("*.npz"))) == 12
    again = run(*options, "--leave-out", ids)
    assert again.exit_code == 0 and again.output == done.output  # one seed decides, and no page is read again
    page = tmp_path / "page.html"
    page.write_text("<ul><li><a href=/>lamp</a></ul><p>Ferry lamp gull harbour bell storm island night.", "utf-8")
    shown = CliRunner().invoke(
        soupstate, ["extract", "--format", "text", "--scope", "main", "--weights", str(out), str(page)]
    )
    assert shown.exit_code == 0


def test_too_few_sites_are_an_error(tmp_path: Path, weights: Path) -> None:
    pages = labelled(tmp_path / "made.jsonl.xz", 1)
    done = run(pages, "--weights", weights, "--out", tmp_path / "x.safetensors", "--cache", tmp_path / "cache")
    assert done.exit_code == 1 and "1 sites, and each of 5 folds needs one" in done.output
    assert not (tmp_path / "x.safetensors").exists()
