"""Writes what is staged as SQL for people: a statement for each row, values as literals.

The server writes the literals, as only it knows how its types are quoted. The script is a
description that runs where the order of single rows allows it; the writer itself works in
sets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from psycopg import sql

from gitexport.source.postgresql.copy_stream import copied, read_text
from gitexport.source.postgresql.session import Cursor
from gitexport.source.postgresql.writing.stage import Stage
from gitexport.source.postgresql.writing.steps import plan_steps


def script(cursor: Cursor, stages: Sequence[Stage]) -> Iterator[str]:
    """Streams the statements of everything that is staged, in one transaction.

    Raises:
        psycopg.Error: The server refused a query.
    """
    ordered = [stage for step in plan_steps(stages) for stage in step.stages]
    yield "BEGIN;"
    yield "SET CONSTRAINTS ALL DEFERRED;"
    for stage in ordered:
        for shape in sorted(stage.used_shapes):
            yield from _texts(cursor, _inserts(stage, shape))
            yield from _texts(cursor, _updates(stage, shape))
    for stage in reversed(ordered):
        yield from _texts(cursor, _deletes(stage))
    yield "COMMIT;"


def _texts(cursor: Cursor, statement: sql.Composable) -> Iterator[str]:
    for data in copied(cursor, statement):
        text, _ = read_text(data, 0)
        yield (text or b"").decode()


def _inserts(stage: Stage, shape: int) -> sql.Composable:
    target = stage.target
    names = [name for name in target.insertable if name not in stage.missing(shape)]
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    head = _text(
        "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES (", stage.target.table, columns
    )
    values = [sql.SQL("quote_nullable(s.{}::text)").format(target.places[name]) for name in names]
    return sql.SQL(
        "SELECT {head} || array_to_string(ARRAY[{values}]::text[], ', ') || ');' FROM {stage} AS s"
        " WHERE s.shape = {shape} AND s.action <> 'u' AND NOT EXISTS"
        " (SELECT FROM {verdicts} AS v WHERE v.line = s.line) ORDER BY s.line"
    ).format(
        head=head,
        values=sql.SQL(", ").join(values),
        stage=stage.table,
        shape=sql.Literal(shape),
        verdicts=stage.verdicts,
    )


def _updates(stage: Stage, shape: int) -> sql.Composable:
    target = stage.target
    names = [name for name in target.updatable if name not in stage.missing(shape)]
    values = [
        sql.SQL(
            "CASE WHEN r.{column}::text IS DISTINCT FROM s.{place}::text"
            " THEN {head} || quote_nullable(s.{place}::text) END"
        ).format(
            column=sql.Identifier(name),
            place=target.places[name],
            head=_text("{} = ", sql.Identifier(name)),
        )
        for name in names
    ]
    return sql.SQL(
        "SELECT {head} || array_to_string(ARRAY[{values}]::text[], ', ') || ' WHERE ' || {key}"
        " || ';' FROM {stage} AS s JOIN {table} AS r ON {same} JOIN {verdicts} AS v"
        " ON v.line = s.line AND v.verdict = 'u' WHERE s.shape = {shape} ORDER BY s.line"
    ).format(
        head=_text("UPDATE {} SET ", target.table),
        values=sql.SQL(", ").join(values),
        key=_key(stage),
        stage=stage.table,
        table=target.table,
        same=target.same_key("r", "s"),
        verdicts=stage.verdicts,
        shape=sql.Literal(shape),
    )


def _deletes(stage: Stage) -> sql.Composable:
    head = _text("DELETE FROM {} WHERE ", stage.target.table)
    return sql.SQL("SELECT {} || {} || ';' FROM {} AS s").format(head, _key(stage), stage.gone)


def _key(stage: Stage) -> sql.Composable:
    """Gives the text of the condition that finds a staged row."""
    parts = [
        sql.SQL("{} || quote_literal(s.{}::text)").format(
            _text("{} = ", sql.Identifier(name)), stage.target.places[name]
        )
        for name in stage.key
    ]
    return sql.SQL(" || ' AND ' || ").join(parts)


def _text(form: str, *parts: sql.Composable) -> sql.Literal:
    """Makes SQL text a literal of the query that writes the script."""
    return sql.Literal(sql.SQL(form).format(*parts).as_string(None))
