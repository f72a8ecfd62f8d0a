"""Figures of `soupstate warc`: two workers against one, Ray against the local runner, memory, kills.

    python tests/crawl.py speed                       # needs the extra ray, and two idle cores
    python tests/crawl.py speed --pages crawl.warc.gz # pages of another archive than the samples
    python tests/crawl.py kills                       # 20 kills of workers and parent at random moments
    python tests/crawl.py hostile                     # files made to do harm, a bomb of 10 GB among them
    python tests/crawl.py memory                      # makes a WARC file of 1 GB, and reads it

Runs of a round are done one after another, so that what else the machine does falls on all of them.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from archives import hostile, page, record
from test_batch_kills import compare

from soupstate.model.archive.records import read_pages
from soupstate.model.net.checkpoint import DEFAULT

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "crawl_samples" / "samples-clean.warc.gz"
VIDEO, LARGE = 500_000_000, 500_000_000  # bytes of two records of the file of 1 GB


def files_of(source: Path, folder: Path, number: int, characters: int) -> list[str]:
    """Archives of about so many characters each, of an archive's pages in turn."""
    pages = cycle(list(islice((p.html for p in read_pages(source) if len(p.html) < 400_000), 1000)))
    made = []
    for n in range(number):
        path, left, count = folder / f"{n}.warc.gz", characters, 0
        with open(path, "wb") as file:
            while left > 0:
                html = next(pages)
                file.write(record(html.encode(), 1000 * n + count))
                left, count = left - len(html), count + 1
        made.append(str(path))
    return made


def large_file(path: Path) -> None:
    """A file of 1 GB: a video, a page that is too large, small pages, and one that is just not too large."""
    head = "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.example/\r\nContent-Length: {}\r\n\r\n{}"

    def parts() -> Iterator[bytes]:
        for kind, size in (("video/mp4", VIDEO), ("text/html", LARGE)):
            http = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n\r\n"
            yield head.format(len(http) + size, http).encode()
            for _ in range(size // 1_000_000):
                yield os.urandom(1_000_000)
            yield b"\r\n\r\n"
        for n in range(60):
            yield record(page(n, 200 * (n + 1)).encode(), n, pack=False)
        yield record(page(60, 320_000).encode()[:1_900_000], 60, pack=False)

    with open(path, "wb") as file:
        for part in parts():
            file.write(part)


def warc(*arguments: str) -> dict[str, Any]:
    """The summary of a run of the command."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "soupstate", "warc", *arguments, "--out", out]
        done = subprocess.run(command, stdout=subprocess.PIPE, cwd=ROOT, check=True)
        written = sum(path.stat().st_size for path in Path(out).glob("*.parquet"))
    found: dict[str, Any] = json.loads(done.stdout)
    return found | {"written": written}


def used() -> tuple[float, float]:
    """Seconds of processors used by all of the machine, and by processes that this one has started and seen end."""
    ticks = [int(part) for part in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    ours = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK"), ours.ru_utime + ours.ru_stime


def speed(files: list[str], rounds: int) -> dict[str, Any]:
    """Medians over rounds: seconds with one worker, two, and two on two Ray nodes; shares of a worker's time."""
    import ray  # noqa: PLC0415
    from ray.cluster_utils import Cluster  # noqa: PLC0415

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    wall: dict[str, list[float]] = {"one": [], "two": [], "ray": []}
    others: dict[str, list[float]] = {name: [] for name in wall}
    cores: dict[str, list[float]] = {name: [] for name in wall}
    stages: dict[str, float] = {}
    try:
        for _ in range(rounds):
            for name, options in (
                ("one", ("--workers", "1")), ("two", ("--workers", "2")), ("ray", ("--ray", cluster.address))
            ):  # fmt: skip
                before = used()
                summary = warc(*files, *options)
                all_used, ours = (now - then for now, then in zip(used(), before, strict=True))
                others[name].append(round((all_used - ours) / summary["wall_seconds"], 2))
                wall[name].append(summary["wall_seconds"])
                cores[name].append(round(sum(summary["seconds"].values()), 3))
                print(name, summary["wall_seconds"], "others", others[name][-1], file=sys.stderr)
                for stage, seconds in summary["seconds"].items():
                    stages[stage] = stages.get(stage, 0.0) + seconds
    finally:
        ray.shutdown()
        cluster.shutdown()
    total = sum(stages.values())
    rows, characters = summary["rows"].get("ok", 0), summary["characters"]
    return {
        "pages": rows,
        "characters": characters,
        "wall_seconds": wall,
        "core_seconds": cores,
        "cores_used_by_others": others,
        "two_against_one": statistics.median(a / b for a, b in zip(wall["one"], wall["two"], strict=True)),
        "ray_against_local": statistics.median(a / b for a, b in zip(wall["ray"], wall["two"], strict=True)),
        "shares": {stage: round(seconds / total, 4) for stage, seconds in stages.items()},
        "core_seconds_per_page": total / (3 * rounds) / rows,
        "characters_per_core_second": characters * 3 * rounds / total,
        "memory": summary["memory"],
        "row_bytes": summary["written"] / rows,
    }


def main() -> None:
    """Prints figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["speed", "memory", "kills", "hostile"])
    parser.add_argument("--pages", type=Path, default=SAMPLES, help="archive to take pages from")
    parser.add_argument("--files", type=int, default=8)
    parser.add_argument("--characters", type=int, default=400_000, help="of a file")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if given.what == "speed":
            figures = speed(files_of(given.pages, Path(folder), given.files, given.characters), given.rounds)
        elif given.what == "hostile":
            files = hostile(Path(folder), bomb_bytes=10 << 30).values()
            figures = warc(*map(str, files), "--workers", "2")
        elif given.what == "kills":
            wrong, parents = compare(Path(folder), DEFAULT, given.kills, seed=given.kills)
            figures = {"kills": given.kills, "of_the_parent": parents, "rows_lost_or_doubled": wrong}
        else:
            path = Path(folder) / "large.warc"
            large_file(path)
            figures = warc(str(path), "--workers", "1") | {"size": path.stat().st_size}
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
