"""Unique values that staged updates hand from one row to another.

The server looks at a unique index row by row, so two rows that swap their values get in each
other's way inside of one statement. Rows whose value another one takes over are moved aside
first: to null where the column allows it, otherwise to a value that no row has.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import LiteralString, NamedTuple

import psycopg
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
# Indexes over expressions or some of the rows, and those of exclusion constraints.
_COMPUTED = """
SELECT ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute AS a
              WHERE a.attrelid = i.indrelid AND a.attnum > 0
                AND (a.attnum = ANY (i.indkey::int2[]) OR EXISTS
                     (SELECT FROM pg_catalog.pg_depend AS d
                       WHERE d.classid = 'pg_catalog.pg_class'::regclass
                         AND d.objid = i.indexrelid
                         AND d.refclassid = 'pg_catalog.pg_class'::regclass
                         AND d.refobjid = i.indrelid AND d.refobjsubid = a.attnum))
              ORDER BY a.attnum)
  FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS ic ON ic.oid = i.indexrelid
 WHERE i.indrelid = %s::regclass AND i.indisvalid AND i.indimmediate
   AND (i.indisexclusion OR i.indisunique
        AND (i.indpred IS NOT NULL OR i.indexprs IS NOT NULL))
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
    "smallint": "(SELECT least(min({column}), 0) FROM {table}) - {place}",
    "integer": "(SELECT least(min({column}), 0) FROM {table}) - {place}",
    "bigint": "(SELECT least(min({column}), 0) FROM {table}) - {place}",
    "numeric": "(SELECT least(min({column}), 0) FROM {table}) - {place}",
    "text": "gen_random_uuid()::text",
    "character varying": "gen_random_uuid()::text",
    "uuid": "gen_random_uuid()",
    "date": "date '4000-01-01 BC' + {place}::int4",
    "timestamp without time zone": "timestamp '4000-01-01 BC' + {place} * interval '1 second'",
    "timestamp with time zone": "timestamptz '4000-01-01 BC' + {place} * interval '1 second'",
}
_RANGES = frozenset({"int4range", "int8range", "numrange", "daterange", "tsrange", "tstzrange"})
# What the server says of values that do not suit a column.
_UNSUITABLE = frozenset({"22", "23", "42"})
_LIMITED = re.compile(r"character(?: varying)?\(([0-9]+)\)")
# Where a random value does not fit, one of characters that are nobody's.
_ENOUGH = 12
_PRIVATE = "chr((57344 + {place} / 6400)::int4) || chr((57344 + {place} % 6400)::int4)"


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


class Aside(NamedTuple):
    """A column whose values can be moved aside, and SQL for what they are moved to."""

    target: Target
    column: Column
    form: LiteralString

    def value(self, place: sql.Composable) -> sql.Composed:
        """Gives the value of a row by its number among those that are moved."""
        return sql.SQL(self.form).format(
            column=sql.Identifier(self.column.name),
            table=self.target.table,
            kind=sql.SQL(self.column.type_name),
            place=place,
        )


class _Candidate(NamedTuple):
    aside: Aside
    holders: sql.Composed


def move_aside(cursor: Cursor, stage: Stage) -> None:
    """Moves unique values aside that staged updates hand from one row to another.

    Where no column of an index can be moved (a check reads it, or other rows refer to it),
    the server decides whether the order of rows works out. Of an index over expressions or
    some of the rows, and of an exclusion constraint, every value that changes is moved.

    Raises:
        psycopg.Error: The server refused a statement.
    """
    for candidates in _candidates(cursor, stage):
        any(_try(cursor, _move(stage, found)) for found in candidates)


def plan_moves(cursor: Cursor, stage: Stage) -> Iterator[tuple[Aside, sql.Composed]]:
    """Tells what `move_aside` would move, each with a query for the keys of its rows.

    No row is touched: of the columns that could be moved, the first one counts whose type
    takes the value.

    Raises:
        psycopg.Error: The server refused a query.
    """
    for candidates in _candidates(cursor, stage):
        for aside, holders in candidates:
            kind = sql.SQL(aside.column.type_name)
            value = aside.value(sql.Literal(1))
            if _try(cursor, sql.SQL("SELECT ({})::{}").format(value, kind)):
                yield aside, holders
                break


def read_referred(cursor: Cursor, target: Target) -> set[str]:
    """Names the columns that rows of any relation refer to.

    Raises:
        psycopg.Error: The server refused the query.
    """
    name = target.table.as_string(None)
    return {row[0] for row in cursor.execute(_REFERRED.encode(), (name,)).fetchall()}


def _candidates(cursor: Cursor, stage: Stage) -> Iterator[Iterator[_Candidate]]:
    """Yields for each index what could be moved aside, the best first."""
    target = stage.target
    referred = read_referred(cursor, target)
    for index in read_unique_indexes(cursor, target):
        if set(index.columns) <= set(stage.key) or not set(index.columns) <= set(target.places):
            continue
        yield (
            _Candidate(aside, _holders(stage, index, aside.column.name))
            for aside in _movable(target, index, referred)
        )
    name = target.table.as_string(None)
    for (names,) in cursor.execute(_COMPUTED.encode(), (name,)).fetchall():
        computed = UniqueIndex("", tuple(names), holds_nulls_equal=False)
        yield (
            _Candidate(aside, _changing(stage, aside.column.name))
            for aside in _movable(target, computed, referred)
        )


def _try(cursor: Cursor, statement: sql.Composed) -> bool:
    """Runs what columns may not take, and tells whether they do."""
    try:
        with cursor.connection.transaction():
            cursor.execute(statement)
    except psycopg.Error as error:
        if (error.sqlstate or "")[:2] not in _UNSUITABLE:
            raise
        return False
    return True


def _movable(target: Target, index: UniqueIndex, referred: Collection[str]) -> Iterator[Aside]:
    """Yields columns of an index that can be moved aside, with their value, null first."""
    columns = [target.relation.column(name) for name in index.columns if name in target.places]
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
            yield Aside(target, column, "NULL")
    for column in free:
        base = target.types[column.name].base.sql_name
        aside = _aside(column.type_name) or _aside(base)
        if aside is not None and not _refers(target, column):
            yield Aside(target, column, aside)


def _aside(type_name: str) -> LiteralString | None:
    """Gives SQL for a value that no row has, None where there is none of the type."""
    limited = _LIMITED.fullmatch(type_name)
    if limited is None:
        return "'empty'" if type_name in _RANGES else _ASIDE.get(type_name)
    if int(limited[1]) >= _ENOUGH:
        return "replace(gen_random_uuid()::text, '-', '')::{kind}"
    return _PRIVATE if int(limited[1]) > 1 else None


def _refers(target: Target, column: Column) -> bool:
    return any(column.name in key.columns for key in target.relation.foreign_keys)


def _holders(stage: Stage, index: UniqueIndex, column: str) -> sql.Composed:
    """Selects the keys of rows whose values another one takes over."""
    target = stage.target
    taken = [
        sql.SQL("h.{} = n.{}").format(sql.Identifier(name), target.places[name])
        for name in index.columns
    ]
    return sql.SQL(
        "SELECT DISTINCT {key} FROM {stage} AS n JOIN {verdicts} AS v ON v.line = n.line"
        " AND v.verdict = 'u' JOIN {table} AS h ON {taken} JOIN {stage} AS s ON {same}"
        " JOIN {verdicts} AS o ON o.line = s.line AND o.verdict = 'u' WHERE s.line <> n.line"
        " AND s.shape = ANY ({shapes}) AND n.shape = ANY ({shapes})"
    ).format(
        # A document that lacks the column would not bring its value back.
        shapes=_shapes(stage, column),
        key=_keys(stage),
        stage=stage.table,
        verdicts=stage.verdicts,
        table=target.table,
        taken=sql.SQL(" AND ").join(taken),
        same=target.same_key("h", "s"),
    )


def _changing(stage: Stage, column: str) -> sql.Composed:
    """Selects the keys of rows that get another value in a column."""
    target = stage.target
    return sql.SQL(
        "SELECT {key} FROM {stage} AS s JOIN {verdicts} AS v ON v.line = s.line"
        " AND v.verdict = 'u' JOIN {table} AS h ON {same} WHERE {before} *<> {after}"
        " AND s.shape = ANY ({shapes})"
    ).format(
        key=_keys(stage),
        stage=stage.table,
        verdicts=stage.verdicts,
        table=target.table,
        same=target.same_key("h", "s"),
        before=target.image("h", [column], is_staged=False),
        after=target.image("s", [column], is_staged=True),
        shapes=_shapes(stage, column),
    )


def _shapes(stage: Stage, column: str) -> sql.Literal:
    return sql.Literal([n for n in stage.used_shapes if column not in stage.missing(n)])


def _keys(stage: Stage) -> sql.Composable:
    places = [sql.SQL("s.{}").format(stage.target.places[name]) for name in stage.key]
    return sql.SQL(", ").join(places)


def _move(stage: Stage, candidate: _Candidate) -> sql.Composed:
    target, (aside, holders) = stage.target, candidate
    return sql.SQL(
        "UPDATE {table} AS r SET {column} = {aside} FROM"
        " (SELECT *, row_number() OVER () AS place FROM ({holders}) AS d) AS w WHERE {same}"
    ).format(
        table=target.table,
        column=sql.Identifier(aside.column.name),
        aside=aside.value(sql.SQL("w.place")),
        holders=holders,
        same=target.same_key("r", "w"),
    )
