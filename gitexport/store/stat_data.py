"""What the git index remembers of a file, so that `git status` need not read the file again.

Ten 32-bit fields, big-endian: ctime, its nanoseconds, mtime, its nanoseconds, dev, ino, mode,
uid, gid, size; each cut to 32 bits as git cuts it.

Source: Documentation/gitformat-index.txt and statinfo.c of git.
"""

from __future__ import annotations

import os
import struct
import time

STAT_SIZE = 40
REGULAR_MODE = 0o100644
SETTLED_NS = 2_000_000_000
"""How far the mtime of a written file lies in the past.

A file whose mtime is not older than the index is "racily clean": git reads it again at every
`git status` (Documentation/technical/racy-git.txt). Two seconds also cover file systems that
keep whole seconds.
"""

_FIELDS = struct.Struct(">10I")
_CUT = 0xFFFFFFFF
_NS = 1_000_000_000

UNKNOWN_STAT = _FIELDS.pack(0, 0, 0, 0, 0, 0, REGULAR_MODE, 0, 0, 0)
"""Stat data that no file has: git reads the file and stores what it finds."""


def pack_stat(found: os.stat_result) -> bytes:
    """Packs the stat data of a regular file; 40 bytes, mode 100644."""
    ctime, ctime_ns = divmod(found.st_ctime_ns, _NS)
    mtime, mtime_ns = divmod(found.st_mtime_ns, _NS)
    return _FIELDS.pack(
        ctime & _CUT,
        ctime_ns,
        mtime & _CUT,
        mtime_ns,
        found.st_dev & _CUT,
        found.st_ino & _CUT,
        REGULAR_MODE,
        found.st_uid & _CUT,
        found.st_gid & _CUT,
        found.st_size & _CUT,
    )


def settled_times() -> tuple[int, int]:
    """Gives the access and modification time, in nanoseconds, for a file written just now."""
    at = time.time_ns() - SETTLED_NS
    return at, at
