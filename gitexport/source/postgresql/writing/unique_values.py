"""Unique values that staged updates hand from one row to another.

The server looks at a unique index row by row, so two rows that swap their values get in each
other's way inside of one statement. Rows whose value another one takes over are moved aside
first: to null where the column allows it, otherwise to a value that no row has.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from psycopg import sql

from gitexport.model.relation import Column
from gitexport.source.postgresql.session import Cursor
from gitexport.source.postgresql.writing.stage import Stage
from gitexport.source.postgresql.writing.target import Target

_UNIQUE = """
SELECT ic.relname::text,
       ARRAY(SELECT a.attname::text
               FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place)
               JOIN pg_catalog.pg_attribute AS a
                 ON a.attrelid = i.indrelid AND a.attnum = k.attnum
              WHERE k.place <= i.indnkeyatts ORDER BY k.place),
       coalesce((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::bool, false)
  FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS ic ON ic.oid = i.indexrelid
 WHERE i.indrelid = %s::regclass AND i.indisunique AND i.indisvalid AND i.indimmediate
   AND i.indpred IS NULL AND i.indexprs IS NULL
 ORDER BY ic.relname
"""
# A value that other rows refer to cannot leave its row, not even for a moment.
_REFERRED = """
SELECT DISTINCT a.attname::text
  FROM pg_catalog.pg_constraint AS k JOIN pg_catalog.pg_attribute AS a
    ON a.attrelid = k.confrelid AND a.attnum = ANY (k.confkey)
 WHERE k.contype = 'f' AND k.confrelid = %s::regclass
"""
_ASIDE = {
    "smallint": "(SELECT least(min({column}), 0) FROM {table}) - w.place",
    "integer": "(SELECT least(min({column}), 0) FROM {table}) - w.place",
    "bigint": "(SELECT least(min({column}), 0) FROM {table}) - w.place",
    "numeric": "(SELECT least(min({column}), 0) FROM {table}) - w.place",
    "text": "gen_random_uuid()::text",
    "character varying": "gen_random_uuid()::text",
    "uuid": "gen_random_uuid()",
}


class UniqueIndex(NamedTuple):
    """A unique index over whole columns and all rows; columns may be null.

    `holds_nulls_equal` says that two rows without a value get in each other's way, too.
    """

    name: str
    columns: tuple[str, ...]
    holds_nulls_equal: bool


def read_unique_indexes(cursor: Cursor, target: Target) -> list[UniqueIndex]:
    """Lists a relation's unique indexes that the server looks at row by row.

    Raises:
        psycopg.Error: The server refused the query.
    """
    rows = cursor.execute(_UNIQUE.encode(), (target.table.as_string(None),)).fetchall()
    return [UniqueIndex(name, tuple(columns), nulls) for name, columns, nulls in rows]


def move_aside(cursor: Cursor, stage: Stage) -> None:
    """Moves unique values aside that staged updates hand from one row to another.

    Where no column of an index can be moved (a check reads it, or other rows refer to it),
    the server decides whether the order of rows works out.

    Raises:
        psycopg.Error: The server refused a statement.
    """
    target = stage.target
    name = target.table.as_string(None)
    referred = {row[0] for row in cursor.execute(_REFERRED.encode(), (name,)).fetchall()}
    for index in read_unique_indexes(cursor, target):
        if set(index.columns) <= set(stage.key) or not set(index.columns) <= set(target.places):
            continue
        for column, aside in _movable(target, index, referred):
            cursor.execute(_move(stage, index, column, aside))
            break


def _movable(
    target: Target, index: UniqueIndex, referred: Collection[str]
) -> Iterator[tuple[str, sql.Composable]]:
    """Yields columns of an index that can be moved aside, with their value, null first."""
    columns = [target.relation.column(name) for name in index.columns]
    free = [
        column
        for column in columns
        if column is not None
        and column.name in target.updatable
        and column.name not in {*target.entity.key, *referred}
        and not any(column.name in text for _, text in target.relation.checks)
    ]
    for column in free:
        if not column.not_null and not index.holds_nulls_equal:
            yield column.name, sql.SQL("NULL")
    for column in free:
        if column.type_name in _ASIDE and not _refers(target, column):
            yield (
                column.name,
                sql.SQL(_ASIDE[column.type_name]).format(
                    column=sql.Identifier(column.name), table=target.table
                ),
            )


def _refers(target: Target, column: Column) -> bool:
    return any(column.name in key.columns for key in target.relation.foreign_keys)


def _move(stage: Stage, index: UniqueIndex, column: str, aside: sql.Composable) -> sql.Composed:
    target = stage.target
    taken = [
        sql.SQL("h.{} = n.{}").format(sql.Identifier(name), target.places[name])
        for name in index.columns
    ]
    holders = sql.SQL(
        "SELECT DISTINCT {key} FROM {stage} AS n JOIN {verdicts} AS v ON v.line = n.line"
        " AND v.verdict = 'u' JOIN {table} AS h ON {taken} JOIN {stage} AS s ON {same}"
        " JOIN {verdicts} AS o ON o.line = s.line AND o.verdict = 'u' WHERE s.line <> n.line"
        " AND s.shape = ANY ({shapes}) AND n.shape = ANY ({shapes})"
    ).format(
        # A document that lacks the column would not bring its value back.
        shapes=sql.Literal([n for n in stage.used_shapes if column not in stage.missing(n)]),
        key=sql.SQL(", ").join(sql.SQL("s.{}").format(target.places[n]) for n in stage.key),
        stage=stage.table,
        verdicts=stage.verdicts,
        table=target.table,
        taken=sql.SQL(" AND ").join(taken),
        same=target.same_key("h", "s"),
    )
    return sql.SQL(
        "UPDATE {table} AS r SET {column} = {aside} FROM"
        " (SELECT *, row_number() OVER () AS place FROM ({holders}) AS d) AS w WHERE {same}"
    ).format(
        table=target.table,
        column=sql.Identifier(column),
        aside=aside,
        holders=holders,
        same=target.same_key("r", "w"),
    )
