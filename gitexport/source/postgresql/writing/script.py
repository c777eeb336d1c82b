"""Writes what is staged as SQL for people: a statement for each row, values as literals.

The script runs where an order of single rows can do what is staged; the writer itself works
in sets, which also does what no such order can.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from gitexport.model.foreign_keys import Component, Treatment, order_relations
from gitexport.model.relation import RelationName
from gitexport.source.postgresql.session import Cursor
from gitexport.source.postgresql.writing.script_rows import deletes, fills, inserts, updates
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
            yield from inserts(cursor, stage, shape, late[stage.target.relation.name])
            yield from updates(cursor, stage, shape, late[stage.target.relation.name], ())
    for stage in ordered:
        for shape in sorted(stage.used_shapes):
            yield from fills(cursor, stage, shape, late[stage.target.relation.name], ())
    for stage in reversed(ordered):
        yield from deletes(cursor, stage)
    yield "COMMIT;"


def _late(components: Sequence[Component]) -> dict[RelationName, set[str]]:
    """Gives the columns of each relation that are null until all rows are there."""
    late: defaultdict[RelationName, set[str]] = defaultdict(set)
    for component in components:
        for reference in component.references:
            if reference.treatment is Treatment.SECOND_PASS:
                late[reference.relation].update(reference.key.columns)
    return late
