"""A snapshot in a data repository, open for an import."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from gitexport.canonical.value import loads
from gitexport.compare.stored import StoredEntity, StoredHistory
from gitexport.export.processes import processors, receive, started
from gitexport.model.address import Address
from gitexport.model.entity import RELATIONS_DIRECTORY, Publication
from gitexport.model.ports import Key
from gitexport.model.relation_json import published_columns
from gitexport.model.snapshot import Commit
from gitexport.store.repository import DataRepository
from gitexport.store.trees import FILE_MODE
from gitexport.transfer.commit_documents import CommitDocuments, Part, regular
from gitexport.transfer.snapshot_source import SnapshotDocument, SnapshotEntity

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_READ_AHEAD = 5_000
"""Documents from which on a process of their own is worth its start."""
_BATCH_BYTES = 1 << 16
_PART_DOCUMENTS = 200


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
        is_large = self._is_large(self.entities[entity].stored)
        return self._ahead(entity) if is_large else self.reader(entity).everything()

    def holds(self, entity: str, address: Address) -> bool:
        """Tells whether an address matches a document whose path holds its whole key.

        Raises:
            CorruptRepositoryError: A tree is missing or damaged.
        """
        return self._tree.holds(self.entities[entity].stored, address)

    def close(self) -> None:
        """Has nothing to end: the repository belongs to whoever opened it."""

    def read(self, path: str) -> bytes | None:
        """Gives the content of any file; None where there is none.

        Raises:
            CorruptRepositoryError: It is damaged, or no regular file.
        """
        name = path.encode()
        entry = self._tree.reader.entry(name)
        return None if entry is None else self._repository.read_blob(regular(name, *entry))

    def files_in(self, directory: str) -> list[str]:
        """Lists the paths of the files that stand in a directory itself."""
        tree = self._tree.reader.tree(directory.encode())
        names = sorted(name for name, entry in tree.items() if entry.mode == FILE_MODE)
        return [f"{directory}/{name.decode('utf-8', 'surrogateescape')}" for name in names]

    def parts(self, entity: str) -> list[Part]:
        """Divides an entity's documents for processes that read them at once.

        Gives no parts where that is not worth it.
        """
        stored = self.entities[entity].stored
        if not self._is_large(stored):
            return []
        return self.reader(entity).parts(stored.manifest.count // _PART_DOCUMENTS + 1)

    def reader(self, entity: str) -> CommitDocuments:
        """Gives what reads parts of an entity's documents."""
        stored = self.entities[entity].stored
        return CommitDocuments(self._repository, self._tree.reader, stored)

    def leave_to_parent(self) -> None:
        """Opens the repository anew, in a forked process."""
        self._repository.forget()

    def _ahead(self, entity: str) -> Iterator[SnapshotDocument]:
        with started(self._send, [(entity,)]) as (reader,):
            while batch := receive(reader):
                yield from map(SnapshotDocument._make, batch)

    def _send(self, parent: Connection, entity: str) -> None:
        self.leave_to_parent()
        batch: list[tuple[str, Key | None, bytes]] = []
        size = 0
        for document in self.reader(entity).everything():
            # Plain tuples travel at half the cost.
            batch.append((*document,))
            size += len(document.content)
            if size > _BATCH_BYTES:
                parent.send(batch)
                batch, size = [], 0
        if batch:
            parent.send(batch)
        parent.send([])

    def _is_large(self, stored: StoredEntity) -> bool:
        return stored.manifest.count >= _READ_AHEAD and processors() > 1

    def _entity(self, stored: StoredEntity) -> SnapshotEntity:
        relation = self.read(f"{RELATIONS_DIRECTORY}/{stored.name}.json")
        configured = self.publication.entity(stored.name)
        schema = configured.schema if configured else None
        return SnapshotEntity(
            stored,
            published_columns(loads(relation or b"{}")),
            None if schema is None else self.read(schema),
        )
