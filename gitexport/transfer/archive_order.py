"""The order in which an archive's members have to stand, which leaves no room for two alike.

First the summary, the configuration and the manifest; then the other files that are no
documents of an entity, by path; then the documents, by path. Paths go by their bytes.
"""

from __future__ import annotations

from gitexport.canonical.manifest import Manifest
from gitexport.model.entity import CONFIG_PATH, MANIFEST_PATH, RELATIONS_DIRECTORY
from gitexport.transfer.archive_index import INDEX_PATH, SUMMARY_PATH, IndexEntry
from gitexport.transfer.archive_stream import ArchiveLimits

FIRST = (SUMMARY_PATH, CONFIG_PATH, MANIFEST_PATH)
_FORBIDDEN = ("", ".", "..")


class MemberOrder:
    """Checks members one after the other."""

    def __init__(self, limits: ArchiveLimits) -> None:
        self._limits = limits
        self._count = 0
        self._directories: tuple[str, ...] = ()
        self._directory: str | None = None
        self._last = b""

    def expect(self, manifest: Manifest) -> None:
        """Learns where documents stand.

        Raises:
            ValueError: Directories of entities are unsafe, or lie in each other.
        """
        found = sorted(entity.directory + "/" for entity in manifest.entities.values())
        for before, directory in zip(["", *found], found, strict=False):
            _check_path(directory[:-1])
            if before and directory.startswith(before):
                message = f"two entities share the directory '{directory}'"
                raise ValueError(message)
        self._directories = tuple(found)

    def place(self, entry: IndexEntry) -> str | None:
        """Gives the entity's directory where a member is a document, None where it is not.

        Raises:
            ValueError: The member does not belong there, or there are too many.
        """
        number, self._count = self._count, self._count + 1
        if self._count > self._limits.members:
            message = f"it has more than {self._limits.members:,} members"
            raise ValueError(message)
        if number < len(FIRST):
            self._expect_first(entry, FIRST[number])
            return None
        _check_path(entry.path)
        directory = self._directory_of(entry.path)
        if directory is None:
            self._check_file(entry)
        if directory is not None and self._directory is None:
            self._last = b""
        path = entry.path.encode()
        if path <= self._last or (directory is None and self._directory is not None):
            message = f"'{entry.path}' does not stand where it belongs, or stands there twice"
            raise ValueError(message)
        self._last, self._directory = path, directory
        return None if directory is None else directory[:-1]

    def finish(self) -> None:
        """Makes sure that nothing was left out at the beginning.

        Raises:
            ValueError: There is no manifest.
        """
        if self._count < len(FIRST):
            message = f"it has no '{FIRST[self._count]}'"
            raise ValueError(message)

    def _expect_first(self, entry: IndexEntry, path: str) -> None:
        if entry.path != path:
            message = f"'{entry.path}' stands in the place of '{path}'"
            raise ValueError(message)
        self._check_description(entry)

    def _check_file(self, entry: IndexEntry) -> None:
        if entry.path in {INDEX_PATH, *FIRST}:
            message = f"'{entry.path}' stands there twice"
            raise ValueError(message)
        if self._count > self._limits.descriptions:
            message = f"it has more than {self._limits.descriptions:,} files that are no documents"
            raise ValueError(message)
        if entry.path.startswith(RELATIONS_DIRECTORY + "/"):
            self._check_description(entry)

    def _check_description(self, entry: IndexEntry) -> None:
        if entry.size > self._limits.description_size:
            message = f"'{entry.path}' is larger than {self._limits.description_size:,} bytes"
            raise ValueError(message)

    def _directory_of(self, path: str) -> str | None:
        if self._directory is not None and path.startswith(self._directory):
            return self._directory
        return next((found for found in self._directories if path.startswith(found)), None)


def _check_path(path: str) -> None:
    if any(part in _FORBIDDEN for part in path.split("/")) or "\0" in path or "\\" in path:
        message = f"'{path}' is not a path inside of a data repository"
        raise ValueError(message)
