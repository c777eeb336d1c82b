"""The words of an index update: what shall be in the index, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class IndexEdit(NamedTuple):
    """One path of the index and the blob it shall hold, None to remove it.

    `stat` is the file's stat data, None where git shall look for itself. An entry that holds
    another blob than `blob` and those of `replaces` is a staged change that exists nowhere
    else: it is left alone. `replaces` None overwrites whatever is there. Edits come sorted by
    path, each path once.
    """

    path: bytes
    blob: bytes | None
    stat: bytes | None = None
    replaces: tuple[bytes, ...] | None = None

    def may_replace(self, held: bytes) -> bool:
        """Tells whether an entry that holds a blob may be replaced."""
        return self.replaces is None or held == self.blob or held in self.replaces


KEPT_LIMIT = 1000
"""How many names of kept paths are remembered."""


class KeptPaths:
    """Counts paths and remembers the first of them, so that memory stays flat.

    A path that is added twice in a row counts once: an edited file may have been staged, too.
    """

    def __init__(self) -> None:
        self.names: list[bytes] = []
        self.count = 0
        self._last: bytes | None = None

    def add(self, path: bytes) -> None:
        """Counts a path."""
        if path == self._last:
            return
        self._last = path
        self.count += 1
        if len(self.names) < KEPT_LIMIT:
            self.names.append(path)


@dataclass(slots=True)
class IndexResult:
    """What came of an update.

    `kept` are the paths whose staged content was left alone. `stale` says why the index was
    not written, None when it was.
    """

    kept: KeptPaths = field(default_factory=KeptPaths)
    stale: str | None = None


LOCKED = "index.lock is held: another git command runs here, or one was killed"
MEND_INDEX = "run 'gitexport doctor --repair', which makes the index anew and keeps the files"


class IndexLockedError(Exception):
    """Another process holds `index.lock`; nothing was touched."""


class DamagedIndexError(Exception):
    """The index is not what its header says; `git fsck` tells more."""
