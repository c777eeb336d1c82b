"""What reading one entity needs: its relation, its columns, and the compiled SELECT."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from psycopg import sql

from gitexport.errors import PermissionDeniedError
from gitexport.model.entity import Entity
from gitexport.model.ports import RowScope
from gitexport.model.relation import Relation, RelationName
from gitexport.source.postgresql.catalog import read_relations
from gitexport.source.postgresql.errors import ROW_SECURITY_HINT
from gitexport.source.postgresql.key_match import KeyMatch
from gitexport.source.postgresql.missing import (
    dimension_of,
    refuse_missing_parts,
    refuse_missing_relation,
)
from gitexport.source.postgresql.query_document import trusted
from gitexport.source.postgresql.select import CompiledSelect, Reading, compile_select
from gitexport.source.postgresql.session import Cursor
from gitexport.source.postgresql.shared_flags import check_parents
from gitexport.source.postgresql.tracking.method import read_sql
from gitexport.source.postgresql.value_types import ValueType, read_all_value_types

# Of a schema that the role may not use, nothing can be asked.
_PRIVILEGES = """
SELECT w.relation, w.name, w.is_readable
  FROM (SELECT relation, name, CASE WHEN has_schema_privilege(schema, 'USAGE')
               THEN has_column_privilege(relation::regclass, name, 'SELECT') ELSE false END,
               CASE WHEN has_schema_privilege(schema, 'USAGE')
               THEN row_security_active(relation::regclass) END
          FROM unnest(%(schemas)s::text[], %(relations)s::text[], %(columns)s::text[])
               AS named(schema, relation, name)) AS w(relation, name, is_readable, hides_rows)
 WHERE NOT w.is_readable OR w.hides_rows
"""


class EntityReading(NamedTuple):
    """What reading one entity needs, worked out once for each view."""

    relation: Relation
    columns: tuple[str, ...]
    compiled: CompiledSelect
    match: KeyMatch
    source: sql.Composable
    alias: sql.Identifier
    pending: sql.Composable
    version: sql.Composable
    where: sql.Composable | None

    def reading(self, entity: Entity, scope: RowScope) -> Reading:
        """Gives the rows of a scope that match the entity's `where`."""
        conditions = [self.pending] if scope is RowScope.PENDING else []
        if self.where is not None:
            conditions.append(self.where)
        return self.over(entity, conditions)

    def over(self, entity: Entity, conditions: Sequence[sql.Composable]) -> Reading:
        """Gives the rows that match all of some conditions."""
        wrapped = [sql.SQL("({})").format(condition) for condition in conditions]
        return Reading(
            source=self.source,
            alias=self.alias,
            key=entity.key,
            version=self.version,
            condition=sql.SQL(" AND ").join(wrapped) if wrapped else sql.SQL("true"),
            is_integer=self.match.is_integer,
        )


def plan_readings(
    cursor: Cursor,
    entities: Sequence[Entity],
    known: Mapping[RelationName, Relation] = MappingProxyType({}),
) -> dict[Entity, EntityReading]:
    """Looks the relations of entities up, all in the same few queries, and compiles readings.

    Those that are `known` are not looked up again.

    Raises:
        RelationNotFoundError: A relation or a column that the configuration needs is gone.
        PermissionDeniedError: The role may not read one of them, or not all of its rows.
        ConfigError: An entity cannot be tracked as configured.
    """
    names = list(dict.fromkeys(entity.relation for entity in entities))
    dimensions = [name for name in map(dimension_of, entities) if name is not None]
    unknown = [name for name in dict.fromkeys([*names, *dimensions]) if name not in known]
    relations = {**known, **(read_relations(cursor, unknown) if unknown else {})}
    columns = {}
    for entity in entities:
        refuse_missing_relation(cursor, entity, relations)
        refuse_missing_parts(cursor, entity, relations)
        check_parents(cursor, entity, relations[entity.relation])
        columns[entity] = published_columns(entity, relations[entity.relation])
    _refuse_unreadable(cursor, columns)
    types = read_all_value_types(cursor, names)
    return {
        entity: _compile(
            entity, relations[entity.relation], columns[entity], types[entity.relation]
        )
        for entity in entities
    }


def _compile(
    entity: Entity, relation: Relation, columns: tuple[str, ...], types: Mapping[str, ValueType]
) -> EntityReading:
    # Under the relation's own name, `where` may refer to columns with or without it.
    alias = entity.relation.name
    parts = read_sql(entity, relation, alias)
    return EntityReading(
        relation=relation,
        columns=columns,
        compiled=compile_select(
            {name: types[name] for name in columns},
            sql.Identifier(alias),
        ),
        match=KeyMatch.of(entity.key, types),
        source=parts.source,
        alias=sql.Identifier(alias),
        pending=parts.pending,
        version=parts.version,
        # The line feed ends a comment that may stand last.
        where=None if entity.where is None else trusted(f"{entity.where}\n"),
    )


def published_columns(entity: Entity, relation: Relation) -> tuple[str, ...]:
    """Lists the columns that an entity publishes and the relation has, sorted by code point.

    `*` stands for every column but the flag.
    """
    names = {column.name for column in relation.columns}
    chosen = set(entity.columns) & names
    if "*" in entity.columns:
        chosen |= names - {entity.flag}
    return tuple(
        sorted(
            name
            for name in chosen
            if not any(fnmatch.fnmatchcase(name, pattern) for pattern in entity.exclude)
        )
    )


def _refuse_unreadable(cursor: Cursor, columns: Mapping[Entity, Sequence[str]]) -> None:
    wanted = [
        (entity.relation.schema, sql.Identifier(*entity.relation).as_string(cursor), name)
        for entity, published in columns.items()
        for name in sorted({*published, *entity.key})
    ]
    schemas, relations, names = zip(*wanted, strict=True)
    cursor.execute(
        _PRIVILEGES,
        {"schemas": list(schemas), "relations": list(relations), "columns": list(names)},
    )
    missing = cursor.fetchall()
    for entity in columns:
        name = entity.relation
        quoted = sql.Identifier(*name).as_string(cursor)
        found = [
            (column, is_readable) for relation, column, is_readable in missing if relation == quoted
        ]
        hidden = dict.fromkeys(column for column, is_readable in found if not is_readable)
        if found and not hidden:
            message = f"row-level security hides rows of '{name}' from the role"
            raise PermissionDeniedError(message, where=str(name), hint=ROW_SECURITY_HINT)
        if hidden:
            message = f"the role may not read '{name}': {', '.join(hidden)}"
            raise PermissionDeniedError(
                message,
                where=str(name),
                hint=f"GRANT USAGE ON SCHEMA and GRANT SELECT ON {name} to the role",
            )
