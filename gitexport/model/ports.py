"""The seams between the use cases and the world: sources, progress, time.

Each Protocol states what an implementation owes, not only its signatures. Every
implementation of a port passes the same suite of tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple, Protocol

from gitexport.errors import SourceError
from gitexport.model.entity import Entity, QueryDocument
from gitexport.model.relation import Relation
from gitexport.model.snapshot import ObjectId

Clock = Callable[[], datetime]
"""Gives the current time, aware, in UTC."""

Key = tuple[str, ...]
"""The text of each key column under the pinned session; see `key_text` for what is no text."""


class NestedKind(Enum):
    """What has to be expected inside a column that holds JSON of any shape."""

    CLEAN = "clean"
    """No duplicate members, no lone surrogates, no minus zero: jsonb, text[], int[], numeric[]."""
    EXACT = "exact"
    """Anything: json, float arrays, composites, types not known here."""


class RowScope(Enum):
    """Which rows of an entity to read."""

    PENDING = "pending"
    ALL = "all"


class RowQuery(NamedTuple):
    """How to read an entity's rows.

    `limit` takes the first rows by key, 0 takes all; `is_ordered` gives all by key. `part`
    of `parts` takes one of several disjoint shares of the rows, which together are all. Rows
    whose text is over `max_bytes` come without it. `with_label` asks for the text of the
    label column.
    """

    scope: RowScope
    limit: int = 0
    is_ordered: bool = False
    part: int = 0
    parts: int = 1
    max_bytes: int = 95_000_000
    with_label: bool = False


class RowProblem(NamedTuple):
    """Why the source gives no document of a row.

    `column` is the name of the column whose value is the reason, None where the source names
    none.
    """

    reason: str
    column: str | None = None

    @property
    def sentence(self) -> str:
        """The reason, and the column where there is one."""
        return self.reason if self.column is None else f"column '{self.column}' {self.reason}"


class SourceRow(NamedTuple):
    """One row as the source gives it.

    A key that is no text comes with a problem. `version` goes back to `acknowledge` unread; it
    is empty where there is nothing to acknowledge. `size` is the length of the text in bytes,
    also where the text did not come. `text` is the document with each nested value between two
    U+0001 marks, None where it is over the limit or the source refuses it. `problem` is the
    source's refusal. `label` is the text of the label column.
    """

    key: Key
    version: str
    size: int
    text: bytes | None
    problem: RowProblem | None
    label: str | None


class Acknowledgement(NamedTuple):
    """A row version that a commit holds."""

    key: Key
    version: str


class DepartedRow(NamedTuple):
    """A pending row that does not match the entity's `where`, so it has no document."""

    key: Key
    version: str


class Tombstones(NamedTuple):
    """Hints of deleted keys, read in the view.

    `keys` are keys that were deleted or changed; some may live again. `is_complete` is
    False where only a comparison of all keys tells (TRUNCATE, partitions that came or went,
    nothing tracked). `ids` name the hints, to be dropped once a commit holds the deletions.
    """

    keys: tuple[Key, ...] = ()
    is_complete: bool = True
    ids: tuple[int, ...] = ()


class SourceIdentity(NamedTuple):
    """Which database this is: its name, and a fingerprint that no other database has."""

    database: str
    fingerprint: str


class SourceView(Protocol):
    """One MVCC snapshot of the source. Every method sees the same instant."""

    def relations(self, entities: Sequence[Entity]) -> dict[str, Relation]:
        """Describes the relations of several entities at once, by the entities' names.

        Raises: what `relation` does, for the first entity that it would.
        """

    def relation(self, entity: Entity) -> Relation:
        """Describes an entity's relation.

        Raises:
            RelationNotFoundError: The relation or one of its key columns is gone.
            PermissionDeniedError: The role may not read it.
        """

    def columns(self, entity: Entity) -> tuple[str, ...]:
        """Lists the published columns that exist, sorted by code point."""

    def nested(self, entity: Entity) -> tuple[NestedKind, ...]:
        """Tells the kind of each nested value of a row's text, in the order of the text."""

    def rows(self, entity: Entity, query: RowQuery) -> Iterator[SourceRow]:
        """Streams rows in no particular order, or by key where there is a limit.

        A row that the server cannot render comes with a problem; the others still come.
        """

    def departed(self, entity: Entity) -> Iterator[DepartedRow]:
        """Streams pending rows that the entity's `where` leaves out."""

    def keys(self, entity: Entity) -> Iterator[Key]:
        """Streams the keys of all rows that match the entity's `where`, and can have documents."""

    def living(self, entity: Entity, keys: Sequence[Key]) -> set[Key]:
        """Tells which of some keys belong to rows that match the entity's `where`."""

    def tombstones(self, entity: Entity) -> Tombstones:
        """Reads the hints of deleted keys."""

    def count(self, entity: Entity, scope: RowScope) -> int:
        """Counts pending rows exactly, all rows from the catalog's estimate."""

    def document(self, query: QueryDocument, parameters: Mapping[str, str]) -> bytes:
        """Runs the query and gives its JSON text: an array of rows, or one row.

        Raises:
            UnsupportedValueError: The query failed, or gave not exactly one row for an object.
        """

    def share(self) -> str | None:
        """Names this view so that other processes can open the same instant; None: they cannot."""


class Fence(NamedTuple):
    """The right to acknowledge, taken by one run and lost when another run takes it.

    `tip` is the commit that the flags speak of. `value` is 0 where the source keeps no
    state: then flags are never trusted, and nothing fences. `tracked` are the entities whose
    pending rows and tombstones tell everything that changed. `warnings` say what keeps others
    from being noticed though tracking was set up for them.
    """

    value: int
    tip: ObjectId | None
    tracked: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()


class AcknowledgedCounts(NamedTuple):
    """How many of the rows handed in were acknowledged, and how many had changed meanwhile."""

    acknowledged: int
    superseded: int


class Acknowledged(NamedTuple):
    """What became of the rows handed in, by the entities' names.

    An entity in `refused` has rows that the source would not let be marked, and why: those stay
    pending. `counts` leave them out. `warnings` tell what else keeps rows pending for ever.
    """

    counts: Mapping[str, AcknowledgedCounts] = MappingProxyType({})
    refused: Mapping[str, SourceError] = MappingProxyType({})
    warnings: tuple[str, ...] = ()


class Source(Protocol):
    """A database. Opening it connects; `close` ends the connection."""

    def identity(self) -> SourceIdentity:
        """Tells which database this is."""

    def view(self, shared: str | None = None) -> AbstractContextManager[SourceView]:
        """Opens a view; with `shared`, of the same instant as the view that was shared."""

    def fork(self) -> Source:
        """Gives a source with a connection of its own, for use in another process."""

    def peek(self, repository_id: str, entities: Sequence[Entity]) -> Fence:
        """Reads what `begin` would give, and writes nothing."""

    def begin(self, repository_id: str, entities: Sequence[Entity]) -> Fence:
        """Takes the fence of a data repository for one run, committed at once."""

    def acknowledge(
        self,
        repository_id: str,
        fence: Fence,
        tip: ObjectId | None,
        rows: Iterable[tuple[Entity, Sequence[Acknowledgement]]],
        tombstones: Mapping[str, Sequence[int]],
    ) -> Acknowledged:
        """Marks exactly the row versions handed in as being in a commit.

        `tip` is the commit that all flags speak of from now on, None where they stay void.
        Rows come in batches. A row that changed or is locked stays pending and counts as
        superseded. No other column of any row changes. An entity whose rows are refused, as by
        a trigger of people's, keeps no other entity from being marked.

        Raises:
            LockedError: Another run took the fence; nothing of this call's first batch is kept.
        """

    def maintain(self, entities: Mapping[str, int]) -> list[str]:
        """Cleans up after large acknowledgements (rows by entity); gives warnings."""

    def catalog(self, schemas: Sequence[str] = ()) -> list[Relation]:
        """Describes all relations of people's schemas, or of the given ones, by name."""

    def sample(self, relation: Relation, limit: int) -> list[tuple[str | None, ...]]:
        """Reads the beginnings of a few rows' values, in the order of the relation's columns.

        Values of plain columns stand as text, all others as JSON. Bytes that are no text come
        as U+FFFD.

        Raises:
            SourceError: The rows cannot be read.
        """

    def unrestorable(self, relation: Relation) -> dict[str, str]:
        """Tells of columns whose values may not restore to equal ones, and why."""

    def close(self) -> None:
        """Ends the connection; safe to call twice."""


class Progress(Protocol):
    """Told how far a long run is. Calls are cheap and may be many."""

    def stage(self, name: str, total: int | None = None) -> None:
        """Starts a stage with a known or unknown number of steps."""

    def advance(self, steps: int = 1) -> None:
        """Counts steps of the current stage."""

    def warn(self, message: str) -> None:
        """Shows a warning at once."""

    def detail(self, message: str) -> None:
        """Shows a line that only people who asked for details see."""
