"""The benchmark of kernels: checked first, then a row for each backend, regime and number of threads."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from archives import archive, record
from click.testing import CliRunner, Result

from soupstate.app import kernel_bench, markdown_bench
from soupstate.app.cli.main import soupstate
from soupstate.kernels import Packed, available, bench
from soupstate.kernels.bench import (
    check,
    generated_page,
    operations,
    piece_of,
)
from soupstate.model.net.checkpoint import load_checkpoint, save_checkpoint

KEYS = {
    "backend", "cell", "units", "regime", "threads", "characters_per_second", "share_of_peak", "times_torch",
    "times_onnxruntime",
}  # fmt: skip


def test_markdown(weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The peers that are installed are measured, and one that fails on a page has figures all the same."""
    pages = tmp_path / "pages.warc"
    pages.write_bytes(record(b"<h1>One</h1><ul><li>two<ul><li>three</ul></ul><b>f</b>", 0))
    peers = {"echo": ("html", lambda tool, page: "# One\n\n- two\n  - three"), "fails": ("html", lambda *_: 1 / 0)}
    monkeypatch.setattr(markdown_bench, "PEERS", {**peers, "none": ("no_such_module", lambda *_: "")})
    command = ["bench", "markdown", "--weights", str(weights), "--pages", str(pages), "--json", str(tmp_path / "rows")]
    done = CliRunner().invoke(soupstate, command)
    assert done.exit_code == 0 and "none is not installed" in done.output
    rows = {row["system"]: row for row in json.loads((tmp_path / "rows").read_text("utf-8"))}
    assert list(rows) == ["soupstate", "echo", "fails"] and rows["fails"]["failed"] == rows["echo"]["pages"] == 1
    assert rows["echo"]["f1"] == {"heading": 1, "top item": 1, "nested item": 1, "strong": 0}
    assert rows["echo"]["mean"] == 0.75 and rows["fails"]["mean"] == 0


def run(weights: Path, *options: str) -> Result:
    return CliRunner().invoke(soupstate, ["bench", "kernels", "--weights", str(weights), "--rounds", "2", *options])


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "SECONDS", 0.005)
    monkeypatch.setattr(kernel_bench, "REGIMES", {"one": (1, 20), "many": (2, 10)})


def test_rows(weights: Path, tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    done = run(weights, "--json", str(path))
    assert done.exit_code == 0, done.output
    rows: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))
    own = [row for row in rows if row["backend"] in available()]
    assert {(row["backend"], row["regime"]) for row in own} == {(b, r) for b in available() for r in ("one", "many")}
    assert {(row["backend"], row["threads"]) for row in rows if row["threads"] > 1} == {(available()[0], 2)}
    for row in rows:
        assert set(row) == KEYS and row["characters_per_second"] > 0 and row["units"] == 16
        if row["backend"] == "torch":
            assert row["times_torch"] == pytest.approx(1) and row["share_of_peak"] is None
    for row in own:
        assert (row["share_of_peak"] is None) == (available()[0] in ("scalar", "reference"))
        assert row["times_torch"] > 0
    assert done.output.count("\n| ") == len(rows) + 1
    assert f"{', '.join(available())}: each reads as the reference does" in done.output
    assert "two threads to one, many: " in done.output


def test_a_peer_that_is_not_installed_is_told(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(module: str) -> None:
        raise ModuleNotFoundError(f"No module named {module!r}", name=module.rpartition(".")[2])

    found: list[str] = []
    monkeypatch.setattr(kernel_bench.importlib, "import_module", missing)
    assert kernel_bench.installed_peers(16, found.append) == {}
    assert found[0] == "torch: not measured, baselines is not installed (pip install 'soupstate[bench]')"
    assert len(found) == len(kernel_bench.PEERS)


def test_a_backend_that_reads_wrongly_gets_no_figures(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = Packed.read_many

    def wrong(self: Packed, pieces: Any, units: Any = None) -> Any:
        chunks = right(self, pieces, units)
        if self.backend == available()[0]:
            for chunk in chunks:
                chunk.heads[...] += 0.1
        return chunks

    if available() == ("reference",):
        pytest.skip("pure build")
    monkeypatch.setattr(Packed, "read_many", wrong)
    done = run(weights)
    assert done.exit_code == 1 and "heads differs by 0.1" in done.output and "characters/s" not in done.output


def test_many_pages_have_to_be_as_one(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read, right = load_checkpoint(weights).weights, Packed.read_many

    def mixed(self: Packed, pieces: Any, units: Any = None) -> Any:
        chunks = right(self, pieces, units)
        if len(pieces) > 1:
            chunks[0].bits[...] += np.float32(1e-4)
        return chunks

    check(read, available()[0])
    monkeypatch.setattr(Packed, "read_many", mixed)
    with pytest.raises(ValueError, match="bits differs"):
        check(read, available()[0])


def test_no_weights(tmp_path: Path) -> None:
    done = run(tmp_path / "none")
    assert done.exit_code == 1 and "no weights at" in done.output


def test_what_is_read() -> None:
    page = generated_page(300)
    assert len(page) == 300 and page.startswith(b"<li") and generated_page(300) == page and generated_page(0) == b""


def test_operations(weights: Path) -> None:
    """By hand: 16 units, 72 outputs of heads, 256 bytes, 22 predictions, 32 of the gate, 24 of an embedding."""
    read = load_checkpoint(weights).weights
    assert operations(read, alone=True) == 2 * 4 * 16 * 16
    assert operations(read, alone=False) == 2 * (4 * 16 * 16 + (256 + 22 + 32 + read.outputs) * 16 + 256 * 24)
    assert len(piece_of(read, b"<p>").ids) == 3


@pytest.mark.parametrize("what", ["extract", "main", "check"])
@pytest.mark.slow
def test_shapes(weights: Path, tmp_path: Path, what: str) -> None:
    options = ["--weights", str(weights), "--what", what, "--shape", "<", "--size", "500", "--size", "1000"]
    done = CliRunner().invoke(soupstate, ["bench", "shapes", *options, "--json", str(tmp_path / "rows.json")])
    assert done.exit_code == 0, done.output
    header, _, first, second = done.output.strip().split("\n")
    assert ("search" if what == "check" else "rendering") in header
    assert first.startswith("| < | 500 |") and second.startswith("| < | 1,000 |")
    rows = json.loads((tmp_path / "rows.json").read_text("utf-8"))
    assert [row["size"] for row in rows] == [500, 1000] and all(row["memory"] >= 0 for row in rows)


def test_shapes_of_weights_that_are_none(tmp_path: Path) -> None:
    done = CliRunner().invoke(soupstate, ["bench", "shapes", "--weights", str(tmp_path / "none")])
    assert done.exit_code == 1 and "no weights at" in done.output


def test_blocks(tmp_path: Path, weights: Path) -> None:
    crawl = archive(tmp_path / "a.warc.gz", range(3))
    done = CliRunner().invoke(soupstate, ["bench", "blocks", "--pages", str(crawl)])
    assert done.exit_code == 0, done.output
    assert done.output.startswith("3 pages, ") and "judging" in done.output and "of the time of reading" in done.output
    none = CliRunner().invoke(soupstate, ["bench", "blocks", "--pages", str(crawl), "--weights", str(weights)])
    assert none.exit_code == 1 and "no block head" in none.output


def test_extract_without_pages(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<p>no archive", "utf-8")
    done = CliRunner().invoke(soupstate, ["bench", "extract", "--pages", str(tmp_path / "page.html")])
    assert done.exit_code == 1 and "page.html" in done.output and done.exception.__class__ is SystemExit


@pytest.mark.parametrize("scope", ["all", "main"])
def test_extract(tmp_path: Path, weights: Path, scope: str) -> None:
    crawl, rows = archive(tmp_path / "a.warc.gz", range(3)), tmp_path / "rows.json"
    options = ["--pages", str(crawl), "--weights", str(weights), "--scope", scope, "--json", str(rows), "--check"]
    done = CliRunner().invoke(soupstate, ["bench", "extract", *options])
    assert done.exit_code == 0, done.output
    found = {row["system"]: row for row in json.loads(rows.read_text("utf-8"))}
    assert (
        found["soupstate"]["ratio"] == 1 and found["soupstate"]["pages"] == 3 and found["soupstate"]["scope"] == scope
    )
    assert all(row["mb_per_second"] > 0 and row["by_size"][1:] == [None] * 3 for row in found.values())
    assert "resiliparse" in found and f"| soupstate | {found['soupstate']['mb_per_second']:.3g} | 1.00 |" in done.output
    assert 0 < found["soupstate check"]["ratio"] < 1


def test_depth(weights: Path, tmp_path: Path) -> None:
    pages = archive(tmp_path / "pages.warc.gz", range(3))
    done = CliRunner().invoke(soupstate, ["bench", "depth", str(pages), "--weights", str(weights)])
    assert done.exit_code == 0, done.output
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == ["read", "mark"]
    unfitted = tmp_path / "unfitted.safetensors"
    save_checkpoint(replace(load_checkpoint(weights), depth=None), unfitted)
    done = CliRunner().invoke(soupstate, ["bench", "depth", str(pages), "--weights", str(unfitted)])
    assert done.exit_code == 1 and "no depth layer" in done.stderr
