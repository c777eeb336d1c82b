"""Writes the one statement of rows that no order of single statements could bring back.

It does what `gitexport.source.postgresql.writing.statements` does from staging tables, with
lists of literals in their place: deletions, updates and insertions, each a set that sees what
the one before has set free, and foreign keys are looked at when all of them are done.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from psycopg import sql

from gitexport.model.sql_text import quote_name
from gitexport.model.writing import WriteCounts
from gitexport.source.postgresql.session import Cursor
from gitexport.source.postgresql.writing.script_rows import (
    Fields,
    fields,
    gone_keys,
    literal,
    new_rows,
    shown,
    texts,
    updated_rows,
)
from gitexport.source.postgresql.writing.stage import Stage
from gitexport.source.postgresql.writing.steps import Step


class _Set(NamedTuple):
    """The rows of a set: `head` and `tail` stand around their list, which has `names`."""

    stage: Stage
    names: Sequence[str]
    rows: Iterator[Fields]
    head: str
    tail: str


def one_statement(cursor: Cursor, step: Step, counts: Mapping[str, WriteCounts]) -> Iterator[str]:
    """Writes the lines of the statement of a step.

    Raises:
        psycopg.Error: The server refused a query.
    """
    number = 0
    for found in _sets(cursor, step, counts):
        first = next(found.rows, None)
        if first is None:
            continue
        yield ("WITH " if number == 0 else ", ") + f"w{number} AS ({found.head} (VALUES"
        line = _typed(found, first)
        for row in found.rows:
            yield f"  ({line}),"
            line = ", ".join(map(literal, row))
        yield f"  ({line})"
        places = ", ".join(shown(found.stage.target.places[name]) for name in found.names)
        after = f" AND (SELECT count(*) FROM w{number - 1}) >= 0" if number else ""  # noqa: S608
        yield f") AS s ({places}) WHERE {found.tail}{after} RETURNING 1)"
        number += 1
    if number:
        sums = " + ".join(f"(SELECT count(*) FROM w{place})" for place in range(number))  # noqa: S608
        yield f"SELECT {sums} AS rows;"


def _sets(cursor: Cursor, step: Step, counts: Mapping[str, WriteCounts]) -> Iterator[_Set]:
    stages = step.stages
    return chain(
        (_deleted(cursor, stage) for stage in reversed(stages) if stage.deletions),
        (
            _updated(cursor, stage, shape, names)
            for stage in stages
            if counts[stage.target.entity.name].updated
            for shape in sorted(stage.used_shapes)
            if (names := _written(step, stage, stage.target.updatable, shape))
        ),
        (
            _inserted(cursor, step, stage, shape)
            for stage in stages
            if counts[stage.target.entity.name].inserted
            for shape in sorted(stage.used_shapes)
        ),
    )


def _deleted(cursor: Cursor, stage: Stage) -> _Set:
    head = f"DELETE FROM {shown(stage.target.table)} AS r USING"  # noqa: S608 - quoted
    return _Set(stage, stage.key, gone_keys(cursor, stage), head, _same(stage))


def _updated(cursor: Cursor, stage: Stage, shape: int, names: Sequence[str]) -> _Set:
    places = stage.target.places
    written = [f"{quote_name(name)} = s.{shown(places[name])}" for name in names]
    head = f"UPDATE {shown(stage.target.table)} AS r SET {', '.join(written)} FROM"  # noqa: S608
    listed = [*stage.key, *(name for name in names if name not in stage.key)]
    rows = fields(cursor, texts(stage, listed), updated_rows(stage, shape))
    return _Set(stage, listed, rows, head, _same(stage))


def _inserted(cursor: Cursor, step: Step, stage: Stage, shape: int) -> _Set:
    target = stage.target
    listed = _written(step, stage, target.insertable, shape)
    missing = stage.missing(shape)
    names = [name for name in target.insertable if name not in missing]
    values = [f"s.{shown(target.places[name])}" if name in listed else "NULL" for name in names]
    columns = ", ".join(map(quote_name, names))
    head = (
        f"INSERT INTO {shown(target.table)} ({columns}) OVERRIDING SYSTEM VALUE"
        f" SELECT {', '.join(values)} FROM"
    )
    return _Set(stage, listed, fields(cursor, texts(stage, listed), new_rows(stage, shape)), head,
                "true")  # fmt: skip


def _written(step: Step, stage: Stage, names: Sequence[str], shape: int) -> list[str]:
    """Gives those of some columns that a shape has and that do not have to wait."""
    late = step.late.get(stage.target.relation.name, frozenset())
    left_out = {*stage.missing(shape), *late}
    return [name for name in names if name not in left_out]


def _same(stage: Stage) -> str:
    return shown(stage.target.same_key("r", "s"))


def _typed(found: _Set, row: Fields) -> str:
    """Writes the first row of a list, whose types are those of the others, too."""
    kinds = {column.name: column.type_name for column in found.stage.target.columns}
    return ", ".join(
        f"{literal(value)}::{shown(sql.SQL(kinds[name]))}"
        for name, value in zip(found.names, row, strict=True)
    )
