"""Writes what is staged as SQL for people: a statement for each row, values as literals.

The server writes the literals, as only it knows how its types are quoted. The script runs
where an order of single rows can do what is staged; the writer itself works in sets, which
also does what no such order can.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence

from psycopg import sql

from gitexport.model.foreign_keys import Component, Treatment, order_relations
from gitexport.model.relation import RelationName
from gitexport.source.postgresql.copy_stream import copied, read_text
from gitexport.source.postgresql.session import Cursor
from gitexport.source.postgresql.writing.stage import Stage


def script(cursor: Cursor, stages: Sequence[Stage]) -> Iterator[str]:
    """Streams the statements of everything that is staged, in one transaction.

    Raises:
        psycopg.Error: The server refused a query.
    """
    by_relation: dict[RelationName, list[Stage]] = {}
    for stage in stages:
        by_relation.setdefault(stage.target.relation.name, []).append(stage)
    components = order_relations(group[0].target.relation for group in by_relation.values())
    names = [name for component in components for name in component.relations]
    ordered = [stage for name in names for stage in by_relation[name]]
    late = _late(components)
    yield "BEGIN;"
    yield "SET CONSTRAINTS ALL DEFERRED;"
    for component in components:
        for step in component.steps:
            if len(step) > 1:
                # A name may hold a line feed, which would end the comment.
                listed = " ".join(", ".join(map(str, step)).splitlines())
                yield f"-- only one statement writes a circle of references: {listed}"
    for stage in ordered:
        for shape in sorted(stage.used_shapes):
            yield from _texts(cursor, _inserts(stage, shape, late[stage.target.relation.name]))
            yield from _texts(cursor, _updates(stage, shape))
    for stage in ordered:
        for name in sorted(late[stage.target.relation.name]):
            yield from _texts(cursor, _fills(stage, name))
    for stage in reversed(ordered):
        yield from _texts(cursor, _deletes(stage))
    yield "COMMIT;"


def _late(components: Sequence[Component]) -> dict[RelationName, set[str]]:
    """Gives the columns of each relation that are null until all rows are there."""
    late: defaultdict[RelationName, set[str]] = defaultdict(set)
    for component in components:
        for reference in component.references:
            if reference.treatment is Treatment.SECOND_PASS:
                late[reference.relation].update(reference.key.columns)
    return late


def _texts(cursor: Cursor, statement: sql.Composable) -> Iterator[str]:
    for data in copied(cursor, statement):
        text, _ = read_text(data, 0)
        yield (text or b"").decode()


def _inserts(stage: Stage, shape: int, late: Collection[str]) -> sql.Composable:
    target = stage.target
    names = [name for name in target.insertable if name not in stage.missing(shape)]
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    head = _text(
        "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES (", stage.target.table, columns
    )
    values = [
        sql.SQL("'NULL'")
        if name in late
        else sql.SQL("quote_nullable(s.{}::text)").format(target.places[name])
        for name in names
    ]
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


def _fills(stage: Stage, name: str) -> sql.Composable:
    """Fills a column of inserted rows that was null at first."""
    target = stage.target
    return sql.SQL(
        "SELECT {head} || quote_literal(s.{place}::text) || ' WHERE ' || {key} || ';'"
        " FROM {stage} AS s WHERE s.{place} IS NOT NULL AND s.action <> 'u' AND NOT EXISTS"
        " (SELECT FROM {verdicts} AS v WHERE v.line = s.line) ORDER BY s.line"
    ).format(
        head=_text("UPDATE {} SET {} = ", target.table, sql.Identifier(name)),
        place=target.places[name],
        key=_key(stage),
        stage=stage.table,
        verdicts=stage.verdicts,
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
