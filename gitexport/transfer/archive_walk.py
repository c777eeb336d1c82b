"""Index and members of an archive, read side by side: each member is checked as it comes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

from gitexport.transfer.archive_index import (
    INDEX_PATH,
    IndexEntry,
    IndexHead,
    read_entries,
    read_head,
    read_tail,
)
from gitexport.transfer.archive_stream import ArchiveLimits, ArchiveStream
from gitexport.transfer.tar_format import (
    BLOCK,
    Member,
    format_header,
    kind_of,
    padding,
    read_plain_header,
    trailer_size,
)

_LINE = 1 << 16


class Opening(NamedTuple):
    """What an archive begins with: its one directory, the time of all members, its index."""

    directory: str
    mtime: int
    index_size: int

    @property
    def index_end(self) -> int:
        """The position behind the index's content."""
        return BLOCK + self.index_size


class Mark(NamedTuple):
    """Positions in the two streams at which a member begins."""

    in_index: int
    in_members: int


class Checked(NamedTuple):
    """A member that is what the index says, and where it begins."""

    mark: Mark
    entry: IndexEntry
    content: bytes


def read_opening(descriptor: int, limits: ArchiveLimits) -> Opening:
    """Reads the first header.

    Raises:
        ValueError: The first member is not an index.
    """
    block = ArchiveStream(descriptor, limits).read(BLOCK)
    try:
        first = read_plain_header(block)
    except ValueError:
        first = None
    if first is None or first.name.count("/") != 1 or not first.name.endswith(f"/{INDEX_PATH}"):
        message = f"it does not begin with '{INDEX_PATH}' as gitexport writes it"
        raise ValueError(message)
    return Opening(first.name.partition("/")[0], first.mtime, first.size)


class ArchiveWalk:
    """One walk over an archive, from its beginning or from a mark."""

    def __init__(
        self, descriptor: int, limits: ArchiveLimits, opening: Opening, start: Mark | None = None
    ) -> None:
        """Goes to where the walk starts.

        Raises:
            ValueError: The file is damaged, or its index is none.
        """
        self._limits = limits
        self._opening = opening
        self._index = ArchiveStream(descriptor, limits)
        self._members = ArchiveStream(descriptor, limits)
        self._before = b""
        if start is None:
            self._index.skip(BLOCK)
            self._before = read_head(self._line)
            self._members.skip(opening.index_end)
            self._skip_padding(INDEX_PATH, opening.index_size)
        else:
            self._index.skip(start.in_index)
            self._members.skip(start.in_members)

    def members(self) -> Iterator[Checked]:
        """Yields the members that the index names, in its order.

        Raises:
            ValueError: A member is not what the index says, or over a limit.
        """
        entries = read_entries(self._line)
        while True:
            mark = Mark(self._index.position, self._members.position)
            entry = next(entries, None)
            if entry is None:
                return
            yield Checked(mark, entry, self._content(entry))

    def finish(self) -> IndexHead:
        """Reads what follows the last member, in a walk from the beginning.

        Raises:
            ValueError: The index is damaged, or something else follows.
        """
        head = read_tail(self._before, self._line)
        if self._members.read(trailer_size(self._members.position)).strip(b"\0"):
            message = "something follows the last member"
            raise ValueError(message)
        self._members.expect_end()
        return head

    def _content(self, entry: IndexEntry) -> bytes:
        if entry.size > self._limits.member_size:
            message = f"'{entry.path}' is larger than {self._limits.member_size:,} bytes"
            raise ValueError(message)
        name = f"{self._opening.directory}/{entry.path}"
        wanted = format_header(Member(name, entry.size, self._opening.mtime))
        found = self._members.read(len(wanted))
        if found != wanted:
            raise ValueError(_difference(entry.path, name, found))
        content = self._members.read(entry.size)
        if hashlib.sha256(content).hexdigest() != entry.sha256:
            message = f"'{entry.path}' has not the SHA-256 that '{INDEX_PATH}' says"
            raise ValueError(message)
        self._skip_padding(entry.path, entry.size)
        return content

    def _skip_padding(self, path: str, size: int) -> None:
        if self._members.read(padding(size)).strip(b"\0"):
            message = f"something stands between '{path}' and the next member"
            raise ValueError(message)

    def _line(self) -> bytes:
        """Gives the next line of the index, nothing at its end."""
        if self._index.position == self._opening.index_end:
            return b""
        line = self._index.read_line(_LINE)
        if self._index.position > self._opening.index_end:
            message = f"'{INDEX_PATH}' is longer than its header says"
            raise ValueError(message)
        return line


def _difference(path: str, name: str, found: bytes) -> str:
    """Says what stands in the place of a member."""
    if not found.strip(b"\0"):
        return f"'{path}' is missing"
    kind = kind_of(found)
    if kind is not None:
        return f"in the place of '{path}' it holds {kind}"
    try:
        other = read_plain_header(found[:BLOCK]).name
    except ValueError:
        return f"the header of '{path}' is not as gitexport writes it"
    if other == name:
        return f"'{path}' has not the size or the time that '{INDEX_PATH}' says"
    return f"in the place of '{path}' it holds '{other}'"
