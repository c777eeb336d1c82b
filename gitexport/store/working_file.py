"""One file of a working tree: what it holds, and how it is replaced without being torn.

A file is named by the descriptor of its directory and its name; nothing here follows links.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from gitexport.store.stat_data import settled_times

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_CHUNK = 1 << 20


class FileKind(Enum):
    """What stands at a path."""

    ABSENT = "absent"
    FILE = "file"
    DIRECTORY = "directory"
    OTHER = "other"


class FileState(NamedTuple):
    """What stands at a path; `blob` is the id of a file's bytes, None where they are unread."""

    kind: FileKind
    blob: bytes | None = None
    found: os.stat_result | None = None


def file_state(directory: int, name: bytes) -> FileState:
    """Looks at a file and hashes its bytes as git does.

    A file that changes while it is read, or that may not be read, has no blob.

    Raises:
        OSError: The directory cannot be searched.
    """
    try:
        found = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return FileState(FileKind.ABSENT)
    if stat.S_ISDIR(found.st_mode):
        return FileState(FileKind.DIRECTORY, None, found)
    if not stat.S_ISREG(found.st_mode):
        return FileState(FileKind.OTHER, None, found)
    return FileState(FileKind.FILE, _hash(directory, name, found), found)


def is_unchanged(directory: int, name: bytes, seen: FileState) -> bool:
    """Tells whether a path is still as it was seen, judged by its stat data alone."""
    try:
        now = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return seen.kind is FileKind.ABSENT
    return seen.found is not None and _identity(now) == _identity(seen.found)


def write_spare(spare: Path, data: bytes) -> None:
    """Writes a new file that will be renamed to its place; what was at `spare` goes.

    Raises:
        OSError: The file cannot be written.
    """
    spare.unlink(missing_ok=True)
    handle = os.open(spare, _WRITE, 0o666)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(handle, rest) :]
        os.utime(handle, ns=settled_times())
    finally:
        os.close(handle)


def move_into_place(source: Path | bytes, directory: int, name: bytes) -> None:
    """Renames a finished file over a path, by way of a copy where file systems differ.

    Readers see the old file or the new one, never a part.

    Raises:
        OSError: The source is missing, or the directory refuses.
    """
    try:
        os.rename(source, name, dst_dir_fd=directory)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy_into_place(source, directory, name)
        os.unlink(source)  # noqa: PTH108 - may be bytes


def _copy_into_place(source: Path | bytes, directory: int, name: bytes) -> None:
    beside = b".gitexport-%d.tmp" % os.getpid()
    handle = os.open(beside, _WRITE, 0o666, dir_fd=directory)
    try:
        with open(source, "rb") as reader, os.fdopen(handle, "wb") as writer:  # noqa: PTH123 - may be bytes
            shutil.copyfileobj(reader, writer, _CHUNK)
            writer.flush()
            os.utime(writer.fileno(), ns=settled_times())
        os.rename(beside, name, src_dir_fd=directory, dst_dir_fd=directory)
    except OSError:
        os.unlink(beside, dir_fd=directory)
        raise


def _hash(directory: int, name: bytes, found: os.stat_result) -> bytes | None:
    try:
        handle = os.open(name, _READ, dir_fd=directory)
    except OSError:
        return None
    try:
        digest = hashlib.sha1(b"blob %d\0" % found.st_size, usedforsecurity=False)
        size = 0
        while chunk := os.read(handle, _CHUNK):
            size += len(chunk)
            digest.update(chunk)
        settled = _identity(os.fstat(handle)) == _identity(found) and size == found.st_size
        return digest.digest() if settled else None
    finally:
        os.close(handle)


def _identity(found: os.stat_result) -> tuple[int, ...]:
    return (found.st_mode, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns,
            found.st_ctime_ns)  # fmt: skip
