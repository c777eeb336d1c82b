"""Walks the directories of a working tree in path order without ever following a link.

Every step opens one name relative to the directory above it, so that a symbolic link that
somebody put in the way is noticed, never followed, and cannot be swapped in meanwhile.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import NamedTuple

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class ObstructedError(Exception):
    """Something that is no directory stands where a directory must be."""


class MissingFrom(NamedTuple):
    """The deepest existing directory above a path, and the names that do not exist below it."""

    descriptor: int
    depth: int
    names: list[bytes]


class _Level:
    """One open directory; `is_thinned` once something in it was removed."""

    __slots__ = ("descriptor", "is_thinned", "name")

    def __init__(self, name: bytes, descriptor: int) -> None:
        self.name = name
        self.descriptor = descriptor
        self.is_thinned = False


class OpenDirectories:
    """The directory that a walk stands in, and all above it, as open descriptors.

    Paths are relative to the root, in bytes, without a leading or trailing slash. Entering
    directories in sorted order opens each one once. A directory from which something was
    removed is itself removed when the walk leaves it, provided it is empty; the root never.
    With `clears_way`, a link or a file that stands where a directory must be is removed; what
    lies behind a link stays.
    """

    def __init__(self, root: Path, *, clears_way: bool = False) -> None:
        self._clears_way = clears_way
        self._levels = [_Level(b"", os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))]
        self._current: bytes | None = b""

    def enter(self, directory: bytes) -> int | MissingFrom:
        """Moves to a directory; gives its descriptor, or what is missing on the way.

        Raises:
            ObstructedError: A link or a file stands in the way.
            OSError: A directory cannot be opened.
        """
        if directory == self._current:
            return self._levels[-1].descriptor
        self._current = None
        names = directory.split(b"/") if directory else []
        self._leave_to(self._shared_depth(names))
        for depth in range(len(self._levels) - 1, len(names)):
            if not self._descend(names[depth]):
                return MissingFrom(self._levels[-1].descriptor, depth, names[depth:])
        self._current = directory
        return self._levels[-1].descriptor

    def make(self, directory: bytes) -> int:
        """Moves to a directory and makes what is missing on the way.

        Raises:
            ObstructedError: A link or a file stands in the way.
            OSError: A directory cannot be made or opened.
        """
        found = self.enter(directory)
        while not isinstance(found, int):
            os.mkdir(found.names[0], 0o777, dir_fd=found.descriptor)
            found = self.enter(directory)
        return found

    def thin(self) -> None:
        """Notes that something was removed from the directory that the walk stands in."""
        self._levels[-1].is_thinned = True

    def close(self) -> None:
        """Leaves all directories; safe to call twice."""
        if self._levels:
            self._leave_to(0)
            os.close(self._levels.pop().descriptor)

    def _shared_depth(self, names: list[bytes]) -> int:
        depth = 0
        for level, name in zip(self._levels[1:], names, strict=False):
            if level.name != name:
                break
            depth += 1
        return depth

    def _descend(self, name: bytes) -> bool:
        above = self._levels[-1].descriptor
        try:
            descriptor = os.open(name, _FLAGS, dir_fd=above)
        except FileNotFoundError:
            return False
        except OSError as error:
            # O_DIRECTORY with O_NOFOLLOW says ENOTDIR for a link, ELOOP on some systems.
            if error.errno in (errno.ENOTDIR, errno.ELOOP):
                if self._clears_way:
                    os.unlink(name, dir_fd=above)
                    return False
                raise ObstructedError(os.fsdecode(name)) from error
            raise
        self._levels.append(_Level(name, descriptor))
        return True

    def _leave_to(self, depth: int) -> None:
        while len(self._levels) > depth + 1:
            level = self._levels.pop()
            os.close(level.descriptor)
            if level.is_thinned and _removed(level.name, self._levels[-1].descriptor):
                self._levels[-1].is_thinned = True


def _removed(name: bytes, above: int) -> bool:
    try:
        os.rmdir(name, dir_fd=above)
    except OSError:
        # Not empty, or not ours to remove: it stays.
        return False
    return True
