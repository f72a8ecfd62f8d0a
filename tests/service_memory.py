"""Peak memory of `soupstate serve` in megabytes: at the start, with an archive's pages extracted, and with faults.

    python tests/service_memory.py valid.warc

The faults are those of the first 20 pages. They need two further networks, which are loaded when they are asked for.
"""

import argparse
import json
import os
from itertools import islice
from pathlib import Path

import httpx
from archives import children
from conftest import served

from soupstate.model.archive.records import read_html

FAULT_PAGES = 20
HTML = {"Content-Type": "text/html; charset=utf-8"}


def peak(process: int) -> int:
    """Returns the most memory that a process has had, in megabytes."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    (kilobytes,) = (int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    return round(kilobytes * 1024 / 1e6)


def main() -> None:
    """Prints figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", type=Path, help="archive to take pages from")
    given = parser.parse_args()
    with served("--workers", "1") as (url, _), httpx.Client(base_url=url, timeout=120) as client:
        (process,) = children(os.getpid())
        figures = {"started": peak(process)}
        for page in read_html([given.pages]):
            client.post("/extract", content=page.encode(), headers=HTML).raise_for_status()
        figures["extracted"] = peak(process)
        for page in islice(read_html([given.pages]), FAULT_PAGES):
            client.post("/entropy?include=faults", content=page.encode(), headers=HTML).raise_for_status()
        figures["with_faults"] = peak(process)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
