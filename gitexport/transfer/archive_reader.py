"""Reads an archive without ever writing a file, and believes nothing that it did not check.

Opening it reads the whole archive once. Its index comes first and says what has to follow:
each member's name, size and SHA-256, in this order. Every header has to be the one that
gitexport writes for such a member, so there are no links, devices or directories, and no
names that the index lacks. What is read again later is checked again.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import TracebackType

from gitexport.canonical.manifest import Manifest
from gitexport.errors import CorruptRepositoryError, UsageError
from gitexport.model.entity import MANIFEST_PATH
from gitexport.model.snapshot import TAG_PATTERN
from gitexport.store.git_errors import machine_error
from gitexport.transfer.archive_index import INDEX_PATH, IndexHead
from gitexport.transfer.archive_order import MemberOrder
from gitexport.transfer.archive_stream import ArchiveLimits
from gitexport.transfer.archive_walk import ArchiveWalk, Checked, Mark, read_opening

_HINT = "get the archive again, or make it again with 'gitexport archive'"


class ArchiveReader(AbstractContextManager["ArchiveReader"]):
    """A verified archive, open for reading. Closing it closes the file."""

    def __init__(self, path: Path, limits: ArchiveLimits | None = None) -> None:
        """Opens and verifies an archive.

        Raises:
            UsageError: There is no such file.
            ConfigError: It is of a newer format.
            CorruptRepositoryError: It is damaged, hostile, or no archive of gitexport.
            MachineError: It may not be read.
        """
        self.path = path
        self.manifest = Manifest("")
        self._limits = limits or ArchiveLimits()
        self._files: dict[str, Mark] = {}
        self._documents: dict[str, Mark] = {}
        self._descriptor = _open(path)
        self._state = _state(self._descriptor)
        try:
            with self._refusing():
                self._opening = read_opening(self._descriptor, self._limits)
                self.head = self._verify()
        except BaseException:
            self.close()
            raise

    def read(self, path: str) -> bytes | None:
        """Gives a file that is no document of an entity; None where there is none.

        Raises:
            CorruptRepositoryError: The archive changed since it was opened.
        """
        mark = self._files.get(path)
        if mark is None:
            return None
        with self._refusing():
            member = next(self._walk(mark).members(), None)
            if member is None or member.entry.path != path:
                message = f"'{path}' is not there any more"
                raise ValueError(message)
            return member.content

    def documents(self, directory: str) -> Iterator[tuple[str, bytes]]:
        """Streams the documents of an entity's directory: paths and bytes, by path.

        Raises:
            CorruptRepositoryError: The archive changed since it was opened.
        """
        mark = self._documents.get(directory)
        if mark is None:
            return
        with self._refusing():
            members = self._walk(mark).members()
        while True:
            with self._refusing():
                member = next(members, None)
            if member is None or not member.entry.path.startswith(directory + "/"):
                return
            yield member.entry.path, member.content

    def close(self) -> None:
        """Closes the file; safe to call twice."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _verify(self) -> IndexHead:
        walk = self._walk()
        order = MemberOrder(self._limits)
        for member in walk.members():
            directory = order.place(member.entry)
            self._remember(member, directory)
            if member.entry.path == MANIFEST_PATH:
                self.manifest = Manifest.parse(member.content)
                order.expect(self.manifest)
        order.finish()
        head = walk.finish()
        if head.directory != self._opening.directory or not _is_snapshot(head):
            message = f"'{INDEX_PATH}' is that of another snapshot"
            raise ValueError(message)
        return head

    def _remember(self, member: Checked, directory: str | None) -> None:
        if directory is None:
            self._files[member.entry.path] = member.mark
        else:
            self._documents.setdefault(directory, member.mark)

    def _walk(self, start: Mark | None = None) -> ArchiveWalk:
        return ArchiveWalk(self._descriptor, self._limits, self._opening, start)

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """Turns what is wrong with the archive into this project's exceptions."""
        try:
            yield
            if _state(self._descriptor) != self._state:
                message = "it changed while it was read"
                raise ValueError(message)  # noqa: TRY301 - handled as all other reasons are
        except ValueError as error:
            message = f"the archive cannot be used: {error}"
            raise CorruptRepositoryError(message, where=str(self.path), hint=_HINT) from error
        except CorruptRepositoryError as error:
            message = f"the archive cannot be used: '{MANIFEST_PATH}' is no manifest"
            raise CorruptRepositoryError(message, where=str(self.path), hint=_HINT) from error
        except OSError as error:
            raise machine_error(error, self.path) from error


def _is_snapshot(head: IndexHead) -> bool:
    is_id = len(head.commit) == 40 and not head.commit.strip("0123456789abcdef")  # noqa: PLR2004
    return is_id and (head.snapshot is None or TAG_PATTERN.fullmatch(head.snapshot) is not None)


def _state(descriptor: int) -> tuple[int, int, int]:
    """Gives what no one can change a file without changing."""
    status = os.fstat(descriptor)
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _open(path: Path) -> int:
    try:
        # A pipe must not be waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError) as error:
        message = f"there is no archive '{path}'"
        raise UsageError(message, where=str(path)) from error
    except OSError as error:
        raise machine_error(error, path) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        message = f"'{path}' is not a regular file"
        raise UsageError(message, where=str(path), hint="write it to a file first")
    return descriptor
