"""A snapshot in a data repository, open for an import."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from gitexport.canonical.shards import Shortened
from gitexport.canonical.value import loads
from gitexport.compare.stored import StoredEntity, StoredHistory
from gitexport.errors import CorruptRepositoryError
from gitexport.model.entity import RELATIONS_DIRECTORY, Publication
from gitexport.model.relation_json import published_columns
from gitexport.model.snapshot import Commit
from gitexport.store.repository import DataRepository
from gitexport.store.trees import FILE_MODE, TreeEntry
from gitexport.transfer.snapshot_source import SnapshotDocument, SnapshotEntity


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

        Raises:
            CorruptRepositoryError: A document is damaged, or is no regular file.
        """
        stored = self.entities[entity].stored
        reader = self._tree.reader
        for directory, tree in reader.walk(stored.manifest.directory.encode()):
            for name in sorted(name for name, entry in tree.items() if not entry.is_tree):
                path = directory + b"/" + name
                key = stored.paths.parse(path)
                if key is not None:
                    yield SnapshotDocument(
                        path.decode(),
                        None if isinstance(key, Shortened) else key,
                        self._repository.read_blob(_regular(path, tree[name])),
                    )
            reader.forget(directory)

    def close(self) -> None:
        """Has nothing to end: the repository belongs to whoever opened it."""

    def read(self, path: str) -> bytes | None:
        """Gives the content of any file; None where there is none.

        Raises:
            CorruptRepositoryError: It is damaged, or no regular file.
        """
        name = path.encode()
        entry = self._tree.reader.entry(name)
        return None if entry is None else self._repository.read_blob(_regular(name, entry))

    def files_in(self, directory: str) -> list[str]:
        """Lists the paths of the files that stand in a directory itself."""
        tree = self._tree.reader.tree(directory.encode())
        names = sorted(name for name, entry in tree.items() if entry.mode == FILE_MODE)
        return [f"{directory}/{name.decode('utf-8', 'surrogateescape')}" for name in names]

    def _entity(self, stored: StoredEntity) -> SnapshotEntity:
        relation = self.read(f"{RELATIONS_DIRECTORY}/{stored.name}.json")
        configured = self.publication.entity(stored.name)
        schema = configured.schema if configured else None
        return SnapshotEntity(
            stored,
            published_columns(loads(relation or b"{}")),
            None if schema is None else self.read(schema),
        )


def _regular(path: bytes, entry: TreeEntry) -> bytes:
    if entry.mode != FILE_MODE:
        name = path.decode("utf-8", "replace")
        message = f"'{name}' is not a regular file"
        raise CorruptRepositoryError(message, where=name, hint=f"see 'git log -- {name}'")
    return entry.object_id
