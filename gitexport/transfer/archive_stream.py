"""An archive's tar bytes, decompressed on the way and never past the limits."""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass

_GZIP = 31
_READ = 1 << 17
_WRITTEN = 1 << 18


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """What an archive may ask of the machine that reads it.

    Sizes are in bytes, decompressed. `ratio` is how many times larger than the file an archive
    may become, once it is larger than `any_ratio`.
    """

    members: int = 50_000_000
    member_size: int = 100_000_000
    description_size: int = 16_000_000
    descriptions: int = 100_000
    total: int = 2 * 1024**4
    ratio: int = 250
    any_ratio: int = 1 << 28


class ArchiveStream:
    """Reads on from the start of a gzip file; several streams may share one descriptor.

    `position` counts decompressed bytes.
    """

    def __init__(self, descriptor: int, limits: ArchiveLimits) -> None:
        self.position = 0
        self._descriptor = descriptor
        self._limits = limits
        self._size = os.fstat(descriptor).st_size
        self._at = 0
        self._inflate = zlib.decompressobj(_GZIP)
        self._buffer = b""
        self._start = 0

    def read(self, size: int) -> bytes:
        """Gives exactly so many bytes.

        Raises:
            ValueError: The file ends earlier, is damaged, or is over a limit.
        """
        pieces = []
        left = size
        while left:
            piece = self._take(left)
            pieces.append(piece)
            left -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def skip(self, size: int) -> None:
        """Passes over so many bytes, holding few of them at a time.

        Raises:
            ValueError: As for `read`.
        """
        while size:
            size -= len(self._take(size))

    def read_line(self, limit: int) -> bytes:
        """Gives the next line with its end.

        Raises:
            ValueError: As for `read`, or the line is longer than `limit`.
        """
        found = self._buffer.find(b"\n", self._start) + 1
        if 0 < found <= self._start + limit:
            return self._take(found - self._start)
        line = b""
        while not line.endswith(b"\n"):
            if self._start == len(self._buffer):
                self._fill()
            found = self._buffer.find(b"\n", self._start)
            end = found + 1 if found >= 0 else len(self._buffer)
            if len(line) + end - self._start > limit:
                message = "a line of its index is too long"
                raise ValueError(message)
            line += self._take(end - self._start)
        return line

    def expect_end(self) -> None:
        """Makes sure that nothing follows.

        Raises:
            ValueError: Something does, or the file is damaged.
        """
        if self._start < len(self._buffer) or self._more():
            message = "something follows the last member"
            raise ValueError(message)
        if not self._inflate.eof:
            message = "the file ends too early"
            raise ValueError(message)
        if self._inflate.unused_data or self._at < self._size:
            message = "something follows the compressed data"
            raise ValueError(message)

    def _take(self, size: int) -> bytes:
        if self._start == len(self._buffer):
            self._fill()
        piece = self._buffer[self._start : self._start + size]
        self._start += len(piece)
        self.position += len(piece)
        return piece

    def _fill(self) -> None:
        if not self._more():
            message = "the file ends too early"
            raise ValueError(message)

    def _more(self) -> bool:
        """Decompresses the next bytes, and tells whether there were any."""
        while not self._inflate.eof:
            raw = self._inflate.unconsumed_tail
            if not raw:
                raw = os.pread(self._descriptor, _READ, self._at)
                self._at += len(raw)
            try:
                plain = self._inflate.decompress(raw, _WRITTEN)
            except zlib.error as error:
                message = "the compressed data is damaged, or this is no gzip file"
                raise ValueError(message) from error
            if plain:
                self._buffer, self._start = plain, 0
                self._check(self.position + len(plain))
                return True
            if not raw:
                return False
        return False

    def _check(self, total: int) -> None:
        if total > self._limits.total:
            message = f"it holds more than {self._limits.total:,} bytes"
            raise ValueError(message)
        if total > self._limits.any_ratio and total > self._limits.ratio * self._size:
            message = f"it unpacks to more than {self._limits.ratio} times its size"
            raise ValueError(message)
