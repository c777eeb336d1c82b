"""The documents of one entity in a commit, in parts that several processes can read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import cast

from gitexport.canonical.shards import TRUNCATED, Shortened
from gitexport.compare.stored import StoredEntity
from gitexport.errors import CorruptRepositoryError
from gitexport.model.ports import Key
from gitexport.store.pack_reader import BlobReader
from gitexport.store.repository import DataRepository
from gitexport.store.trees import FILE_MODE, TREE_MODE, NamedEntry, TreeReader, tree_entries
from gitexport.transfer.snapshot_source import SnapshotDocument

Part = Sequence[tuple[bytes, bool]]
"""Directories, each with whether those below it belong to it."""
_Directory = tuple[bytes, Sequence[bytes], list[Key | Shortened], Iterable[bytes]]


class CommitDocuments:
    """Reads documents; what was forked reads with a handle of its own."""

    def __init__(self, repository: DataRepository, trees: TreeReader, stored: StoredEntity) -> None:
        self._repository = repository
        self._trees = trees
        self._keys_in = stored.paths.keys_in
        self._count = stored.manifest.count
        self._top = stored.manifest.directory.encode()
        self._blobs: BlobReader | None = None

    def parts(self, most: int) -> list[Part]:
        """Divides the documents at their directories, in their order, into `most` parts or fewer.

        Parts have about the same number of documents where a layout spreads them.
        """
        places: list[tuple[bytes, bool]] = [(self._top, True)]
        while len(places) < most:
            deeper = [place for found in places for place in self._opened(*found)]
            if len(deeper) == len(places):
                break
            places = deeper
        size = -(-len(places) // most)
        return [places[start : start + size] for start in range(0, len(places), size)]

    def read(self, part: Part) -> Iterator[SnapshotDocument]:
        """Streams the documents of a part in the order of their paths.

        Raises:
            CorruptRepositoryError: A document is damaged, or is no regular file.
        """
        for directory, names, keys, contents in self._directories(part):
            for name, key, content in zip(names, keys, contents, strict=True):
                path = (directory + b"/" + name).decode()
                yield SnapshotDocument(path, None if isinstance(key, Shortened) else key, content)

    def keyed(
        self, part: Part, key_of: Callable[[SnapshotDocument], Key]
    ) -> Iterator[tuple[Key, bytes]]:
        """Streams documents under their keys; `key_of` tells those that paths are too short for.

        Raises:
            CorruptRepositoryError: As `read`.
        """
        for directory, names, keys, contents in self._directories(part):
            if TRUNCATED not in keys:
                yield from zip(cast("list[Key]", keys), contents, strict=True)
                continue
            for name, key, content in zip(names, keys, contents, strict=True):
                path = (directory + b"/" + name).decode()
                known = None if isinstance(key, Shortened) else key
                yield known or key_of(SnapshotDocument(path, None, content)), content

    def _directories(self, part: Part) -> Iterator[_Directory]:
        if self._blobs is None:
            self._blobs = BlobReader(self._repository, self._count)
        for top, is_deep in part:
            for directory, entries in self._walk(top, is_deep=is_deep):
                modes, names, blobs = _columns(entries)
                keys = self._keys_in(directory, names)
                if None in keys or TREE_MODE in modes:
                    found = zip(entries, keys, strict=True)
                    mine = [(entry, key) for entry, key in found if key and entry[0] != TREE_MODE]
                    keys = [key for _entry, key in mine]
                    modes, names, blobs = _columns([entry for entry, _key in mine])
                if {*modes} - {FILE_MODE}:
                    for mode, name, blob in zip(modes, names, blobs, strict=True):
                        regular(directory + b"/" + name, mode, blob)
                contents = self._blobs.read_all(blobs)
                yield directory, names, cast("list[Key | Shortened]", keys), contents

    def everything(self) -> Iterator[SnapshotDocument]:
        """Streams all documents."""
        return self.read([(self._top, True)])

    def _walk(
        self, directory: bytes, *, is_deep: bool
    ) -> Iterator[tuple[bytes, list[tuple[bytes, bytes, bytes]]]]:
        if is_deep:
            return self._trees.walk_entries(directory)
        return iter([(directory, tree_entries(self._trees.raw(directory)))])

    def _opened(self, directory: bytes, is_deep: bool) -> Iterator[tuple[bytes, bool]]:  # noqa: FBT001 - a place
        yield directory, False
        for mode, name, _object_id in tree_entries(self._trees.raw(directory)) if is_deep else ():
            if mode == TREE_MODE:
                yield directory + b"/" + name, True


def _columns(entries: Sequence[NamedEntry]) -> tuple[Sequence[bytes], ...]:
    """Gives the modes, the names and the object ids of a tree's entries."""
    return tuple(zip(*entries, strict=True)) or ((), (), ())


def regular(path: bytes, mode: bytes, object_id: bytes) -> bytes:
    """Gives the id of a regular file's blob.

    Raises:
        CorruptRepositoryError: It is none.
    """
    if mode != FILE_MODE:
        name = path.decode("utf-8", "replace")
        message = f"'{name}' is not a regular file"
        raise CorruptRepositoryError(message, where=name, hint=f"see 'git log -- {name}'")
    return object_id
