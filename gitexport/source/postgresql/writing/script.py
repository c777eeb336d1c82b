"""Writes what is staged as a script of SQL, for people to read and to run.

It takes the steps that `gitexport.source.postgresql.writing.execution` takes: people's
triggers and rules rest, unique values that change hands are moved aside, each step deletes,
updates and inserts, and what waited for other rows is filled. Rows have a statement each
where an order of such statements is right. Where the server has to look at several of them at
once, they share one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from psycopg import sql

from gitexport.model.sql_text import quote_name
from gitexport.model.writing import WriteCounts
from gitexport.source.postgresql.session import Cursor
from gitexport.source.postgresql.writing.script_order import row_order
from gitexport.source.postgresql.writing.script_rows import (
    deletes,
    fields,
    fills,
    inserts,
    row_key,
    shown,
    updates,
)
from gitexport.source.postgresql.writing.script_sets import one_statement
from gitexport.source.postgresql.writing.sequences import sequence_moves
from gitexport.source.postgresql.writing.stage import Stage
from gitexport.source.postgresql.writing.steps import Step, plan_steps
from gitexport.source.postgresql.writing.unique_values import plan_moves

_OPENING = (
    "-- Run it with: psql -v ON_ERROR_STOP=1 -f FILE",
    "BEGIN;",
    "SET LOCAL client_encoding = 'UTF8';",
    "SET LOCAL standard_conforming_strings = on;",
    # As the server gave money; no other value depends on a setting.
    "SET LOCAL lc_monetary = 'C';",
)
_Silence = tuple[Sequence[sql.Composable], Sequence[sql.Composable]]


def script(
    cursor: Cursor, stages: Sequence[Stage], counts: Mapping[str, WriteCounts], silence: _Silence
) -> Iterator[str]:
    """Streams the lines of a script that does everything that is staged, in one transaction.

    `silence` are the statements that disable people's code, and those that enable it.

    Raises:
        psycopg.Error: The server refused a query.
    """
    disabling, enabling = silence
    yield from _OPENING
    for statement in disabling:
        yield shown(statement) + ";"
    yield "SET CONSTRAINTS ALL DEFERRED;"
    steps = plan_steps(stages)
    moved: dict[str, set[str]] = {stage.target.entity.name: set() for stage in stages}
    for step in steps:
        yield from _step(cursor, step, counts, moved)
    for step in steps:
        for stage in step.stages:
            late, name = _late(step, stage), stage.target.entity.name
            for shape in sorted(stage.used_shapes):
                yield from fills(cursor, stage, shape, late, moved[name])
    if enabling:
        # A relation is not altered while the server has something left to look at.
        yield "SET CONSTRAINTS ALL IMMEDIATE;"
    yield from _sequences(cursor, [s for s in stages if counts[s.target.entity.name].inserted])
    for statement in enabling:
        yield shown(statement) + ";"
    yield "COMMIT;"


def _step(
    cursor: Cursor,
    step: Step,
    counts: Mapping[str, WriteCounts],
    moved: Mapping[str, set[str]],
) -> Iterator[str]:
    for stage in step.stages:
        if counts[stage.target.entity.name].updated > 1:
            yield from _moves(cursor, stage, moved[stage.target.entity.name])
    order = row_order(cursor, step, counts)
    if order is None:
        yield from one_statement(cursor, step, counts)
    else:
        yield from _row_by_row(cursor, step, order, moved)


def _sequences(cursor: Cursor, stages: Sequence[Stage]) -> Iterator[str]:
    for stage in stages:
        for statement in sequence_moves(cursor, stage):
            yield shown(statement) + ";"


def _moves(cursor: Cursor, stage: Stage, moved: set[str]) -> Iterator[str]:
    """Moves unique values aside, and notes of which columns."""
    table = shown(stage.target.table)
    for aside, holders in plan_moves(cursor, stage):
        name = aside.column.name
        keys = [sql.SQL("d.{}::text").format(stage.target.places[part]) for part in stage.key]
        source = sql.SQL("FROM ({}) AS d").format(holders)
        for number, key in enumerate(fields(cursor, keys, source), 1):
            # An update brings it back, even where the row is to have the same value again.
            moved.add(name)
            value = shown(aside.value(sql.Literal(number)))
            where = row_key(stage, key)
            yield f"UPDATE {table} SET {quote_name(name)} = {value} WHERE {where};"  # noqa: S608


def _row_by_row(
    cursor: Cursor, step: Step, order: Sequence[Stage], moved: Mapping[str, Collection[str]]
) -> Iterator[str]:
    for stage in reversed(order):
        if stage.deletions:
            yield from deletes(cursor, stage)
    for stage in order:
        name, late = stage.target.entity.name, _late(step, stage)
        for shape in sorted(stage.used_shapes):
            yield from updates(cursor, stage, shape, late, moved[name])
        for shape in sorted(stage.used_shapes):
            yield from inserts(cursor, stage, shape, late)


def _late(step: Step, stage: Stage) -> frozenset[str]:
    return step.late.get(stage.target.relation.name, frozenset())
