"""Splits an archive file into members: one per record in a gzip file that is compressed by record, else one."""

from __future__ import annotations

import lzma
import re
import zlib
from collections import Counter
from typing import Protocol

from soupstate.model.archive.status import Status

READ_BYTES = 64 * 1024
GZIP = b"\x1f\x8b\x08"
XZ = b"\xfd7zXZ\x00"
XZ_MEMORY = 256 * 1024 * 1024  # xz -9 needs 65 MiB; a header may demand 4 GiB
MEMBER = re.compile(rb"\x1f\x8b\x08[\x00-\x1f]")  # the upper flags are reserved (RFC 1952, 2.3.1)
PEEK_BYTES = 1024  # bytes of a member within which its first record must begin
RECORD_STARTS = (b"WARC/", b"http", b"filedesc:", b"dns:")


class Readable(Protocol):
    """A file that can be read. Pipes and request bodies will do, as nothing seeks."""

    def read(self, size: int, /) -> bytes: ...


class _Counted:
    """A file that counts the bytes read, and can give its first bytes again."""

    def __init__(self, file: Readable) -> None:
        self._file = file
        self._again = b""
        self.count = 0

    def read(self, size: int, /) -> bytes:
        if self._again:
            data, self._again = self._again[:size], self._again[size:]
        else:
            data = self._file.read(size)
        self.count += len(data)
        return data

    def head(self, size: int) -> bytes:
        """Returns the first bytes, which `read` returns again."""
        while len(self._again) < size and (more := self._file.read(size - len(self._again))):
            self._again += more
        return self._again


class Members:
    """The members of a file. `next_member` starts one and returns whether there is one; `read` returns b"" at its end.

    A broken gzip member ends early. The next one starts at the next place that decompresses to the beginning of a
    record. `faults` counts such losses. Uncompressed and xz files are one member. Whatever the file holds, only a few
    blocks of it are in memory. offset: where the member starts in the file. consumed: bytes of the file that were read.
    """

    def __init__(self, file: Readable, faults: Counter[str]) -> None:
        self._file = _Counted(file)
        head = self._file.head(len(XZ))
        self.packed = head.startswith(GZIP[:2])
        self.offset = 0
        self._faults = faults
        self._rest = b""
        self._inflate = zlib.decompressobj(31)
        self._ended = True
        self._whole: Readable | None = None
        if not self.packed:
            self._whole = _Xz(self._file) if head == XZ else self._file
        self._begun = False

    @property
    def consumed(self) -> int:
        return self._file.count

    def next_member(self) -> bool:
        while self.read(READ_BYTES):
            pass
        if not self.packed:
            if self._begun:
                return False
            self._begun, self._ended = True, False
            return True
        while len(self._rest) < len(GZIP) and (more := self._file.read(READ_BYTES)):
            self._rest = (self._rest + more).lstrip(b"\x00")
        if not self._rest.startswith(GZIP):
            if self._rest:
                self._faults[Status.NO_GZIP] += 1
            self._seek_record()
        self.offset = self._file.count - len(self._rest)
        self._inflate = zlib.decompressobj(31)
        self._ended = not self._rest
        return bool(self._rest)

    def read(self, size: int, /) -> bytes:
        if self._ended:
            return b""
        if self._whole is not None:
            return self._read_whole(self._whole, size)
        while not self._inflate.eof:
            data = self._rest or self._file.read(READ_BYTES)
            try:
                unpacked = self._inflate.decompress(data, size)
            except zlib.error:
                self._rest = data[1:]
                return self._fail(Status.BROKEN_GZIP)
            eof = self._inflate.eof
            self._rest = self._inflate.unused_data if eof else self._inflate.unconsumed_tail
            if unpacked:
                return unpacked
            if not data and not eof:
                return self._fail(Status.TRUNCATED_GZIP)
        self._ended = True
        self._rest = self._rest.lstrip(b"\x00")
        return b""

    def _read_whole(self, file: Readable, size: int) -> bytes:
        try:
            return file.read(size)
        except (lzma.LZMAError, EOFError):
            return self._fail(Status.BROKEN_XZ)

    def _fail(self, fault: str) -> bytes:
        self._faults[fault] += 1
        self._ended = True
        if self.packed and self._rest:
            self._seek_record()
        return b""

    def _seek_record(self) -> None:
        """Drops bytes up to a gzip member that begins with a record, or all bytes when there is none."""
        while True:
            more = self._file.read(READ_BYTES)
            self._rest += more
            known = len(self._rest) - PEEK_BYTES if more else len(self._rest)
            for found in MEMBER.finditer(self._rest):
                at = found.start()
                if at > known:
                    break
                if _begins_record(self._rest[at : at + PEEK_BYTES]):
                    self._rest = self._rest[at:]
                    return
            self._rest = self._rest[max(0, known) :] if more else b""
            if not more:
                return


def _begins_record(packed: bytes) -> bool:
    try:
        return zlib.decompressobj(31).decompress(packed, 16).startswith(RECORD_STARTS)
    except zlib.error:
        return False


class _Xz:
    """The decompressed bytes of an xz file. Raises EOFError when it is cut off, LZMAError when it is broken."""

    def __init__(self, file: Readable) -> None:
        self._file = file
        self._unpack: lzma.LZMADecompressor | None = None
        self._rest = b""

    def read(self, size: int, /) -> bytes:
        while True:
            if self._unpack is None:
                while not self._rest and (more := self._file.read(READ_BYTES)):
                    self._rest = more.lstrip(b"\x00")  # between streams
                if not self._rest:
                    return b""
                self._unpack = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY)
            data = b""
            if self._unpack.needs_input:
                data, self._rest = self._rest or self._file.read(READ_BYTES), b""
                if not data:
                    raise EOFError
            unpacked = self._unpack.decompress(data, size)
            if self._unpack.eof:
                self._rest, self._unpack = self._unpack.unused_data.lstrip(b"\x00"), None
            if unpacked:
                return unpacked
