"""A snapshot in an archive, open for an import."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from gitexport.canonical.shards import Shortened
from gitexport.canonical.value import loads
from gitexport.compare.stored import describe_entity
from gitexport.errors import CorruptRepositoryError, UnsupportedValueError
from gitexport.model.address import Address
from gitexport.model.entity import RELATIONS_DIRECTORY, Publication
from gitexport.model.relation_json import published_columns
from gitexport.transfer.archive_index import SUMMARY_PATH
from gitexport.transfer.archive_reader import ArchiveReader
from gitexport.transfer.snapshot_source import SnapshotDocument, SnapshotEntity


class ArchiveSource:
    """An open archive; see `SnapshotSource`. `publication` is the configuration it holds."""

    def __init__(self, reader: ArchiveReader, publication: Publication) -> None:
        self.place = str(reader.path)
        self.publication = publication
        self.snapshot = reader.head.snapshot
        self.commit = reader.head.commit
        self.reader = reader

    @cached_property
    def entities(self) -> dict[str, SnapshotEntity]:
        """What the snapshot holds, by name, in the order of its manifest.

        Raises:
            CorruptRepositoryError: It does not say how an entity is laid out.
        """
        return {name: self._entity(name) for name in self.reader.manifest.entities}

    @cached_property
    def origin(self) -> str | None:
        """The database that the snapshot was made from; None where that is not said.

        Raises:
            CorruptRepositoryError: The summary is none.
        """
        try:
            summary = loads(self.reader.read(SUMMARY_PATH) or b"{}")
        except UnsupportedValueError as error:
            message = f"'{SUMMARY_PATH}' cannot be read: it {error.message}"
            raise CorruptRepositoryError(message, where=self.place) from error
        origin = summary.get("source") if isinstance(summary, dict) else None
        return origin if isinstance(origin, str) else None

    def documents(self, entity: str) -> Iterator[SnapshotDocument]:
        """Streams an entity's documents in the order of their paths.

        Raises:
            CorruptRepositoryError: A file stands where no document of the entity can be, or
                the archive changed since it was opened.
        """
        stored = self.entities[entity].stored
        for path, content in self.reader.documents(stored.manifest.directory):
            key = stored.paths.parse(path.encode())
            if key is None:
                message = f"'{path}' is not the document of any key of '{entity}'"
                raise CorruptRepositoryError(message, where=self.place)
            yield SnapshotDocument(path, None if isinstance(key, Shortened) else key, content)

    def holds(self, entity: str, address: Address) -> bool:
        """Tells whether an address matches a document whose path holds its whole key.

        Raises:
            CorruptRepositoryError: As `documents`.
        """
        path = None
        if address.key is not None:
            try:
                path = b"/".join(self.entities[entity].stored.paths.path(address.key)).decode()
            except ValueError:
                return False
        return any(
            found.path == path or (found.key is not None and address.matches(found.key))
            for found in self.documents(entity)
        )

    def close(self) -> None:
        """Closes the archive; safe to call twice."""
        self.reader.close()

    def _entity(self, name: str) -> SnapshotEntity:
        path = f"{RELATIONS_DIRECTORY}/{name}.json"
        relation = self.reader.read(path)
        if relation is None:
            message = f"the archive holds documents of '{name}' and no '{path}'"
            raise CorruptRepositoryError(message, where=self.place)
        stored = describe_entity(
            self.publication, name, self.reader.manifest.entities[name], relation
        )
        configured = self.publication.entity(name)
        schema = configured.schema if configured else None
        try:
            published = published_columns(loads(relation))
        except (ValueError, UnsupportedValueError) as error:
            message = f"'{path}' does not say which columns are published"
            raise CorruptRepositoryError(message, where=self.place) from error
        return SnapshotEntity(
            stored, published, None if schema is None else self.reader.read(schema)
        )
