"""What an import needs of a snapshot, wherever the snapshot stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from gitexport.compare.stored import StoredEntity
from gitexport.model.address import Address
from gitexport.model.entity import Publication
from gitexport.model.ports import Key


class SnapshotDocument(NamedTuple):
    """One document: its path in the data repository, its key and its bytes.

    `key` is None where the path holds only a part of a long key.
    """

    path: str
    key: Key | None
    content: bytes


class ChangedDocument(NamedTuple):
    """A document as it was and as it is, None where there is none."""

    key: Key
    base: bytes | None
    document: bytes | None


class SnapshotEntity(NamedTuple):
    """An entity as the snapshot describes it.

    `stored` has the manifest's counts, the key columns and the relation of then; `published`
    are the columns that documents hold. `schema` is the JSON Schema, None where there is none,
    also where the configuration names one that the snapshot lacks.
    """

    stored: StoredEntity
    published: tuple[str, ...]
    schema: bytes | None = None


class SnapshotSource(Protocol):
    """One snapshot, open for reading. Every method may be called any number of times."""

    @property
    def place(self) -> str:
        """Names the snapshot's home for people: a path or a URL."""

    @property
    def snapshot(self) -> str | None:
        """The snapshot's tag; None for a commit that is no snapshot."""

    @property
    def commit(self) -> str:
        """The commit's id, 40 hex digits."""

    @property
    def publication(self) -> Publication:
        """The configuration of that snapshot."""

    @property
    def entities(self) -> dict[str, SnapshotEntity]:
        """What the snapshot holds, by name, in the order of its manifest.

        Raises:
            CorruptRepositoryError: It does not say how an entity is laid out.
        """

    def documents(self, entity: str) -> Iterator[SnapshotDocument]:
        """Streams an entity's documents in the order of their paths.

        Raises:
            CorruptRepositoryError: A document is damaged, or is no regular file.
        """

    def holds(self, entity: str, address: Address) -> bool:
        """Tells whether an address matches a document whose path holds its whole key.

        An address of one document finds it whatever its path holds.

        Raises:
            CorruptRepositoryError: What has to be read for that is damaged.
        """

    def close(self) -> None:
        """Ends reading; safe to call twice."""
