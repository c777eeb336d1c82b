"""Reads a relation through the product and through `row_to_json`, for tests to compare."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import psycopg
from psycopg import sql

from gitexport.canonical.encode import assemble
from gitexport.model.entity import Entity, Shard, ShardKind, Tracking
from gitexport.model.ports import Key, RowQuery, RowScope, SourceRow, SourceView
from gitexport.model.relation import RelationName
from gitexport.source.postgresql.session import PINS


@dataclass(frozen=True)
class Number:
    """A number's text, digit for digit."""

    text: str


JsonValue: TypeAlias = object
"""What `exact` reads: dictionaries, lists, strings, numbers, booleans and None."""


def entity_of(relation: str, key: Sequence[str] = ("id",), **settings: object) -> Entity:
    """Makes an entity that publishes every column and is compared, unless told otherwise."""
    entity = Entity(
        name="things",
        relation=RelationName.parse(relation),
        key=tuple(key),
        columns=("*",),
        directory="data/things",
        shard=Shard(ShardKind.FLAT),
        tracking=Tracking.COMPARE,
    )
    return entity._replace(**settings)  # type: ignore[arg-type]


ALL = RowQuery(RowScope.ALL)


def every_row(view: SourceView, entity: Entity, query: RowQuery = ALL) -> list[SourceRow]:
    """Reads all rows of an entity."""
    return list(view.rows(entity, query))


def documents(view: SourceView, entity: Entity) -> dict[Key, JsonValue]:
    """Reads every row's canonical document with exact numbers; all of them must have one."""
    nested = view.nested(entity)
    found = {}
    for row in every_row(view, entity):
        assert row.problem is None, row
        assert row.text is not None
        assert row.size == len(row.text)
        assert row.key not in found
        found[row.key] = exact(assemble(row.text, nested).decode())
    return found


def oracle(connection: psycopg.Connection, entity: Entity) -> dict[Key, JsonValue]:
    """Asks `row_to_json` for the same, under the pinned settings."""
    with connection.transaction():
        for name, value in PINS.items():
            connection.execute("SELECT set_config(%s, %s, true)", (name, value))
        cursor = connection.execute(
            sql.SQL("SELECT ARRAY[{}]::text[], row_to_json(t.*)::text FROM {} AS t").format(
                sql.SQL(", ").join(
                    sql.SQL("t.{}::text").format(sql.Identifier(name)) for name in entity.key
                ),
                sql.Identifier(*entity.relation),
            )
        )
        return {tuple(key): exact(text) for key, text in cursor}


def exact(text: str) -> JsonValue:
    """Reads JSON without losing a digit or a repeated member."""
    value: JsonValue = json.loads(
        text, parse_int=Number, parse_float=Number, object_pairs_hook=_members
    )
    return value


def _members(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)
