"""A table with a column of every type that the server has, filled with samples."""

from __future__ import annotations

from typing import NamedTuple

import psycopg
from psycopg import sql

from gitexport.model.relation import RelationName
from gitexport.source.postgresql.problems import unrestorable_columns
from gitexport.source.postgresql.session import PINS, reading
from gitexport.source.postgresql.value_types import read_value_types
from tests.integration.source.samples import EXPRESSIONS, SAMPLES

_COLUMN_TYPES = """
SELECT t.typname::text, a.typname::text
  FROM pg_type t LEFT JOIN pg_type a ON a.oid = t.typarray
 WHERE t.typnamespace = 'pg_catalog'::regnamespace AND t.typisdefined
   AND t.typtype IN ('b', 'd', 'e', 'r', 'm')
   AND NOT (t.typname LIKE '\\_%' AND t.typlen = -1 AND t.typelem <> 0)
 ORDER BY 1
"""


class Tried(NamedTuple):
    """One type of the server, and SQL expressions of its values."""

    name: str
    array: str | None
    values: list[sql.Composable]


def tried_types(connection: psycopg.Connection) -> list[Tried]:
    """Lists all types that a column can have, each with values."""
    found = []
    for name, array in connection.execute(_COLUMN_TYPES).fetchall():
        texts = SAMPLES.get(name)
        if texts is None:
            assert name in EXPRESSIONS, f"no value for the type {name}: add one to samples.py"
            values: list[sql.Composable] = [sql.SQL(EXPRESSIONS[name])]
        else:
            values = [
                sql.SQL("{}::pg_catalog.{}").format(sql.Literal(text), sql.Identifier(name))
                for text in texts
            ]
        if name == "xml" and not has_xml(connection):
            values = [sql.SQL("NULL")]
        found.append(Tried(name, array, values))
    return found


def has_xml(connection: psycopg.Connection) -> bool:
    """Tells whether the server was built with XML."""
    try:
        connection.execute("SELECT '<a/>'::xml")
    except psycopg.errors.FeatureNotSupported:
        return False
    return True


def fill_things(connection: psycopg.Connection, types: list[Tried]) -> None:
    """Makes `public.things` with one column of each type, one of its array, and a row per value."""
    for name, value in PINS.items():
        connection.execute("SELECT set_config(%s, %s, false)", (name, value))
    columns = [
        sql.SQL("{} pg_catalog.{}").format(sql.Identifier(f"c {name}"), sql.Identifier(name))
        for kind in types
        for name in (kind.name, kind.array)
        if name is not None
    ]
    connection.execute(
        sql.SQL("CREATE TABLE public.things (id int PRIMARY KEY, {})").format(
            sql.SQL(", ").join(columns)
        )
    )
    for number in range(max(len(kind.values) for kind in types)):
        names = [sql.Identifier("id")]
        values: list[sql.Composable] = [sql.Literal(number)]
        for kind in types:
            sample = kind.values[number % len(kind.values)]
            names.append(sql.Identifier(f"c {kind.name}"))
            values.append(sample)
            if kind.array is not None:
                names.append(sql.Identifier(f"c {kind.array}"))
                values.append(_array(kind, sample, number))
        connection.execute(
            sql.SQL("INSERT INTO public.things ({}) VALUES ({})").format(
                sql.SQL(", ").join(names), sql.SQL(", ").join(values)
            )
        )
    connection.execute("INSERT INTO public.things (id) VALUES (1000)")


def _array(kind: Tried, value: sql.Composable, number: int) -> sql.Composable:
    shapes = ("ARRAY[{0}, NULL]", "ARRAY[[{0}, {0}], [{0}, NULL]]", "ARRAY[{0}]")
    if kind.name in {"json", "jsonb"}:
        shapes = ("ARRAY[{0}, NULL]",) * 3
    return sql.SQL("({})::pg_catalog.{}").format(
        sql.SQL(shapes[number % len(shapes)]).format(value), sql.Identifier(kind.array or "")
    )


def drop_unrestorable(connection: psycopg.Connection) -> None:
    """Drops the columns that `init` lists."""
    connection.execute("RESET search_path")
    with reading(connection) as cursor:
        refused = unrestorable_columns(
            cursor, read_value_types(cursor, RelationName("public", "things"))
        )
    for column in refused:
        connection.execute(
            sql.SQL("ALTER TABLE public.things DROP COLUMN {}").format(sql.Identifier(column))
        )
