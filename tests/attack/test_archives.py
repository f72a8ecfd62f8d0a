"""Hostile archives: nothing is fatal, every record is a row or a counted loss, memory and time are bounded."""

import gzip
import io
import lzma
import os
import random
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from archives import ROOT, page, record, rows

from soupstate.app.batch.folder import Folder
from soupstate.app.batch.job import Attempt, Job
from soupstate.app.batch.task import Task
from soupstate.model.archive.records import NotAnArchive, Tally, WarcRecord, read_records
from soupstate.model.archive.status import LOSSES, Status
from soupstate.model.net.checkpoint import load_checkpoint
from soupstate.model.net.reader import Reader

MAX_BODY = 100_000
HEAD = b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.example/\r\n"
HTTP = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
PAGES = 4
ALLOWED_SECONDS = 2.0  # of processor time for an archive of some kilobytes


def response(http: bytes, length: int | None = None) -> bytes:
    """A record of this block, which may lie about its length."""
    return HEAD + b"Content-Length: %d\r\n\r\n%s\r\n\r\n" % (len(http) if length is None else length, http)


def packings() -> dict[str, bytes]:
    """One small archive in each packing: some pages, and records of other kinds."""
    plain = b"WARC/1.0\r\nWARC-Type: warcinfo\r\nContent-Length: 0\r\n\r\n\r\n\r\n"
    members = gzip.compress(plain, mtime=0)
    for number in range(PAGES):
        body = page(number, 20).encode()
        plain += record(body, number, pack=False)
        members += record(body, number)
    chunked = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (b"<p>", b"x" * 200)) + b"0\r\n\r\n"
    more = response(HTTP + b"Transfer-Encoding: chunked\r\n\r\n" + chunked)
    more += response(HTTP + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"<p>" + b"y" * 200, mtime=0))
    more += response(HTTP + b"Content-Encoding: deflate, br\r\n\r\n" + zlib.compress(b"<p>z"))
    version = b"1 0 Archive\nURL IP-address Archive-date Content-type Archive-length\n"
    arc = b"filedesc://x 0.0.0.0 20260304050607 text/plain %d\n%s\n" % (len(version), version)
    one = HTTP + b"\r\n" + page(9, 20).encode()
    arc += b"http://a.example/ 1.2.3.4 20260304050607 text/html %d\n%s\n" % (len(one), one)
    return {
        "plain": plain + more,
        "members": members + gzip.compress(more, mtime=0),
        "whole": gzip.compress(plain + more, mtime=0),
        "xz": lzma.compress(plain + more),
        "arc": arc,
    }


def mutated(data: bytes, dice: random.Random) -> bytes:
    """The archive with a few random changes of one kind."""
    changed = bytearray(data)
    for _ in range(dice.choice((1, 1, 2, 5, 20))):
        at, other = dice.randrange(len(changed) + 1), dice.randrange(len(changed) + 1)
        first, last = sorted((at, other))
        match dice.randrange(9):
            case 0:
                changed[at : at + 1] = bytes([dice.randrange(256)])
            case 1 if at < len(changed):
                changed[at] ^= 1 << dice.randrange(8)
            case 2:
                del changed[at:]
            case 3:
                del changed[first:last]
            case 4:
                changed[at:at] = dice.randbytes(dice.choice((1, 10, 1000)))
            case 5:
                changed[at:at] = changed[first:last][:5000]  # records in records
            case 6:
                changed[at:at] = dice.choice((b"\0" * 2000, b"\r\n" * 500, b"WARC/1.0\r\n", b"\x1f\x8b\x08\0" * 50))
            case 7:
                changed[at:at] = dice.choice((gzip.compress(b"", mtime=0), HEAD, data, response(HTTP, 10**18)))
            case 8:
                for digit in (place for place in range(first, last) if chr(changed[place]).isdigit()):
                    if dice.random() < 0.02:
                        changed[digit] = ord(dice.choice("0123456789-x"))
        changed = changed or bytearray(b"\0")
    return bytes(changed)


def archives(count: int, seed: int) -> Iterator[bytes]:
    sound, dice = packings(), random.Random(seed)
    names = sorted(sound)
    for number in range(count):
        yield mutated(sound[names[number % len(names)]], dice)


def read(data: bytes, max_body: int = MAX_BODY) -> tuple[list[WarcRecord], Tally]:
    """All records of an archive, after what must hold of every archive has been asserted."""
    tally = Tally()
    start = time.process_time()
    found = list(read_records(io.BytesIO(data), tally=tally, max_body=max_body))
    assert time.process_time() - start < ALLOWED_SECONDS
    assert len(found) <= tally.records
    assert sum(record.page is not None for record in found) == tally.pages
    assert all(bool(record.reason) != (record.page is not None) for record in found)
    assert {record.reason.split(" (")[0] for record in found if record.reason} <= {
        *Status, "content encoding br", "content encoding zstd"
    }  # fmt: skip
    assert all(len(record.page.text) <= max_body for record in found if record.page)
    # Every record whose header could be read is a page, of another kind, or lost with its reason.
    headless = (Status.BROKEN_RECORD, Status.NO_GZIP, Status.BROKEN_GZIP, Status.TRUNCATED_GZIP, Status.BROKEN_XZ)
    lost = sum(number for reason, number in tally.skipped.items() if reason not in headless)
    assert tally.pages + tally.other.total() + lost == tally.records
    assert bool(tally.problem) is (tally.records == 0)
    assert tally.consumed == len(data) or any(tally.skipped[reason] for reason in LOSSES)
    return found, tally


def check_mutants(count: int, seed: int) -> int:
    """Reads mutated archives. Returns how many of them gave fewer records than the sound one without a trace."""
    whole = {name: read(data) for name, data in packings().items()}
    assert {name: len(found) for name, (found, _) in whole.items()} == {
        "arc": 1, "members": PAGES + 3, "plain": PAGES + 3, "whole": PAGES + 3, "xz": PAGES + 3
    }  # fmt: skip
    silent = 0
    for number, data in enumerate(archives(count, seed)):
        try:
            found, tally = read(data)
        except BaseException as error:
            raise AssertionError(f"mutant {number} of seed {seed}: {type(error).__name__}: {error}") from error
        sound, before = whole[sorted(whole)[number % len(whole)]]
        lost = any(tally.skipped[reason] for reason in LOSSES) or tally.other.total() > before.other.total()
        silent += len(found) < len(sound) and not lost and not tally.problem
    return silent


def test_mutated_archives_are_never_fatal() -> None:
    assert check_mutants(400, 1) <= 4  # what was cut off or cut out between two records leaves no trace


@pytest.mark.slow
def test_many_mutated_archives_are_never_fatal() -> None:
    assert check_mutants(8000, 2) <= 40


@pytest.fixture(scope="module")
def reader(weights: Path) -> Reader:
    return Reader(load_checkpoint(weights))


def check_rows(reader: Reader, folder: Path, count: int, seed: int) -> int:
    """Runs the batch job over mutated archives. Returns how many of them were archives still."""
    source, done = folder / "a.warc.gz", 0
    for number, data in enumerate(archives(count, seed)):
        source.write_bytes(data)
        job = Job(str(folder / f"out-{number}"), max_page_bytes=MAX_BODY)
        Folder(job.out).prepare()
        found, tally = read(data)
        task = Task(job, reader, Attempt(str(source)), [0, 0, 0, 0])
        if not tally.records:
            with pytest.raises(NotAnArchive):
                task.run()
            continue
        counts, done = task.run(), done + 1
        written = list(rows(Path(job.out)))
        assert len(written) == len(found) == counts.rows.total()
        assert [row["status"] for row in written if row["status"] != "ok"] == [r.reason for r in found if r.reason]
        assert counts.skipped + counts.rows >= tally.skipped
    return done


def test_a_row_for_every_record_of_mutated_archives(reader: Reader, tmp_path: Path) -> None:
    assert check_rows(reader, tmp_path, 30, 3) >= 10


@pytest.mark.slow
def test_a_row_for_every_record_of_many_mutated_archives(reader: Reader, tmp_path: Path) -> None:
    assert check_rows(reader, tmp_path, 600, 4) >= 250


GOOD = record(page(1).encode(), 1, pack=False)
MADE: dict[str, Callable[[int], bytes]] = {
    "headers": lambda n: HEAD + b"X: y\r\n" * (n // 6),
    "continued header": lambda n: HEAD + b"X: y\r\n" + b" y\r\n" * (n // 4),
    "header without an end": lambda n: HEAD + b"X" * n,
    "empty lines": lambda n: b"\r\n" * (n // 2),
    "nothing but NUL": lambda n: b"\0" * n,
    "beginnings": lambda n: b"WARC/1.0\r\n" * (n // 10),
    "beginnings of ARC": lambda n: b"http:a b 123456789012 1\n" * (n // 24),
    "a long line of ARC": lambda n: (b"http:a b 123456789012 " + b"1 " * 30_000 + b"x\n") * max(1, n // 60_000),
    "records in a record": lambda n: response(HTTP + b"\r\n" + GOOD * (n // len(GOOD))),
    "records without a block": lambda n: (HEAD + b"Content-Length: 0\r\n\r\n") * (n // 90),
    "a length that is too large": lambda n: response(HTTP + b"\r\n<p>" + b"x" * n, 10**15),
    "a length that is too small": lambda n: response(HTTP + b"\r\n<p>" + b"x\n" * (n // 2), 50),
    "chunks of a byte": lambda n: response(HTTP + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * (n // 6)),
    "chunks that are none": lambda n: response(HTTP + b"Transfer-Encoding: chunked\r\n\r\n" + b"zz\r\n" * (n // 4)),
    "a chunk that never ends": lambda n: response(HTTP + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * n),
    "headers of a response": lambda n: response(HTTP + b"X: y\r\n" * (n // 6)),
    "a continued header of a response": lambda n: response(HTTP + b"X: y\r\n" + b"\ty\r\n" * (n // 4)),
    "empty members": lambda n: gzip.compress(b"", mtime=0) * (n // 20),
    "beginnings of members": lambda n: b"\x1f\x8b\x08\0" * (n // 4),
    "garbage between members": lambda n: (record(b"<p>x") + b"garbage") * (n // 350),
    "members in a body": lambda n: response(
        HTTP + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"", mtime=0) * (n // 20)
    ),
}


def seconds(data: bytes) -> float:
    """The processor time that an archive takes, the least of two."""
    taken = []
    for _ in range(2):
        start = time.process_time()
        for _ in read_records(io.BytesIO(data), max_body=1 << 24):
            pass
        taken.append(time.process_time() - start)
    return min(taken)


@pytest.mark.timed
@pytest.mark.parametrize("name", MADE)
@pytest.mark.slow
def test_time_grows_no_faster_than_the_file(name: str) -> None:
    small, large = seconds(MADE[name](100_000)), seconds(MADE[name](400_000))
    assert large < 0.05 or large < 8 * small, f"{small:.3f} s, and {large:.3f} s for four times as much"
    assert large < 2.0


MEASURED = """
import resource, sys
from soupstate.model.archive.records import Tally, read_records
list(read_records(sys.argv[1], max_body=1 << 20))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
tally = Tally()
for record in read_records(sys.argv[2], tally=tally, max_body=1 << 20):
    del record
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def bomb(size: int) -> bytes:
    """Zeros of this size in a few kilobytes of gzip per megabyte."""
    return gzip.compress(bytes(size), 9, mtime=0)


@pytest.mark.parametrize(
    "made",
    [
        lambda: gzip.compress(response(HTTP + b"\r\n<p>" + bytes(64_000_000), 64_000_000), 1, mtime=0),
        lambda: response(HTTP + b"Content-Encoding: gzip\r\n\r\n" + bomb(64_000_000)),
        lambda: response(HTTP + b"Content-Encoding: gzip, gzip, gzip\r\n\r\n" + gzip.compress(gzip.compress(
            bomb(64_000_000), mtime=0), mtime=0)),
        lambda: gzip.compress(HEAD + b"X: " + bytes(64_000_000), 1, mtime=0),
        lambda: gzip.compress(bytes(64_000_000), 1, mtime=0) * 2,
        lambda: lzma.compress(response(HTTP + b"\r\n<p>" + bytes(64_000_000)), preset=0),
    ],
    ids=["member", "body", "body thrice", "header", "zeros", "xz"],
)  # fmt: skip
@pytest.mark.slow
def test_a_bomb_takes_little_memory(made: Callable[[], bytes], tmp_path: Path) -> None:
    good, bad = tmp_path / "good.warc.gz", tmp_path / "bad.warc.gz"
    good.write_bytes(record(page(1).encode()))
    bad.write_bytes(made())
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", MEASURED, str(good), str(bad)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    kilobytes = int(done.stdout) // (1024 if sys.platform == "darwin" else 1)
    assert kilobytes < 30_000, f"{kilobytes} kB"
