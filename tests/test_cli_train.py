"""lessons, train and export, from pages to weights that read, on the sample pages."""

import gzip
import json
import lzma
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from safetensors.numpy import load_file, save_file

from soupstate.app.cli.main import soupstate
from soupstate.model.net.checkpoint import DEFAULT, digest, load_checkpoint
from soupstate.model.net.reader import Reader
from soupstate.model.page.marks import COLUMN, HEADS, IGNORED
from soupstate.model.train.data.shards import MARKS, Shards

SAMPLES = Path(__file__).parents[1] / "crawl_samples"
EXPERIMENT = """
name = "small"
shards = "shards"
units = 16
embedding = 8
lanes = 4
steps = 32
characters = {characters}
log_interval = 10
[stretches]
window = 512
beginning = 512
"""


def run(*arguments: str) -> Result:
    return CliRunner().invoke(soupstate, list(arguments))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with shards of the broken samples and an experiment."""
    folder = tmp_path_factory.mktemp("train")
    done = run("lessons", str(SAMPLES / "samples-broken.warc.gz"), "--out", str(folder / "shards"))
    assert done.exit_code == 0, done.output
    (folder / "small.toml").write_text(EXPERIMENT.format(characters=4000))
    return folder


def test_lessons_are_made_once_and_always_alike(folder: Path, tmp_path: Path) -> None:
    shards = Shards(folder / "shards")
    assert len(shards) >= 10
    assert shards.columns == {MARKS + len(HEADS)}
    again = run("lessons", str(SAMPLES / "samples-broken.warc.gz"), "--out", str(folder / "shards"))
    assert again.output == "samples-broken: exists already\n"
    made = run("lessons", str(SAMPLES / "samples-broken.warc.gz"), "--out", str(tmp_path), "--workers", "2")
    assert made.exit_code == 0, made.output
    assert len(Shards(tmp_path)) == len(shards)
    for i in range(len(shards)):
        assert np.array_equal(Shards(tmp_path).lesson(i), shards.lesson(i))


def test_lessons_of_labelled_pages_and_of_none(tmp_path: Path) -> None:
    words = " ".join(f"word{i}" for i in range(80))
    page = f"<html><body><nav>Home</nav><p>{words}</p></body></html>"
    rows = [{"dataset": "d", "id": i, "html": html, "text": words} for i, html in enumerate([page, page, "<p>short"])]
    labelled = tmp_path / "some.labels.jsonl.xz"
    labelled.write_bytes(lzma.compress("\n".join(map(json.dumps, rows)).encode()))
    (tmp_path / "ids.txt").write_text("d/0\n")
    (tmp_path / "broken.jsonl.xz").write_bytes(b"no xz")
    out = tmp_path / "out"
    arguments = [str(labelled), str(tmp_path / "broken.jsonl.xz"), "--damaged", "0"]
    done = run("lessons", *arguments, "--leave-out", str(tmp_path / "ids.txt"), "--out", str(out))
    assert done.exit_code == 1
    assert "broken.jsonl.xz" in done.stderr and done.stderr.count("\n") == 1
    assert re.fullmatch(r"some-labels: \d+ bytes; left out: 1 too short\n", done.stdout)
    shards = Shards(out)
    assert len(shards) == 1
    main = shards.lesson(0)[:, MARKS + COLUMN["main"]]
    assert main[page.index("word5")] == 1 and 1 not in main[: page.index("word0")]
    assert set(main.tolist()) <= {0, 1, IGNORED}


def test_a_file_that_is_no_archive_makes_no_lessons(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<p>not an archive")
    done = run("lessons", str(tmp_path / "page.html"), "--out", str(tmp_path / "out"))
    said = (
        f"soupstate: {tmp_path / 'page.html'}: no record can be read, so it is no WARC or ARC file (1 broken record)\n"
    )
    assert (done.exit_code, done.stderr, done.stdout) == (1, said, "")
    assert not list((tmp_path / "out").iterdir())


def test_two_files_of_one_name(tmp_path: Path) -> None:
    files = [tmp_path / "a.warc", tmp_path / "a.warc.gz"]
    for file in files:
        file.write_bytes(b"")
    assert run("lessons", *map(str, files), "--out", str(tmp_path / "out")).exit_code == 2


def test_train_resume_export_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    done = run("train", "small.toml", "--device", "cpu", "--threads", "1")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("small on cpu: begun at 0 characters\n")
    assert "bits" in done.stdout and done.stdout.splitlines()[-1].startswith("done at 4096 characters: ")
    (folder / "small.toml").write_text(EXPERIMENT.format(characters=5000))
    more = run("train", "small.toml", "--device", "cpu", "--threads", "1")
    assert more.stdout.startswith("small on cpu: resumed at 4096 characters\n")
    out = folder / "small.safetensors"
    arguments = ["--experiment", "small.toml", "--out", str(out), "--name", "small", "--version", "3"]
    exported = run("export", "runs/small/checkpoint.safetensors", *arguments)
    assert exported.exit_code == 0, exported.output
    checkpoint = load_checkpoint(out)
    assert (checkpoint.name, checkpoint.version) == ("small", "3")
    assert 0 < Reader(checkpoint).read("<p>words</p>").bits_per_character < 12


@pytest.mark.slow
def test_a_signal_saves_and_ends_the_training(folder: Path, tmp_path: Path) -> None:
    plan = folder / "long.toml"
    plan.write_text(EXPERIMENT.format(characters=400_000_000))
    code = "from soupstate.app.cli.main import main; main()"
    arguments = ["train", str(plan), "--out", str(tmp_path), "--device", "cpu", "--threads", "1"]
    environ = {**os.environ, "PYTHONPATH": str(SAMPLES.parent), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True, cwd=folder, env=environ
    ) as process:
        assert process.stdout
        lines = [process.stdout.readline() for _ in range(2)]
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
    assert process.returncode == 0
    assert lines[0] == "small on cpu: begun at 0 characters\n"
    assert "stopped at " in rest
    assert (tmp_path / "checkpoint.safetensors").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = ", "plan.toml"),
        ('name = "x"\nshards = "s"\nunist = 3', "unist"),
        ('name = "x"\nshards = "s"', "shards"),
    ],
)
def test_experiments_that_cannot_be_run(text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan.toml").write_text(text)
    done = run("train", "plan.toml", "--device", "cpu")
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: ") and done.stderr.count("\n") == 1 and said in done.stderr


def test_wrong_use() -> None:
    for arguments in (("train",), ("train", "gone.toml"), ("export", "gone"), ("lessons", "gone", "--out", "x")):
        assert run(*arguments).exit_code == 2


def test_neurons_are_found_stored_measured_and_drawn(weights: Path, tmp_path: Path) -> None:
    pages = str(SAMPLES / "samples-clean.warc.gz")
    out, png = tmp_path / "with.safetensors", tmp_path / "depth.png"
    options = ["--weights", str(weights), "--pages", pages, "--limit", "2"]
    drawn = ["--png", str(png), "--page", "2"]
    lessons = ["--find-on", pages, "--find-made", "5"]
    found = run("neurons", *options, *lessons, "--made", "4", "--out", str(out), *drawn)
    assert found.exit_code == 0, found.output
    assert png.read_bytes().startswith(b"\x89PNG")
    assert found.stdout.count("layer 1  ") == 16 and "R^2" in found.stdout and "layer 0" in found.stdout
    assert "on 4 made pages: R^2 " in found.stdout
    again = run("neurons", "--weights", str(out), "--pages", pages, "--limit", "2", "--made", "4")
    assert again.stdout == found.stdout
    assert run("neurons", *options, "--out", str(out)).exit_code == 2
    assert run("neurons", *options, "--png", str(png), "--page", "3").exit_code == 2


def test_evaluate(weights: Path, tmp_path: Path) -> None:
    paragraphs = [" ".join(f"word{i}x{j}" for j in range(30)) for i in range(40)]
    page = "<html><body>" + "".join(f"<p>{text}</p>\n" for text in paragraphs) + "</body></html>"
    rows = [{"dataset": "d", "id": i, "html": page, "text": "\n".join(paragraphs)} for i in range(3)]
    (tmp_path / "some.jsonl.xz").write_bytes(lzma.compress("\n".join(map(json.dumps, rows)).encode()))
    (tmp_path / "ids.txt").write_text("d/1\n")
    fault = {
        "page": "a", "fault": "drop", "benign": False, "offset": 12,
        "edit": {"pos": 12, "del": 1, "ins": ""}, "repair": {"pos": 12, "del": 0, "ins": "<"},
    }  # fmt: skip
    lines = [{"page": "a", "html": page[:2000]}, fault]
    (tmp_path / "faults.jsonl.gz").write_bytes(gzip.compress("\n".join(map(json.dumps, lines)).encode()))
    report, store = tmp_path / "report.json", tmp_path / "stored.safetensors"
    done = run(
        *("evaluate", "--weights", str(weights), "--limit", "2", "--teacher", "--made", "3", "--json", str(report)),
        *("--pages", str(SAMPLES / "samples-clean.warc.gz"), "--store", str(store)),
        *("--damage", str(tmp_path / "some.jsonl.xz"), "--ids", str(tmp_path / "ids.txt")),
        *("--faults", str(tmp_path / "faults.jsonl.gz")),
    )
    assert done.exit_code == 0, done.output
    figures = json.loads(report.read_text())
    assert figures["weights"] == digest(weights)
    assert figures["pages"]["pages"] == 2
    assert figures["made"]["pages"] == 3 and 30 <= figures["made"]["words"] <= 900
    assert 0 <= figures["made"]["words lost"] <= 1
    assert figures["damage"]["damaged pages"] == figures["faults"]["faults"] == 1
    assert figures["pages"]["bits per character"] > 4 and figures["teacher"]["href F1"] > 0.99
    assert load_checkpoint(store).evaluation["pages"] == figures["pages"]
    assert "| bits per character |" in done.stdout
    assert run("evaluate", "--weights", str(weights)).exit_code == 2


def test_the_mean_of_weights(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of three, every number is their mean; what is no such network is refused."""
    monkeypatch.chdir(folder)
    run("train", "small.toml", "--device", "cpu", "--threads", "1")
    checkpoint = folder / "runs" / "small" / "checkpoint.safetensors"
    other = load_file(checkpoint)
    moved = {k: v + 1 if k == "network.output.bias" else v for k, v in other.items()}
    save_file(moved, folder / "moved.safetensors")
    arguments = ("export", str(checkpoint), "--experiment", "small.toml", "--out", "mean.safetensors", "--mean-with")
    done = run(*arguments, "moved.safetensors", "--mean-with", "moved.safetensors")
    assert done.exit_code == 0, done.output
    assert run(*arguments[:5], "one.safetensors").exit_code == 0
    mean, one = (load_checkpoint(folder / f"{name}.safetensors").parameters for name in ("mean", "one"))
    assert np.allclose(mean["output.bias"], one["output.bias"] + 2 / 3, atol=1e-6)
    assert np.allclose(mean["lstm.weight_hh_l0"], one["lstm.weight_hh_l0"], atol=1e-3)
    refused = run(*arguments, str(DEFAULT))
    assert refused.exit_code == 1 and f"{DEFAULT}: not weights of the network of this experiment" in refused.stderr


def test_what_is_no_checkpoint_is_not_exported(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    (folder / "page.html").write_text("<p>no checkpoint")
    done = run(
        "export", "page.html", "--experiment", "small.toml", "--name", "n", "--version", "1", "--out", "out.safetensors"
    )
    assert done.exit_code == 1 and "page.html is no training checkpoint" in done.stderr
