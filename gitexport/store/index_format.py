"""Reads a plain index of version 2 where it lies, without parsing all of it.

An entry is 62 bytes (stat data, blob id, flags), the path, and NULs up to a multiple of eight;
entries are sorted by path. They have no fixed size, so a search by halves has to find the next
entry from any offset: `_entry_from` looks for a mode field and takes it for an entry only if
flags, path, padding and the entry behind it fit together.

Everything else than the plain case is refused by `open_plain`: other versions, unknown
extensions, a missing checksum, operations of people in progress.

Source: Documentation/gitformat-index.txt of git.
"""

from __future__ import annotations

import mmap
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from gitexport.store.index_edit import DamagedIndexError

HEADER_SIZE = 12
TRAILER_SIZE = 20
FIXED_SIZE = 62
LONG_NAME = 0xFFF

_SIGNATURE = b"DIRC\0\0\0\2"
_ORDINARY = bytes.fromhex("000081a4")
_MODES = frozenset(map(bytes.fromhex, ("000081a4", "000081ed", "0000a000", "0000e000")))
_MODE_PATTERN = re.compile(rb"\x00\x00(?:\x81\xa4|\x81\xed|\xa0\x00|\xe0\x00)")
_MODE_AT, _ID_AT, _FLAGS_AT = 24, 40, 60
_EXTENDED, _STAGE = 0x40, 0x30
_STEPS_BEFORE_SEARCH = 6
_NEAR = 2048
_BOUNDARY_WINDOW = 1 << 14
_COUNTED_ENTRIES = 4096
_EOIE_SIZE = 32
_NAMES_TRIED = 16
# Kept as it is or invalidated (TREE), kept as it is (REUC), rebuilt by git when it likes.
_KNOWN_EXTENSIONS = frozenset((b"TREE", b"REUC", b"EOIE", b"IEOT"))
_EMPTY = _SIGNATURE + bytes(4) + b"\1" * TRAILER_SIZE


class NotPlainIndexError(Exception):
    """The index, or the state of the repository, needs the git program; says why."""


class PlainIndex:
    """The entries of an index of version 2, addressed by their offsets."""

    def __init__(self, data: mmap.mmap | bytes = _EMPTY) -> None:
        self.data = data
        self.count = int.from_bytes(data[8:HEADER_SIZE], "big")
        self.end = HEADER_SIZE
        self.extensions: dict[bytes, bytes] = {}
        if data[: len(_SIGNATURE)] != _SIGNATURE:
            reason = "not of version 2"
            raise NotPlainIndexError(reason)
        if not any(data[-TRAILER_SIZE:]):
            reason = "it has no checksum"
            raise NotPlainIndexError(reason)
        self._find_end()

    def close(self) -> None:
        """Unmaps the file."""
        if isinstance(self.data, mmap.mmap):
            self.data.close()

    def name(self, at: int) -> bytes:
        """Gives the path of the entry at an offset."""
        start = at + FIXED_SIZE
        return self.data[start : start + self._length(at)]

    def after(self, at: int) -> int:
        """Gives the offset behind the entry at an offset.

        Raises:
            DamagedIndexError: The entry reaches beyond the last one.
        """
        stop = at + (FIXED_SIZE + self._length(at) + 8 & ~7)
        if not at < stop <= self.end:
            raise DamagedIndexError
        return stop

    def versions(self, at: int) -> tuple[int, list[bytes], int]:
        """Gives the offset behind all stages of a path, their blobs, and how many they are.

        A conflict that a person is about to solve also holds `b""`, which is nobody's blob.
        """
        name, held, number = self.name(at), [], 0
        while at < self.end and self.name(at) == name:
            held.append(self.data[at + _ID_AT : at + _FLAGS_AT])
            if self.data[at + _FLAGS_AT] & _STAGE:
                held.append(b"")
            number += 1
            at = self.after(at)
        return at, held, number

    def seek(self, path: bytes, at: int) -> int:
        """Finds the first entry at or behind an entry's offset whose path is not before `path`.

        Gives `end` where there is none.

        Raises:
            DamagedIndexError: Entries do not follow each other.
        """
        for _ in range(_STEPS_BEFORE_SEARCH):
            if at >= self.end or self.name(at) >= path:
                return at
            at = self.after(at)
        low, high = self._gallop(path, at)
        while high - low > _NEAR:
            middle = self._entry_from((low + high) // 2, high)
            if middle is None:
                break
            if self.name(middle) < path:
                low = middle
            else:
                high = middle
        while low < self.end and self.name(low) < path:
            low = self.after(low)
        return low

    def is_ordinary_file(self, at: int) -> bool:
        """Tells whether the entry at an offset is a file that is not executable."""
        return self.data[at + _MODE_AT : at + _MODE_AT + 4] == _ORDINARY

    def find_stat(self, field: bytes, offset: int) -> list[int]:
        """Finds all entries that hold four bytes at an offset of their stat data."""
        found = []
        at = self.data.find(field, HEADER_SIZE, self.end)
        while at >= 0:
            entry = at - offset
            if entry >= HEADER_SIZE and self._is_entry(entry):
                found.append(entry)
            at = self.data.find(field, at + 1, self.end)
        return found

    def _length(self, at: int) -> int:
        data = self.data
        length = (data[at + _FLAGS_AT] & 0xF) << 8 | data[at + _FLAGS_AT + 1]
        if length < LONG_NAME:
            return length
        start = at + FIXED_SIZE
        return data.find(b"\0", start + LONG_NAME) - start

    def _gallop(self, path: bytes, at: int) -> tuple[int, int]:
        """Finds an entry before a path and one that is not, near to each other."""
        low, step = at, _NEAR
        while low + step < self.end:
            probe = self._entry_from(low + step, self.end)
            if probe is None:
                break
            if self.name(probe) >= path:
                return low, probe
            low, step = probe, step * 2
        return low, self.end

    def _entry_from(self, start: int, stop: int) -> int | None:
        """Finds the first entry at or behind any offset, and before another."""
        for found in _MODE_PATTERN.finditer(self.data, start + _MODE_AT, stop):
            at = found.start() - _MODE_AT
            if self._is_entry(at):
                return at
        return None

    def _is_entry(self, at: int) -> bool:
        behind = self._stop_of(at)
        if not behind or behind == self.end:
            return bool(behind)
        return bool(self._stop_of(behind)) and self.name(at) <= self.name(behind)

    def _stop_of(self, at: int) -> int:
        """Gives the offset behind what looks like an entry in every respect, else 0."""
        data = self.data
        if at % 8 != HEADER_SIZE % 8 or at + FIXED_SIZE >= self.end:
            return 0
        if data[at + _MODE_AT : at + _MODE_AT + 4] not in _MODES:
            return 0
        start = at + FIXED_SIZE
        length = self._length(at)
        stop = at + (FIXED_SIZE + length + 8 & ~7)
        if length < 1 or stop > self.end or data[at + _FLAGS_AT] & _EXTENDED:
            return 0
        is_path = data.find(b"\0", start, stop) == start + length
        return stop if is_path and not any(data[start + length : stop]) else 0

    def _find_end(self) -> None:
        """Finds where the entries end; extensions must begin exactly there and be known."""
        last = len(self.data) - TRAILER_SIZE
        for start in self._possible_ends(last):
            extensions = self._extensions_from(start, last)
            if extensions is None or not self._ends_at(start):
                continue
            if not extensions.keys() <= _KNOWN_EXTENSIONS:
                break
            self.end, self.extensions = start, extensions
            return
        reason = "extensions are not those of a plain index"
        raise NotPlainIndexError(reason)

    def _possible_ends(self, last: int) -> Iterator[int]:
        if self.count == 0:
            yield HEADER_SIZE
            return
        yield last
        # EOIE stands last and says where the entries end; without it, TREE nearly always
        # is the first extension.
        noted = last - _EOIE_SIZE
        if self.data[noted : noted + 4] == b"EOIE":
            yield int.from_bytes(self.data[noted + 8 : noted + 12], "big")
        for name in (b"TREE", b"REUC"):
            at = self.data.rfind(name, HEADER_SIZE, last)
            for _ in range(_NAMES_TRIED):
                if at < 0:
                    break
                yield at
                at = self.data.rfind(name, HEADER_SIZE, at)

    def _extensions_from(self, at: int, last: int) -> dict[bytes, bytes] | None:
        found: dict[bytes, bytes] = {}
        while at + 8 <= last:
            size = int.from_bytes(self.data[at + 4 : at + 8], "big")
            if at + 8 + size > last:
                return None
            found[self.data[at : at + 4]] = self.data[at + 8 : at + 8 + size]
            at += 8 + size
        return found if at == last else None

    def _ends_at(self, stop: int) -> bool:
        """Tells whether a walk over the last entries (over all of a small index) ends there."""
        self.end = stop
        if self.count == 0:
            return stop == HEADER_SIZE
        if self.count <= _COUNTED_ENTRIES:
            return self._walk(HEADER_SIZE, stop) == self.count
        start = self._entry_from(max(HEADER_SIZE, stop - _BOUNDARY_WINDOW), stop)
        return start is not None and self._walk(start, stop) > 0

    def _walk(self, at: int, stop: int) -> int:
        """Counts the entries from one offset to another, 0 where they do not fit together."""
        number = 0
        while 0 < at < stop:
            at = self._stop_of(at)
            number += 1
        return number if at == stop else 0


def open_plain(gitdir: Path) -> PlainIndex:
    """Opens the index, of which nothing may be wrong or special.

    Raises:
        NotPlainIndexError: The git program has to do it.
        OSError: The index cannot be read.
    """
    _refuse_unusual_state(gitdir)
    path = gitdir / "index"
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_size < HEADER_SIZE + TRAILER_SIZE:
            reason = "no regular file, or too short"
            raise NotPlainIndexError(reason)
        return PlainIndex(mmap.mmap(handle, 0, access=mmap.ACCESS_READ))
    finally:
        os.close(handle)


_IN_PROGRESS = (
    "MERGE_HEAD",
    "CHERRY_PICK_HEAD",
    "REVERT_HEAD",
    "REBASE_HEAD",
    "rebase-merge",
    "rebase-apply",
    "sequencer",
    "info/sparse-checkout",
)


def _refuse_unusual_state(gitdir: Path) -> None:
    for name in _IN_PROGRESS:
        if os.path.lexists(gitdir / name):
            reason = f"'{name}' exists"
            raise NotPlainIndexError(reason)
    if not (gitdir / "index").is_file() or (gitdir / "index").is_symlink():
        reason = "there is none"
        raise NotPlainIndexError(reason)
    common = gitdir
    if (gitdir / "commondir").exists():
        common = gitdir / os.fsdecode((gitdir / "commondir").read_bytes().strip())
    if b"sha256" in (common / "config").read_bytes().lower():
        reason = "the repository may use SHA-256"
        raise NotPlainIndexError(reason)
