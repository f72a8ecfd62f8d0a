"""WARC files that tests read: pages that are made here, and hostile files of many kinds."""

import gzip
import io
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

ROOT = Path(__file__).parents[1]
COMMAND = [sys.executable, "-m", "soupstate"]
LINE = 8  # words of a paragraph


def page(number: int, words: int = 60) -> str:
    """A page of so many words in short paragraphs, because of long ones the ends are read; no two are alike."""
    dice = random.Random(number)
    said = [dice.choice("tide harbour ferry lamp winter rope quay bell gull storm".split()) for _ in range(words)]
    text = "</p>\n<p>".join(" ".join(said[k : k + LINE]) for k in range(0, words, LINE))
    return (
        f'<!doctype html><html lang="en-GB"><head><title>Page {number}</title></head><body><h1>Number {number}</h1>'
        f'<p>{text} <a href="/{number + 1}">next</a></p></body></html>'
    )


def record(body: bytes, number: int = 0, content_type: str = "text/html; charset=utf-8", *, pack: bool = True) -> bytes:
    """A response as one WARC record."""
    out = io.BytesIO()
    writer = WARCWriter(out, gzip=pack)
    http = StatusAndHeaders("200 OK", [("Content-Type", content_type)], protocol="HTTP/1.1")
    headers = {"WARC-Date": "2026-03-04T05:06:07Z", "WARC-Record-ID": f"<urn:uuid:{number}>"}
    made = writer.create_warc_record(
        f"https://site.example/{number}",
        "response",
        payload=io.BytesIO(body),
        length=len(body),
        http_headers=http,
        warc_headers_dict=headers,
    )
    writer.write_record(made)
    return out.getvalue()


def archive(path: Path, numbers: range, words: int = 60) -> Path:
    """A file of such pages."""
    path.write_bytes(b"".join(record(page(number, words).encode(), number) for number in numbers))
    return path


def hostile(folder: Path, *, tiny_records: int = 100_000, bomb_bytes: int = 1 << 30) -> dict[str, Path]:
    """Files that were made to do harm, by name; each but the empty one and the noise has a good page as well."""
    good = record(page(1).encode(), 1)
    plain = record(page(1).encode(), 1, pack=False)
    dice = random.Random(5)
    head = b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.example/\r\n"
    html = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
    tiny = gzip.compress(head + b"Content-Length: 0\r\n\r\n\r\n\r\n", mtime=0)
    long = html + b"X: " + b"x" * 10_000_000 + b"\r\n\r\n<p>"
    packed = html + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(bytes(min(bomb_bytes, 1 << 28)), 1)
    files = {
        "empty": b"",
        "noise": dice.randbytes(3_000_000),
        "noise-gzip": b"\x1f\x8b\x08" + dice.randbytes(3_000_000) + good,
        "tiny": tiny * tiny_records + good,
        "header": head + b"X: " + b"x" * 10_000_000 + b"\r\nContent-Length: 0\r\n\r\n\r\n\r\n" + plain,
        "http-header": head + b"Content-Length: %d\r\n\r\n%s\r\n\r\n" % (len(long), long) + plain,
        "negative": plain + head + b"Content-Length: -5\r\n\r\nabc\r\n\r\n" + plain,
        "lying": plain + head + b"Content-Length: 999999999999\r\n\r\n" + html + b"\r\n<p>abc",
        "bomb-body": head + b"Content-Length: %d\r\n\r\n%s\r\n\r\n" % (len(packed), packed) + plain,
        "cut": good + good[:-20],
        "magic": plain + b"\x1f\x8b\x08\x00" * 500_000,
    }
    paths = {name: folder / f"{name}.warc.gz" for name in (*files, "bomb")}
    for name, data in files.items():
        paths[name].write_bytes(data)
    with gzip.open(paths["bomb"], "wb", 1) as file:
        file.write(head + b"Content-Length: %d\r\n\r\n" % (len(html) + 2 + bomb_bytes) + html + b"\r\n")
        for _ in range(bomb_bytes >> 20):
            file.write(bytes(1 << 20))
        file.write(b"\r\n\r\n")
    with open(paths["bomb"], "ab") as end:
        end.write(good)
    return paths


def started(*arguments: str, folder: Path = ROOT) -> "subprocess.Popen[bytes]":
    """`soupstate` as a process of its own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([os.environ.get("PYTHONPATH", ""), str(ROOT)])}
    return subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder, env=environment
    )


def children(pid: int) -> list[int]:
    """Processes that a process has started."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(child) for child in task.read_text().split()]
        except OSError:
            continue
    return found


def kill(pid: int) -> None:
    """Ends a process at once, where it is still there."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def rows(folder: Path) -> Iterator[dict[str, object]]:
    """All rows of a folder of Parquet."""
    import pyarrow.parquet as pq  # noqa: PLC0415  not all tests need it

    for path in sorted(folder.glob("*.parquet")):
        yield from pq.read_table(io.BytesIO(path.read_bytes())).to_pylist()
