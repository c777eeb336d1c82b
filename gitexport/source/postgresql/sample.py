"""Reads the text of a few rows, for a look at what a relation holds before it is published."""

from __future__ import annotations

from psycopg import sql

from gitexport.model.relation import Relation
from gitexport.source.postgresql.session import Cursor

_LONGEST = 1000
"""How many characters of a value are enough to recognise what it is."""


def read_sample(cursor: Cursor, relation: Relation, limit: int) -> list[tuple[str | None, ...]]:
    """Reads the beginning of the text of a few rows' values, in the order of the columns.

    Expects a pinned transaction.

    Raises:
        psycopg.Error: The server refused the query.
    """
    alias = sql.Identifier(relation.name.name)
    columns = sql.SQL(", ").join(
        sql.SQL("left({}.{}::text, {})").format(
            alias, sql.Identifier(column.name), sql.Literal(_LONGEST)
        )
        for column in relation.columns
    )
    cursor.execute(
        sql.SQL("SELECT {} FROM {} AS {} LIMIT {}").format(
            columns, sql.Identifier(*relation.name), alias, sql.Literal(limit)
        )
    )
    return [tuple(row) for row in cursor]
