"""Changes of files between two trees, as the parts of the store hand them to each other."""

from __future__ import annotations

from typing import NamedTuple


class FileChange(NamedTuple):
    """One file that differs between the tree a working tree shows and the tree it shall show.

    `path` is the file's path in the repository. `old` and `new` are 20-byte blob ids, None
    where the file is absent on that side. `stat` holds the ten 32-bit fields that the git
    index keeps of a file (ctime, its nanoseconds, mtime, its nanoseconds, dev, ino, mode,
    uid, gid, size; big-endian) for a file that stands ready under the stage, else None.

    Source: Documentation/gitformat-index.txt of git.
    """

    path: bytes
    old: bytes | None
    new: bytes | None
    stat: bytes | None = None
