"""NAME-extract.safetensors beside NAME.safetensors extracts; NAME measures and finds faults."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from shutil import copyfile

import httpx
import pyarrow.parquet as pq
import pytest
from archives import archive
from click.testing import CliRunner
from conftest import Running, served, tiny_checkpoint

import soupstate
from soupstate.app.answers import Asked
from soupstate.app.cli.main import soupstate as command
from soupstate.app.http.networks import Networks
from soupstate.app.http.problems import Problem
from soupstate.model.net.checkpoint import DEFAULT, extractor, load_checkpoint, save_checkpoint
from soupstate.model.net.reader import Reader

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


def test_a_network_is_loaded_by_the_first_page_that_needs_it_and_once(pair: Path) -> None:
    extracting, loaded = Reader(load_checkpoint(extractor(pair))), list[Reader]()

    def load() -> Reader:
        time.sleep(0.05)  # others ask meanwhile
        loaded.append(Reader(load_checkpoint(pair)))
        return loaded[-1]

    networks, asked = Networks(extracting, load), Asked(PAGE, None, frozenset())
    assert networks.reader(asked, extracts=True) is extracting and not loaded
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: networks.reader(asked, extracts=False), range(8)))
    assert len(loaded) == 1 and all(reader is loaded[0] for reader in found)
    with pytest.raises(Problem, match="no network that reads JSON"):
        networks.reader(replace(asked, page="json"), extracts=False)


@pytest.mark.parametrize("name", ["w.safetensors", "w-json.safetensors"])
def test_what_is_wrong_with_a_network_is_told_at_the_start(pair: Path, tmp_path: Path, name: str) -> None:
    for file in pair.parent.iterdir():
        copyfile(file, tmp_path / file.name)
    (tmp_path / name).write_bytes(b"nonsense")
    done = CliRunner().invoke(command, ["serve", "--port", "0", "--weights", str(tmp_path / pair.name)])
    assert done.exit_code == 1 and f"{name} is not a safetensors file" in done.output


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
