"""The compressed file: a header that says what it takes to read it, the coded bytes, and a checksum.

All numbers are little-endian. `docs/compression.md` lists the fields. CRC-32 is that of zlib (RFC 1952, 8).
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from zlib import crc32

from soupstate.kernels.backends import Packed
from soupstate.model.compression.coding import Progress, decode, encode

MAGIC, VERSION = b"Soup", 1
HEADER = struct.Struct("<4sB10s8sIQI")  # the fields of Header, after the magic and the version
CHECKSUM = struct.Struct("<I")  # of everything before it, at the end
LEAST = HEADER.size + CHECKSUM.size
STORED = "stored"  # in the place of a backend: the content follows as it is, because its coded bytes are not fewer
WEIGHTS_BYTES = 8  # of the SHA-256 of the file of weights
# Coded to tell builds apart that compute other numbers. A change in the last bit of any odds changes the coded bytes.
PROBE = b'<!doctype html><p class="a">One <b>two</b></p><p class="b">One <b>three</b>\n' * 4 + bytes(range(256))


@dataclass(frozen=True)
class Header:
    """What a compressed file says of itself. backend: its name, or STORED. weights: the first bytes of their SHA-256.

    probe: CRC-32 of the coded PROBE. length: of the content, in bytes. crc: CRC-32 of the content.
    """

    backend: str
    weights: bytes
    probe: int
    length: int
    crc: int


def compress(packed: Packed, weights: str, content: bytes, done: Progress) -> bytes:
    """Returns the compressed file of `content`. weights: the SHA-256 of the file of weights, in hex.

    Raises ValueError for the reference backend: numpy computes its sums in another order on another machine, and for
    one byte than for many.
    """
    if packed.backend == "reference":
        raise ValueError("backend 'reference': its numbers depend on the machine; a compiled backend is needed")
    name, coded = packed.backend, encode(packed, content, done)
    if len(coded) >= len(content):
        name, coded = STORED, content
    fields = (_key(weights), _probe(packed), len(content), crc32(content))
    body = HEADER.pack(MAGIC, VERSION, name.encode(), *fields) + coded
    return body + CHECKSUM.pack(crc32(body))


def read_header(data: bytes) -> Header:
    """Returns the header of a compressed file.

    Raises ValueError for other files, for another version of the format, and for a file that is truncated or damaged.
    """
    if data[: len(MAGIC)] != MAGIC[: len(data)] or not data:
        raise ValueError("this is no file that soupstate compress wrote")
    if data[len(MAGIC) : len(MAGIC) + 1] not in (b"", bytes([VERSION])):
        raise ValueError(f"format {data[len(MAGIC)]}, this version reads format {VERSION}")
    if len(data) < LEAST or CHECKSUM.unpack(data[-CHECKSUM.size :])[0] != crc32(data[: -CHECKSUM.size]):
        raise ValueError("the file is truncated or damaged: its checksum is wrong")
    _, _, name, weights, probe, length, crc = HEADER.unpack_from(data)
    return Header(name.rstrip(b"\0").decode("ascii", "replace"), weights, probe, length, crc)


def decompress(pack: Callable[[str], Packed], weights: str, data: bytes, done: Progress) -> bytes:
    """Returns the content of a compressed file. pack: returns the packed weights for the backend of that name.

    Raises ValueError as `read_header` does, for other weights, for a backend that cannot run here or computes other
    numbers than where the file was compressed, and for content whose checksum is wrong.
    """
    header, coded = read_header(data), data[HEADER.size : -CHECKSUM.size]
    content = coded if header.backend == STORED else _decoded(pack, weights, header, coded, done)
    if len(content) != header.length or crc32(content) != header.crc:
        raise ValueError("the content came out wrong: its checksum differs")
    return content


def _decoded(pack: Callable[[str], Packed], weights: str, header: Header, coded: bytes, done: Progress) -> bytes:
    """Returns the content of coded bytes. Raises ValueError as `decompress` does."""
    if header.weights != _key(weights):
        theirs, ours = header.weights.hex(), _key(weights).hex()
        raise ValueError(
            f"compressed with other weights: their SHA-256 begins with {theirs}, that of these with {ours}"
        )
    try:
        packed = pack(header.backend)
    except ValueError as error:
        raise ValueError(f"compressed with a backend that is not here: {error}") from None
    if _probe(packed) != header.probe:
        raise ValueError(f"backend {header.backend!r} computes other numbers in this build than where it compressed")
    return decode(packed, coded, header.length, done)


def _key(weights: str) -> bytes:
    return bytes.fromhex(weights)[:WEIGHTS_BYTES]


def _probe(packed: Packed) -> int:
    return crc32(encode(packed, PROBE, lambda more: None))
