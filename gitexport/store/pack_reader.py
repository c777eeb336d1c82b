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
from collections.abc import Callable, Iterable, Iterator, Mapping
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
_CONTINUED = 1 << 7
_CONTINUED_BLOB = _CONTINUED | _BLOB << 4
_FAR = 1 << 31
# zlib's bound of what deflating adds, with room for other writers, up to 2 KB and beyond.
_SMALL_MARGIN = 264
_SMALL_END = _SMALL_MARGIN + 2
# To list an object costs an eighth of looking for it, and 120 bytes.
_OBJECTS_PER_READ = 4
_LISTED = 500_000
_number = struct.Struct(">I").unpack_from


class BlobReader:
    """Reads blobs of one repository; one thread may use it at a time.

    Packs that are replaced meanwhile stay readable, since their files stay mapped.
    """

    def __init__(self, repository: DataRepository, expected: int = 0) -> None:
        """Opens the large packs, `expected` blobs are to be read."""
        self._read_any = repository.read_blob
        self._packs = _large_packs(repository.objects / "pack", expected)

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

    def read_all(self, blob_ids: Iterable[bytes]) -> Iterator[bytes]:
        """Streams the contents of blobs, each as `read` gives it."""
        first = self._packs[0] if self._packs else None
        if first is None or first.listed is None:
            return map(self.read, blob_ids)
        return first.read_listed(first.listed, blob_ids, self.read)


class _Pack:
    """One pack and its index, mapped into memory."""

    def __init__(self, index: mmap.mmap, pack: mmap.mmap, expected: int) -> None:
        self._index = index
        self._pack = pack
        self._view = memoryview(pack)
        counts = _FANOUT.unpack_from(index, len(_HEADER))
        self._starts = (0, *counts)
        self._end = _NAMES + counts[-1] * _ID_BYTES
        self._offsets = self._end + counts[-1] * 4
        # Nearly all ids stand within two standard deviations of their expected place.
        self._around = isqrt(counts[-1] // 256) + 2
        is_worth_it = counts[-1] < min(expected * _OBJECTS_PER_READ, _LISTED)
        self.listed = self._places() if is_worth_it else None

    def read(self, blob_id: bytes) -> bytes | None:
        """Gives the content of a blob that the pack holds whole, None for all others."""
        at = self._find(blob_id) if self.listed is None else self.listed.get(blob_id, _FAR)
        return None if at >= _FAR else self._inflated(at)

    def read_listed(
        self,
        listed: Mapping[bytes, int],
        blob_ids: Iterable[bytes],
        read_any: Callable[[bytes], bytes],
    ) -> Iterator[bytes]:
        """Streams the contents of blobs; calls would cost a third of what it takes."""
        pack, view, find = self._pack, self._view, listed.get
        for blob_id in blob_ids:
            at = find(blob_id, _FAR)
            content = None
            if at < _FAR:
                byte, following = pack[at], pack[at + 1]
                if byte & 0xF0 == _CONTINUED_BLOB and following < _CONTINUED:
                    size = byte & 15 | following << 4
                    content = inflate(view[at + 2 : at + size + _SMALL_END], size)
                else:
                    content = self._inflated(at)
            yield read_any(blob_id) if content is None else content

    def _places(self) -> dict[bytes, int]:
        """Reads the whole index: a third of the cost, if most of its objects are looked for."""
        count = (self._end - _NAMES) // _ID_BYTES
        names = struct.Struct(f"{_ID_BYTES}s" * count).unpack_from(self._index, _NAMES)
        offsets = struct.Struct(f">{count}I").unpack_from(self._index, self._offsets)
        return dict(zip(names, offsets, strict=True))

    def _find(self, blob_id: bytes) -> int:
        """Looks for an object's offset, `_FAR` or more where it is not or stands elsewhere."""
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
                return _FAR
        found: int = _number(self._index, self._offsets + 4 * place)[0]
        return found

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
        most = size + (size >> 8) + _SMALL_MARGIN
        return inflate(self._view[at + 1 : at + 1 + most], size)


def _large_packs(directory: Path, expected: int) -> list[_Pack]:
    sizes = {path: path.stat().st_size for path in directory.glob("pack-*.idx")}
    large = [path for path, size in sizes.items() if size > _MANY_OBJECTS * _BYTES_PER_OBJECT]
    largest = sorted(large, key=sizes.__getitem__, reverse=True)[:_PACKS]
    packs = (_open(path, expected) for path in largest)
    return [pack for pack in packs if pack is not None]


def _open(path: Path, expected: int) -> _Pack | None:
    """Maps a pack; None where it is gone or of a form that is not read here."""
    try:
        with path.open("rb") as index, path.with_suffix(".pack").open("rb") as pack:
            maps = [mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) for file in (index, pack)]
    except (OSError, ValueError):
        return None
    if maps[0][: len(_HEADER)] != _HEADER:
        return None
    return _Pack(maps[0], maps[1], expected)
