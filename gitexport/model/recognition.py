"""How rows of one database are recognised in another, where their keys may differ.

The documents of an entity are taken, each is matched with the row that it stands for, and
come back as documents of the target: with the keys that their rows have there, and with every
reference following the rows that it means. What the target does not have yet gets its key from
the target.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from gitexport.model.ports import Key
from gitexport.model.relation import Relation, RelationName


class RowReference(NamedTuple):
    """A foreign key of an entity's relation, or one that only the documents' database has.

    `parent` is the entity that it refers to, None where there is none. `is_mapped` says that
    some of the values referred to may be others in the target, so that it is rewritten. One
    that `is_temporal` is never: it leads to rows whose periods cover its own together.
    """

    name: str
    columns: tuple[str, ...]
    parent: str | None
    relation: RelationName
    parent_columns: tuple[str, ...]
    is_mapped: bool = False
    is_temporal: bool = False


class RecognisedEntity(NamedTuple):
    """How the rows of an entity are recognised.

    `key` names documents, `columns` are those that documents hold and the relation has, also
    generated ones, `match` those by which rows are recognised, `assigned` those whose values
    the target gives. `referred` are the columns that rewritten references point to.
    `is_written` is False for an entity whose rows are only looked up.
    """

    name: str
    relation: Relation
    key: tuple[str, ...]
    columns: tuple[str, ...]
    match: tuple[str, ...]
    assigned: tuple[str, ...] = ()
    references: tuple[RowReference, ...] = ()
    referred: tuple[str, ...] = ()
    is_written: bool = True

    @property
    def mapped(self) -> tuple[RowReference, ...]:
        """The references that are rewritten."""
        return tuple(reference for reference in self.references if reference.is_mapped)

    @property
    def is_rewritten(self) -> bool:
        """Tells whether documents may become others on their way into the target."""
        return bool(self.assigned or self.mapped)

    @property
    def identifying(self) -> tuple[RowReference, ...]:
        """The rewritten references that decide which row is meant, or how others refer to it."""
        deciding = {*self.match, *self.referred}
        return tuple(
            reference for reference in self.mapped if not deciding.isdisjoint(reference.columns)
        )


class ForeignDocument(NamedTuple):
    """A document of another database.

    `base` is the one that a change started from, in a merge; `document` is None where the
    change took it away. `is_written` is False where the document only tells which row others
    refer to.
    """

    key: Key
    document: bytes | None
    base: bytes | None = None
    is_written: bool = True


class NativeDocument(NamedTuple):
    """A document as the target would hold it; `key` is that of its row there.

    `foreign_key` is the one with which it came. `is_known` tells whether the target has the
    row, None where only the key says.
    """

    foreign_key: Key
    key: Key
    document: bytes | None
    base: bytes | None
    is_known: bool | None


class Dangling(NamedTuple):
    """A row to be written whose reference has no target, staged or present.

    `reference` are the texts of the referring columns, which refer to `columns` of `target`.
    """

    entity: str
    key: Key
    foreign_key: str
    reference: Key
    target: RelationName
    columns: tuple[str, ...]


class Misled(NamedTuple):
    """A row to be written whose reference follows in columns that the target computes.

    `computed` are those columns. `reference` are the texts of all referring columns as they
    came, `meant` those that would refer to the same row in the target.
    """

    entity: str
    key: Key
    foreign_key: str
    computed: tuple[str, ...]
    reference: Key
    meant: Key
    target: RelationName
    columns: tuple[str, ...]


class Recogniser(Protocol):
    """Finds rows in one transaction, and changes none of people's.

    Entities are recognised in an order in which those that identify others come first;
    references are followed when all are recognised.
    """

    def take(
        self,
        entity: RecognisedEntity,
        documents: Iterable[ForeignDocument],
        *,
        merges: bool = False,
    ) -> int:
        """Takes documents and gives their number; `merges` says that some have a base.

        Raises:
            RowRefusedError: A value is none of its column's type.
        """

    def recognise(self, entity: RecognisedEntity) -> None:
        """Finds the row of each document taken, or gives it the values that the target assigns.

        Raises:
            ConflictError: Two documents, or two rows, have the same identifying values, rows
                identify each other in a circle, or a new row would have another one's key.
        """

    def dangling(self, entity: RecognisedEntity) -> tuple[Dangling, ...]:
        """Finds documents to be written whose rewritten references have no target.

        Gives the first 100.
        """

    def misled(self, entity: RecognisedEntity) -> tuple[Misled, ...]:
        """Finds documents to be written whose references cannot follow the rows that they mean.

        These have other keys in the target, where the referring columns are generated. Gives
        the first 100.
        """

    def documents(self, entity: RecognisedEntity) -> Iterator[Sequence[NativeDocument]]:
        """Gives an entity's documents to be written as the target would hold them, in batches.

        The connection is free between two batches.
        """

    def pairs(self, entity: RecognisedEntity) -> Iterator[tuple[Key, Key, bool]]:
        """Streams the key of each document, that of its row, and whether the row is new."""
