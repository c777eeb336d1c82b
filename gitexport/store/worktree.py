"""Refreshes the files of a working tree and its index after the branch has moved.

What people did is never lost: a file that holds neither what the old tree says nor what the
new one says is an edit and stays as it is, and so does content that was staged and is nowhere
else. The index entry of an edited file moves on to the new blob, so that `git status` shows
the person's modification against the new snapshot, and `git checkout` of the file gives the
new snapshot's version.

Interrupted at any point, every file is whole, old or new; the same refresh, run again,
completes it.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from gitexport.errors import GitExportError
from gitexport.store.changes import FileChange
from gitexport.store.git_errors import machine_error
from gitexport.store.index import update_index
from gitexport.store.index_edit import IndexEdit, KeptPaths
from gitexport.store.open_directories import MissingFrom, ObstructedError, OpenDirectories
from gitexport.store.stage import holds_singles, single_file
from gitexport.store.stat_data import SETTLED_NS, pack_stat
from gitexport.store.working_file import (
    FileKind,
    FileState,
    file_state,
    is_unchanged,
    move_into_place,
    write_spare,
)

_FATAL = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE}
_PROGRESS_STEP = 256
_ABSENT = FileState(FileKind.ABSENT)
# A file written by anybody else just now has a younger mtime than this.
_SETTLED_ENOUGH_NS = SETTLED_NS * 3 // 4


@dataclass(slots=True)
class ViewReport:
    """What a refresh did.

    `kept` names files with edits that were left alone, `refused` names files that the machine
    would not let us replace, each with the reason; both hold the first names only, `kept_count`
    and `refused_count` count all. `stale` says why nothing, or not the index, could be
    refreshed: the same refresh has to be run again. `failure` is what broke a refresh off, where
    the caller wants that as a part of the report.
    """

    written: int = 0
    removed: int = 0
    kept: list[str] = field(default_factory=list)
    kept_count: int = 0
    refused: list[str] = field(default_factory=list)
    refused_count: int = 0
    stale: str | None = None
    failure: GitExportError | None = None


def refresh(  # noqa: PLR0913 - each choice stands for itself, by keyword
    worktree: Path,
    gitdir: Path,
    changes: Iterable[FileChange],
    *,
    read_blob: Callable[[bytes], bytes],
    stage: Path | None = None,
    on_progress: Callable[[int], None] | None = None,
    discard_edits: bool = False,
) -> ViewReport:
    """Makes files and index show `changes`, which come sorted by path, each path once.

    Files that stand ready under `stage` (see `gitexport.store.stage`, their change has stat
    data) are renamed into place, whole directories at once where the directory is new; a
    staged directory holds nothing but staged files. `read_blob` gives the bytes of all other
    files. `on_progress` is told how many changes were dealt with. `discard_edits` overwrites
    people's edits, and links, files and empty directories in the way, but neither directories
    with files nor what lies behind links.

    Changes stream: memory does not grow with their number. `index.lock` is held from before
    the first file is touched; where another process holds it, nothing is touched.

    Raises:
        MachineError: The disk is full or failed; run the same refresh again.
        CorruptRepositoryError: The index is damaged.
    """
    run = _Refresh(worktree, gitdir, read_blob, stage, discard_edits=discard_edits)
    try:
        result = update_index(gitdir, worktree, run.edits(changes, on_progress), run.kept)
        run.finish()
    except OSError as error:
        raise machine_error(error) from error
    finally:
        run.close()
    return run.report(result.stale)


class _Refresh:
    """One refresh: turns changes into files, and tells the index what to say of each."""

    def __init__(
        self,
        worktree: Path,
        gitdir: Path,
        read_blob: Callable[[bytes], bytes],
        stage: Path | None,
        *,
        discard_edits: bool,
    ) -> None:
        self.written = 0
        self.removed = 0
        self.kept = KeptPaths()
        self.refused = KeptPaths()
        self._read_blob = read_blob
        self._stage = None if stage is None else os.fsencode(stage) + b"/"
        self._has_singles = stage is not None and holds_singles(stage)
        self._discard_edits = discard_edits
        self._spare = gitdir / "gitexport" / "view.tmp"
        self._spare.parent.mkdir(exist_ok=True)
        self._directories = OpenDirectories(worktree, clears_way=discard_edits)
        # The staged directory that was moved last; everything in it is in place already.
        self._adopted = b""
        self._can_adopt = True
        self._waiting: list[FileChange] = []

    def edits(
        self, changes: Iterable[FileChange], on_progress: Callable[[int], None] | None
    ) -> Iterator[IndexEdit]:
        """Deals with the changes one by one and yields what the index shall say."""
        count = 0
        for count, change in enumerate(changes, 1):
            yield self._apply(change)
            if on_progress is not None and count % _PROGRESS_STEP == 0:
                on_progress(_PROGRESS_STEP)
        if on_progress is not None and count % _PROGRESS_STEP:
            on_progress(count % _PROGRESS_STEP)

    def report(self, stale: str | None) -> ViewReport:
        """Says what was done, and why the index was not brought along, where it was not."""
        return ViewReport(
            written=self.written,
            removed=self.removed,
            kept=[os.fsdecode(name) for name in self.kept.names],
            kept_count=self.kept.count,
            refused=[os.fsdecode(name) for name in self.refused.names],
            refused_count=self.refused.count,
            stale=stale,
        )

    def finish(self) -> None:
        """Writes files for which a directory had to go first, and removes empty directories."""
        for change in self._waiting:
            directory, _, name = change.path.rpartition(b"/")
            found = self._directories.enter(directory)
            if self._discard_edits and isinstance(found, int):
                with suppress(OSError):
                    os.rmdir(name, dir_fd=found)
            # Entering first leaves, and so prunes, the directory that was in the way.
            if isinstance(found, int) and file_state(found, name).kind is FileKind.ABSENT:
                self._place(change, found, name, _ABSENT)
            else:
                self.kept.add(change.path)

    def close(self) -> None:
        """Gives back the descriptors; safe to call twice."""
        self._directories.close()

    def _apply(self, change: FileChange) -> IndexEdit:
        if (
            self._adopted
            and change.stat is not None
            and change.path.startswith(self._adopted)
            and self._single(change) is None
        ):
            self.written += 1
            return self._edit(change, change.stat)
        directory, _, name = change.path.rpartition(b"/")
        try:
            if change.new is None:
                return self._remove(change, directory, name)
            return self._write(change, directory, name)
        except ObstructedError:
            return self._keep(change, _ABSENT)
        except OSError as error:
            if error.errno in _FATAL:
                raise
            reason = os.fsencode(error.strerror or "refused")
            self.refused.add(change.path + b": " + reason)
            return self._edit(change, None)

    def _write(self, change: FileChange, directory: bytes, name: bytes) -> IndexEdit:
        found = self._directories.enter(directory)
        if isinstance(found, MissingFrom):
            if change.old is not None and not self._discard_edits:
                return self._keep(change, _ABSENT)
            # The directory may have gone after a file of it was staged beside others.
            if self._adopt(change, directory, found) and self._single(change) is None:
                self.written += 1
                return self._edit(change, change.stat)
            found = self._directories.make(directory)
        state = file_state(found, name)
        if state.found is not None and state.blob == change.new:
            return self._edit(change, _stat_data(state.found))
        if state.kind is FileKind.DIRECTORY:
            self._waiting.append(change)
            return self._edit(change, None)
        is_edit = state.blob != change.old or (state.blob is None and state.found is not None)
        if is_edit and not self._discard_edits:
            return self._keep(change, state)
        return self._place(change, found, name, state)

    def _place(
        self, change: FileChange, directory: int, name: bytes, state: FileState
    ) -> IndexEdit:
        source = self._source(change)
        # Somebody may have saved the file since it was read.
        if not (self._discard_edits or is_unchanged(directory, name, state)):
            return self._keep(change, _ABSENT)
        move_into_place(source, directory, name)
        self.written += 1
        placed = os.stat(name, dir_fd=directory, follow_symlinks=False)
        return self._edit(change, _stat_data(placed))

    def _source(self, change: FileChange) -> Path | bytes:
        if self._stage is not None and change.stat is not None:
            staged = self._single(change) or self._stage + change.path
            if os.path.lexists(staged):
                return staged
        if change.new is None:  # pragma: no cover - only files that shall exist are placed
            raise AssertionError
        write_spare(self._spare, self._read_blob(change.new))
        return self._spare

    def _single(self, change: FileChange) -> bytes | None:
        """Gives the staged file of a change, where it stands beside others."""
        if self._stage is None or not self._has_singles:
            return None
        staged = single_file(self._stage, change.path)
        return staged if os.path.lexists(staged) else None

    def _adopt(self, change: FileChange, directory: bytes, missing: MissingFrom) -> bool:
        """Moves the highest staged directory that does not exist in the working tree."""
        if self._stage is None or change.stat is None or not self._can_adopt:
            return False
        prefix = b"/".join(directory.split(b"/")[: missing.depth + 1])
        try:
            os.rename(self._stage + prefix, missing.names[0], dst_dir_fd=missing.descriptor)
        except OSError as error:
            self._can_adopt = error.errno != errno.EXDEV
            return False
        self._adopted = prefix + b"/"
        return True

    def _remove(self, change: FileChange, directory: bytes, name: bytes) -> IndexEdit:
        found = self._directories.enter(directory)
        state = file_state(found, name) if isinstance(found, int) else _ABSENT
        if state.kind is FileKind.ABSENT or not isinstance(found, int):
            return self._edit(change, None)
        is_edit = state.blob is None or state.blob != change.old
        if state.kind is FileKind.DIRECTORY or (is_edit and not self._discard_edits):
            return self._keep(change, state)
        if not (self._discard_edits or is_unchanged(found, name, state)):
            return self._keep(change, _ABSENT)
        os.unlink(name, dir_fd=found)
        self._directories.thin()
        self.removed += 1
        return self._edit(change, None)

    def _keep(self, change: FileChange, state: FileState) -> IndexEdit:
        self.kept.add(change.path)
        return self._edit(change, None, state.blob)

    def _edit(self, change: FileChange, stat: bytes | None, held: bytes | None = None) -> IndexEdit:
        """Says what the index shall hold; content that is only staged may not be replaced."""
        if self._discard_edits:
            return IndexEdit(change.path, change.new, stat)
        replaces = tuple(blob for blob in (change.old, held) if blob is not None)
        return IndexEdit(change.path, change.new, stat, replaces)


def _stat_data(found: os.stat_result) -> bytes | None:
    """Packs stat data, unless the file is so young that a later write could look the same."""
    if found.st_mtime_ns > time.time_ns() - _SETTLED_ENOUGH_NS:
        return None
    return pack_stat(found)
