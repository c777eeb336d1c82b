"""Reads written values as the types would that their columns had before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import psycopg
from psycopg import sql

from gitexport.model.writing import FormerValue
from gitexport.source.postgresql.copy_stream import savepoint
from gitexport.source.postgresql.session import Cursor
from gitexport.source.postgresql.writing.stage import Stage

# Names come from files that anybody may have written, so the server reads and writes them. What
# stands behind a type in parentheses is left off, as it would round or cut again.
_TYPE = "SELECT pg_catalog.format_type(pg_catalog.to_regtype(%s), -1)"
# A cast need not exist, and the text that stands in for it need not be a value's.
_CASTS = ("r.{column}::{kind}", "r.{column}::text::{kind}")
_VALUES = """
SELECT pg_catalog.to_json({value})::text, {key} FROM {table} AS r JOIN {stage} AS s ON {same}
 WHERE r.{column}::text = s.{place}::text
"""
_IMPOSSIBLE = (psycopg.DataError, psycopg.ProgrammingError, psycopg.IntegrityError)


def former_values(cursor: Cursor, stage: Stage, types: Mapping[str, str]) -> Iterator[FormerValue]:
    """Yields values of rows that hold what is staged, read as their column's former type.

    Columns with a type that is gone, or that does not take what they hold now, give none.

    Raises:
        psycopg.Error: The connection was lost, or the role may not read the rows.
    """
    for column, type_name in types.items():
        for value, *key in _values(cursor, stage, column, type_name):
            yield FormerValue(tuple(key), column, value.encode())


def _values(cursor: Cursor, stage: Stage, column: str, type_name: str) -> list[tuple[str, ...]]:
    target = stage.target
    for cast in _CASTS:
        try:
            with savepoint(cursor):
                ((kind,),) = cursor.execute(_TYPE, [type_name]).fetchall()
                if kind is None:
                    return []
                name = sql.Identifier(column)
                value = sql.SQL(cast).format(column=name, kind=sql.SQL(kind))
                query = sql.SQL(_VALUES).format(
                    value=value,
                    key=stage.key_texts("s"),
                    table=target.table,
                    stage=stage.table,
                    same=target.same_key("r", "s"),
                    column=name,
                    place=target.places[column],
                )
                return cursor.execute(query).fetchall()
        except psycopg.errors.InsufficientPrivilege:
            raise
        except _IMPOSSIBLE:
            continue
    return []
