"""Reads many blobs out of large packs, at half of what a look into the whole object database costs.

Only whole objects of packs with many of them are read here, which is what a first export, an
import or a repack leaves behind. Whatever else there is, deltas and loose objects among it,
is the object database's. A blob's bytes are proved by the checksum of their stream, as git
proves them when it reads.

Source: Documentation/gitformat-pack.txt of git (pack version 2, index version 2).
"""

from __future__ import annotations

import mmap
import struct
from math import isqrt
from pathlib import Path

from gitexport.store.deflate import inflate
from gitexport.store.repository import DataRepository

_MANY_OBJECTS = 1_000
_PACKS = 4
_HEADER = b"\xfftOc\0\0\0\2"
_FANOUT = struct.Struct(">256I")
_NAMES = len(_HEADER) + _FANOUT.size
_ID_BYTES = 20
_TRAILER_BYTES = 40
_BYTES_PER_OBJECT = 28
_BLOB = 3
_FAR = 1 << 31
_number = struct.Struct(">I").unpack_from


class BlobReader:
    """Reads blobs of one repository; one thread may use it at a time.

    Packs that are replaced meanwhile stay readable, since their files stay mapped.
    """

    def __init__(self, repository: DataRepository) -> None:
        self._read_any = repository.read_blob
        self._packs = _large_packs(repository.objects / "pack")

    def read(self, blob_id: bytes) -> bytes:
        """Gives the content of a blob.

        Raises:
            CorruptRepositoryError: It is missing or damaged, or no blob.
        """
        for pack in self._packs:
            content = pack.read(blob_id)
            if content is not None:
                return content
        return self._read_any(blob_id)


class _Pack:
    """One pack and its index, mapped into memory."""

    def __init__(self, index: mmap.mmap, pack: mmap.mmap) -> None:
        self._index = index
        self._pack = pack
        self._view = memoryview(pack)
        counts = _FANOUT.unpack_from(index, len(_HEADER))
        self._starts = (0, *counts)
        self._end = _NAMES + counts[-1] * _ID_BYTES
        self._offsets = self._end + counts[-1] * 4
        # Nearly all ids stand within two standard deviations of their expected place.
        self._around = isqrt(counts[-1] // 256) + 2

    def read(self, blob_id: bytes) -> bytes | None:
        """Gives the content of a blob that the pack holds whole, None for all others."""
        # First around the place that the id has where ids are spread evenly, as they are.
        low, high = self._starts[blob_id[0]], self._starts[blob_id[0] + 1]
        middle = low + ((high - low) * int.from_bytes(blob_id[1:5], "big") >> 32)
        start = max(low, middle - self._around)
        at = self._index.find(
            blob_id, _NAMES + start * _ID_BYTES, _NAMES + (middle + self._around) * _ID_BYTES
        )
        place, rest = divmod(at - _NAMES, _ID_BYTES)
        if at < 0 or rest or at >= self._end:
            place = self._search(blob_id, low, high)
            if place < 0:
                return None
        (at,) = _number(self._index, self._offsets + 4 * place)
        return None if at >= _FAR else self._inflated(at)

    def _search(self, blob_id: bytes, low: int, high: int) -> int:
        """Finds an id among some that begin with the same byte; -1 where it is not."""
        at = _NAMES + low * _ID_BYTES - 1
        while (at := self._index.find(blob_id, at + 1, _NAMES + high * _ID_BYTES)) >= 0:
            if (at - _NAMES) % _ID_BYTES == 0:
                return (at - _NAMES) // _ID_BYTES
        return -1

    def _inflated(self, at: int) -> bytes | None:
        byte = self._pack[at]
        if byte >> 4 & 7 != _BLOB:
            return None
        size, shift = byte & 15, 4
        while byte & 128:
            at += 1
            byte = self._pack[at]
            size |= (byte & 127) << shift
            shift += 7
        # zlib's bound of what deflating that many bytes gives, with room for other writers.
        most = size + (size >> 8) + 256
        return inflate(self._view[at + 1 : at + 1 + most], size)


def _large_packs(directory: Path) -> list[_Pack]:
    sizes = {path: path.stat().st_size for path in directory.glob("pack-*.idx")}
    large = [path for path, size in sizes.items() if size > _MANY_OBJECTS * _BYTES_PER_OBJECT]
    packs = (_open(path) for path in sorted(large, key=sizes.__getitem__, reverse=True)[:_PACKS])
    return [pack for pack in packs if pack is not None]


def _open(path: Path) -> _Pack | None:
    """Maps a pack; None where it is gone or of a form that is not read here."""
    try:
        with path.open("rb") as index, path.with_suffix(".pack").open("rb") as pack:
            maps = [mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) for file in (index, pack)]
    except (OSError, ValueError):
        return None
    if maps[0][: len(_HEADER)] != _HEADER:
        return None
    return _Pack(*maps)
