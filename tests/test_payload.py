"""Bodies of responses: chunks and content encodings, hostile ones too."""

import gzip
import io
import time
import zlib

import brotli
import pytest
from warcio.statusandheaders import StatusAndHeaders

from soupstate.model.archive.payload import BadPayload, payload

PAGE = b"<p>" + b"words and words " * 500
BOMB = b"<p>" + bytes(50_000_000)


def quick(body: bytes) -> bytes:
    return brotli.compress(body, quality=1)


def unpacked(body: bytes, limit: int = 1_000_000, **headers: str) -> bytes:
    http = StatusAndHeaders("200 OK", [(name.replace("_", "-"), value) for name, value in headers.items()])
    return payload(io.BytesIO(body), http, limit)


@pytest.mark.parametrize(("name", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("br", quick)])
def test_a_bomb_is_unpacked_no_further_than_the_limit(name: str, pack) -> None:  # type: ignore[no-untyped-def]
    assert 1000 < len(unpacked(pack(BOMB), 1000, Content_Encoding=name)) <= 1_000_000
    assert unpacked(pack(PAGE), Content_Encoding=name) == PAGE


@pytest.mark.timed
def test_a_body_of_many_gzip_members_takes_no_longer() -> None:
    empty = gzip.compress(b"")
    start = time.process_time()
    assert unpacked(empty * 200_000 + gzip.compress(PAGE), 9_000_000, Content_Encoding="gzip") == PAGE
    assert time.process_time() - start < 10


def test_chunks() -> None:
    assert unpacked(b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n", Transfer_Encoding="chunked") == b"abcde"
    # what is no chunk is the body, from there on
    assert unpacked(b"<p>abc", Transfer_Encoding="chunked") == b"<p>abc"
    assert unpacked(b"3\r\nabc\r\n-5\r\nde", Transfer_Encoding="chunked") == b"abc-5\r\nde"
    assert unpacked(b"ffffffffff\r\nabc", Transfer_Encoding="chunked") == b"abc"
    assert unpacked(b"fffffff\r\n" + bytes(9999), 500, Transfer_Encoding="chunked") == bytes(501)


@pytest.mark.parametrize(
    ("encodings", "reason"),
    [("zstd", "zstd"), ("no such", "content encoding"), (",".join(["gzip"] * 9), "content encoding"), ("br", "broken")],
)
def test_what_cannot_be_unpacked(encodings: str, reason: str) -> None:
    with pytest.raises(BadPayload, match=reason):
        unpacked(b"\x01\x02\x03" * 9, Content_Encoding=encodings)
