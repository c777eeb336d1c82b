"""Writes the files of a first export where they can be renamed into the working tree.

A stage lies beside the repository's own files, on the file system of the working tree in the
usual case, so that whole directories move by one rename.
"""

from __future__ import annotations

import os
from pathlib import Path

from gitexport.store.git_errors import machine_error
from gitexport.store.stat_data import pack_stat, settled_times

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class StageWriter:
    """Writes new files under `root`; one writer per process, many processes per stage.

    Nothing is synced: the files are made from objects that are, and a lost stage is made
    again. Directories are made on demand and remembered.
    """

    def __init__(self, root: Path) -> None:
        self._root = os.fsencode(root) + b"/"
        self._made: set[bytes] = set()

    def write(self, directory: bytes, name: bytes, data: bytes) -> bytes:
        """Writes a file and gives its stat data as the git index keeps it.

        The stat data stays true when a directory above the file is renamed.

        Raises:
            MachineError: The disk is full, the file exists, or the machine refused otherwise.
        """
        target = self._root + directory
        try:
            if directory not in self._made:
                os.makedirs(target, exist_ok=True)  # noqa: PTH103 - the path is bytes
                self._made.add(directory)
            handle = os.open(target + b"/" + name, _FLAGS, 0o666)
            try:
                _write_all(handle, data)
                os.utime(handle, ns=settled_times())
                return pack_stat(os.fstat(handle))
            finally:
                os.close(handle)
        except OSError as error:
            raise machine_error(error, os.fsdecode(target + b"/" + name)) from error


def _write_all(handle: int, data: bytes) -> None:
    written = os.write(handle, data)
    if written == len(data):
        return
    # The kernel writes at most 2 GiB at once, and less where the disk is nearly full.
    rest = memoryview(data)[written:]
    while rest:
        rest = rest[os.write(handle, rest) :]
