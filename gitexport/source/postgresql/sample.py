"""Reads the text of a few rows, for a look at what a relation holds before it is published."""

from __future__ import annotations

from typing import Any, LiteralString

from psycopg import sql

from gitexport.model.relation import Relation
from gitexport.source.postgresql.session import Cursor

_LONGEST = 1000
"""How many characters of a value are enough to recognise what it is."""


NO_TEXT = frozenset({"22021", "22P05"})
"""What the server says of bytes that are no text, or that UTF-8 cannot hold."""


def read_sample(cursor: Cursor, relation: Relation, limit: int) -> list[tuple[str | None, ...]]:
    """Reads the beginning of the text of a few rows' values, in the order of the columns.

    Expects a pinned transaction.

    Raises:
        psycopg.Error: The server refused the query.
    """
    return _read(cursor, relation, limit, "left({}.{}::text, {})")


def read_bytes_sample(
    cursor: Cursor, relation: Relation, limit: int
) -> list[tuple[str | None, ...]]:
    """Reads what `read_sample` reads where some of it is no text, which comes as U+FFFD.

    A database with the encoding SQL_ASCII holds any bytes, and cuts characters in two. What
    tells that a value is private is ASCII. Expects a pinned transaction.

    Raises:
        psycopg.Error: The server refused the query.
    """
    value = "convert_to(left({}.{}::text, {}), getdatabaseencoding())"
    return [
        tuple(None if part is None else part.decode(errors="replace") for part in row)
        for row in _read(cursor, relation, limit, value)
    ]


def _read(
    cursor: Cursor, relation: Relation, limit: int, value: LiteralString
) -> list[tuple[Any, ...]]:
    alias = sql.Identifier(relation.name.name)
    columns = sql.SQL(", ").join(
        sql.SQL(value).format(alias, sql.Identifier(column.name), sql.Literal(_LONGEST))
        for column in relation.columns
    )
    cursor.execute(
        sql.SQL("SELECT {} FROM {} AS {} LIMIT {}").format(
            columns, sql.Identifier(*relation.name), alias, sql.Literal(limit)
        )
    )
    return [tuple(row) for row in cursor]
