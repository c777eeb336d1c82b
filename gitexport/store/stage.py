"""Writes files where they can be renamed into the working tree.

A stage lies beside the repository's own files, on the file system of the working tree in the
usual case. Files of a directory that the working tree does not have stand in one of the same
name, so that whole directories move by one rename. All others stand side by side: directories
that are made only to be removed cost more than the files in them.
"""

from __future__ import annotations

import os
from hashlib import sha1
from pathlib import Path

from gitexport.store.git_errors import machine_error
from gitexport.store.stat_data import pack_stat, settled_times

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class StageWriter:
    """Writes new files under `root`; one writer per process, many processes per stage.

    Nothing is synced: the files are made from objects that are, and a lost stage is made
    again. Directories are made on demand and remembered.
    """

    def __init__(self, root: Path, worktree: Path | None = None) -> None:
        self._root = os.fsencode(root) + b"/"
        self._worktree = None if worktree is None else os.fsencode(worktree) + b"/"
        self._is_new: dict[bytes, bool] = {}

    def write(self, directory: bytes, name: bytes, data: bytes) -> bytes:
        """Writes a file and gives its stat data as the git index keeps it.

        The stat data stays true when a directory above the file is renamed.

        Raises:
            MachineError: The disk is full, the file exists, or the machine refused otherwise.
        """
        target = self._root + directory + b"/" + name
        try:
            is_new = self._is_new.get(directory)
            if is_new is None:
                is_new = self._is_new[directory] = self._prepare(directory)
            if not is_new:
                target = single_file(self._root, directory + b"/" + name)
            handle = os.open(target, _FLAGS, 0o666)
            try:
                _write_all(handle, data)
                os.utime(handle, ns=settled_times())
                return pack_stat(os.fstat(handle))
            finally:
                os.close(handle)
        except OSError as error:
            raise machine_error(error, os.fsdecode(target)) from error

    def _prepare(self, directory: bytes) -> bool:
        """Makes the place of a directory's files; tells whether it is one of their own."""
        is_new = self._worktree is None or not os.path.isdir(self._worktree + directory)  # noqa: PTH112 - bytes
        place = self._root + directory if is_new else _singles(self._root)
        os.makedirs(place, exist_ok=True)  # noqa: PTH103 - the path is bytes
        return is_new


def holds_singles(root: Path) -> bool:
    """Tells whether a stage has files that stand side by side."""
    return Path(os.fsdecode(_singles(os.fsencode(root) + b"/"))).is_dir()


def single_file(root: bytes, path: bytes) -> bytes:
    """Gives the place of a file that stands beside others; `root` ends with a slash."""
    # Paths are longer than names may be.
    return _singles(root) + b"/" + sha1(path, usedforsecurity=False).hexdigest().encode()


def _singles(root: bytes) -> bytes:
    return root[:-1] + b".single"


def _write_all(handle: int, data: bytes) -> None:
    written = os.write(handle, data)
    if written == len(data):
        return
    # The kernel writes at most 2 GiB at once, and less where the disk is nearly full.
    rest = memoryview(data)[written:]
    while rest:
        rest = rest[os.write(handle, rest) :]
