"""Trains for some minutes on a machine that has torch and a GPU, but no network.

    python experiments/card.py pack card train-00.warc.xz train-01.warc.xz --python python3.12
    python experiments/card.py run card experiments/narrow-card.toml --out results --seconds 480

`pack` runs here. It fills a folder with the pages, with a wheel of this checkout, and with wheels of all that it needs
but torch and numpy, for the machine's version of Python. Carry this folder and the checkout to the machine.

`run` runs there. It installs the wheels beside the pages, makes lessons with all cores, trains for a short while, and
checks that the bits do not rise. Then it trains from the start for --seconds. It writes the parameters in half
precision, the table of losses and the experiment to --out, even if the training was stopped early.
"""

import argparse
import csv
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from statistics import fmean

ROOT = Path(__file__).parents[1]
THERE = {"torch", "numpy"}  # with all that they need
UNUSED = {"matplotlib", "scipy"}  # for figures, which are made from the results here
MADE_PAGES = 24_000
MEGABYTE = 1_000_000
MOST_RISE = 1.2  # of the bits in the check: they hardly fall where good weights are trained on


def needed(package: str, extra: str = "") -> set[str]:
    """Returns the names of the packages that a package needs, and those that they need, without THERE and UNUSED."""
    found: set[str] = set()
    waiting = [(package, extra)]
    while waiting:
        name, wanted = waiting.pop()
        try:
            lines = requires(name) or []
        except PackageNotFoundError:  # of another system
            continue
        for line in lines:
            condition = line.partition(";")[2]
            if "extra" in condition and f'extra == "{wanted}"' not in condition.replace("'", '"'):
                continue
            other = re.match(r"[\w.-]+", line)
            if other and other[0].lower() not in THERE | UNUSED | found | {"soupstate"}:
                found.add(other[0].lower())
                waiting.append((other[0], ""))
    return found


def pack(folder: Path, pages: list[Path], python: str, limit: float) -> None:
    """Fills a folder with pages and wheels. Ends with an error where it has more than `limit` megabytes."""
    wheels = folder / "wheels"
    shutil.rmtree(folder, ignore_errors=True)
    wheels.mkdir(parents=True)
    (folder / "pages").mkdir()
    for page in pages:
        shutil.copy(page, folder / "pages")
    pip = [python, "-m", "pip", "--disable-pip-version-check", "-q"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", wheels, ROOT], check=True)
    names = sorted(needed("soupstate", "train"))
    subprocess.run([*pip, "download", "--no-deps", "--only-binary=:all:", "-d", wheels, *names], check=True)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / MEGABYTE
    print(f"{folder}: {size:.1f} MB, {len(pages)} files of pages, {len(list(wheels.iterdir()))} wheels")
    if size > limit:
        sys.exit(f"error: more than {limit:g} MB; pack fewer files of pages, or raise --limit")


class Machine:
    """The folder that was packed, on the machine that trains."""

    def __init__(self, folder: Path, device: str) -> None:
        self.folder, self.device = folder.resolve(), device
        self.site = self.folder / "site"
        self.environment = os.environ | {"PYTHONPATH": str(self.site), "PYTHONUNBUFFERED": "1"}

    def install(self) -> None:
        """Installs the wheels, and checks that the compiled part of Soupstate runs here."""
        wheels = sorted((self.folder / "wheels").glob("*.whl"))
        pip = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--upgrade"]
        subprocess.run([*pip, "--target", self.site, *wheels], check=True)
        subprocess.run(
            [sys.executable, "-c", "import soupstate.kernels._cpp"], check=True, env=self.environment, cwd=self.folder
        )

    def soupstate(self, *arguments: str | Path) -> None:
        """Runs a command in the folder. Raises CalledProcessError where it fails."""
        print("soupstate", *arguments, flush=True)
        command = [sys.executable, "-m", "soupstate", *map(str, arguments)]
        subprocess.run(command, check=True, env=self.environment, cwd=self.folder)

    def lessons(self, made: int) -> None:
        """Makes lessons of all pages with all cores. The last file of pages is held out."""
        *learned, held_out = sorted((self.folder / "pages").iterdir())
        workers = str(len(os.sched_getaffinity(0)))
        common = ("--skimmed", "0.85", "--workers", workers)
        self.soupstate("lessons", *learned, "--damaged", "0.2", "--made", str(made), *common, "--out", "shards")
        self.soupstate("lessons", held_out, "--damaged", "0", *common, "--out", "held-out")

    def train(self, experiment: Path, run: str, seconds: float) -> list[float]:
        """Trains for some seconds. Returns the bits per byte of the rows of its table."""
        print(f"training {run} for {seconds:.0f} s", flush=True)
        self.soupstate("train", experiment, "--device", self.device, "--seconds", str(seconds), "--out", run)
        with open(self.folder / run / "metrics.csv", newline="") as file:
            return [float(row["bits"]) for row in csv.DictReader(file)]


def run(folder: Path, experiment: Path, out: Path, *, device: str, seconds: float, check: float, made: int) -> None:
    """Makes lessons, checks for `check` seconds that all goes well, trains for `seconds`, and writes the results."""
    begun = time.monotonic()
    machine = Machine(folder, device)
    plan = machine.folder / "experiment.toml"
    shutil.copy(experiment, plan)
    if init := tomllib.loads(plan.read_text("utf-8")).get("init"):
        (machine.folder / init).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / init, machine.folder / init)
    machine.install()
    machine.lessons(made)
    print(f"lessons after {time.monotonic() - begun:.0f} s", flush=True)
    shutil.rmtree(machine.folder / "check", ignore_errors=True)
    bits = machine.train(plan, "check", check)
    first, last = fmean(bits[: max(1, len(bits) // 2)]), fmean(bits[len(bits) // 2 :])
    if not last < MOST_RISE * first:
        sys.exit(f"error: bits per byte rose from {first:.3f} to {last:.3f} in {check:g} s; training ends here")
    out.mkdir(parents=True, exist_ok=True)
    try:
        machine.train(plan, "run", seconds)
    finally:
        if (machine.folder / "run" / "checkpoint.safetensors").exists():
            weights = (out / f"{experiment.stem}.safetensors").resolve()
            named = ("--name", experiment.stem, "--version", "1", "--out", weights)
            machine.soupstate("export", "run/checkpoint.safetensors", "--experiment", plan, *named)
            for name in ("metrics.csv", "experiment.toml"):
                shutil.copy(machine.folder / "run" / name, out)
    for file in sorted(out.iterdir()):
        print(f"{file}: {file.stat().st_size / MEGABYTE:.2f} MB")


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(dest="part", required=True)
    packs = parts.add_parser("pack", help="fill a folder with pages and wheels")
    packs.add_argument("folder", type=Path, help="is emptied first")
    packs.add_argument("pages", type=Path, nargs="+", help="WARC files, two or more; the last by name is held out")
    packs.add_argument("--python", default=sys.executable, help="the machine's version of Python, installed here")
    packs.add_argument("--limit", type=float, default=64.0, help="megabytes that may travel (default: 64)")
    runs = parts.add_parser("run", help="train on the machine")
    runs.add_argument("folder", type=Path)
    runs.add_argument(
        "experiment",
        type=Path,
        help="with the shards `shards` and `held-out`, and an `init` of this checkout",
    )
    runs.add_argument("--out", type=Path, required=True, help="folder for the results")
    runs.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    runs.add_argument("--seconds", type=float, default=480.0, help="of training (default: 480)")
    runs.add_argument("--check", type=float, default=30.0, help="seconds of the first check (default: 30)")
    runs.add_argument("--made", type=int, default=MADE_PAGES, help=f"pages to make (default: {MADE_PAGES})")
    given = parser.parse_args()
    if given.part == "pack":
        if len(given.pages) < 2:
            parser.error("two files of pages are needed: one to learn from, one to measure on")
        pack(given.folder, given.pages, given.python, given.limit)
    else:
        options = {"device": given.device, "seconds": given.seconds, "check": given.check, "made": given.made}
        run(given.folder, given.experiment, given.out, **options)


if __name__ == "__main__":
    main()
