"""What writing one entity needs: its relation, its columns, and what the role may do.

Columns have names of their own in staging tables, `c0`, `c1`, …, so that no name of people's
can meet one of ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from psycopg import sql

from gitexport.errors import ConfigError, PermissionDeniedError
from gitexport.model.entity import Entity, Tracking
from gitexport.model.relation import Column, Relation, RelationKind, RelationName
from gitexport.source.postgresql.entity_reading import EntityReading, plan_readings
from gitexport.source.postgresql.session import Cursor
from gitexport.source.postgresql.value_types import ValueType, read_value_types

_TABLES = frozenset({RelationKind.TABLE, RelationKind.PARTITIONED})
# Of these types, a value's text is also what stands in its document.
_TOLD_BY_JSON = frozenset(
    {"bool", "int2", "int4", "int8", "oid", "numeric", "text", "varchar", "uuid"}
)
_DELIMITERS = """
SELECT pg_catalog.format_type(t.oid, NULL), t.typdelim::text
  FROM pg_catalog.pg_type AS t WHERE t.typdelim <> ',' AND t.typdelim <> ''
"""
_PRIVILEGES = """
SELECT w.privilege, current_user::text FROM unnest(%(privileges)s::text[]) AS w(privilege)
 WHERE NOT CASE w.privilege
    WHEN 'DELETE' THEN pg_catalog.has_table_privilege(%(relation)s::regclass, w.privilege)
    ELSE pg_catalog.has_any_column_privilege(%(relation)s::regclass, w.privilege) END
"""
_MAY_STAGE = """
SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMPORARY'),
       pg_catalog.current_database()::text, current_user::text
"""


@dataclass(frozen=True)
class Target:
    """One entity's relation as rows are written to it.

    `columns` are published ones and those of the key, in the order of staging tables, which
    is that of documents.
    """

    entity: Entity
    reading: EntityReading
    columns: tuple[Column, ...]
    types: dict[str, ValueType]
    delimiters: dict[str, str]

    @property
    def relation(self) -> Relation:
        """The relation as the catalog describes it."""
        return self.reading.relation

    @property
    def table(self) -> sql.Composable:
        """The relation's SQL name."""
        return sql.Identifier(*self.entity.relation)

    @cached_property
    def places(self) -> dict[str, sql.Identifier]:
        """The staging table's name of each column."""
        return {column.name: sql.Identifier(f"c{n}") for n, column in enumerate(self.columns)}

    @cached_property
    def insertable(self) -> tuple[str, ...]:
        """Columns that an INSERT names: all but generated ones."""
        return tuple(column.name for column in self.columns if column.generated is None)

    @cached_property
    def updatable(self) -> tuple[str, ...]:
        """Columns that an UPDATE names: neither generated nor always the identity's."""
        return tuple(
            column.name
            for column in self.columns
            if column.generated is None and column.identity != "always"
        )

    @cached_property
    def told_key(self) -> tuple[str, ...]:
        """Columns of the key whose text is also what stands in a document."""
        kinds = {name: self.types[name].base for name in self.entity.key}
        return tuple(
            name for name, base in kinds.items() if base.is_builtin and base.name in _TOLD_BY_JSON
        )

    @cached_property
    def flag(self) -> str | None:
        """The flag that makes a written row pending, where the relation has one."""
        found = self.relation.column(self.entity.flag)
        is_flag = found is not None and found.type_name == "boolean"
        is_published = self.entity.flag in self.places
        is_meant = self.entity.tracking is Tracking.FLAG and not is_published
        return self.entity.flag if is_flag and is_meant else None

    def required(self, missing: Sequence[str]) -> tuple[str, ...]:
        """Lists columns that may not be null and that an inserted row would not get."""
        given = set(self.insertable) - set(missing)
        return tuple(
            column.name
            for column in self.relation.columns
            if column.not_null
            and column.name not in given
            and column.name != self.flag
            and column.default is None
            and column.generated is None
            and column.identity is None
        )

    def same_key(self, row: str, staged: str) -> sql.Composable:
        """Makes the condition that a row has a staged document's key.

        Equality of the type finds it by its index, equality of the text decides.
        """
        conditions: list[sql.Composable] = []
        for name, kind in zip(self.entity.key, self.reading.match.types, strict=True):
            column, place = (
                sql.Identifier(row, name),
                sql.SQL("{}.{}").format(sql.Identifier(staged), self.places[name]),
            )
            if kind is not None:
                conditions.append(sql.SQL("{} = {}").format(column, place))
            if kind is None or kind[1] not in _PLAIN:
                form = '{}::text COLLATE "C" = {}::text COLLATE "C"'
                conditions.append(sql.SQL(form).format(column, place))
        return sql.SQL(" AND ").join(conditions)

    def image(self, alias: str, names: Sequence[str], *, is_staged: bool) -> sql.Composable:
        """Makes a record of some columns, to be compared byte by byte with another."""
        columns = [self.places[name] if is_staged else sql.Identifier(name) for name in names]
        parts = [sql.SQL("{}.{}").format(sql.Identifier(alias), column) for column in columns]
        return sql.SQL("ROW({})::record").format(sql.SQL(", ").join(parts))


# Of these types, equal values have equal texts.
_PLAIN = frozenset({"bool", "int2", "int4", "int8", "oid", "uuid"})


def read_target(cursor: Cursor, entity: Entity, known: Mapping[RelationName, Relation]) -> Target:
    """Looks up what writing an entity needs, but for relations that are `known`.

    Raises:
        RelationNotFoundError: The relation or one of its key columns is gone.
        PermissionDeniedError: The role may not read the relation.
        ConfigError: It is a view or a foreign table.
        psycopg.Error: The server refused a query.
    """
    # A database that rows are brought to need not be tracked.
    untracked = entity._replace(tracking=Tracking.COMPARE, modified=None)
    reading = plan_readings(cursor, [untracked], known)[untracked]
    relation = reading.relation
    if relation.kind not in _TABLES:
        message = f"'{entity.relation}' is a {relation.kind.value}, whose rows are not written"
        raise ConfigError(
            message,
            where=f"[entities.{entity.name}]",
            hint="leave the entity out of what is written",
        )
    written = {*reading.columns, *entity.key}
    delimiters: dict[str, str] = dict(cursor.execute(_DELIMITERS).fetchall())
    return Target(
        entity=entity,
        reading=reading,
        columns=tuple(
            sorted(
                (column for column in relation.columns if column.name in written),
                key=lambda column: column.name,
            )
        ),
        types=read_value_types(cursor, entity.relation),
        delimiters=delimiters,
    )


def check_privileges(cursor: Cursor, target: Target, privileges: Sequence[str]) -> None:
    """Checks that the role may write rows.

    Raises:
        PermissionDeniedError: It may not; the hint names the grant.
        psycopg.Error: The server refused the query.
    """
    name = target.table.as_string(None)
    cursor.execute(_PRIVILEGES, {"privileges": list(privileges), "relation": name})
    missing = cursor.fetchall()
    if missing:
        lacking = ", ".join(row[0] for row in missing)
        role = sql.Identifier(missing[0][1]).as_string(None)
        message = f"the role may not write '{target.entity.relation}': {lacking}"
        raise PermissionDeniedError(
            message,
            where=str(target.entity.relation),
            hint=f"run GRANT {lacking} ON {name} TO {role}",
        )


def check_may_stage(cursor: Cursor) -> None:
    """Checks that the role may make the temporary tables that stage rows.

    Raises:
        PermissionDeniedError: It may not; the hint names the grant.
        psycopg.Error: The server refused the query.
    """
    for is_allowed, database, role in cursor.execute(_MAY_STAGE).fetchall():
        if not is_allowed:
            names = sql.Identifier(database), sql.Identifier(role)
            grant = sql.SQL("GRANT TEMPORARY ON DATABASE {} TO {}").format(*names)
            message = f"the role '{role}' may not make temporary tables, which stage rows"
            raise PermissionDeniedError(message, hint=f"run {grant.as_string(None)}")
