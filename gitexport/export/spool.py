"""What the steps of an export hand to each other: compact records, in memory or in files.

A run over a million rows must not hold a Python object for each. Records therefore stay
packed bytes: edits by directory, acknowledgements in the order of reading, file changes in
the order of the git index.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import BinaryIO, NamedTuple

from gitexport.model.ports import Acknowledgement
from gitexport.store.changes import FileChange

STAT_BYTES = 40
ID_BYTES = 20
_NO_STAT = bytes(STAT_BYTES)
_NO_ID = bytes(ID_BYTES)
_FLUSH_BYTES = 1 << 18


class EditKind(IntEnum):
    """What reading a row, a key or a tombstone says about one file of a directory."""

    ADDED = 1
    MODIFIED = 2
    KEPT = 3
    LIVING = 4
    DELETED = 5


class Edit(NamedTuple):
    """One record of a directory's edits; ids and sizes only for added and modified files."""

    kind: EditKind
    name: bytes
    blob: bytes
    size: int
    stat: bytes | None


_HEAD = struct.Struct(">BH")
_FILE = struct.Struct(">20sQ40s")
_BLOCK = struct.Struct(">HI")
_CHANGE = struct.Struct(">H20s20s40s")


class EditSpool:
    """Collects the edits of directories. Kept in memory: about 80 bytes for each row."""

    def __init__(self) -> None:
        self._blocks: dict[bytes, bytearray] = {}

    def write_file(  # noqa: PLR0913, PLR0917 - the record's fields, on the hottest path
        self,
        directory: bytes,
        name: bytes,
        kind: EditKind,
        blob: bytes,
        size: int,
        stat: bytes | None,
    ) -> None:
        """Records that a file is new or has new content."""
        block = self._blocks.get(directory)
        if block is None:
            block = self._blocks[directory] = bytearray()
        block += _HEAD.pack(kind, len(name)) + name + _FILE.pack(blob, size, stat or _NO_STAT)

    def write_name(self, directory: bytes, name: bytes, kind: EditKind) -> None:
        """Records that a file stays, or goes."""
        block = self._blocks.get(directory)
        if block is None:
            block = self._blocks[directory] = bytearray()
        block += _HEAD.pack(kind, len(name)) + name

    def directories(self) -> list[bytes]:
        """Lists the directories that have edits, sorted."""
        return sorted(self._blocks)

    def blocks(self) -> Iterator[tuple[bytes, bytes]]:
        """Yields directories and their packed edits, sorted by directory."""
        for directory in self.directories():
            yield directory, bytes(self._blocks[directory])

    def save(self, path: Path) -> None:
        """Writes all blocks to a file, for `load_blocks`."""
        with path.open("wb", buffering=_FLUSH_BYTES) as file:
            for directory in self.directories():
                block = self._blocks.pop(directory)
                file.write(_BLOCK.pack(len(directory), len(block)) + directory)
                file.write(block)


def load_blocks(path: Path, low: bytes, high: bytes | None) -> Iterator[tuple[bytes, bytes]]:
    """Yields the saved blocks of the directories from `low` up to but without `high`."""
    with path.open("rb", buffering=_FLUSH_BYTES) as file:
        while head := file.read(_BLOCK.size):
            name_length, length = _BLOCK.unpack(head)
            directory = file.read(name_length)
            if high is not None and directory >= high:
                return
            if directory < low:
                file.seek(length, io.SEEK_CUR)
                continue
            yield directory, file.read(length)


def parse_edits(block: bytes) -> Iterator[Edit]:
    """Reads the packed edits of one directory, in the order they were recorded."""
    at = 0
    end = len(block)
    while at < end:
        number, length = _HEAD.unpack_from(block, at)
        at += _HEAD.size
        name = block[at : at + length]
        at += length
        if number <= EditKind.MODIFIED:
            blob, size, stat = _FILE.unpack_from(block, at)
            at += _FILE.size
            yield Edit(EditKind(number), name, blob, size, None if stat == _NO_STAT else stat)
        else:
            yield Edit(EditKind(number), name, _NO_ID, 0, None)


AddedFile = tuple[bytes, bytes, int, bytes]
"""Name, blob id, size, and stat data as a change keeps it."""


def added_files(block: bytes) -> list[AddedFile] | None:
    """Reads the packed edits of one directory, None where not all of them are added files."""
    files = []
    at, end = 0, len(block)
    head, rest = _HEAD.unpack_from, _FILE.unpack_from
    while at < end:
        number, length = head(block, at)
        if number != EditKind.ADDED:
            return None
        start = at + _HEAD.size
        at = start + length
        blob, size, stat = rest(block, at)
        files.append((block[start:at], blob, size, stat))
        at += _FILE.size
    return files


class AcknowledgementSpool:
    """Keeps row versions for later, in a file or in memory.

    The text of a key cannot hold NUL in PostgreSQL, so NUL ends each field.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: BinaryIO = io.BytesIO() if path is None else path.open("wb+")
        self._pending: list[str] = []
        self._width = 0
        self.count = 0

    def write(self, key: Sequence[str], version: str) -> None:
        """Appends one row version."""
        self._width = len(key) + 1
        self.count += 1
        self._pending.extend(key)
        self._pending.append(version)
        if len(self._pending) > _FLUSH_BYTES // 16:
            self._flush()

    def finish(self) -> SavedAcknowledgements:
        """Ends the writing."""
        self._flush()
        if self._path is None:
            data = self._file.getvalue() if isinstance(self._file, io.BytesIO) else b""
            return SavedAcknowledgements(self.count, self._width, None, data)
        self._file.close()
        return SavedAcknowledgements(self.count, self._width, self._path, b"")

    def abandon(self) -> None:
        """Ends the writing without a use for it."""
        self._file.close()

    def _flush(self) -> None:
        if self._pending:
            text = "\0".join(self._pending) + "\0"
            self._file.write(text.encode())
            self._pending.clear()


@dataclass(frozen=True, slots=True)
class SavedAcknowledgements:
    """Row versions at rest; `width` is the number of key columns plus one."""

    count: int
    width: int
    path: Path | None
    data: bytes

    def batches(self, size: int) -> Iterator[list[Acknowledgement]]:
        """Yields the row versions in batches of at most `size`."""
        batch: list[Acknowledgement] = []
        fields: list[str] = []
        for field in self._texts():
            fields.append(field)
            if len(fields) == self.width:
                batch.append(Acknowledgement(tuple(fields[:-1]), fields[-1]))
                fields = []
                if len(batch) == size:
                    yield batch
                    batch = []
        if batch:
            yield batch

    def _texts(self) -> Iterator[str]:
        file: BinaryIO = io.BytesIO(self.data) if self.path is None else self.path.open("rb")
        with file:
            rest = b""
            while chunk := file.read(_FLUSH_BYTES):
                *whole, rest = (rest + chunk).split(b"\0")
                for field in whole:
                    yield field.decode()


class ChangeSpool:
    """Keeps file changes in the order they are written, in a file or in memory."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._buffer = bytearray()
        self._file: BinaryIO | None = None if path is None else path.open("wb")
        self.count = 0

    def write(self, change: FileChange) -> None:
        """Appends one change."""
        self.count += 1
        self._buffer += _CHANGE.pack(
            len(change.path), change.old or _NO_ID, change.new or _NO_ID, change.stat or _NO_STAT
        )
        self._buffer += change.path
        self._flush()

    def write_added(self, directory: bytes, files: Sequence[AddedFile]) -> None:
        """Appends the changes of a directory that is new."""
        self.count += len(files)
        length = len(directory) + 1
        self._buffer += b"".join(
            [
                b"%b%b/%b" % (_CHANGE.pack(length + len(name), _NO_ID, blob, stat), directory, name)
                for name, blob, _size, stat in files
            ]
        )
        self._flush()

    def finish(self) -> SavedChanges:
        """Ends the writing."""
        if self._file is None:
            return SavedChanges(self.count, None, bytes(self._buffer))
        self._file.write(self._buffer)
        self._file.close()
        return SavedChanges(self.count, self._path, b"")

    def abandon(self) -> None:
        """Ends the writing without a use for it."""
        if self._file is not None:
            self._file.close()

    def _flush(self) -> None:
        if self._file is not None and len(self._buffer) > _FLUSH_BYTES:
            self._file.write(self._buffer)
            self._buffer.clear()


@dataclass(frozen=True, slots=True)
class SavedChanges:
    """File changes at rest."""

    count: int
    path: Path | None
    data: bytes

    def __iter__(self) -> Iterator[FileChange]:
        """Yields the changes in the order they were written."""
        file: BinaryIO
        file = io.BytesIO(self.data) if self.path is None else self.path.open("rb", _FLUSH_BYTES)
        with file:
            while head := file.read(_CHANGE.size):
                length, old, new, stat = _CHANGE.unpack(head)
                yield FileChange(
                    file.read(length),
                    None if old == _NO_ID else old,
                    None if new == _NO_ID else new,
                    None if stat == _NO_STAT else stat,
                )
