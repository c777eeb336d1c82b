"""Rows that are there, and that the `where` of their entity leaves out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from psycopg import sql

from gitexport.model.ports import Key
from gitexport.source.postgresql.session import Cursor
from gitexport.source.postgresql.writing.stage import Stage
from gitexport.source.postgresql.writing.target import Target

_ROW = "gitexport_row"
_SHOWN = 100


def left_out(cursor: Cursor, target: Target, keys: Sequence[Key]) -> list[Key]:
    """Gives those of some keys whose rows the entity's `where` leaves out.

    Raises:
        psycopg.Error: The server refused a query.
    """
    reading = target.reading
    if reading.where is None or not keys:
        return []
    condition = sql.SQL("({}) IS NOT TRUE").format(reading.where)
    found = reading.match.living(cursor, reading.over(target.entity, [condition]), keys)
    return [key for key in keys if key in found]


def staying_out(stage: Stage) -> Iterator[Key]:
    """Gives staged updates whose rows `where` would still leave out; the first 100 of a shape.

    Generated columns that are not published count as they are now.

    Raises:
        psycopg.Error: The server refused a query.
    """
    stage.settle()
    for shape in sorted(stage.used_shapes) if stage.target.reading.where is not None else ():
        yield from stage.keys_of(_stays_out(stage, shape), _SHOWN)


def _stays_out(stage: Stage, shape: int) -> sql.Composable:
    """Evaluates `where` on the row as it will be, under the names that it uses."""
    target = stage.target
    given = set(target.places) - {*stage.missing(shape)}
    columns = [
        sql.SQL("{} AS {}").format(
            sql.SQL("s.{}").format(target.places[column.name])
            if column.name in given
            else sql.Identifier(_ROW, column.name),
            sql.Identifier(column.name),
        )
        for column in target.relation.columns
    ]
    # In a query of its own, so that what has no alias is a column of the row.
    return sql.SQL(
        "s.action = 'u' AND s.shape = {shape} AND EXISTS (SELECT FROM {table} AS {row}"
        " WHERE {same} AND NOT EXISTS (SELECT FROM (SELECT {columns}) AS {name} WHERE ({where})))"
    ).format(
        shape=sql.Literal(shape),
        table=target.table,
        row=sql.Identifier(_ROW),
        same=target.same_key(_ROW, "s"),
        columns=sql.SQL(", ").join(columns),
        name=sql.Identifier(target.relation.name.name),
        where=target.reading.where or sql.SQL("true"),
    )
