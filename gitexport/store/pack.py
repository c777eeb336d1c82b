"""Packs of our own: every new object of a run in one pack, written without deltas.

A run writes its objects into fragments, one for each process and step. `assemble` joins them
into one pack and writes its index; `install` brings both into the object database in an
order that survives a crash and the maintenance that people run beside us:

1. pack and index are complete and synced under a directory that git does not know,
2. `pack-X.keep` is created, so that neither `git repack -ad` nor `git gc --prune=now` drops
   objects that no ref reaches yet,
3. the pack is renamed into place, then the index, then the directory is synced.

The keep file goes once a ref reaches the objects.

Source: Documentation/gitformat-pack.txt of git (pack version 2, index version 2).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha1
from itertools import pairwise
from pathlib import Path
from zlib import compress, crc32

from gitexport.errors import CorruptRepositoryError

PACK_HEADER = struct.Struct(">4sII")
_ENTRY = struct.Struct(">20sIQB")
_COPY_BYTES = 1 << 20
_LARGE_OFFSET = 1 << 31
_ID_BYTES = 20


class ObjectKind(IntEnum):
    """The object types, as packs number them."""

    COMMIT = 1
    TREE = 2
    BLOB = 3
    TAG = 4


_NAMES = {
    ObjectKind.COMMIT: b"commit",
    ObjectKind.TREE: b"tree",
    ObjectKind.BLOB: b"blob",
    ObjectKind.TAG: b"tag",
}


def object_id(kind: ObjectKind, data: bytes) -> bytes:
    """Gives the 20-byte id of an object."""
    return sha1(b"%s %d\0" % (_NAMES[kind], len(data)) + data, usedforsecurity=False).digest()


@dataclass(frozen=True, slots=True)
class Fragment:
    """A finished part of a pack: its file, and its entries sorted by object id."""

    path: Path
    count: int
    entries: bytes


@dataclass(frozen=True, slots=True)
class SealedPack:
    """A complete, synced pack and index that the object database does not hold yet."""

    name: str
    pack: Path
    index: Path
    count: int


class FragmentWriter:
    """Writes objects one after the other into one file. Not shared between processes.

    `number` tells the fragments of one pack apart (0 to 255).
    """

    def __init__(self, path: Path, number: int, *, level: int = 1) -> None:
        self._path = path
        self._number = number
        self._level = level
        self._entries: list[bytes] = []
        self._offset = PACK_HEADER.size
        self._file = path.open("wb", buffering=_COPY_BYTES)
        self._file.write(bytes(PACK_HEADER.size))

    def add(self, kind: ObjectKind, data: bytes) -> bytes:
        """Writes an object and gives its id."""
        name = object_id(kind, data)
        self.add_known(kind, name, data)
        return name

    def add_known(self, kind: ObjectKind, name: bytes, data: bytes) -> None:
        """Writes an object whose id is known already."""
        size = len(data)
        head = (kind << 4) | (size & 15)
        size >>= 4
        header = bytearray()
        while size:
            header.append(head | 0x80)
            head = size & 0x7F
            size >>= 7
        header.append(head)
        body = bytes(header) + compress(data, self._level)
        self._file.write(body)
        self._entries.append(_ENTRY.pack(name, crc32(body), self._offset, self._number))
        self._offset += len(body)

    def close(self) -> Fragment:
        """Ends the file and gives what `assemble` needs."""
        self._file.close()
        self._entries.sort()
        return Fragment(self._path, len(self._entries), b"".join(self._entries))

    def abandon(self) -> None:
        """Ends the file without a use for it; safe at any time."""
        self._file.close()
        self._path.unlink(missing_ok=True)


def assemble(fragments: Sequence[Fragment], directory: Path) -> SealedPack:
    """Joins fragments into one synced pack and index under `directory`.

    The first fragment's file becomes the pack, so a small run copies nothing. An object that
    stands in several fragments is kept once.
    """
    target = fragments[0].path
    bases = _append_bodies(target, fragments)
    entries = [record for fragment in fragments for record in _records(fragment.entries)]
    entries.sort()
    located = [_locate(record, bases) for record in entries]
    del entries
    if any(first[0] == second[0] for first, second in pairwise(located)):
        target, located = _without_duplicates(target, located)
    trailer = _seal(target, len(located))
    name = f"pack-{trailer.hex()}"
    pack = directory / f"{name}.pack"
    target.rename(pack)
    index = directory / f"{name}.idx"
    _write_index(index, located, trailer)
    for path in (pack, index):
        path.chmod(0o444)
    return SealedPack(name, pack, index, len(located))


def install(sealed: SealedPack, objects: Path) -> Path:
    """Brings a sealed pack into an object database; gives its keep file.

    `objects` is the `objects` directory. The keep file must exist until a ref reaches the
    objects, and its caller removes it.
    """
    directory = objects / "pack"
    directory.mkdir(exist_ok=True)
    keep = directory / f"{sealed.name}.keep"
    with keep.open("w") as file:
        file.write("gitexport: until a ref reaches these objects\n")
        file.flush()
        os.fsync(file.fileno())
    sealed.pack.rename(directory / sealed.pack.name)
    sealed.index.rename(directory / sealed.index.name)
    sync_directory(directory)
    return keep


def uninstall(sealed: SealedPack, objects: Path) -> None:
    """Removes an installed pack that no ref will reach."""
    directory = objects / "pack"
    for suffix in ("idx", "pack", "keep"):
        (directory / f"{sealed.name}.{suffix}").unlink(missing_ok=True)


def verify_installed(sealed: SealedPack, objects: Path) -> None:
    """Reads an installed pack and its index back and proves them whole.

    Raises:
        CorruptRepositoryError: Either is missing, or its bytes are not those written.
    """
    directory = objects / "pack"
    for name in (sealed.pack.name, sealed.index.name):
        path = directory / name
        try:
            digest, trailer = _hash_file(path)
        except OSError as error:
            message = f"pack '{name}' vanished while it was written"
            raise CorruptRepositoryError(message, where=str(path)) from error
        if digest != trailer:
            message = f"pack '{name}' does not read back as it was written"
            hint = "check the disk; run gitexport export again"
            raise CorruptRepositoryError(message, where=str(path), hint=hint)


def sync_directory(directory: Path) -> None:
    """Makes renames within a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


_Located = tuple[bytes, int, int]
"""An object's id, the CRC of its packed bytes, and its offset in the pack."""


def _records(entries: bytes) -> Iterable[bytes]:
    size = _ENTRY.size
    return (entries[at : at + size] for at in range(0, len(entries), size))


def _locate(record: bytes, bases: dict[int, int]) -> _Located:
    name, crc, offset, number = _ENTRY.unpack(record)
    return name, crc, offset + bases[number]


def _append_bodies(target: Path, fragments: Sequence[Fragment]) -> dict[int, int]:
    bases: dict[int, int] = {}
    with target.open("r+b") as out:
        end = out.seek(0, os.SEEK_END)
        for position, fragment in enumerate(fragments):
            number = fragment.entries[_ENTRY.size - 1] if fragment.count else -1
            if position == 0:
                bases[number] = 0
                continue
            bases[number] = end - PACK_HEADER.size
            with fragment.path.open("rb") as part:
                part.seek(PACK_HEADER.size)
                while block := part.read(_COPY_BYTES):
                    end += out.write(block)
            fragment.path.unlink()
    return bases


def _without_duplicates(target: Path, located: list[_Located]) -> tuple[Path, list[_Located]]:
    """Copies a pack without the second and later copies of objects."""
    by_offset = sorted(located, key=lambda entry: entry[2])
    ends = [entry[2] for entry in by_offset[1:]] + [target.stat().st_size]
    copy = target.with_suffix(".once")
    kept: list[_Located] = []
    seen: set[bytes] = set()
    with target.open("rb") as source, copy.open("wb") as out:
        position = out.write(bytes(PACK_HEADER.size))
        for (name, crc, offset), end in zip(by_offset, ends, strict=True):
            if name in seen:
                continue
            seen.add(name)
            source.seek(offset)
            kept.append((name, crc, position))
            position += out.write(source.read(end - offset))
    target.unlink()
    kept.sort()
    return copy, kept


def _seal(target: Path, count: int) -> bytes:
    digest = sha1(usedforsecurity=False)
    with target.open("r+b") as file:
        file.write(PACK_HEADER.pack(b"PACK", 2, count))
        file.seek(0)
        while block := file.read(_COPY_BYTES):
            digest.update(block)
        file.write(digest.digest())
        file.flush()
        os.fsync(file.fileno())
    return digest.digest()


def _write_index(path: Path, located: Sequence[_Located], trailer: bytes) -> None:
    fanout = [0] * 256
    for name, _crc, _offset in located:
        fanout[name[0]] += 1
    total = 0
    for value, count in enumerate(fanout):
        total += count
        fanout[value] = total
    large = [offset for _name, _crc, offset in located if offset >= _LARGE_OFFSET]
    places = {offset: position for position, offset in enumerate(large)}
    parts = [
        b"\377tOc" + struct.pack(">I", 2),
        struct.pack(">256I", *fanout),
        b"".join(entry[0] for entry in located),
        struct.pack(f">{len(located)}I", *(entry[1] for entry in located)),
        struct.pack(
            f">{len(located)}I",
            *(
                offset if offset < _LARGE_OFFSET else _LARGE_OFFSET | places[offset]
                for _name, _crc, offset in located
            ),
        ),
        struct.pack(f">{len(large)}Q", *large),
        trailer,
    ]
    digest = sha1(usedforsecurity=False)
    with path.open("wb") as file:
        for part in parts:
            digest.update(part)
            file.write(part)
        file.write(digest.digest())
        file.flush()
        os.fsync(file.fileno())


def _hash_file(path: Path) -> tuple[bytes, bytes]:
    digest = sha1(usedforsecurity=False)
    with path.open("rb") as file:
        left = os.fstat(file.fileno()).st_size - _ID_BYTES
        while left > 0 and (block := file.read(min(_COPY_BYTES, left))):
            digest.update(block)
            left -= len(block)
        return digest.digest(), file.read()
