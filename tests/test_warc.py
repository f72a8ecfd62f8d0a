"""Pages out of archives that are whole, and out of archives that are not."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import lzma
import random
import time
import tracemalloc
import zlib
from collections import Counter
from pathlib import Path

import brotli
import pytest
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from soupstate.model.archive.records import Tally, WarcPage, WarcRecord, read_pages, read_records

DATE = "2026-03-04T05:06:07Z"


def page(number: int) -> str:
    dice = random.Random(number)
    words = " ".join(str(dice.random()) for _ in range(50))
    return f"<html>\r\n<title>Page {number}</title><p>Grüße {words}</p></html>"


def record(
    body: bytes,
    *,
    number: int = 1,
    compress: bool = True,
    status: str = "200 OK",
    kind: str = "response",
    content_type: str | None = "text/html; charset=utf-8",
    **headers: str,
) -> bytes:
    """One packed WARC record, through warcio's writer."""
    out = io.BytesIO()
    writer = WARCWriter(out, gzip=compress)
    fields = [(name.replace("_", "-"), value) for name, value in headers.items()]
    http = None
    if kind != "resource":
        if content_type:
            fields.insert(0, ("Content-Type", content_type))
        http = StatusAndHeaders(status, fields, protocol="HTTP/1.1")
    made = writer.create_warc_record(
        f"https://site.example/{number}",
        kind,
        payload=io.BytesIO(body),
        length=len(body),
        http_headers=http,
        warc_content_type=(content_type or "") if kind == "resource" else "",
        warc_headers_dict={"WARC-Date": DATE, "WARC-Record-ID": f"<urn:uuid:{number}>"},
    )
    writer.write_record(made)
    return out.getvalue()


def read(data: bytes, **options: int) -> tuple[list[WarcPage], Tally]:
    tally = Tally()
    return list(read_pages(io.BytesIO(data), tally=tally, **options)), tally


@pytest.mark.parametrize("packing", ["plain", "records", "whole", "xz"])
def test_packings(packing: str, tmp_path: Path) -> None:
    data = b"".join(record(page(n).encode(), number=n, compress=packing == "records") for n in range(3))
    data = {"whole": gzip.compress, "xz": lzma.compress}.get(packing, bytes)(data)
    pages, tally = read(data)
    assert [p.html for p in pages] == [page(n) for n in range(3)]
    assert pages[1] == WarcPage(
        url="https://site.example/1", date=DATE, record_id="<urn:uuid:1>", html=page(1),
        charset="utf-8", charset_source="header", http_status=200,
    )  # fmt: skip
    assert tally == Tally(3, Counter(), Counter())
    path = tmp_path / "file"
    path.write_bytes(data)
    assert list(read_pages(path)) == pages


def chunked(body: bytes) -> bytes:
    parts = [body[at : at + 37] for at in range(0, len(body), 37)] + [b""]
    return b"".join(b"%x;ext=1\r\n%s\r\n" % (len(part), part) for part in parts)


def raw_deflate(body: bytes) -> bytes:
    squeeze = zlib.compressobj(wbits=-15)
    return squeeze.compress(body) + squeeze.flush()


@pytest.mark.parametrize("chunks", [False, True])
@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("identity", bytes),
        ("gzip", gzip.compress),
        ("X-GZIP", gzip.compress),
        ("gzip", lambda body: gzip.compress(body[:99]) + gzip.compress(body[99:])),
        ("gzip", bytes),  # the crawler unpacked the body, the header stayed
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
        ("br", brotli.compress),
        ("deflate, gzip", lambda body: gzip.compress(zlib.compress(body))),
    ],
)
def test_bodies(name: str, pack, chunks: bool) -> None:  # type: ignore[no-untyped-def]
    body = pack(page(1).encode())
    if chunks:
        data = record(chunked(body), Content_Encoding=name, Transfer_Encoding="Chunked")
    else:
        data = record(body, Content_Encoding=name)
    pages, tally = read(data)
    assert [p.html for p in pages] == [page(1)]
    assert not tally.skipped


def test_what_is_no_page_is_counted() -> None:
    data = (
        record(b"{}", content_type="application/json")
        + record(page(1).encode(), content_type=None)
        + record(b"plain", content_type=None)
        + record(page(2).encode(), kind="resource", content_type="text/html")
        + record(page(3).encode(), status="404 Not Found")
        + record(b"", status="304 Not Modified", kind="revisit")
        + record(b"\x89PNG\r\n\x1a\n\x00")
        + record(b" \n")
        + record(b"<p>" + bytes(random.Random(7).choices(range(0x80, 0x100), k=4000)))
        + record(b"<p>x</p>" * 1000)
        + record(b"abc", Content_Encoding="zstd")
        + record(zlib.compress(page(1).encode())[:-9], Content_Encoding="deflate")
    )
    pages, tally = read(data, max_body=7000)
    assert [(p.html, p.http_status) for p in pages] == [(page(1), 200), (page(2), None), (page(3), 404)]
    assert tally.other == {
        "response of another type": 1, "response without a type": 1, "revisit": 1,
    }  # fmt: skip
    assert tally.skipped == {
        "binary": 1, "empty": 1, "undecodable": 1, "too large": 1, "content encoding zstd": 1,
        "broken body": 1,
    }  # fmt: skip
    assert tally.report().startswith("3 pages; other records: 1 response of another type, ")


def test_unpacked_size_is_limited() -> None:
    for name, pack in (("gzip", gzip.compress), ("br", brotli.compress)):
        _, tally = read(record(pack(b"<p>" + b" " * 10_000_000), Content_Encoding=name))
        assert not tally.skipped
        _, tally = read(record(pack(b"<p>" + b" " * 10_000_000), Content_Encoding=name), max_body=9_000_000)
        assert tally.skipped == {"too large": 1}


def test_cut_anywhere_never_fatal() -> None:
    for compress in (True, False):
        records = [record(page(n).encode(), number=n, compress=compress) for n in range(3)]
        data = b"".join(records)
        for end in range(0, len(data), 41):
            pages, tally = read(data[:end])
            whole = next(n for n in range(4) if sum(map(len, records[: n + 1])) > end)
            # what follows a record's body may be lost: blank lines, the gzip member's check
            assert len(pages) in (whole, whole + 1)
            assert [p.html for p in pages] == [page(n) for n in range(len(pages))]
            assert tally.skipped.total() <= 2
            if compress and end != sum(map(len, records[:whole])):
                assert tally.skipped


@pytest.mark.parametrize("at", [0, 3, 60, 300, -6])
def test_broken_gzip_costs_its_record_only(at: int) -> None:
    records = [record(page(n).encode(), number=n) for n in range(4)]
    spoilt = bytearray(records[1])
    for step in range(3):
        spoilt[at + step] ^= 0x55
    pages, tally = read(records[0] + bytes(spoilt) + records[2] + records[3])
    assert [p.record_id for p in pages if p.record_id != "<urn:uuid:1>"] == [
        "<urn:uuid:0>", "<urn:uuid:2>", "<urn:uuid:3>",
    ]  # fmt: skip
    if len(pages) == 4:
        assert pages[1].html == page(1)
    assert len(pages) == 4 or tally.skipped


def test_broken_xz() -> None:
    packed = lzma.compress(b"".join(record(page(n).encode(), compress=False) for n in range(400)))
    _, tally = read(packed[: len(packed) // 2])
    assert tally.skipped["broken xz"] == 1
    assert tally.pages > 10


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize(
    "bad",
    [
        b"WARC/1.0\r\nno colon at all\r\n\r\n\r\n\r\n",
        b"WARC/9.9\r\nWARC-Type: response\r\nContent-Length: 2\r\n\r\nab\r\n\r\n",
        b"garbage\r\nmore garbage\r\n\r\n",
        b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: many\r\n\r\nabc\r\n\r\n",
        b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.example/\r\n"
        b"Content-Length: 11\r\n\r\nno HTTP yet\r\n\r\n",
        b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.example/\r\nContent-Length: 0\r\n\r\n\r\n\r\n",
        b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.example/\r\n"
        b"Content-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>a\r\n\r\n",
    ],
)
def test_broken_records_cost_themselves_only(bad: bytes, compress: bool) -> None:
    good = [record(page(n).encode(), number=n, compress=compress) for n in range(2)]
    pages, tally = read(good[0] + (gzip.compress(bad) if compress else bad) + good[1])
    assert [p.html for p in pages] == [page(0), page(1)]
    assert tally.skipped or tally.other


def test_arc_file() -> None:
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + page(1).encode()
    version = b"1 0 InternetArchive\nURL IP-address Archive-date Content-type Archive-length\n\n"
    data = b"filedesc://a.arc 0.0.0.0 20080430204825 text/plain %d\n%s\n" % (len(version), version)
    data += b"http://a.example/x 10.0.0.1 20080430204826 text/html %d\n%s\n" % (len(http), http)
    pages, tally = read(data)
    assert [(p.url, p.date, p.html) for p in pages] == [("http://a.example/x", "2008-04-30T20:48:26Z", page(1))]
    assert tally.other == {"warcinfo": 1}
    assert not tally.skipped


@pytest.mark.parametrize("data", [b"", b"\x1f\x8b", b"no archive\n" * 9, b"\xfd7zXZ\x00"])
def test_files_that_are_no_archives(data: bytes) -> None:
    pages, tally = read(data)
    assert not pages
    assert bool(tally.skipped) is bool(data)


def test_noise_is_never_fatal() -> None:
    clean = b"".join(record(page(n).encode(), compress=n % 2 == 0) for n in range(4))
    for seed in range(60):
        dice = random.Random(seed)
        data = bytearray(clean)
        for _ in range(dice.randint(1, 20)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        assert len(read(bytes(data))[0]) <= 4


def records(data: bytes, **options: int) -> tuple[list[WarcRecord], Tally]:
    tally = Tally()
    return list(read_records(io.BytesIO(data), tally=tally, **options)), tally


def test_records_say_where_they_are_and_why_they_are_no_pages() -> None:
    parts = [
        record(page(0).encode(), number=0),
        record(b"", number=1, kind="request"),
        record(b"{}", number=2, content_type="application/json"),
        record(page(3).encode(), number=3, Content_Language="de"),
    ]
    for data, where in ((parts, [0, 2, 3]), ([gzip.decompress(part) for part in parts], [0, 2, 3])):
        found, tally = records(b"".join(data))
        assert [r.offset for r in found] == [sum(map(len, data[:n])) for n in where]
        assert [r.record_id for r in found] == [f"<urn:uuid:{n}>" for n in where]
        assert [r.reason for r in found] == ["", "not HTML", ""]
        assert [r.page is None for r in found] == [False, True, False]
        body = hashlib.sha1(page(3).encode()).digest()
        assert found[2].digest == "sha1:" + base64.b32encode(body).decode()
        assert found[2].language == "de" and found[1].digest is None
        assert tally.consumed == sum(map(len, data))


def test_large_headers_cost_their_record_only() -> None:
    good = record(page(1).encode(), number=1, compress=False)
    huge = b"WARC/1.0\r\nWARC-Type: response\r\nX: " + b"x" * 10_000_000 + b"\r\nContent-Length: 0\r\n\r\n\r\n\r\n"
    http = record(page(2).encode(), number=2, compress=False, X="y" * 10_000_000)
    found, tally = records(huge + good + http + good)
    assert [r.reason for r in found] == ["", "broken HTTP header", ""]
    assert tally.skipped == {"broken record": 1, "broken HTTP header": 1}


@pytest.mark.parametrize("length", ["-1", "-99999999999999999999", "9" * 5000, "", "1e3"])
def test_lengths_that_are_none(length: str) -> None:
    good = record(page(1).encode(), number=1)
    bad = f"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: {length}\r\n\r\nabc\r\n\r\n".encode()
    found, tally = records(good + gzip.compress(bad) + good)
    assert len(found) >= 2 and tally.pages == 2 and tally.skipped


@pytest.mark.timed
@pytest.mark.parametrize("noise", [b"\x1f\x8b\x08", b"\x1f\x8b\x08\0", b"WARC/1.0\r\n", b"dns:a b 20080430204825 1 "])
def test_repeated_beginnings_take_no_longer(noise: bytes) -> None:
    good = record(page(1).encode(), number=1)
    start = time.process_time()
    _, tally = records(good + noise * (3_000_000 // len(noise)) + good)
    assert tally.pages >= 1 and tally.skipped
    assert time.process_time() - start < 20


def test_the_memory_is_bounded_whatever_the_record() -> None:
    class Endless:
        """A record of 300 MB that is made while it is read, and a page after it."""

        def __init__(self, header: bytes) -> None:
            self.parts = iter([header, *([bytes(1_000_000)] * 300), b"\r\n\r\n", tail])
            self.rest = b""

        def read(self, size: int, /) -> bytes:
            self.rest = self.rest or next(self.parts, b"")
            data, self.rest = self.rest[:size], self.rest[size:]
            return data

    tail = record(page(1).encode(), compress=False)
    http = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n11E1A300\r\n"
    header = "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.example/\r\nContent-Length: %d\r\n\r\n%s"
    tracemalloc.start()
    try:
        endless = Endless((header % (len(http) + 300_000_000, http)).encode())
        found = list(read_records(endless, max_body=1_000_000))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [r.reason for r in found] == ["too large", ""]
    assert peak < 10_000_000


def test_an_xz_file_that_asks_for_too_much_memory() -> None:
    chain = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 30}]
    small = lzma.compress(record(page(1).encode(), compress=False), filters=chain)
    assert read(small)[1].skipped == {"broken xz": 1}
    plain = record(page(1).encode(), compress=False)
    assert read(lzma.compress(plain) + bytes(8) + lzma.compress(plain))[1].pages == 2
