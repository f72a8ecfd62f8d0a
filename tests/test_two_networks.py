"""NAME-extract.safetensors beside NAME.safetensors extracts; NAME measures and finds faults."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pyarrow.parquet as pq
import pytest
from archives import archive
from click.testing import CliRunner
from conftest import Running, served, tiny_checkpoint

import soupstate
from soupstate.app.cli.main import soupstate as command
from soupstate.model.net.checkpoint import DEFAULT, extractor, load_checkpoint, save_checkpoint

PAGE = "<title>T</title><p>Night ferries <a href=/x>sail</a>"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a network beside which another one extracts."""
    folder = tmp_path_factory.mktemp("pair")
    save_checkpoint(tiny_checkpoint(), folder / "w.safetensors")
    save_checkpoint(replace(tiny_checkpoint(), name="narrow"), folder / "w-extract.safetensors")
    return folder / "w.safetensors"


def test_the_file_beside_is_taken(pair: Path, weights: Path) -> None:
    assert extractor(pair).name == "w-extract.safetensors" and extractor(weights) == weights
    assert extractor(DEFAULT) != DEFAULT and load_checkpoint(extractor(DEFAULT)).blocks is not None


def test_python(pair: Path) -> None:
    soup = soupstate.Soupstate(pair)
    assert (soup.extracting.checkpoint.name, soup.reader.checkpoint.name) == ("narrow", "tiny")


@pytest.mark.parametrize(("verb", "name"), [("extract", "narrow"), ("entropy", "tiny")])
def test_command_line(pair: Path, verb: str, name: str) -> None:
    done = CliRunner().invoke(command, [verb, "--weights", str(pair), "-"], input=PAGE)
    assert done.exit_code == 0 and json.loads(done.stdout)["model"]["name"] == name


def test_service(pair: Path, serve: Callable[..., Running]) -> None:
    running = serve(weights=pair)
    names = [
        running.client.post(f"/{way}", json={"html": PAGE}).json()["model"]["name"] for way in ("extract", "entropy")
    ]
    assert names == ["narrow", "tiny"]


def test_a_service_of_its_own() -> None:
    """With the shipped networks, as `soupstate serve` starts it."""
    with served() as (url, _):
        names = [
            httpx.post(f"{url}/{way}", json={"html": PAGE}).json()["model"]["name"] for way in ("extract", "entropy")
        ]
    assert names == ["soupstate-extract", "soupstate"]


def test_archives(pair: Path, tmp_path: Path) -> None:
    crawl = archive(tmp_path / "a.warc.gz", range(1))
    done = CliRunner().invoke(command, ["warc", str(crawl), "--out", str(tmp_path / "rows"), "--weights", str(pair)])
    assert done.exit_code == 0, done.output
    rows = pq.read_table(tmp_path / "rows").to_pylist()
    assert [row["model_name"] for row in rows] == ["narrow"]
