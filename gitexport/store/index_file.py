"""Patches a plain index without git: old entries and edits, both sorted, become a new file.

Unchanged stretches are copied as they are, so that the cost of a small change is that of
copying and hashing the file. The new index is written to `index.lock` and renamed, which is
how every git command takes its turn.

Source: Documentation/gitformat-index.txt, technical/racy-git.txt and lockfile.h of git.
"""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from gitexport.store.index_edit import IndexEdit, IndexLockedError, KeptPaths
from gitexport.store.index_format import HEADER_SIZE, LONG_NAME, PlainIndex, open_plain
from gitexport.store.index_tree import invalidate
from gitexport.store.stat_data import STAT_SIZE, UNKNOWN_STAT

_BUFFER = 1 << 20
_MTIME_AT = 8
_FLAGS = [min(length, LONG_NAME).to_bytes(2, "big") for length in range(LONG_NAME + 1)]
_PADDING = [b"\0" * (8 - (62 + length) % 8) for length in range(8)]
# Beyond that, git is as fast when it computes its trees anew.
_TOUCHED_LIMIT = 20_000


def patch_index(gitdir: Path, edits: Iterable[IndexEdit], kept: KeptPaths) -> None:
    """Updates the index; `edits` are taken one by one while the index is locked.

    Paths whose staged content is left alone are added to `kept`.

    Raises:
        NotPlainIndexError: The git program has to do it; no edit was taken.
        IndexLockedError: Another process holds the lock; no edit was taken.
        DamagedIndexError: Entries do not follow each other; the index is as it was.
        OSError: The index cannot be written; it is as it was.
    """
    with _locked(gitdir) as handle:
        old = open_plain(gitdir)
        try:
            before = (gitdir / "index").stat()
            os.fchmod(handle, before.st_mode & 0o777)
            racy = [] if _is_ours(gitdir, before) else _racy_entries(old, before)
            with open(handle, "wb", buffering=_BUFFER, closefd=False) as out:
                patch = _Patch(old, out, kept, racy)
                patch.run(edits)
            _complete(handle, patch.count)
        finally:
            old.close()
        written = os.fstat(handle)
        (gitdir / "index.lock").rename(gitdir / "index")
    _remember(gitdir, written)


class _Patch:
    """Merges edits into entries; `count` is the number of entries written."""

    def __init__(self, old: PlainIndex, out: IO[bytes], kept: KeptPaths, racy: list[int]) -> None:
        self.count = old.count
        self._old = old
        self._out = out
        self._kept = kept
        # Offsets of entries that lose their stat data, next one last.
        self._racy = racy[::-1]
        # Stretches that are not copied: what lies below a path that became a file.
        self._left_out: list[tuple[int, int]] = []
        # Removed paths that the following ones may lie below.
        self._removed: list[bytes] = []
        self._touched: set[bytes] | None = set()
        self._directory: bytes | None = None

    def run(self, edits: Iterable[IndexEdit]) -> None:
        """Writes header, entries and extensions; count and checksum are filled in later."""
        self._out.write(b"DIRC\0\0\0\2" + bytes(4))
        old = self._old
        at, last = HEADER_SIZE, b""
        next_name = self._name(at)
        for edit in edits:
            path = edit.path
            if path <= last:
                message = "edits are not sorted by path"
                raise ValueError(message)
            last = path
            if next_name and next_name < path:
                found = old.seek(path, at)
                self._copy(at, found)
                at, next_name = found, self._name(found)
            if next_name == path:
                at = self._replace(edit, at)
                next_name = self._name(at)
            elif edit.blob is not None:
                self._insert(edit, at, next_name)
        self._copy(at, old.end)
        self._write_extensions()

    def _name(self, at: int) -> bytes:
        """Gives the path of an old entry, empty behind the last one."""
        return self._old.name(at) if at < self._old.end else b""

    def _replace(self, edit: IndexEdit, at: int) -> int:
        """Writes an edit in the place of entries; gives the offset behind them."""
        behind, held, number = self._old.versions(at)
        if not all(map(edit.may_replace, held)):
            self._kept.add(edit.path)
            self._copy(at, behind)
            return behind
        self.count -= number
        if edit.blob is None:
            self._note_removed(edit.path)
        else:
            self._write(edit, edit.blob)
        if held != [edit.blob] or not self._old.is_ordinary_file(at):
            self._touch(edit.path.rpartition(b"/")[0])
        return behind

    def _insert(self, edit: IndexEdit, at: int, next_name: bytes) -> None:
        path, blob = edit.path, edit.blob
        if blob is None:  # pragma: no cover - nothing is inserted for a removal
            raise AssertionError
        directory = path.rpartition(b"/")[0]
        if directory != self._directory:
            if not self._may_exist(directory, next_name):
                self._kept.add(path)
                return
            self._directory = directory
            self._touch(directory)
        if next_name.startswith(path):
            # Entries below it cannot stay beside a file of that name.
            start = self._old.seek(path + b"/", at)
            stop = self._old.seek(path + b"0", start)
            if stop > start:
                self._left_out.append((start, stop))
                self._touched = None
        self._write(edit, blob)

    def _may_exist(self, directory: bytes, next_name: bytes) -> bool:
        """Tells whether no entry stands where a directory must be."""
        if next_name.startswith(directory + b"/"):
            return True
        above = directory
        while above:
            found = self._old.seek(above, HEADER_SIZE)
            if self._name(found) == above:
                if above not in self._removed:
                    return False
                self._touched = None
            above = above.rpartition(b"/")[0]
        return True

    def _note_removed(self, path: bytes) -> None:
        while self._removed and not path.startswith(self._removed[-1]):
            self._removed.pop()
        self._removed.append(path)

    def _touch(self, directory: bytes) -> None:
        if self._touched is None:
            return
        self._touched.add(directory)
        if len(self._touched) > _TOUCHED_LIMIT:
            self._touched = None

    def _write(self, edit: IndexEdit, blob: bytes) -> None:
        path = edit.path
        length = len(path)
        self.count += 1
        self._out.write(
            b"%b%b%b%b%b"
            % (
                edit.stat or UNKNOWN_STAT,
                blob,
                _FLAGS[min(length, LONG_NAME)],
                path,
                _PADDING[length % 8],
            )
        )

    def _copy(self, start: int, stop: int) -> None:
        """Copies entries, but for those that are left out."""
        while self._left_out and self._left_out[0][0] < stop:
            first, behind = self._left_out[0]
            self._copy_all(start, max(start, first))
            start = max(start, first)
            while start < min(behind, stop):
                start = self._old.after(start)
                self.count -= 1
            if behind > stop:
                return
            self._left_out.pop(0)
        self._copy_all(start, stop)

    def _copy_all(self, start: int, stop: int) -> None:
        while self._racy and self._racy[-1] < stop:
            entry = self._racy.pop()
            if entry < start:
                continue
            self._copy_bytes(start, entry)
            # Only the stat data goes, its mode stays: git will read the file again.
            kept = self._old.data[entry + 24 : entry + 28]
            self._out.write(bytes(24) + kept + bytes(12))
            start = entry + STAT_SIZE
        self._copy_bytes(start, stop)

    def _copy_bytes(self, start: int, stop: int) -> None:
        if stop <= start:
            return
        with memoryview(self._old.data) as view, view[start:stop] as stretch:
            self._out.write(stretch)

    def _write_extensions(self) -> None:
        extensions = self._old.extensions
        tree = extensions.get(b"TREE")
        if tree is not None and self._touched is not None:
            tree = invalidate(tree, self._touched) if self._touched else tree
            self._write_extension(b"TREE", tree)
        self._write_extension(b"REUC", extensions.get(b"REUC"))

    def _write_extension(self, name: bytes, content: bytes | None) -> None:
        if content is not None:
            self._out.write(name + len(content).to_bytes(4, "big") + content)


@contextmanager
def _locked(gitdir: Path) -> Iterator[int]:
    """Holds `index.lock`; what was not renamed by the end is removed."""
    path = gitdir / "index.lock"
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    except FileExistsError as error:
        raise IndexLockedError from error
    try:
        yield handle
    except BaseException:
        # Once it was renamed, a lock of that name is somebody else's.
        with contextlib.suppress(FileNotFoundError):
            if path.lstat().st_ino == os.fstat(handle).st_ino:
                path.unlink()
        raise
    finally:
        os.close(handle)


def _complete(handle: int, count: int) -> None:
    os.pwrite(handle, count.to_bytes(4, "big"), 8)
    with mmap.mmap(handle, 0, access=mmap.ACCESS_READ) as written:
        digest = hashlib.sha1(written, usedforsecurity=False).digest()
        size = len(written)
    os.pwrite(handle, digest, size)


def _racy_entries(old: PlainIndex, index: os.stat_result) -> list[int]:
    """Finds entries that git reads again because they are as young as the index.

    In a younger index they would look settled, and an edit of the same second and size would
    be hidden for ever.
    """
    second = index.st_mtime_ns // 1_000_000_000 & 0xFFFFFFFF
    return old.find_stat(second.to_bytes(4, "big"), _MTIME_AT)


def _stamp(found: os.stat_result) -> bytes:
    return b"%d %d %d\n" % (found.st_ino, found.st_mtime_ns, found.st_size)


def _is_ours(gitdir: Path, found: os.stat_result) -> bool:
    """Tells whether we wrote the index: ours has no racy entries to look for."""
    try:
        return (gitdir / "gitexport" / "index.stamp").read_bytes() == _stamp(found)
    except OSError:
        return False


def _remember(gitdir: Path, found: os.stat_result) -> None:
    # Without the stamp, the next patch takes a little longer.
    with contextlib.suppress(OSError):
        (gitdir / "gitexport" / "index.stamp").write_bytes(_stamp(found))
