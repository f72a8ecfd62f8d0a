"""Peak memory of `soupstate serve` in megabytes: at the start, with an archive's pages extracted, and with faults.

    python tests/service_memory.py valid.warc

The faults are those of the first 20 pages. They need two further networks, which are loaded when they are asked for.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

import httpx

from soupstate.model.archive.records import read_html

FAULT_PAGES = 20
SECONDS = 60  # for the start
HTML = {"Content-Type": "text/html; charset=utf-8"}


def peak(process: subprocess.Popen[bytes]) -> int:
    """Returns the most memory that a process has had, in megabytes."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    (kilobytes,) = (int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    return round(kilobytes * 1024 / 1e6)


def address(log: Path) -> str:
    """Waits for the first line of the log and returns the address in it. Raises TimeoutError after a minute."""
    until = time.monotonic() + SECONDS
    while "\n" not in (lines := log.read_text("utf-8")):
        if time.monotonic() > until:
            raise TimeoutError("the service does not start")
        time.sleep(0.05)
    return str(json.loads(lines.splitlines()[0])["url"])


def wait_ready(client: httpx.Client) -> None:
    """Waits for the service. Raises an error of httpx when it takes a minute."""
    until = time.monotonic() + SECONDS
    while True:
        try:
            client.get("/readyz").raise_for_status()
            return
        except (httpx.TransportError, httpx.HTTPStatusError):
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def main() -> None:
    """Prints figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", type=Path, help="archive to take pages from")
    given = parser.parse_args()
    command = [sys.executable, "-m", "soupstate", "serve", "--port", "0", "--workers", "1"]
    with tempfile.NamedTemporaryFile() as log, subprocess.Popen(command, stderr=log) as process:
        try:
            with httpx.Client(base_url=address(Path(log.name)), timeout=120) as client:
                wait_ready(client)
                figures = {"started": peak(process)}
                for page in read_html([given.pages]):
                    client.post("/extract", content=page.encode(), headers=HTML).raise_for_status()
                figures["extracted"] = peak(process)
                for page in islice(read_html([given.pages]), FAULT_PAGES):
                    asked = client.post("/entropy?include=faults", content=page.encode(), headers=HTML)
                    asked.raise_for_status()
                figures["with_faults"] = peak(process)
        finally:
            process.terminate()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
