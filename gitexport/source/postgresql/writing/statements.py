"""Composes the statements that write what is staged.

One statement writes a step: deletions first, then updates, then insertions, each a set. The
sets are chained, so that each sees the marks that the one before has set free, and foreign
keys are looked at when all of them are done. A set in which nothing is expected is left out,
and one alone is a plain statement, which does without collecting a mark for each row.

Source: PostgreSQL documentation, "Data-Modifying Statements in WITH".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from psycopg import sql

from gitexport.model.writing import WriteCounts
from gitexport.source.postgresql.session import Cursor
from gitexport.source.postgresql.writing.stage import Stage
from gitexport.source.postgresql.writing.steps import Step


class WriteSet(NamedTuple):
    """One set of rows of one entity: `deleted`, `updated` or `inserted`.

    `form` is its statement, to which a condition and RETURNING may be added.
    """

    stage: Stage
    kind: str
    form: sql.Composed


def write_step(
    cursor: Cursor, step: Step, expected: Mapping[str, WriteCounts]
) -> Iterator[tuple[Stage, str, int]]:
    """Writes a step; yields for each of its sets what was done with how many rows.

    Raises:
        psycopg.Error: The server refused.
    """
    sets = list(_sets(step, expected))
    if len(sets) == 1:
        numbers: Sequence[int] = [cursor.execute(sets[0].form).rowcount]
    else:
        numbers = cursor.execute(_chained(sets)).fetchall()[0] if sets else []
    for found, number in zip(sets, numbers, strict=True):
        yield found.stage, found.kind, number


def _chained(sets: Sequence[WriteSet]) -> sql.Composed:
    """Gives the statement of several sets, whose one row has a count for each."""
    parts = []
    for place, found in enumerate(sets):
        chained: sql.Composable = sql.SQL("")
        if place:
            before = sql.Identifier(f"w{place - 1}")
            form = " AND (SELECT count(*) FROM {}) >= 0"
            chained = sql.SQL(form).format(before)
        parts.append(
            sql.SQL("{} AS ({}{} RETURNING 1)").format(
                sql.Identifier(f"w{place}"), found.form, chained
            )
        )
    counts = [
        sql.SQL("(SELECT count(*) FROM {})").format(sql.Identifier(f"w{place}"))
        for place in range(len(sets))
    ]
    return sql.SQL("WITH {} SELECT {}").format(
        sql.SQL(", ").join(parts), sql.SQL(", ").join(counts)
    )


def late_statements(step: Step) -> Iterator[tuple[Stage, sql.Composed]]:
    """Gives the statements that fill what was null at first."""
    for stage in step.stages:
        late = step.late.get(stage.target.relation.name, frozenset())
        for shape in sorted(stage.used_shapes):
            missing = stage.missing(shape)
            names = [name for name in stage.target.updatable if name in late - {*missing}]
            if names:
                yield stage, _late_update(stage, names, shape)


def _sets(step: Step, expected: Mapping[str, WriteCounts]) -> Iterator[WriteSet]:
    for stage in reversed(step.stages):
        if stage.deletions:
            yield WriteSet(stage, "deleted", _delete(stage))
    for stage in step.stages:
        late = step.late.get(stage.target.relation.name, frozenset())
        for shape in (
            sorted(stage.used_shapes) if expected[stage.target.entity.name].updated else ()
        ):
            form = _update(stage, shape, late)
            if form is not None:
                yield WriteSet(stage, "updated", form)
    for stage in step.stages:
        late = step.late.get(stage.target.relation.name, frozenset())
        inserted = expected[stage.target.entity.name].inserted
        for shape in sorted(stage.used_shapes) if inserted else ():
            yield WriteSet(stage, "inserted", _insert(stage, shape, late, inserted))


def _delete(stage: Stage) -> sql.Composed:
    target = stage.target
    return sql.SQL("DELETE FROM {} AS r USING {} AS s WHERE {}").format(
        target.table, stage.gone, target.same_key("r", "s")
    )


def _update(stage: Stage, shape: int, late: Collection[str]) -> sql.Composed | None:
    target = stage.target
    left_out = {*stage.missing(shape), *late}
    names = [name for name in target.updatable if name not in left_out]
    if not names:
        return None
    return sql.SQL(
        "UPDATE {table} AS r SET {values} FROM {stage} AS s JOIN {verdicts} AS v"
        " ON v.line = s.line AND v.verdict = 'u' WHERE s.shape = {shape} AND {same}"
    ).format(
        table=target.table,
        values=_assignments(stage, names),
        stage=stage.table,
        verdicts=stage.verdicts,
        shape=sql.Literal(shape),
        same=target.same_key("r", "s"),
    )


def _insert(stage: Stage, shape: int, late: Collection[str], expected: int) -> sql.Composed:
    target = stage.target
    missing = stage.missing(shape)
    names = [name for name in target.insertable if name not in missing]
    columns: list[sql.Composable] = [sql.Identifier(name) for name in names]
    values: list[sql.Composable] = [
        sql.SQL("NULL") if name in late else sql.SQL("s.{}").format(target.places[name])
        for name in names
    ]
    if target.flag is not None:
        columns.append(sql.Identifier(target.flag))
        values.append(sql.SQL("false"))
    return sql.SQL(
        "INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE SELECT {values}"
        " FROM {stage} AS s WHERE {condition}"
    ).format(
        table=target.table,
        columns=sql.SQL(", ").join(columns),
        values=sql.SQL(", ").join(values),
        stage=stage.table,
        condition=is_new(stage, shape) if expected < stage.rows else _has_shape(shape),
    )


def is_new(stage: Stage, shape: int) -> sql.Composable:
    """Tells documents that have no row yet, and are to get one."""
    return sql.SQL(
        "{} AND s.action <> 'u' AND NOT EXISTS (SELECT FROM {} AS v WHERE v.line = s.line)"
    ).format(_has_shape(shape), stage.verdicts)


def _has_shape(shape: int) -> sql.Composable:
    return sql.SQL("s.shape = {}").format(sql.Literal(shape))


def _late_update(stage: Stage, names: list[str], shape: int) -> sql.Composed:
    target = stage.target
    return sql.SQL(
        "UPDATE {table} AS r SET {values} FROM {stage} AS s LEFT JOIN {verdicts} AS v"
        " ON v.line = s.line WHERE s.shape = {shape} AND {same}"
        " AND coalesce(v.verdict, 'u') = 'u' AND {differs}"
    ).format(
        table=target.table,
        values=_assignments(stage, names),
        stage=stage.table,
        verdicts=stage.verdicts,
        shape=sql.Literal(shape),
        same=target.same_key("r", "s"),
        differs=sql.SQL("{} *<> {}").format(
            target.image("r", names, is_staged=False), target.image("s", names, is_staged=True)
        ),
    )


def _assignments(stage: Stage, names: list[str]) -> sql.Composable:
    target = stage.target
    values = [
        sql.SQL("{} = s.{}").format(sql.Identifier(name), target.places[name]) for name in names
    ]
    if target.flag is not None:
        values.append(sql.SQL("{} = false").format(sql.Identifier(target.flag)))
    return sql.SQL(", ").join(values)
