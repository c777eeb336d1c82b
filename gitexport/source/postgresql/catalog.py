"""Describes relations from pg_catalog, in a few queries for all of them together.

Only names leave this module, never object ids, so that the same schema in another database
has the same description. Reading the catalog needs no privilege on the relations themselves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gitexport.model.entity import Entity
from gitexport.model.relation import (
    Column,
    ForeignKey,
    Relation,
    RelationKind,
    RelationName,
    TypeKind,
    UniqueKey,
)
from gitexport.source.postgresql import catalog_queries as queries
from gitexport.source.postgresql.catalog_structure import Structures, read_structures
from gitexport.source.postgresql.catalog_types import TYPE_KINDS, TypeGraph, read_types
from gitexport.source.postgresql.missing import refuse_missing_relation
from gitexport.source.postgresql.session import Cursor

_KINDS = {
    "r": RelationKind.TABLE,
    "p": RelationKind.PARTITIONED,
    "v": RelationKind.VIEW,
    "m": RelationKind.MATERIALIZED_VIEW,
    "f": RelationKind.FOREIGN,
}
_ACTIONS = {
    "a": "no action",
    "r": "restrict",
    "c": "cascade",
    "n": "set null",
    "d": "set default",
}
_IDENTITIES = {"a": "always", "d": "by default"}

_Row = tuple[Any, ...]
_Rows = Mapping[int, Sequence[_Row]]


class _Parts(NamedTuple):
    """Rows of each query by the relation's object id."""

    columns: _Rows
    keys: _Rows
    foreign_keys: _Rows
    checks: _Rows
    partitions: _Rows
    estimates: _Rows
    types: TypeGraph
    structures: Structures


def read_catalog(cursor: Cursor, schemas: Sequence[str] = ()) -> list[Relation]:
    """Describes all relations of people's schemas, or of the given ones, by name.

    Expects a pinned transaction. The schemas of the system and `gitexport` are left out.

    Raises:
        psycopg.Error: The server refused a query.
    """
    if schemas:
        cursor.execute(queries.RELATIONS_OF_SCHEMAS, {"schemas": list(schemas)})
    else:
        cursor.execute(queries.ALL_RELATIONS)
    return _describe(cursor, cursor.fetchall())


def read_relations(cursor: Cursor, names: Sequence[RelationName]) -> dict[RelationName, Relation]:
    """Describes the relations with these names; those that do not exist are left out.

    Expects a pinned transaction.

    Raises:
        psycopg.Error: The server refused a query.
    """
    cursor.execute(
        queries.RELATIONS_BY_NAME,
        {"schemas": [name.schema for name in names], "names": [name.name for name in names]},
    )
    return {relation.name: relation for relation in _describe(cursor, cursor.fetchall())}


def find_relations(cursor: Cursor, entities: Sequence[Entity]) -> dict[RelationName, Relation]:
    """Describes the relations of entities.

    Raises:
        RelationNotFoundError: A relation does not exist.
        psycopg.Error: The server refused a query.
    """
    relations = read_relations(cursor, list({entity.relation for entity in entities}))
    for entity in entities:
        refuse_missing_relation(cursor, entity, relations)
    return relations


def _describe(cursor: Cursor, relations: Sequence[_Row]) -> list[Relation]:
    oids = [row[0] for row in relations]
    if not oids:
        return []
    partitioned = [row[0] for row in relations if row[3] == "p"]
    columns = _grouped(cursor, queries.COLUMNS, oids)
    parts = _Parts(
        columns=columns,
        keys=_grouped(cursor, queries.UNIQUE_KEYS, oids),
        foreign_keys=_grouped(cursor, queries.FOREIGN_KEYS, oids),
        checks=_grouped(cursor, queries.CHECKS, oids),
        partitions=_grouped(cursor, queries.PARTITIONS, partitioned),
        estimates=_grouped(cursor, queries.ESTIMATES, oids),
        types=read_types(cursor, {row[3] for rows in columns.values() for row in rows}),
        structures=read_structures(cursor, oids),
    )
    return [_relation(row, parts) for row in relations]


def _grouped(cursor: Cursor, query: str, oids: Sequence[int]) -> _Rows:
    groups: defaultdict[int, list[_Row]] = defaultdict(list)
    if oids:
        # The queries are constants of this package.
        cursor.execute(query.encode(), {"oids": oids})
        for oid, *row in cursor:
            groups[oid].append(tuple(row))
    return groups


def _relation(row: _Row, parts: _Parts) -> Relation:
    oid, schema, name, kind, is_partition, partition_key, has_inheritance, *rest = row
    extension, takes_columns = rest
    columns = parts.columns.get(oid, ())
    keys = parts.keys.get(oid, ())
    not_null = {column[1] for column in columns if column[5]}
    unique = [
        UniqueKey(key_name, tuple(key_columns), is_primary)
        for key_name, is_primary, is_immediate, key_columns in keys
        if is_immediate and key_columns
    ]
    estimate = parts.estimates.get(oid, ((0,),))[0][0]
    structures = parts.structures
    types = [column[3] for column in columns]
    extensions = {*structures.extensions.get(oid, ()), *parts.types.extensions_of(types)}
    return Relation(
        name=RelationName(schema, name),
        kind=_KINDS[kind],
        columns=tuple(map(_column, columns)),
        primary_key=next((tuple(key[3]) for key in keys if key[1]), ()),
        unique_keys=tuple(key for key in unique if not_null.issuperset(key.columns)),
        nullable_keys=tuple(key for key in unique if not not_null.issuperset(key.columns)),
        foreign_keys=tuple(map(_foreign_key, parts.foreign_keys.get(oid, ()))),
        checks=tuple((check, text) for check, text in parts.checks.get(oid, ())),
        types=parts.types.closure(types),
        partition_key=partition_key,
        partitions=tuple(RelationName(*names) for names in parts.partitions.get(oid, ())),
        is_partition=is_partition,
        has_inheritance=has_inheritance,
        takes_columns=takes_columns,
        extension=extension,
        constraints=structures.constraints.get(oid, ()),
        bounds=structures.bounds.get(oid, ()),
        sequences=structures.sequences.get(oid, ()),
        extensions=tuple(sorted(extensions)),
        estimated_rows=max(0, estimate or 0),
    )


def _column(row: _Row) -> Column:
    _, name, type_name, _, kind, not_null, generated, expression, identity, collation = row
    return Column(
        name=name,
        type_name=type_name,
        kind=TYPE_KINDS.get(kind, TypeKind.BASE),
        not_null=not_null,
        default=None if generated else expression,
        generated=expression if generated else None,
        identity=_IDENTITIES.get(identity),
        collation=collation,
        is_virtual=generated == "v",
    )


def _foreign_key(row: _Row) -> ForeignKey:
    name, schema, relation, deferrable, deferred, on_update, on_delete, columns, *rest = row
    referenced, delete_columns, is_match_full, is_temporal = rest
    return ForeignKey(
        name=name,
        columns=tuple(columns),
        references=RelationName(schema, relation),
        referenced_columns=tuple(referenced),
        is_deferrable=deferrable,
        initially_deferred=deferred,
        on_update=_ACTIONS[on_update],
        on_delete=_ACTIONS[on_delete],
        delete_columns=tuple(delete_columns),
        is_match_full=is_match_full,
        is_temporal=is_temporal,
    )
