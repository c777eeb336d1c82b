"""Composes the statements that write what is staged.

One statement writes a step: deletions first, then updates, then insertions, each a set. The
sets are chained, so that each sees the marks that the one before has set free, and foreign
keys are looked at when all of them are done.

Source: PostgreSQL documentation, "Data-Modifying Statements in WITH".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from psycopg import sql

from gitexport.source.postgresql.writing.stage import Stage
from gitexport.source.postgresql.writing.steps import Step


class WriteSet(NamedTuple):
    """One set of rows of one entity: `deleted`, `updated` or `inserted`.

    `form` is its statement, to which a condition and RETURNING may be added.
    """

    stage: Stage
    kind: str
    form: sql.Composed


def step_statement(step: Step) -> tuple[sql.Composed, list[tuple[Stage, str]]]:
    """Gives a step's statement, and what each number of its one row counts."""
    sets = list(_sets(step))
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
    statement = sql.SQL("WITH {} SELECT {}").format(
        sql.SQL(", ").join(parts), sql.SQL(", ").join(counts)
    )
    return statement, [(found.stage, found.kind) for found in sets]


def late_statements(step: Step) -> Iterator[tuple[Stage, sql.Composed]]:
    """Gives the statements that fill what was null at first."""
    for stage in step.stages:
        late = step.late.get(stage.target.relation.name, frozenset())
        for shape in sorted(stage.used_shapes):
            missing = stage.missing(shape)
            names = [name for name in stage.target.updatable if name in late - {*missing}]
            if names:
                yield stage, _late_update(stage, names, shape)


def _sets(step: Step) -> Iterator[WriteSet]:
    for stage in reversed(step.stages):
        if stage.deletions:
            yield WriteSet(stage, "deleted", _delete(stage))
    for make, kind in ((_update, "updated"), (_insert, "inserted")):
        for stage in step.stages:
            late = step.late.get(stage.target.relation.name, frozenset())
            for shape in sorted(stage.used_shapes):
                form = make(stage, shape, late)
                if form is not None:
                    yield WriteSet(stage, kind, form)


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


def _insert(stage: Stage, shape: int, late: Collection[str]) -> sql.Composed:
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
        " FROM {stage} AS s WHERE s.shape = {shape} AND s.action <> 'u'"
        " AND NOT EXISTS (SELECT FROM {verdicts} AS v WHERE v.line = s.line)"
    ).format(
        table=target.table,
        columns=sql.SQL(", ").join(columns),
        values=sql.SQL(", ").join(values),
        stage=stage.table,
        shape=sql.Literal(shape),
        verdicts=stage.verdicts,
    )


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
