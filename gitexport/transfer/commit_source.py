"""A snapshot in a data repository, open for an import."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from gitexport.canonical.shards import Shortened
from gitexport.canonical.value import loads
from gitexport.compare.stored import StoredEntity, StoredHistory
from gitexport.errors import CorruptRepositoryError
from gitexport.export.processes import processors, receive, started
from gitexport.model.entity import RELATIONS_DIRECTORY, Publication
from gitexport.model.ports import Key
from gitexport.model.relation_json import published_columns
from gitexport.model.snapshot import Commit
from gitexport.store.pack_reader import BlobReader
from gitexport.store.repository import DataRepository
from gitexport.store.trees import FILE_MODE, TREE_MODE
from gitexport.transfer.snapshot_source import SnapshotDocument, SnapshotEntity

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_READ_AHEAD = 5_000
"""Documents from which on a process of their own is worth its start."""
_BATCH_BYTES = 1 << 16
_Row = tuple[str, Key | None, bytes]


class CommitSource:
    """A commit of a data repository; see `SnapshotSource`.

    `publication` is the configuration that the commit itself holds.
    """

    def __init__(
        self, repository: DataRepository, publication: Publication, commit: Commit, place: str
    ) -> None:
        self.place = place
        self.publication = publication
        self.snapshot = commit.snapshot
        self.commit = str(commit.commit_id)
        self._repository = repository
        self._tree = StoredHistory(repository, publication).at(bytes.fromhex(commit.tree_id))

    @cached_property
    def entities(self) -> dict[str, SnapshotEntity]:
        """What the snapshot holds, by name, in the order of its manifest.

        Raises:
            CorruptRepositoryError: It does not say how an entity is laid out.
        """
        found = {}
        for name in self._tree.manifest.entities:
            stored = self._tree.entity(name)
            if stored is not None:
                found[name] = self._entity(stored)
        return found

    def documents(self, entity: str) -> Iterator[SnapshotDocument]:
        """Streams an entity's documents in the order of their paths.

        Many are read by a process of their own, while this one does something with them.

        Raises:
            CorruptRepositoryError: A document is damaged, or is no regular file.
        """
        stored = self.entities[entity].stored
        if stored.manifest.count >= _READ_AHEAD and processors() > 1:
            rows = self._ahead(stored)
        else:
            rows = (row for batch in self._batches(stored) for row in batch)
        return map(SnapshotDocument._make, rows)

    def close(self) -> None:
        """Has nothing to end: the repository belongs to whoever opened it."""

    def read(self, path: str) -> bytes | None:
        """Gives the content of any file; None where there is none.

        Raises:
            CorruptRepositoryError: It is damaged, or no regular file.
        """
        name = path.encode()
        entry = self._tree.reader.entry(name)
        return None if entry is None else self._repository.read_blob(_regular(name, *entry))

    def files_in(self, directory: str) -> list[str]:
        """Lists the paths of the files that stand in a directory itself."""
        tree = self._tree.reader.tree(directory.encode())
        names = sorted(name for name, entry in tree.items() if entry.mode == FILE_MODE)
        return [f"{directory}/{name.decode('utf-8', 'surrogateescape')}" for name in names]

    def _ahead(self, stored: StoredEntity) -> Iterator[_Row]:
        with started(self._send, [(stored,)]) as (reader,):
            while batch := receive(reader):
                yield from batch

    def _send(self, parent: Connection, stored: StoredEntity) -> None:
        self._repository.forget()
        for batch in self._batches(stored):
            parent.send(batch)
        parent.send([])

    def _batches(self, stored: StoredEntity) -> Iterator[list[_Row]]:
        """Reads the documents of one directory after the other, and of large ones in parts."""
        parse, read = stored.paths.parse, BlobReader(self._repository).read
        top = stored.manifest.directory.encode()
        batch: list[_Row] = []
        size = 0
        for directory, entries in self._tree.reader.walk_entries(top):
            for mode, name, blob in entries:
                path = directory + b"/" + name
                key = parse(path) if mode != TREE_MODE else None
                if key is None:
                    continue
                content = read(_regular(path, mode, blob))
                batch.append((path.decode(), None if isinstance(key, Shortened) else key, content))
                size += len(content)
                if size > _BATCH_BYTES:
                    yield batch
                    batch, size = [], 0
        if batch:
            yield batch

    def _entity(self, stored: StoredEntity) -> SnapshotEntity:
        relation = self.read(f"{RELATIONS_DIRECTORY}/{stored.name}.json")
        configured = self.publication.entity(stored.name)
        schema = configured.schema if configured else None
        return SnapshotEntity(
            stored,
            published_columns(loads(relation or b"{}")),
            None if schema is None else self.read(schema),
        )


def _regular(path: bytes, mode: bytes, object_id: bytes) -> bytes:
    if mode != FILE_MODE:
        name = path.decode("utf-8", "replace")
        message = f"'{name}' is not a regular file"
        raise CorruptRepositoryError(message, where=name, hint=f"see 'git log -- {name}'")
    return object_id
