"""Measures the bytes of compressed pages, beside other compressors, each page alone."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from soupstate.app.peers import installed
from soupstate.kernels.backends import Packed
from soupstate.model.compression.container import compress, decompress

Size = Callable[[str], int]  # bytes of a page of HTML in UTF-8, compressed
OURS = "soupstate"
PEERS: dict[str, tuple[str, Callable[[Any, str], int]]] = {
    # the tool with its level: the module that it needs, and its call
    "brotli -11": ("brotli", lambda tool, page: len(tool.compress(page.encode(), quality=11))),
    "zstd -19": ("zstandard", lambda tool, page: len(tool.ZstdCompressor(level=19).compress(page.encode()))),
    "zstd -22 --ultra": ("zstandard", lambda tool, page: len(tool.ZstdCompressor(level=22).compress(page.encode()))),
    "xz -9e": ("lzma", lambda tool, page: len(tool.compress(page.encode(), preset=9 | tool.PRESET_EXTREME))),
}
NO_WEIGHTS = "00" * 8  # in the place of their SHA-256: both ways use the same
ZPAQ = "zpaq"  # a program, which is measured where it is on the path


@dataclass(frozen=True)
class Compressed:
    """The pages, compressed by one system. bytes: their sum. share: of the bytes before.

    mb_per_second: megabytes of pages per second of wall-clock time.
    """

    system: str
    pages: int
    bytes: int
    share: float
    mb_per_second: float


@dataclass(frozen=True)
class Decompressed:
    """The pages that were decompressed again, all to what they were. bytes: before they were compressed."""

    pages: int
    bytes: int
    mb_per_second: float


def compressed_sizes(packed: Packed, pages: Iterable[str], tell: Callable[[str], None]) -> list[Compressed]:
    """Measures this network and the installed peers. tell: takes a line for each peer that is not installed.

    Our bytes are those of whole files, with header and checksum. Raises ValueError where `packed` cannot compress.
    """
    systems: dict[str, Size] = {OURS: lambda page: len(compress(packed, NO_WEIGHTS, page.encode(), _ignore))}
    systems |= installed(PEERS, tell)
    if program := shutil.which(ZPAQ):
        systems["zpaq -m5"] = lambda page: _zpaq(program, page.encode())
    else:
        tell(f"{ZPAQ} is not installed")
    sums, seconds, raw, count = dict.fromkeys(systems, 0), dict.fromkeys(systems, 0.0), 0, 0
    for page in tqdm(pages, unit="page", disable=None, leave=False):
        raw, count = raw + len(page.encode()), count + 1
        for name, size in systems.items():
            start = time.perf_counter()
            sums[name] += size(page)
            seconds[name] += time.perf_counter() - start
    return [
        Compressed(name, count, sums[name], sums[name] / max(1, raw), raw / 1e6 / max(seconds[name], 1e-9))
        for name in systems
    ]


def round_trips(packed: Packed, pages: Iterable[str]) -> Decompressed:
    """Compresses and decompresses pages. Raises ValueError where another page comes out."""
    count, size, seconds = 0, 0, 0.0
    for page in pages:
        content = page.encode()
        file = compress(packed, NO_WEIGHTS, content, _ignore)
        start = time.perf_counter()
        if decompress(lambda backend: packed, NO_WEIGHTS, file, _ignore) != content:
            raise ValueError(f"page {count + 1} is another one after decompression")
        seconds += time.perf_counter() - start
        count, size = count + 1, size + len(content)
    return Decompressed(count, size, size / 1e6 / max(seconds, 1e-9))


def _ignore(more: int) -> None:
    """Takes a report of progress."""


def _zpaq(program: str, content: bytes) -> int:
    """Returns the bytes of an archive of zpaq that holds one file. Raises ValueError where zpaq fails."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "page").write_bytes(content)
        command = [program, "a", "page.zpaq", "page", "-m5", "-t1"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode:
            raise ValueError(f"zpaq failed: {done.stderr.strip()[-200:]}")
        return (Path(folder) / "page.zpaq").stat().st_size
