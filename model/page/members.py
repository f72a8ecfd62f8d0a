"""An archive file as members: one per record where it is packed record by record, else one."""

from __future__ import annotations

import lzma
import zlib
from collections import Counter
from typing import IO, Protocol, cast

BLOCK = 64 * 1024
GZIP = b"\x1f\x8b\x08"
XZ = b"\xfd7zXZ\x00"
RECORD_STARTS = (b"WARC/", b"http", b"filedesc:", b"dns:")


class Readable(Protocol):
    """What is asked of a file: pipes and request bodies will do, nothing seeks."""

    def read(self, size: int, /) -> bytes: ...


class _Prefixed:
    """A file whose first bytes were read already."""

    def __init__(self, prefix: bytes, file: Readable) -> None:
        self._prefix = prefix
        self._file = file

    def read(self, size: int = -1, /) -> bytes:
        if not self._prefix:
            return self._file.read(size)
        size = len(self._prefix) if size < 0 else size
        data, self._prefix = self._prefix[:size], self._prefix[size:]
        return data


class Members:
    """`next_member()` starts one and says whether there was one; `read` gives b"" at its end.

    A broken gzip member ends early, and the next one starts at the next place that unpacks to
    the beginning of a record; `faults` counts such losses. Plain and xz files are one member.
    """

    def __init__(self, file: Readable, faults: Counter[str]) -> None:
        head = file.read(len(XZ))
        while len(head) < len(XZ) and (more := file.read(len(XZ) - len(head))):
            head += more
        self._faults = faults
        self._gzip = head.startswith(GZIP[:2])
        self._rest = head if self._gzip else b""
        self._file = file
        self._inflate = zlib.decompressobj(31)
        self._ended = True
        self._whole: Readable | None = None
        if head == XZ:
            packed = cast("IO[bytes]", _Prefixed(head, file))
            self._whole = lzma.LZMAFile(packed)  # noqa: SIM115 (the file is the caller's)
        elif not self._gzip:
            self._whole = _Prefixed(head, file)

    def next_member(self) -> bool:
        while self.read(BLOCK):
            pass
        if not self._gzip:
            if self._whole is None:
                return False
            self._file, self._whole, self._ended = self._whole, None, False
            return True
        while len(self._rest) < len(GZIP) and (more := self._file.read(BLOCK)):
            self._rest = (self._rest + more).lstrip(b"\x00")
        if not self._rest.startswith(GZIP):
            if self._rest:
                self._faults["no gzip"] += 1
            self._seek_record()
        self._inflate = zlib.decompressobj(31)
        self._ended = not self._rest
        return bool(self._rest)

    def read(self, size: int, /) -> bytes:
        if self._ended:
            return b""
        if not self._gzip:
            return self._read_whole(size)
        while not self._inflate.eof:
            data = self._rest or self._file.read(BLOCK)
            try:
                unpacked = self._inflate.decompress(data, size)
            except zlib.error:
                self._rest = data[1:]
                return self._fail("broken gzip")
            eof = self._inflate.eof
            self._rest = self._inflate.unused_data if eof else self._inflate.unconsumed_tail
            if unpacked:
                return unpacked
            if not data and not eof:
                return self._fail("truncated gzip")
        self._ended = True
        self._rest = self._rest.lstrip(b"\x00")
        return b""

    def _read_whole(self, size: int) -> bytes:
        try:
            return self._file.read(size)
        except (lzma.LZMAError, EOFError):
            return self._fail("broken xz")

    def _fail(self, fault: str) -> bytes:
        self._faults[fault] += 1
        self._ended = True
        if self._gzip and self._rest:
            self._seek_record()
        return b""

    def _seek_record(self) -> None:
        """Drop bytes until a gzip member begins that holds a record; all, where none does."""
        while True:
            at = self._rest.find(GZIP)
            if at < 0:
                self._rest = self._rest[-2:]
            else:
                self._rest = self._rest[at:]
            more = self._file.read(BLOCK)
            self._rest += more
            if at >= 0 and _begins_record(self._rest):
                return
            if at >= 0:
                self._rest = self._rest[1:]
            elif not more:
                self._rest = b""
                return


def _begins_record(packed: bytes) -> bool:
    try:
        return zlib.decompressobj(31).decompress(packed, 16).startswith(RECORD_STARTS)
    except zlib.error:
        return False
