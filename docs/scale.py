"""Computes what a month of Common Crawl takes, from measured figures.

    python docs/scale.py             # prints the tables of docs/crawl.md
    python docs/scale.py --update    # writes them into it

All inputs are in INPUTS, each with its source.
"""

import argparse
import re
import sys
from pathlib import Path

PAGE = Path(__file__).with_name("crawl.md")

# name: (value, what it is, its source)
INPUTS = {
    "pages": (3.0e9, "pages of a month of Common Crawl", "given"),
    "files": (90_000, "WARC files of it", "given"),
    "file_bytes": (1.0e9, "bytes of a file, packed", "given"),
    "page_characters": (82_281.0, "characters of a page, mean", "971 training pages"),
    "core_speed": (1_089_000.0, "characters per second of one core", "`tests/crawl.py speed`, held-out pages, VNNI"),
    "outside": (0.498, "share of a worker's time outside the network", "the same run"),
    "two_workers": (1.71, "two workers against one, by the clock", "an earlier run, three rounds"),
    "row_bytes": (20_200.0, "bytes of a row in Parquet", "the same run"),
    "worker_bytes": (133e6, "peak memory of a worker", "`tests/crawl.py memory`"),
    "part_pages": (5000, "pages of a part, which a worker that dies may lose", "`--part-records`"),
    "machine_cores": (96, "cores of a machine", "assumed"),
    "day": (86_400.0, "seconds of a day", ""),
}


def value(name: str) -> float:
    """Returns an input."""
    return float(INPUTS[name][0])


def reckoned() -> list[tuple[str, str]]:
    """Returns the results: name and figure."""
    core_seconds = value("page_characters") / value("core_speed")
    spread = 2 / value("two_workers")  # slower by this factor where workers share a machine
    million = core_seconds * spread * 1e6 / 3600
    month = million * value("pages") / 1e6
    file_hours = month / value("files")
    whole = int(24 // file_hours)  # files that a core does per day
    cores = value("files") / max(1, whole)
    lost_hours = value("part_pages") / 2 * core_seconds * spread / 3600
    machines = cores / value("machine_cores")
    read, written = value("files") * value("file_bytes"), value("pages") * value("row_bytes")
    return [
        ("core seconds per page", f"{core_seconds * spread:.2f}"),
        ("of these outside the network", f"{core_seconds * spread * value('outside'):.3f}"),
        ("core hours per million pages", f"{million:,.0f}"),
        ("core hours for the month", f"{month / 1e6:.2f} million"),
        ("core hours per file", f"{file_hours:.1f}"),
        (f"cores to finish in a day, {whole} whole files each", f"{cores:,.0f}"),
        (f"machines of {value('machine_cores'):.0f} cores to finish in a day", f"{machines:,.0f}"),
        ("memory of the workers of such a machine", f"{value('machine_cores') * value('worker_bytes') / 1e9:.0f} GB"),
        ("read", f"{read / 1e12:.0f} TB: {read / value('day') / 1e9:.2f} GB/s over a day"),
        ("read by one machine", f"{read / value('day') / machines / 1e6:.2f} MB/s"),
        ("written", f"{written / 1e12:.0f} TB: {written / value('day') / 1e9:.2f} GB/s over a day"),
        ("files finished per second", f"{value('files') / value('day'):.2f}"),
        ("lost when a worker dies: half a part on average", f"{lost_hours:.1f} core hours"),
        ("lost if every machine dies once a day", f"{lost_hours / 24:.0%}"),
    ]


def tables() -> str:
    """Returns the tables of inputs and results in Markdown."""
    given = [f"| {text} | {_written(number)} | {source} |" for number, text, source in INPUTS.values() if source]
    found = [f"| {name} | {figure} |" for name, figure in reckoned()]
    inputs = "\n".join(["| input | value | source |", "|---|---|---|", *given])
    return inputs + "\n\n" + "\n".join(["| result | |", "|---|---|", *found]) + "\n"


def _written(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:g}"


def current(text: str) -> str:
    """Returns the page with new tables."""
    return re.sub(
        r"(<!-- tables: begin -->\n).*?(<!-- tables: end -->)", lambda m: m[1] + tables() + m[2], text, flags=re.S
    )


def main() -> int:
    """Prints or writes the tables. Returns the exit status."""
    parser = argparse.ArgumentParser(description="Computes what a month of Common Crawl takes.")
    parser.add_argument("--update", action="store_true", help="write docs/crawl.md")
    if parser.parse_args().update:
        PAGE.write_text(current(PAGE.read_text("utf-8")), "utf-8")
    else:
        sys.stdout.write(tables())
    return 0


if __name__ == "__main__":
    sys.exit(main())
