"""Runs the steps of a write, and says which document a refusal speaks of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import psycopg

from gitexport.errors import RowRefusedError, StatementFailedError
from gitexport.model.ports import Key
from gitexport.model.writing import WriteCounts
from gitexport.source.postgresql.session import Cursor
from gitexport.source.postgresql.writing.culprits import find_culprit
from gitexport.source.postgresql.writing.refusals import is_about_a_row, other_error, refused
from gitexport.source.postgresql.writing.sequences import move_sequences
from gitexport.source.postgresql.writing.stage import Stage
from gitexport.source.postgresql.writing.statements import late_statements, write_step
from gitexport.source.postgresql.writing.steps import Step, plan_steps
from gitexport.source.postgresql.writing.trials import try_documents
from gitexport.source.postgresql.writing.unique_values import move_aside

_SERIALIZATION = "40001"


def write_stages(
    cursor: Cursor, stages: Sequence[Stage], expected: Mapping[str, WriteCounts]
) -> None:
    """Writes everything that is staged; foreign keys hold when it returns.

    Raises:
        RowRefusedError: A row breaks a constraint, or a trigger refused it.
        SourceError: The server refused for another reason, or rows changed meanwhile.
    """
    steps = plan_steps(stages)
    try:
        with cursor.connection.transaction():
            done = _write(cursor, stages, steps, expected)
    except RowRefusedError as error:
        # Everything is undone, so that a part of it can be tried.
        raise _named(cursor, steps, expected, error) from error.__cause__
    _check_counts(done, expected)
    for stage in stages:
        if expected[stage.target.entity.name].inserted:
            move_sequences(cursor, stage)


def _write(
    cursor: Cursor,
    stages: Sequence[Stage],
    steps: Sequence[Step],
    expected: Mapping[str, WriteCounts],
) -> Mapping[tuple[str, str], int]:
    """Writes all steps, and gives the number of rows by entity and kind."""
    done: Counter[tuple[str, str]] = Counter()
    with _attributing(cursor, stages):
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    for step in steps:
        for stage in step.stages:
            if expected[stage.target.entity.name].updated > 1:
                with _attributing(cursor, [stage]):
                    move_aside(cursor, stage)
        with _attributing(cursor, step.stages):
            for stage, kind, number in write_step(cursor, step, expected):
                done[stage.target.entity.name, kind] += number
    for step in steps:
        for stage, statement in late_statements(step):
            with _attributing(cursor, [stage]):
                cursor.execute(statement)
    with _attributing(cursor, stages):
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    return done


@contextmanager
def _attributing(cursor: Cursor, stages: Sequence[Stage]) -> Iterator[None]:
    try:
        with cursor.connection.transaction():
            yield
    except psycopg.Error as error:
        names = ", ".join(stage.target.entity.name for stage in stages)
        if not is_about_a_row(error):
            raise other_error(error, names) from error
        entity, key = _culprit(cursor, stages, error)
        raise refused(error, entity or names, key) from error


def _named(
    cursor: Cursor,
    steps: Sequence[Step],
    expected: Mapping[str, WriteCounts],
    error: RowRefusedError,
) -> RowRefusedError:
    """Gives the refusal of a document, where the staged rows alone did not tell which it is."""
    cause = error.__cause__
    if error.key is not None or not isinstance(cause, psycopg.Error):
        return error
    try:
        found = try_documents(cursor, steps, expected, error.entity, cause)
    except psycopg.Error:
        return error
    return error if found is None else refused(found.error, error.entity, found.key)


def _culprit(
    cursor: Cursor, stages: Sequence[Stage], error: psycopg.Error
) -> tuple[str | None, Key | None]:
    try:
        with cursor.connection.transaction():
            return find_culprit(cursor, stages, error)
    except psycopg.Error:
        # Which row it was is a kindness; that it was refused is what has to be told.
        return None, None


def _check_counts(done: Mapping[tuple[str, str], int], expected: Mapping[str, WriteCounts]) -> None:
    for name, counts in expected.items():
        for kind in ("deleted", "updated", "inserted"):
            if done.get((name, kind), 0) != getattr(counts, kind):
                message = f"rows of '{name}' changed while they were written; nothing is kept"
                raise StatementFailedError(
                    message, sqlstate=_SERIALIZATION, where=name, hint="run it again"
                )
