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
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from hashlib import sha1
from pathlib import Path
from zlib import crc32

from gitexport.errors import CorruptRepositoryError
from gitexport.store.deflate import deflate
from gitexport.store.pack_index import (
    ENTRY,
    PACK_HEADER,
    PackedObjects,
    without_duplicates,
    write_index,
)

_COPY_BYTES = 1 << 20
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

    def __init__(self, path: Path, number: int) -> None:
        self._path = path
        self._number = number
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
        body = _object_head(kind, size) + deflate(data)
        self._file.write(body)
        self._entries.append(ENTRY.pack(name, crc32(body), self._offset, self._number))
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
    objects = PackedObjects([fragment.entries for fragment in fragments], bases)
    if objects.duplicates:
        target = without_duplicates(target, objects)
    trailer = _seal(target, len(objects.offsets))
    name = f"pack-{trailer.hex()}"
    pack = directory / f"{name}.pack"
    target.rename(pack)
    index = directory / f"{name}.idx"
    write_index(index, objects, trailer)
    for path in (pack, index):
        path.chmod(0o444)
    return SealedPack(name, pack, index, len(objects.offsets))


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


@lru_cache(1 << 14)
def _object_head(kind: int, size: int) -> bytes:
    """Writes what stands in front of an object: its kind and size in groups of seven bits."""
    head = (kind << 4) | (size & 15)
    size >>= 4
    header = bytearray()
    while size:
        header.append(head | 0x80)
        head = size & 0x7F
        size >>= 7
    header.append(head)
    return bytes(header)


def _append_bodies(target: Path, fragments: Sequence[Fragment]) -> dict[int, int]:
    bases: dict[int, int] = {}
    with target.open("r+b") as out:
        end = out.seek(0, os.SEEK_END)
        for position, fragment in enumerate(fragments):
            number = fragment.entries[ENTRY.size - 1] if fragment.count else -1
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


def _hash_file(path: Path) -> tuple[bytes, bytes]:
    digest = sha1(usedforsecurity=False)
    with path.open("rb") as file:
        left = os.fstat(file.fileno()).st_size - _ID_BYTES
        while left > 0 and (block := file.read(min(_COPY_BYTES, left))):
            digest.update(block)
            left -= len(block)
        return digest.digest(), file.read()
