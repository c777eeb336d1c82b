"""Writes the tar of an archive and compresses it, with the digest of both on the way."""

from __future__ import annotations

import hashlib
import struct
import zlib
from typing import IO, NamedTuple, Protocol

from gitexport.transfer.tar_format import Member, format_header, padding, trailer_size

LEVEL = 6
# No name, no time, no operating system: RFC 1952, section 2.3.
_HEADER = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
_COPY = 1 << 20


class Output(Protocol):
    """Takes bytes."""

    def write(self, data: bytes, /) -> object:
        """Takes all of them."""


class Written(NamedTuple):
    """Sizes in bytes and SHA-256 of the file, and of the tar inside of it."""

    members: int
    size_bytes: int
    sha256: str
    unpacked_bytes: int
    tar_sha256: str


class ArchiveWriter:
    """Adds members below one directory, all of the same time."""

    def __init__(self, output: Output, directory: str, mtime: int) -> None:
        self._output = output
        self._directory = directory
        self._mtime = max(0, mtime)
        self._deflate = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        self._digest = hashlib.sha256()
        self._tar_digest = hashlib.sha256()
        self._crc = 0
        self._members = self._size = self._tar_size = 0
        self._emit(_HEADER)

    def add(self, path: str, content: bytes) -> None:
        """Adds a member."""
        self._begin(path, len(content))
        self._write(content + bytes(padding(len(content))))

    def copy(self, path: str, content: IO[bytes], size: int) -> None:
        """Adds a member from a file, a piece at a time."""
        self._begin(path, size)
        while piece := content.read(_COPY):
            self._write(piece)
        self._write(bytes(padding(size)))

    def finish(self) -> Written:
        """Ends the archive; nothing can be added any more."""
        self._write(bytes(trailer_size(self._tar_size)))
        self._emit(self._deflate.flush())
        self._emit(struct.pack("<LL", self._crc, self._tar_size & 0xFFFFFFFF))
        return Written(
            self._members,
            self._size,
            self._digest.hexdigest(),
            self._tar_size,
            self._tar_digest.hexdigest(),
        )

    def _begin(self, path: str, size: int) -> None:
        self._members += 1
        self._write(format_header(Member(f"{self._directory}/{path}", size, self._mtime)))

    def _write(self, plain: bytes) -> None:
        self._tar_digest.update(plain)
        self._tar_size += len(plain)
        self._crc = zlib.crc32(plain, self._crc)
        self._emit(self._deflate.compress(plain))

    def _emit(self, data: bytes) -> None:
        if data:
            self._digest.update(data)
            self._size += len(data)
            self._output.write(data)
