"""The seam through which use cases write rows: values, and what a writer owes.

A writer belongs to one transaction. Documents and deletions are staged first, which changes
no row of people's; what would happen can then be asked; `write` does it, set by set, and
the transaction ends with the block that opened the writer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, Protocol

from gitexport.model.creation import RelationMaker
from gitexport.model.entity import Entity
from gitexport.model.foreign_keys import Component
from gitexport.model.ports import Key
from gitexport.model.recognition import Dangling, Recogniser
from gitexport.model.relation import Relation, RelationName

if TYPE_CHECKING:
    from gitexport.model.prepared_rows import PreparedRows, RowPreparer


class RowAction(str, Enum):
    """What a staged document does to the row with its key."""

    INSERT = "insert"
    """The row must not be there."""
    UPDATE = "update"
    """The row must be there."""
    UPSERT = "upsert"
    """Inserts the row, or updates it where it differs."""
    SKIP = "skip"
    """Inserts the row unless it is there."""


class MissingColumns(str, Enum):
    """What becomes of published columns that a document lacks."""

    DEFAULT = "default"
    """An inserted row takes the column's default, an updated one keeps its value."""
    NULL = "null"
    """They become null."""
    REFUSE = "refuse"
    """The document is refused by name."""


class WritingOptions(NamedTuple):
    """How one transaction writes.

    `fires_triggers` leaves people's triggers and rules at work. `lock_timeout_ms` is how long
    a statement waits for another session's lock. With `is_rehearsal` nothing is kept:
    the transaction is undone at its end, whatever was written.
    """

    fires_triggers: bool = False
    lock_timeout_ms: int = 30_000
    is_rehearsal: bool = False


class PeoplesCode(NamedTuple):
    """A trigger or rule of people's on a relation that is written.

    `kind` is `trigger` or `rule`. `is_silenced` tells whether it is disabled until the
    transaction ends; one that is not fires.
    """

    relation: RelationName
    name: str
    kind: str
    is_silenced: bool


class CurrentRow(NamedTuple):
    """A row as an export would read it now; `problem` says why it has no document."""

    key: Key
    document: bytes | None
    problem: str | None


class FormerValue(NamedTuple):
    """What a column holds now, as JSON text of the type that the column had before."""

    key: Key
    column: str
    value: bytes


@dataclass(frozen=True, slots=True)
class StagedRows:
    """What the documents staged for an entity so far are, against its relation.

    `missing` counts documents that lack a published column, by column; `unknown` counts
    those that hold a member which is not written (no such column, or not published).
    `required` are columns without default that may not be null and that an inserted row
    would not get: neither are they published, nor does every document hold them.
    """

    rows: int = 0
    missing: Mapping[str, int] = field(default_factory=dict)
    unknown: Mapping[str, int] = field(default_factory=dict)
    required: tuple[str, ...] = ()


class WriteCounts(NamedTuple):
    """Rows of one entity by what is, or was, done with them."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    deleted: int = 0


class CascadeReach(NamedTuple):
    """Rows that a deletion or an update changes elsewhere.

    `relation` refers to `target`, whose rows are deleted or updated (`event`), by the
    constraint `name`; `action` is `cascade`, `set null` or `set default`. `rows` counts those
    that are not themselves staged.
    """

    relation: RelationName
    name: str
    target: RelationName
    action: str
    rows: int
    event: str = "delete"


class RowWriter(RelationMaker, Protocol):
    """Writes rows in one transaction. Every method but `write` leaves people's rows alone.

    Relations that it makes first are there for everything that follows, and gone with it
    where the transaction is undone.

    Methods that give iterators use the connection until these end or are closed. Errors
    name relations, keys, columns and constraints, never another value of a row. After an
    error the transaction can only be given up.
    """

    def relation(self, entity: Entity) -> Relation:
        """Describes an entity's relation as it is now.

        Raises:
            RelationNotFoundError: The relation or one of its key columns is gone.
            PermissionDeniedError: The role may not read or write it; the hint names the grant.
            ConfigError: It is a view or a foreign table, whose rows are not written.
        """

    def order(self, entities: Sequence[Entity]) -> tuple[Component, ...]:
        """Tells in which order relations are written, and how each reference is kept."""

    def silence(self, entities: Sequence[Entity]) -> tuple[PeoplesCode, ...]:
        """Names people's triggers and rules, which `write` disables until the transaction ends.

        With `fires_triggers` they are only named. gitexport's own stay at work, so that
        what is written becomes pending and what is deleted leaves a tombstone. No lock is
        taken before `write`.

        Raises:
            PermissionDeniedError: The role does not own the relation; the hint names the grant.
        """

    def current(
        self, entity: Entity, keys: Iterable[Key] | None, *, is_locked: bool = True
    ) -> Iterator[CurrentRow]:
        """Streams the rows with some keys, or all rows, as an export would read them.

        Locked rows are changed by nobody else until the transaction ends. Keys without a
        row give nothing.

        Raises:
            PermissionDeniedError: The role may not lock rows; the hint names the grant.
            StatementFailedError: Another session holds a lock for longer than the time limit.
        """

    def stage(
        self,
        entity: Entity,
        documents: Iterable[tuple[Key, bytes]],
        action: RowAction,
        missing: MissingColumns = MissingColumns.DEFAULT,
    ) -> StagedRows:
        """Takes documents to be written, each the canonical bytes under its key.

        May be called several times for an entity, with several actions. Columns that are
        not published keep their values, or take their defaults; generated ones are left to
        the database. What yields the documents must not use this writer: it is taking them.

        Raises:
            RowRefusedError: A value is none of its column's type, or a document lacks a
                column and `missing` refuses it.
        """

    def preparer(self, entity: Entity) -> RowPreparer:
        """Gives what prepares an entity's documents before they are staged."""

    def stage_prepared(
        self, entity: Entity, prepared: Iterable[PreparedRows], action: RowAction
    ) -> StagedRows:
        """Takes documents that were prepared, each under a number of its own; see `stage`."""

    def stage_deletions(self, entity: Entity, keys: Iterable[Key]) -> int:
        """Takes keys whose rows are to be deleted; gives the number of those that have one."""

    def stage_departures(self, entity: Entity) -> int:
        """Takes every row for deletion that no document was staged for; gives their number."""

    def left_out(self, entity: Entity, keys: Sequence[Key] | None = None) -> list[Key]:
        """Gives those of some keys that have a row which the entity's `where` leaves out.

        Without keys, gives staged updates whose rows it would leave out once they are
        written; not all where they are many.
        """

    def recogniser(self) -> Recogniser:
        """Gives what finds the rows that documents of another database stand for.

        It works in this transaction, before the documents are staged here under the keys
        that their rows have.
        """

    def dangling(self, entities: Sequence[Entity]) -> tuple[Dangling, ...]:
        """Finds rows to be written whose references have no target, staged or present.

        Gives the first 100, by entity and key.
        """

    def expected(self, entity: Entity) -> WriteCounts:
        """Counts what `write` would do with what is staged."""

    def reach(self, entities: Sequence[Entity]) -> tuple[CascadeReach, ...]:
        """Counts the rows that writing would change elsewhere, through cascades."""

    def statements(self, *, fires_triggers: bool) -> Iterator[str]:
        """Streams the lines of a script of SQL that does what `write` would do.

        It is one transaction, and takes the rows for what they are now. Unless
        `fires_triggers`, it disables what `silence` named, and enables it again. Rows have a
        statement each where an order of such statements is right, and share one where not.
        """

    def write(self) -> Mapping[str, WriteCounts]:
        """Deletes, updates and inserts what is staged, and gives the counts by entity.

        Rows that do not differ are not touched. Foreign keys hold when it returns; sequences
        are past the highest written value.

        Raises:
            RowRefusedError: A row breaks a constraint, or a trigger refused it.
            PermissionDeniedError: The role may not; the hint names the grant.
            StatementFailedError: Another session holds a lock for longer than the time limit.
        """

    def written(self, entity: Entity) -> Iterator[CurrentRow]:
        """Reads the rows back that documents were staged for, as an export would read them.

        Deleted rows are not among them; one whose deletion did not happen is.
        """

    def as_before(self, entity: Entity, types: Mapping[str, str]) -> Iterator[FormerValue]:
        """Reads columns of written rows back as values of their former `types`.

        Only of rows that hold what the column's present type made of the document. A value
        that is not the document's own was lost on the way, as were those that are missing.
        """


class WritableSource(Protocol):
    """A database whose rows can be written."""

    def writing(self, options: WritingOptions) -> AbstractContextManager[RowWriter]:
        """Opens a transaction; it is kept when the block ends well, and undone otherwise."""
