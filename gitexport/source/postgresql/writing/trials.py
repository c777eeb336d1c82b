"""Finds the staged document that broke a constraint by writing fewer and fewer of them.

Not every constraint can be looked up in the staged rows: the server alone knows what an
exclusion constraint, an index over expressions or the bounds of partitions make of a row. It
is asked for the smallest number of documents that it refuses, and the last of them is the one.
All is undone in the end. That costs about three times the write that failed, and nothing
where none fails.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import psycopg
from psycopg import sql

from gitexport.model.ports import Key
from gitexport.model.writing import WriteCounts
from gitexport.source.postgresql.session import Cursor
from gitexport.source.postgresql.writing.refusals import FOREIGN_KEY, is_of_people
from gitexport.source.postgresql.writing.stage import Stage
from gitexport.source.postgresql.writing.statements import write_step
from gitexport.source.postgresql.writing.steps import Step
from gitexport.source.postgresql.writing.unique_values import move_aside

# Foreign keys are left out: a part of the documents may lack what the rest brings.
_DEFERRABLE = """
SELECT n.nspname::text, c.conname::text
  FROM pg_catalog.pg_constraint AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.connamespace
 WHERE c.conrelid = %s::regclass AND c.condeferrable AND c.contype IN ('p', 'u', 'x')
"""
_ALL = sql.Identifier("pg_temp", "gitexport_trial")


class Trial(NamedTuple):
    """The document that was found, and what the server said of it."""

    key: Key
    error: psycopg.Error


def try_documents(
    cursor: Cursor,
    steps: Sequence[Step],
    expected: Mapping[str, WriteCounts],
    entity: str,
    error: psycopg.Error,
) -> Trial | None:
    """Finds the first document of an entity with which writing fails as it has failed.

    Gives None where no document is at fault, where an attempt would tell nothing, or run
    what people's triggers refused once more.

    Raises:
        psycopg.Error: The server refused something else.
    """
    last = next((n for n, step in enumerate(steps) if _of(step, entity) is not None), None)
    if last is None or error.sqlstate == FOREIGN_KEY or is_of_people(error):
        return None
    stage = _of(steps[last], entity)
    assert stage is not None  # noqa: S101 - the step was found by it
    with cursor.connection.transaction(force_rollback=True):
        attempts = _Attempts(cursor, steps[: last + 1], expected, stage, error.sqlstate)
        found = attempts.refusal(stage.rows)
        if found is None or attempts.refusal(0) is not None:
            return None
        passing, failing = 0, stage.rows
        while failing - passing > 1:
            count = (passing + failing) // 2
            refusal = attempts.refusal(count)
            if refusal is None:
                passing = count
            else:
                failing, found = count, refusal
        return Trial(attempts.key(failing), found)


def _of(step: Step, entity: str) -> Stage | None:
    return next((stage for stage in step.stages if stage.target.entity.name == entity), None)


class _Attempts:
    """Writes the first documents of a stage on top of everything that is written before them.

    What an attempt wrote stays for the next one, which then has only the rest to write.
    """

    def __init__(
        self,
        cursor: Cursor,
        steps: Sequence[Step],
        expected: Mapping[str, WriteCounts],
        stage: Stage,
        sqlstate: str | None,
    ) -> None:
        self._cursor = cursor
        self._expected = expected
        self._stage = stage
        self._sqlstate = sqlstate
        self._step = steps[-1]
        self._written = 0
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        for step in steps:
            # Also what later documents change, so that none is in the way of an earlier one.
            for each in step.stages:
                if expected[each.target.entity.name].updated > 1:
                    move_aside(cursor, each)
            if step is not self._step:
                _write(cursor, step, expected)
        form = "CREATE TEMPORARY TABLE {} ON COMMIT DROP AS SELECT *, row_number() OVER ("
        form += "ORDER BY line) AS place FROM {}"
        cursor.execute(sql.SQL(form).format(_ALL, stage.table))

    def refusal(self, count: int) -> psycopg.Error | None:
        """Gives what the server says of some documents, if it is of the kind looked for."""
        try:
            with self._cursor.connection.transaction():
                self._take(count)
                _write(self._cursor, self._step, self._expected)
                self._settle()
        except psycopg.Error as error:
            return error if error.sqlstate == self._sqlstate else None
        self._written = count
        return None

    def key(self, place: int) -> Key:
        """Gives the key of a document, the first of which is 1."""
        self._take(place)
        form = sql.SQL("s.line = (SELECT max(line) FROM {})").format(self._stage.table)
        return self._stage.keys_of(form)[0]

    def _take(self, count: int) -> None:
        """Stages what is left of the first documents, and nothing else."""
        names = [sql.Identifier(name) for name in ("line", "action", "shape")]
        names += self._stage.target.places.values()
        self._cursor.execute(sql.SQL("DELETE FROM {}").format(self._stage.table))
        self._cursor.execute(
            sql.SQL(
                "INSERT INTO {stage} ({names}) SELECT {names} FROM {all}"
                " WHERE place > {after} AND place <= {count}"
            ).format(
                stage=self._stage.table,
                names=sql.SQL(", ").join(names),
                all=_ALL,
                after=sql.Literal(self._written),
                count=sql.Literal(count),
            )
        )

    def _settle(self) -> None:
        """Has the server look at what it would look at when everything is written."""
        table = self._stage.target.table.as_string(None)
        for name in self._cursor.execute(_DEFERRABLE.encode(), (table,)).fetchall():
            form = sql.SQL("SET CONSTRAINTS {} IMMEDIATE")
            self._cursor.execute(form.format(sql.Identifier(*name)))


def _write(cursor: Cursor, step: Step, expected: Mapping[str, WriteCounts]) -> None:
    for _written in write_step(cursor, step, expected):
        pass
