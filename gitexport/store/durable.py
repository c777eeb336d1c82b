"""Writes small files so that a crash leaves the old content or the new one, never a part."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from gitexport.store.git_errors import machine_error


def write_durably(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Replaces a file by renaming a synced one over it, and syncs the directory.

    Raises:
        MachineError: The machine refused; the old content is still there.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        try:
            _write_synced(temporary, content, mode)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_directory(path.parent)
    except OSError as error:
        raise machine_error(error, path) from error


def sync_directory(path: Path) -> None:
    """Makes the names in a directory durable.

    Raises:
        OSError: The directory cannot be opened or synced.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_synced(path: Path, content: bytes, mode: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with open(os.open(path, flags, mode), "wb") as stream:  # noqa: PTH123 - a descriptor
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
