"""Writes statements for single rows of what is staged, values as literals.

The server gives each value as its text, which the input function of its type reads again;
how texts and names are quoted is `gitexport.model.sql_text`'s matter.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import LiteralString

from psycopg import sql

from gitexport.model.sql_text import quote_name, quote_text
from gitexport.source.postgresql.copy_stream import copied, read_text
from gitexport.source.postgresql.session import Cursor
from gitexport.source.postgresql.writing.stage import Stage
from gitexport.source.postgresql.writing.statements import is_new

Fields = list[str | None]
_QUOTED_NAME = re.compile(r'"((?:[^"]|"")*)"')


def deletes(cursor: Cursor, stage: Stage) -> Iterator[str]:
    """Writes a deletion for each row that is to go."""
    table = shown(stage.target.table)
    for key in gone_keys(cursor, stage):
        yield f"DELETE FROM {table} WHERE {row_key(stage, key)};"  # noqa: S608 - quoted


def updates(
    cursor: Cursor, stage: Stage, shape: int, late: Collection[str], moved: Collection[str]
) -> Iterator[str]:
    """Writes an update for each row that differs, of what differs and what was moved aside."""
    left_out = {*stage.missing(shape), *late}
    names = [name for name in stage.target.updatable if name not in left_out]
    yield from _changes(cursor, stage, names, updated_rows(stage, shape), moved)


def fills(
    cursor: Cursor, stage: Stage, shape: int, late: Collection[str], moved: Collection[str]
) -> Iterator[str]:
    """Writes an update for each row that has a column left which waited for other rows."""
    left_out = stage.missing(shape)
    names = [name for name in stage.target.updatable if name in late and name not in left_out]
    source = _of_stage(
        stage,
        shape,
        "FROM {stage} AS s LEFT JOIN {verdicts} AS v ON v.line = s.line"
        " LEFT JOIN {table} AS r ON {same} WHERE s.shape = {shape}"
        " AND CASE WHEN v.line IS NULL THEN s.action <> 'u' ELSE v.verdict = 'u' END"
        " ORDER BY s.line",
    )
    if names:
        yield from _changes(cursor, stage, names, source, moved)


def inserts(cursor: Cursor, stage: Stage, shape: int, late: Collection[str]) -> Iterator[str]:
    """Writes an insertion for each row that is not there; what is late is null at first."""
    missing = stage.missing(shape)
    names = [name for name in stage.target.insertable if name not in missing]
    table, columns = shown(stage.target.table), ", ".join(map(quote_name, names))
    for found in fields(cursor, texts(stage, names), new_rows(stage, shape)):
        values = [
            "NULL" if name in late else literal(value)
            for name, value in zip(names, found, strict=True)
        ]
        yield (
            f"INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE"  # noqa: S608 - quoted
            f" VALUES ({', '.join(values)});"
        )


def gone_keys(cursor: Cursor, stage: Stage) -> Iterator[Fields]:
    """Streams the keys of rows that are to go."""
    return fields(cursor, texts(stage, stage.key), sql.SQL("FROM {} AS s").format(stage.gone))


def updated_rows(stage: Stage, shape: int) -> sql.Composable:
    """Gives the part of a query that finds documents `s` which differ from their rows `r`."""
    return _of_stage(
        stage,
        shape,
        "FROM {stage} AS s JOIN {table} AS r ON {same} JOIN {verdicts} AS v"
        " ON v.line = s.line AND v.verdict = 'u' WHERE s.shape = {shape} ORDER BY s.line",
    )


def _of_stage(stage: Stage, shape: int, form: LiteralString) -> sql.Composable:
    """Fills in the tables of a part of a query, and how rows `r` meet documents `s`."""
    return sql.SQL(form).format(
        stage=stage.table,
        table=stage.target.table,
        same=stage.target.same_key("r", "s"),
        verdicts=stage.verdicts,
        shape=sql.Literal(shape),
    )


def new_rows(stage: Stage, shape: int) -> sql.Composable:
    """Gives the part of a query that finds documents without a row."""
    return sql.SQL("FROM {} AS s WHERE {} ORDER BY s.line").format(
        stage.table, is_new(stage, shape)
    )


def texts(stage: Stage, names: Sequence[str]) -> list[sql.Composable]:
    """Gives the texts of staged columns."""
    places = stage.target.places
    return [_text_of(stage, name, sql.SQL("s.{}").format(places[name])) for name in names]


def _text_of(stage: Stage, name: str, value: sql.Composable) -> sql.Composable:
    if stage.target.types[name].base.name == "bpchar":
        # Its cast drops blanks at the end, which are the value's own without a length.
        return sql.SQL("CASE WHEN {value} IS NOT NULL THEN format('%s', {value}) END").format(
            value=value
        )
    return sql.SQL("{}::text").format(value)


def fields(
    cursor: Cursor, columns: Sequence[sql.Composable], source: sql.Composable
) -> Iterator[Fields]:
    """Streams the rows of a query whose columns are texts.

    Raises:
        psycopg.Error: The server refused the query.
    """
    query = sql.SQL("SELECT {} {}").format(sql.SQL(", ").join(columns), source)
    for data in copied(cursor, query):
        found: Fields = []
        place = 0
        for _ in columns:
            text, place = read_text(data, place)
            found.append(None if text is None else text.decode())
        yield found


def row_key(stage: Stage, key: Sequence[str | None]) -> str:
    """Writes the condition that finds a row."""
    parts = []
    for name, kind, value in zip(stage.key, stage.target.reading.match.types, key, strict=True):
        # A type without equality is known by its text.
        cast = "" if kind is not None else "::text"
        parts.append(f"{quote_name(name)}{cast} = {literal(value)}")
    return " AND ".join(parts)


def literal(value: str | None) -> str:
    """Writes a value."""
    return "NULL" if value is None else quote_text(value)


def shown(text: sql.Composable) -> str:
    """Writes SQL without values of people's; in their names nothing hides."""
    return _QUOTED_NAME.sub(
        lambda found: quote_name(found[1].replace('""', '"')), text.as_string(None)
    )


def _changes(
    cursor: Cursor,
    stage: Stage,
    names: Sequence[str],
    source: sql.Composable,
    moved: Collection[str],
) -> Iterator[str]:
    differs = [
        sql.SQL("({} IS DISTINCT FROM {})::text").format(
            _text_of(stage, name, sql.Identifier("r", name)),
            _text_of(stage, name, sql.SQL("s.{}").format(stage.target.places[name])),
        )
        for name in names
    ]
    table, size = shown(stage.target.table), len(stage.key)
    columns = [*texts(stage, [*stage.key, *names]), *differs]
    for found in fields(cursor, columns, source):
        values, flags = found[size : size + len(names)], found[size + len(names) :]
        written = [
            f"{quote_name(name)} = {literal(value)}"
            for name, value, flag in zip(names, values, flags, strict=True)
            if flag == "true" or name in moved
        ]
        if written:
            key = row_key(stage, found[:size])
            yield f"UPDATE {table} SET {', '.join(written)} WHERE {key};"  # noqa: S608 - quoted
