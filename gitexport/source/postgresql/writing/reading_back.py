"""Reads rows by key as an export would read them, locked or just written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import psycopg
from psycopg import sql

from gitexport.canonical.encode import assemble
from gitexport.errors import UnsupportedValueError
from gitexport.model.ports import Key, RowQuery, RowScope
from gitexport.model.writing import CurrentRow
from gitexport.source.postgresql.copy_stream import savepoint
from gitexport.source.postgresql.key_match import KeyMatch
from gitexport.source.postgresql.row_reader import RowReader
from gitexport.source.postgresql.select import Reading
from gitexport.source.postgresql.session import Cursor
from gitexport.source.postgresql.writing.stage import Stage
from gitexport.source.postgresql.writing.target import Target, check_privileges

_BATCH = 2000
_DATA_CLASS = "22"
_ALL = RowQuery(RowScope.ALL)


def rows_with_keys(
    cursor: Cursor, target: Target, keys: Iterable[Key], *, is_locked: bool
) -> Iterator[CurrentRow]:
    """Streams the rows with some keys; locked ones stay as they are until the transaction ends.

    Raises:
        PermissionDeniedError: The role may not lock rows; the hint names the grant.
        psycopg.Error: The server refused, or another session holds a lock too long.
    """
    if is_locked:
        # Rows are locked by who may update them; the server only says that something is denied.
        check_privileges(cursor, target, ["UPDATE"])
    batch: list[Key] = []
    for key in keys:
        if len(key) == len(target.entity.key):
            batch.append(key)
        if len(batch) == _BATCH:
            yield from _with_keys(cursor, target, batch, is_locked=is_locked)
            batch = []
    if batch:
        yield from _with_keys(cursor, target, batch, is_locked=is_locked)


def all_rows(cursor: Cursor, target: Target, *, is_locked: bool) -> Iterator[CurrentRow]:
    """Streams all rows; locked, the whole relation is kept from being changed.

    Raises:
        psycopg.Error: The server refused, or another session holds a lock too long.
    """
    if is_locked:
        cursor.execute(sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(target.table))
    yield from _read(cursor, target, target.reading.match, _rows(target))


def rows_of_stage(cursor: Cursor, stage: Stage) -> Iterator[CurrentRow]:
    """Streams the rows whose documents are staged, and those whose deletion did not happen.

    Raises:
        psycopg.Error: The server refused.
    """
    target = stage.target
    for table, is_used in ((stage.table, stage.rows), (stage.gone, stage.deletions)):
        if is_used:
            present = stage.has_row(table)
            if table is stage.gone:
                present = sql.SQL("{} AND NOT {}").format(present, stage.has_row(stage.table))
            rows = _rows(target)
            yield from _read(cursor, target, target.reading.match, _where(rows, present))


def _with_keys(
    cursor: Cursor, target: Target, keys: list[Key], *, is_locked: bool
) -> Iterator[CurrentRow]:
    rows, match = _rows(target), target.reading.match
    try:
        with savepoint(cursor):
            cursor.execute(_count(rows, match, keys))
    except psycopg.Error as error:
        # A key from before its column had its present type.
        if (error.sqlstate or "")[:2] != _DATA_CLASS:
            raise
        match = match.as_text()
    found = _where(rows, match.condition(rows, keys))
    if is_locked:
        cursor.execute(
            sql.SQL(
                "SELECT count(*) FROM (SELECT FROM {} WHERE {} ORDER BY {} FOR UPDATE OF {}) AS l"
            ).format(
                found.source,
                found.condition,
                sql.SQL(", ").join(map(found.column, found.key)),
                found.alias,
            )
        )
    yield from _read(cursor, target, match, found)


def _count(rows: Reading, match: KeyMatch, keys: list[Key]) -> sql.Composed:
    return sql.SQL("SELECT count(*) FROM {} WHERE {}").format(
        rows.source, match.condition(rows, keys)
    )


def _rows(target: Target) -> Reading:
    return target.reading.reading(target.entity, RowScope.ALL)


def _where(rows: Reading, condition: sql.Composable) -> Reading:
    return rows._replace(condition=sql.SQL("{} AND {}").format(rows.condition, condition))


def _read(cursor: Cursor, target: Target, match: KeyMatch, rows: Reading) -> Iterator[CurrentRow]:
    compiled = target.reading.compiled
    reader = RowReader(cursor=cursor, reading=rows, compiled=compiled, match=match)
    for row in reader.rows(_ALL):
        if row.text is None:
            problem = row.problem.sentence if row.problem else f"has {row.size} bytes"
            yield CurrentRow(row.key, None, problem)
            continue
        try:
            yield CurrentRow(row.key, assemble(row.text, compiled.nested), None)
        except UnsupportedValueError as error:
            yield CurrentRow(row.key, None, f"column '{error.where}' {error.message}")
