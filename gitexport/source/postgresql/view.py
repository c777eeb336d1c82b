"""One MVCC snapshot of a PostgreSQL database, read without locks that anybody would notice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

from psycopg import sql

from gitexport.errors import ConfigError
from gitexport.model.entity import Entity, QueryDocument, Tracking
from gitexport.model.ports import (
    DepartedRow,
    Key,
    NestedKind,
    RowQuery,
    RowScope,
    SourceRow,
    SourceView,
    Tombstones,
)
from gitexport.model.relation import Relation
from gitexport.source.postgresql.asking import asking
from gitexport.source.postgresql.copy_stream import (
    NullKeyError,
    copied,
    read_key,
    read_text,
    savepoint,
)
from gitexport.source.postgresql.entity_reading import EntityReading, plan_readings
from gitexport.source.postgresql.errors import translating
from gitexport.source.postgresql.query_document import run_query
from gitexport.source.postgresql.row_reader import RowReader
from gitexport.source.postgresql.select import (
    keys_statement,
)
from gitexport.source.postgresql.session import (
    Connection,
    Cursor,
    checks_no_encoding,
    reading,
)
from gitexport.source.postgresql.state import Registration, find_registrations
from gitexport.source.postgresql.tracking.method import read_tombstones
from gitexport.source.postgresql.tracking.parts import tracking_of


@contextmanager
def open_view(
    connection: Connection,
    shared: str | None = None,
    plans: dict[Entity, EntityReading] | None = None,
) -> Iterator[SourceView]:
    """Opens a view in a transaction of its own, which ends with the block.

    With `shared`, the view sees the same instant as the one whose `share` gave that name.
    `plans` are the readings that are known already; those worked out here are added to it.

    Raises:
        ConnectionFailedError: The connection was lost.
        StatementFailedError: The shared view has ended, or the server refused a setting.
    """
    with translating("opening a view"), reading(connection, shared) as cursor:
        yield PostgresView(cursor, {} if plans is None else plans)


class PostgresView:
    """Reads entities in one transaction; see `gitexport.model.ports.SourceView`.

    Iterators use the connection until they end or are closed, so only one method can be
    under way at a time.
    """

    def __init__(self, cursor: Cursor, plans: dict[Entity, EntityReading]) -> None:
        self._cursor = cursor
        self._plans = plans
        self._registrations: dict[Entity, Registration | None] = {}

    def relations(self, entities: Sequence[Entity]) -> dict[str, Relation]:
        """Describes the relations of several entities, by the entities' names.

        Raises: what `relation` does, for the first entity that it would.
        """
        unknown = [entity for entity in entities if entity not in self._plans]
        if unknown:
            named = str(unknown[0].relation) if len(unknown) == 1 else "reading the catalog"
            with translating(named):
                self._plans.update(plan_readings(self._cursor, unknown))
        return {entity.name: self._plans[entity].relation for entity in entities}

    def relation(self, entity: Entity) -> Relation:
        """Describes an entity's relation.

        Raises:
            RelationNotFoundError: The relation or one of its key columns is gone.
            PermissionDeniedError: The role may not read it.
            ConfigError: The entity cannot be tracked as configured.
        """
        return self._plan(entity).relation

    def columns(self, entity: Entity) -> tuple[str, ...]:
        """Lists the published columns that exist, sorted by code point."""
        return self._plan(entity).columns

    def nested(self, entity: Entity) -> tuple[NestedKind, ...]:
        """Tells the kind of each nested value of a row's text, in the order of the text."""
        return self._plan(entity).compiled.nested

    def rows(self, entity: Entity, query: RowQuery) -> Iterator[SourceRow]:
        """Streams rows in no particular order, or by key where there is a limit.

        A row that the server cannot render comes with a problem; the others still come.

        Raises:
            ConfigError: A row has no value in a key column, or `where` cannot be used.
            ConnectionFailedError: The connection was lost; rows that came are good.
            PermissionDeniedError: Row-level security hides rows.
            StatementFailedError: The server refused the statement.
        """
        plan = self._plan(entity)
        has_label = entity.label is not None and plan.relation.column(entity.label) is not None
        reader = RowReader(
            cursor=self._cursor,
            reading=plan.reading(entity, query.scope),
            compiled=plan.compiled,
            match=plan.match,
            label=entity.label if query.with_label and has_label else None,
        )
        with _reading_rows(entity, plan):
            yield from reader.rows(query)

    def departed(self, entity: Entity) -> Iterator[DepartedRow]:
        """Streams pending rows that the entity's `where` leaves out.

        Rows without a key never had a document, so they are not among them.
        """
        plan = self._plan(entity)
        if plan.where is None:
            return
        left = sql.SQL("({}) IS NOT TRUE").format(plan.where)
        named = [
            sql.SQL("{}.{} IS NOT NULL").format(plan.alias, sql.Identifier(name))
            for name in entity.key
        ]
        statement = keys_statement(
            plan.over(entity, [plan.pending, left, *named]),
            RowQuery(RowScope.PENDING),
            with_version=True,
            as_bytes=checks_no_encoding(self._cursor),
        )
        parts = len(entity.key)
        with _reading_rows(entity, plan):
            for data in copied(self._cursor, statement):
                try:
                    key, end = read_key(data, parts)
                except UnicodeDecodeError:
                    # No document can have had this key.
                    continue
                version, _ = read_text(data, end)
                yield DepartedRow(key, (version or b"").decode())

    def keys(self, entity: Entity) -> Iterator[Key]:
        """Streams the keys of all rows that match the entity's `where`, and can have documents."""
        plan = self._plan(entity)
        query = RowQuery(RowScope.ALL)
        statement = keys_statement(
            plan.reading(entity, query.scope), query, as_bytes=checks_no_encoding(self._cursor)
        )
        parts = len(entity.key)
        with _reading_rows(entity, plan):
            for data in copied(self._cursor, statement):
                try:
                    key, _ = read_key(data, parts)
                except UnicodeDecodeError:
                    continue
                yield key

    def living(self, entity: Entity, keys: Sequence[Key]) -> set[Key]:
        """Tells which of some keys belong to rows that match the entity's `where`."""
        plan = self._plan(entity)
        # A key with more or fewer parts is from before the configured key changed.
        fitting = [key for key in keys if len(key) == len(entity.key)]
        with asking(entity, plan.relation), self._apart(entity):
            return plan.match.living(self._cursor, plan.reading(entity, RowScope.ALL), fitting)

    def tombstones(self, entity: Entity) -> Tombstones:
        """Reads the hints of deleted keys."""
        plan = self._plan(entity)
        with translating(str(entity.relation)):
            if tracking_of(entity, plan.relation) is Tracking.COMPARE:
                return Tombstones(is_complete=False)
            return read_tombstones(self._cursor, self._registration(entity))

    def count(self, entity: Entity, scope: RowScope) -> int:
        """Counts pending rows exactly, all rows from the catalog's estimate.

        Raises:
            ConfigError: The entity's `where` cannot be used; the view can.
        """
        plan = self._plan(entity)
        if scope is RowScope.ALL:
            return plan.relation.estimated_rows
        rows = plan.reading(entity, scope)
        with asking(entity, plan.relation), self._apart(entity):
            self._cursor.execute(
                sql.SQL("SELECT count(*) FROM {} WHERE {}").format(rows.source, rows.condition)
            )
            return int(self._cursor.fetchall()[0][0])

    def document(self, query: QueryDocument, parameters: Mapping[str, str]) -> bytes:
        """Runs the query and gives its JSON text: an array of rows, or one row.

        Raises:
            UnsupportedValueError: The query failed, or gave not exactly one row for an object.
            ConnectionFailedError: The connection was lost.
        """
        with translating(query.path):
            return run_query(self._cursor, query, parameters)

    def share(self) -> str | None:
        """Names this view so that other processes can open the same instant; None: they cannot."""
        with translating("sharing a view"):
            self._cursor.execute(
                "SELECT CASE WHEN NOT pg_is_in_recovery() THEN pg_export_snapshot() END"
            )
            name: str | None = self._cursor.fetchall()[0][0]
        return name

    def _apart(self, entity: Entity) -> AbstractContextManager[object]:
        # A condition that cannot be used leaves the view as it was, for the other entities.
        return nullcontext() if entity.where is None else savepoint(self._cursor)

    def _plan(self, entity: Entity) -> EntityReading:
        if entity not in self._plans:
            self.relations([entity])
        return self._plans[entity]

    def _registration(self, entity: Entity) -> Registration | None:
        if entity not in self._registrations:
            # Whoever asks for one soon asks for all.
            known = [entity, *(other for other in self._plans if other != entity)]
            found = find_registrations(self._cursor, known)
            self._registrations = {other: found.get(other.name) for other in known}
        return self._registrations[entity]


@contextmanager
def _reading_rows(entity: Entity, plan: EntityReading) -> Iterator[None]:
    try:
        with asking(entity, plan.relation):
            yield
    except NullKeyError as error:
        name = entity.key[error.args[0]]
        message = f"a row of '{entity.relation}' has no value in its key column '{name}'"
        raise ConfigError(
            message,
            where=f"entities.{entity.name}",
            hint="choose a key that is never null, or leave such rows out with 'where'",
        ) from error
