"""PostgreSQL as a source: delegates each duty of the port to the module that knows it.

Connects when it is first used. In another process after a fork, the parent's connection is
never touched: a connection of its own takes its place.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from gitexport.errors import StatementFailedError
from gitexport.model.entity import Entity
from gitexport.model.ports import (
    Acknowledged,
    AcknowledgedCounts,
    Acknowledgement,
    Fence,
    SourceIdentity,
    SourceView,
)
from gitexport.model.relation import Relation
from gitexport.model.snapshot import ObjectId
from gitexport.source.postgresql import state
from gitexport.source.postgresql.acknowledge import Acknowledging
from gitexport.source.postgresql.acknowledge_batch import BatchWriter
from gitexport.source.postgresql.catalog import find_relations, read_catalog
from gitexport.source.postgresql.connection import connect
from gitexport.source.postgresql.entity_reading import EntityReading
from gitexport.source.postgresql.errors import translating
from gitexport.source.postgresql.identity import read_identity
from gitexport.source.postgresql.maintain import vacuum_after
from gitexport.source.postgresql.overruling import find_overruling, overruled_warning
from gitexport.source.postgresql.problems import unrestorable_columns
from gitexport.source.postgresql.sample import NO_TEXT, read_bytes_sample, read_sample
from gitexport.source.postgresql.session import Connection, Cursor, pin, reading
from gitexport.source.postgresql.value_types import read_value_types
from gitexport.source.postgresql.view import open_view

if TYPE_CHECKING:
    # Most runs write no rows and set up no tracking; the methods that do load what that takes.
    from gitexport.model.writing import RowWriter, WritingOptions
    from gitexport.source.postgresql.tracking_admin import PostgresTracking


class PostgresSource:
    """A PostgreSQL database; see `gitexport.model.ports.Source`.

    Without a DSN, libpq's own `PG*` variables and service file decide.
    """

    def __init__(self, dsn: str | None = None) -> None:
        self._dsn = dsn
        self._connection: Connection | None = None
        self._process = os.getpid()
        # Kept so that no finaliser closes them: they belong to a parent process.
        self._inherited: list[Connection] = []
        self._entities: dict[str, Entity] = {}
        # Entities whose rows cannot be marked without changing them, and the triggers' names.
        self._overruled: dict[str, str] = {}
        # What the parent worked out for its view, which this one shares.
        self._plans: dict[Entity, EntityReading] | None = None
        self._last_plans: dict[Entity, EntityReading] = {}

    def identity(self) -> SourceIdentity:
        """Tells which database this is."""
        with self._reading() as cursor:
            return read_identity(cursor)

    def view(self, shared: str | None = None) -> AbstractContextManager[SourceView]:
        """Opens a view; with `shared`, of the same instant as the view that was shared."""
        self._last_plans = dict(self._plans) if shared and self._plans else {}
        return open_view(self._connected(), shared, self._last_plans)

    def fork(self) -> PostgresSource:
        """Gives a source with a connection of its own, for use in another process."""
        forked = PostgresSource(self._dsn)
        forked._entities = dict(self._entities)
        forked._plans = self._last_plans
        if self._connection is not None:
            forked._inherited = [*self._inherited, self._connection]
        return forked

    def peek(self, repository_id: str, entities: Sequence[Entity]) -> Fence:
        """Reads what `begin` would give, and writes nothing.

        Raises:
            ConfigError: A flag or an outbox belongs to another repository.
            PermissionDeniedError: The role may not use the schema `gitexport`.
        """
        with self._reading() as cursor:
            return state.read_fence(cursor, repository_id, entities)

    def begin(self, repository_id: str, entities: Sequence[Entity]) -> Fence:
        """Takes the fence of a data repository for one run, committed at once.

        Raises:
            ConfigError: A flag or an outbox belongs to another repository.
            PermissionDeniedError: The role may not use the schema `gitexport`.
        """
        self._entities |= {entity.name: entity for entity in entities}
        with self._writing() as cursor:
            self._overruled = find_overruling(cursor, entities)
            return state.take_fence(cursor, repository_id, entities)

    def acknowledge(
        self,
        repository_id: str,
        fence: Fence,
        tip: ObjectId | None,
        rows: Iterable[tuple[Entity, Sequence[Acknowledgement]]],
        tombstones: Mapping[str, Sequence[int]],
    ) -> Acknowledged:
        """Marks exactly the row versions handed in as being in `tip`.

        Raises:
            LockedError: Another run took the fence; nothing of this call's first batch is kept.
            ConnectionFailedError: The connection was lost; the rest stays pending.
        """
        ids = [number for numbers in tombstones.values() for number in numbers]

        def writer(connection: Connection) -> BatchWriter:
            return BatchWriter(connection, repository_id, fence, tip)

        with translating("acknowledging rows"):
            run = Acknowledging(
                writer(self._connected()), lambda: writer(connect(self._dsn)), self._relation_of
            )
            passed: Counter[str] = Counter()
            done = run.run(self._not_overruled(rows, passed), ids)
        kept = {name: AcknowledgedCounts(0, count) for name, count in passed.items()}
        return done._replace(counts={**done.counts, **kept})

    def maintain(self, entities: Mapping[str, int]) -> list[str]:
        """Cleans up after large acknowledgements (rows by entity); gives warnings."""
        warnings: list[str | None] = [
            overruled_warning(self._entities[name], trigger)
            for name, trigger in self._overruled.items()
            if name in entities and name in self._entities
        ]
        with translating("cleaning up with VACUUM"):
            for name, rows in entities.items():
                entity = self._entities.get(name)
                if entity is not None:
                    warnings.append(vacuum_after(self._connected(), entity, rows))
        return [warning for warning in warnings if warning is not None]

    def catalog(self, schemas: Sequence[str] = ()) -> list[Relation]:
        """Describes all relations of people's schemas, or of the given ones, by name."""
        with self._reading() as cursor:
            return read_catalog(cursor, schemas)

    def sample(self, relation: Relation, limit: int) -> list[tuple[str | None, ...]]:
        """Reads the beginnings of a few rows' values; see `gitexport.model.ports.Source`."""
        try:
            with self._reading() as cursor:
                return read_sample(cursor, relation, limit)
        except StatementFailedError as error:
            if error.sqlstate not in NO_TEXT:
                raise
        with self._reading() as cursor:
            return read_bytes_sample(cursor, relation, limit)

    def unrestorable(self, relation: Relation) -> dict[str, str]:
        """Tells of columns whose values may not restore to equal ones, and why."""
        with self._reading() as cursor:
            return unrestorable_columns(cursor, read_value_types(cursor, relation.name))

    def writing(self, options: WritingOptions) -> AbstractContextManager[RowWriter]:
        """Opens a transaction that writes rows; see `gitexport.model.writing.RowWriter`."""
        from gitexport.source.postgresql.writing.writer import open_writer

        return open_writer(self._connected(), options)

    @property
    def tracking(self) -> PostgresTracking:
        """What sets up and examines tracking; see `gitexport.model.tracking.TrackingAdmin`."""
        from gitexport.source.postgresql.tracking_admin import PostgresTracking

        return PostgresTracking(self._connected())

    def close(self) -> None:
        """Ends the connection; safe to call twice."""
        if self._connection is not None and self._process == os.getpid():
            self._connection.close()
            self._connection = None

    def _not_overruled(
        self, rows: Iterable[tuple[Entity, Sequence[Acknowledgement]]], passed: Counter[str]
    ) -> Iterator[tuple[Entity, Sequence[Acknowledgement]]]:
        for entity, batch in rows:
            if entity.name in self._overruled:
                passed[entity.name] += len(batch)
            else:
                yield entity, batch

    def _relation_of(self, entity: Entity) -> Relation:
        self._entities[entity.name] = entity
        with self._reading() as cursor:
            return find_relations(cursor, [entity])[entity.relation]

    def _connected(self) -> Connection:
        if self._process != os.getpid():
            if self._connection is not None:
                self._inherited.append(self._connection)
            self._connection, self._process = None, os.getpid()
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._dsn)
        return self._connection

    @contextmanager
    def _reading(self) -> Iterator[Cursor]:
        with translating(), reading(self._connected()) as cursor:
            yield cursor

    @contextmanager
    def _writing(self) -> Iterator[Cursor]:
        connection = self._connected()
        with translating(), connection.transaction(), connection.cursor() as cursor:
            pin(cursor)
            yield cursor
