"""Trains for some minutes on a machine that has torch and a GPU, but no network.

    python experiments/card.py pack card train-00.warc.xz train-01.warc.xz --python python3.12
    python experiments/card.py lessons card
    python experiments/card.py train card experiments/card-*.toml --out results --seconds 480

`pack` runs here. It fills a folder with the pages, with a wheel of this checkout, and with wheels of all that it needs
but torch, numpy and matplotlib, for the machine's version of Python. Carry this folder and the checkout to the machine.
More pages may follow in a second folder, which --no-wheels fills: copy its pages beside the first ones.

`lessons` runs there. It installs the wheels, and makes lessons of two kinds with all cores: `shards/whole`, and
`shards/brief` as extraction reads pages. --kinds names those to make. It skips lessons that exist.

`train` runs there. It trains all experiments at once for a short while, and checks that the bits do not rise. Then it
trains them from the start for --seconds. It writes the parameters in half precision, the tables of losses and the
experiments to --out, even if the training was stopped early.
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
THERE = {"torch", "numpy", "matplotlib"}  # with all that they need
UNUSED = {"scipy", "fastapi", "uvicorn", "prometheus-client"}
MEGABYTE = 1_000_000
MOST_RISE = 1.2  # of the bits in the check: they hardly fall where good weights are trained on
LEFT_OUT = "leave-out.txt"  # in the folder: ids of labelled pages that stay out
# Options of `soupstate lessons`, by kind.
KINDS = {
    "whole": ("--damaged", "0.3", "--skimmed", "0.1"),
    "brief": ("--damaged", "0.2", "--skimmed", "0.85"),
}
MADE = {"whole": 8_000, "brief": 24_000}


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


def pack(folder: Path, pages: list[Path], python: str, limit: float, leave_out: Path | None, wheels: bool) -> None:
    """Fills a folder with pages and wheels. Ends with an error where it has more than `limit` megabytes."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "pages").mkdir(parents=True)
    for page in pages:
        shutil.copy(page, folder / "pages")
    if leave_out:
        shutil.copy(leave_out, folder / LEFT_OUT)
    if wheels:
        place = folder / "wheels"
        pip = [python, "-m", "pip", "--disable-pip-version-check", "-q"]
        own = ["-C", "wheel.exclude=**/cpp/**;**/weights/**"]
        subprocess.run([*pip, "wheel", "--no-deps", *own, "-w", place, ROOT], check=True)
        names = sorted(needed("soupstate", "train"))
        subprocess.run([*pip, "download", "--no-deps", "--only-binary=:all:", "-d", place, *names], check=True)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / MEGABYTE
    print(f"{folder}: {size:.1f} MB, {len(pages)} files of pages")
    if size > limit:
        sys.exit(f"error: more than {limit:g} MB; pack fewer files of pages, or raise --limit")


class Machine:
    """The folder that was packed, on the machine that trains."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.site = self.folder / "site"
        self.cores = len(os.sched_getaffinity(0))
        self.environment = os.environ | {"PYTHONPATH": str(self.site), "PYTHONUNBUFFERED": "1"}

    def install(self) -> None:
        """Installs the wheels, and checks that the compiled part of Soupstate runs here."""
        wheels = sorted((self.folder / "wheels").glob("*.whl"))
        pip = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--upgrade"]
        subprocess.run([*pip, "--target", self.site, *wheels], check=True)
        check = [sys.executable, "-c", "import soupstate.kernels._cpp"]
        subprocess.run(check, check=True, env=self.environment, cwd=self.folder)

    def start(self, log: str, *arguments: str | Path) -> subprocess.Popen[bytes]:
        """Starts a command in the folder. Its output goes to the file `log` there."""
        print("soupstate", *arguments, flush=True)
        command = [sys.executable, "-m", "soupstate", *map(str, arguments)]
        with open(self.folder / log, "wb") as file:
            return subprocess.Popen(command, env=self.environment, cwd=self.folder, stdout=file, stderr=file)

    def run_all(self, commands: dict[str, tuple[str | Path, ...]]) -> None:
        """Runs commands at once, by the names of their logs. Ends with an error and the log where one fails."""
        started = {name: self.start(f"{name}.log", *arguments) for name, arguments in commands.items()}
        for name, process in started.items():
            if process.wait():
                sys.exit(f"error: {name} failed\n{(self.folder / f'{name}.log').read_text('utf-8')[-3000:]}")

    def lessons(self, made: dict[str, int]) -> None:
        """Makes lessons of all pages, of the kinds that `made` has."""
        pages = sorted((self.folder / "pages").iterdir())
        left_out = ("--leave-out", LEFT_OUT) if (self.folder / LEFT_OUT).exists() else ()
        commands: dict[str, tuple[str | Path, ...]] = {}
        for kind, number in made.items():
            workers = ("--workers", str(max(1, self.cores // len(made))))
            more = ("--made", str(number), *workers, "--out", f"shards/{kind}")
            commands[f"lessons-{kind}"] = ("lessons", *pages, *KINDS[kind], *left_out, *more)
        self.run_all(commands)

    def train(self, plans: dict[str, Path], device: str, part: str, seconds: float) -> None:
        """Trains experiments at once for some seconds, each in the folder `part`/NAME, from its start."""
        shutil.rmtree(self.folder / part, ignore_errors=True)
        loaders = ("--loaders", str(max(1, self.cores // len(plans)))) if device == "cuda" else ()
        common = ("--device", device, *loaders, "--seconds", str(seconds))
        self.run_all(
            {f"{part}-{name}": ("train", plan, *common, "--out", f"{part}/{name}") for name, plan in plans.items()}
        )

    def check(self, plans: dict[str, Path]) -> None:
        """Prints what the check reached. Ends with an error where the bits of one experiment rise."""
        for name in plans:
            with open(self.folder / "check" / name / "metrics.csv", newline="") as file:
                rows = [{key: float(cell) for key, cell in row.items() if cell} for row in csv.DictReader(file)]
            bits = [row["bits"] for row in rows]
            first, last = fmean(bits[: max(1, len(bits) // 2)]), fmean(bits[len(bits) // 2 :])
            speed = rows[-1]["characters_per_second"] / MEGABYTE
            print(f"{name}: bits per byte {first:.3f}, then {last:.3f}; {speed:.2f} MB/s", flush=True)
            if not last < MOST_RISE * first:
                sys.exit(f"error: the bits of {name} rose; training ends here")

    def export(self, plans: dict[str, Path], out: Path) -> None:
        """Writes the weights of all experiments, their tables and plans to `out`."""
        commands: dict[str, tuple[str | Path, ...]] = {}
        for name, plan in plans.items():
            weights = (out / f"{name}.safetensors").resolve()
            named = ("--name", name, "--version", "1", "--out", weights)
            checkpoint = f"run/{name}/checkpoint.safetensors"
            if (self.folder / checkpoint).exists():
                commands[f"export-{name}"] = ("export", checkpoint, "--experiment", plan, *named)
                shutil.copy(self.folder / "run" / name / "metrics.csv", out / f"{name}.csv")
                shutil.copy(plan, out)
        self.run_all(commands)


def train(folder: Path, experiments: list[Path], out: Path, *, device: str, seconds: float, check: float) -> None:
    """Checks for `check` seconds that all goes well, trains for `seconds`, and writes the results."""
    begun = time.monotonic()
    machine = Machine(folder)
    plans: dict[str, Path] = {}
    for experiment in experiments:
        plan = plans[experiment.stem] = machine.folder / experiment.name
        shutil.copy(experiment, plan)
        init = tomllib.loads(plan.read_text("utf-8")).get("init")
        if init and not (machine.folder / init).exists():
            (machine.folder / init).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / init, machine.folder / init)
    if check:
        machine.train(plans, device, "check", check)
        machine.check(plans)
    out.mkdir(parents=True, exist_ok=True)
    print(f"training after {time.monotonic() - begun:.0f} s", flush=True)
    try:
        machine.train(plans, device, "run", seconds)
    finally:
        machine.export(plans, out)
    for file in sorted(out.iterdir()):
        print(f"{file}: {file.stat().st_size / MEGABYTE:.2f} MB")


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(dest="part", required=True)
    packs = parts.add_parser("pack", help="fill a folder with pages and wheels")
    packs.add_argument("folder", type=Path, help="is emptied first")
    packs.add_argument("pages", type=Path, nargs="+", help="WARC files, and labelled pages")
    packs.add_argument("--leave-out", type=Path, help="ids of labelled pages that stay out")
    packs.add_argument("--python", default=sys.executable, help="the machine's version of Python, installed here")
    packs.add_argument("--no-wheels", action="store_true", help="pages alone, to follow a folder with wheels")
    packs.add_argument("--limit", type=float, default=64.0, help="megabytes that may travel (default: 64)")
    lessons = parts.add_parser("lessons", help="install the wheels, and make lessons of the pages")
    lessons.add_argument("folder", type=Path)
    lessons.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS), help="(default: both)")
    lessons.add_argument("--made", type=int, help=f"pages to make of each kind (default: {MADE})")
    trains = parts.add_parser("train", help="train some experiments at once")
    trains.add_argument("folder", type=Path)
    trains.add_argument(
        "experiments",
        type=Path,
        nargs="+",
        help="with shards/whole or shards/brief, and an init of this checkout",
    )
    trains.add_argument("--out", type=Path, required=True, help="folder for the results")
    trains.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    trains.add_argument("--seconds", type=float, default=480.0, help="of training (default: 480)")
    trains.add_argument("--check", type=float, default=30.0, help="seconds of the first check (default: 30); 0: none")
    given = parser.parse_args()
    if given.part == "pack":
        pack(given.folder, given.pages, given.python, given.limit, given.leave_out, not given.no_wheels)
    elif given.part == "lessons":
        machine = Machine(given.folder)
        machine.install()
        machine.lessons({kind: MADE[kind] if given.made is None else given.made for kind in given.kinds})
    else:
        options = {"device": given.device, "seconds": given.seconds, "check": given.check}
        train(given.folder, given.experiments, given.out, **options)


if __name__ == "__main__":
    main()
