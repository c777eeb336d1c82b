"""Finds rows by the texts of their keys, through the index where there is one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import psycopg
from psycopg import sql

from gitexport.model.ports import Key
from gitexport.source.postgresql.copy_stream import savepoint
from gitexport.source.postgresql.select import Reading
from gitexport.source.postgresql.session import Cursor
from gitexport.source.postgresql.value_types import ValueType

_BATCH = 5000
_DATA_CLASS = "22"
_NUMBERS = {"bool", "int2", "int4", "int8", "oid", "numeric", "float4", "float8"}
_STRINGS = {"text", "varchar", "bpchar", "name", "bytea", "uuid", "bit", "varbit"}
_TIMES = {"date", "time", "timetz", "timestamp", "timestamptz", "interval"}
_ADDRESSES = {"inet", "cidr", "macaddr", "macaddr8"}
_INTEGERS = frozenset(("pg_catalog", name) for name in ("int2", "int4", "int8"))
# It is seen beside people's relation, which is read under its own name.
_GIVEN = "gitexport_given"
_COMPARABLE = frozenset(_NUMBERS | _STRINGS | _TIMES | _ADDRESSES)


class KeyMatch(NamedTuple):
    """Compares key columns with texts.

    `types` are the schema and name of each key column's type, None where values are only
    compared as text. Equality of the type finds the row by its index; equality of the text
    tells apart what the type holds equal (numeric 1.0 and 1.00, collations).
    """

    types: tuple[tuple[str, str] | None, ...]

    @classmethod
    def of(cls, key: Sequence[str], columns: Mapping[str, ValueType]) -> KeyMatch:
        """Chooses how to compare each key column."""
        return cls(tuple(_comparable(columns[name].base) for name in key))

    @property
    def is_integer(self) -> bool:
        """Tells whether the key is one column of an integer type."""
        return len(self.types) == 1 and self.types[0] in _INTEGERS

    def as_text(self) -> KeyMatch:
        """Compares texts only: right for every text, and reads the whole relation."""
        return KeyMatch((None,) * len(self.types))

    def condition(self, reading: Reading, keys: Sequence[Key]) -> sql.Composable:
        """Makes the condition that a row has one of some keys."""
        outer: list[sql.Composable] = []
        inner: list[sql.Composable] = []
        for place, name in enumerate(reading.key):
            given = sql.Identifier(_GIVEN, f"k{place}")
            outer.append(sql.SQL('{}::text COLLATE "C"').format(reading.column(name)))
            inner.append(given)
            kind = self.types[place]
            if kind is not None:
                outer.append(reading.column(name))
                inner.append(sql.SQL("{}::{}").format(given, sql.Identifier(*kind)))
        return sql.SQL("({}) IN (SELECT {} FROM {})").format(
            sql.SQL(", ").join(outer), sql.SQL(", ").join(inner), _given(keys)
        )

    def living(self, cursor: Cursor, reading: Reading, keys: Sequence[Key]) -> set[Key]:
        """Tells which of some keys belong to rows of the reading.

        Raises:
            psycopg.Error: The server refused the statement.
        """
        found: set[Key] = set()
        for start in range(0, len(keys), _BATCH):
            batch = keys[start : start + _BATCH]
            try:
                found.update(self.found(cursor, reading, batch))
            except psycopg.Error as error:
                # A key from before the column had its present type.
                if (error.sqlstate or "")[:2] != _DATA_CLASS:
                    raise
                found.update(self.as_text().found(cursor, reading, batch))
        return found

    def found(self, cursor: Cursor, reading: Reading, keys: Sequence[Key]) -> Iterator[Key]:
        """Does the same in one statement, which fails for a text that is no value of its type.

        Raises:
            psycopg.Error: The server refused the statement.
        """
        conditions: list[sql.Composable] = [reading.condition]
        for place, name in enumerate(reading.key):
            given = sql.Identifier(_GIVEN, f"k{place}")
            column = reading.column(name)
            conditions.append(sql.SQL('{}::text COLLATE "C" = {}').format(column, given))
            kind = self.types[place]
            if kind is not None:
                conditions.append(
                    sql.SQL("{} = {}::{}").format(column, given, sql.Identifier(*kind))
                )
        statement = sql.SQL(
            "SELECT {alias}.* FROM {given} WHERE EXISTS (SELECT FROM {source} WHERE {condition})"
        ).format(
            alias=sql.Identifier(_GIVEN),
            given=_given(keys),
            source=reading.source,
            condition=sql.SQL(" AND ").join(conditions),
        )
        with savepoint(cursor):
            cursor.execute(statement)
            rows = cursor.fetchall()
        return (tuple(row) for row in rows)


def _comparable(base: ValueType) -> tuple[str, str] | None:
    is_known = base.is_builtin and base.name in _COMPARABLE
    return (base.schema, base.name) if is_known or base.code == "e" else None


def _given(keys: Sequence[Key]) -> sql.Composable:
    columns = list(zip(*keys, strict=True))
    return sql.SQL("unnest({}) AS {}({})").format(
        sql.SQL(", ").join(sql.SQL("{}::text[]").format(sql.Literal(list(c))) for c in columns),
        sql.Identifier(_GIVEN),
        sql.SQL(", ").join(sql.Identifier(f"k{place}") for place in range(len(columns))),
    )
