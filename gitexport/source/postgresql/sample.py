"""Reads the text of a few rows, for a look at what a relation holds before it is published."""

from __future__ import annotations

from typing import Any, LiteralString

from psycopg import sql

from gitexport.model.relation import Column, Relation
from gitexport.source.postgresql.session import Cursor

_LONGEST = 1000
"""How many characters of a value are enough to recognise what it is."""
_LONGEST_JSON = 4000
"""The same of a value that holds others."""

_PLAIN = sql.SQL("left({}.{}::text, {})")
_JSON = sql.SQL("left(to_json({}.{})::text, {})")


NO_TEXT = frozenset({"22021", "22P05"})
"""What the server says of bytes that are no text, or that UTF-8 cannot hold."""


def read_sample(cursor: Cursor, relation: Relation, limit: int) -> list[tuple[str | None, ...]]:
    """Reads the beginnings of a few rows' values, in the order of the columns.

    Values of plain columns stand as text, all others as JSON. Expects a pinned transaction.

    Raises:
        psycopg.Error: The server refused the query.
    """
    return _read(cursor, relation, limit, "{}")


def read_bytes_sample(
    cursor: Cursor, relation: Relation, limit: int
) -> list[tuple[str | None, ...]]:
    """Reads what `read_sample` reads where some of it is no text, which comes as U+FFFD.

    A database with the encoding SQL_ASCII holds any bytes, and cuts characters in two. What
    tells that a value is private is ASCII. Expects a pinned transaction.

    Raises:
        psycopg.Error: The server refused the query.
    """
    form = "convert_to({}, getdatabaseencoding())"
    return [
        tuple(None if part is None else part.decode(errors="replace") for part in row)
        for row in _read(cursor, relation, limit, form)
    ]


def _read(
    cursor: Cursor, relation: Relation, limit: int, form: LiteralString
) -> list[tuple[Any, ...]]:
    alias = sql.Identifier(relation.name.name)
    columns = sql.SQL(", ").join(
        sql.SQL(form).format(_beginning(alias, column)) for column in relation.columns
    )
    cursor.execute(
        sql.SQL("SELECT {} FROM {} AS {} LIMIT {}").format(
            columns, sql.Identifier(*relation.name), alias, sql.Literal(limit)
        )
    )
    return [tuple(row) for row in cursor]


def _beginning(alias: sql.Identifier, column: Column) -> sql.Composable:
    form, longest = (_PLAIN, _LONGEST) if column.is_plain else (_JSON, _LONGEST_JSON)
    return form.format(alias, sql.Identifier(column.name), sql.Literal(longest))
