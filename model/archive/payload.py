"""Reads the body of an HTTP response in an archive, and undoes its transfer and content encoding, within a limit."""

from __future__ import annotations

import re
import zlib
from typing import Any

from soupstate.model.archive.status import Status, unknown_encoding

try:
    import brotli
except ImportError:
    brotli = None

INFLATE_BYTES = 4096
CHUNK_LINE = 1024
MARKUP_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*+<")
GZIP = b"\x1f\x8b"
MOST_ENCODINGS = 5  # applied one after another


class BadPayload(ValueError):
    """The body cannot be decompressed. The message is the reason that is counted."""


def payload(stream: Any, http: Any, max_body: int) -> bytes:
    """Returns the body of the response with these headers; None for headers means that it is not HTTP.

    A body longer than `max_body` bytes is cut off somewhere beyond that. Crawlers may decompress a body and keep its
    header, so a body without chunks, or with markup already, is left as it is. Raises BadPayload.
    """
    if http and "chunked" in (http.get_header("Transfer-Encoding") or "").lower():
        body = _dechunk(stream, max_body)
    else:
        body = stream.read(max_body + 1)
    encodings = (http.get_header("Content-Encoding") or "").lower().split(",") if http else []
    if len(encodings) > MOST_ENCODINGS:
        raise BadPayload(Status.CONTENT_ENCODING)
    for encoding in reversed(encodings):
        if body and len(body) <= max_body:
            body = _unpack(body, encoding.strip(), max_body)
    return body


def _dechunk(stream: Any, max_body: int) -> bytes:
    """Undoes chunks (RFC 9112, section 7.1). From the first fault on, the rest is left as it is."""
    body = bytearray()
    while len(body) <= max_body:
        line = stream.readline(CHUNK_LINE)
        try:
            size = int(line.partition(b";")[0], 16) if line.endswith(b"\r\n") else -1
        except ValueError:
            size = -1
        if size == 0:
            break
        if size > 0:
            body += stream.read(min(size, max_body + 1 - len(body)))
            if len(body) > max_body or stream.readline(2) == b"\r\n":
                continue
            line = b""
        body += line + stream.read(max_body + 1 - len(body))
        break
    return bytes(body)


def _unpack(body: bytes, encoding: str, max_body: int) -> bytes:
    if encoding in ("", "identity", "none", "utf-8") or MARKUP_START.match(body):
        return body
    if encoding in ("gzip", "x-gzip") and body.startswith(GZIP):
        return _inflate(body, 31, max_body)
    if encoding in ("gzip", "x-gzip"):
        return body
    if encoding == "deflate":
        try:
            return _inflate(body, 15, max_body)
        except BadPayload:
            return _inflate(body, -15, max_body)
    if encoding == "br" and brotli is not None:
        return _unpack_brotli(body, max_body)
    raise BadPayload(unknown_encoding(encoding))


def _inflate(body: bytes, wbits: int, max_body: int) -> bytes:
    """Decompresses block by block, so that many small members cost no more than one large one."""
    unpacked = bytearray()
    inflate = zlib.decompressobj(wbits)
    at = 0
    while at < len(body) and len(unpacked) <= max_body:
        block = body[at : at + INFLATE_BYTES]
        try:
            unpacked += inflate.decompress(block, max_body + 1 - len(unpacked))
        except zlib.error:
            raise BadPayload(Status.BROKEN_BODY) from None
        at += len(block) - len(inflate.unused_data)
        if inflate.eof:
            if not body.startswith(GZIP, at):  # bytes after the members are ignored
                return bytes(unpacked)
            inflate = zlib.decompressobj(wbits)
    if len(unpacked) <= max_body:
        raise BadPayload(Status.BROKEN_BODY)
    return bytes(unpacked)


def _unpack_brotli(body: bytes, max_body: int) -> bytes:
    """Decompresses with a limit on each step's output, as a few hundred bytes may decompress to a gigabyte."""
    decompressor = brotli.Decompressor()
    try:
        unpacked = bytearray(decompressor.process(body, output_buffer_limit=max_body + 1))
        while len(unpacked) <= max_body and not decompressor.is_finished():
            more = decompressor.process(b"", output_buffer_limit=max_body + 1)
            if not more:
                raise BadPayload(Status.BROKEN_BODY)
            unpacked += more
    except brotli.error:
        raise BadPayload(Status.BROKEN_BODY) from None
    return bytes(unpacked)
