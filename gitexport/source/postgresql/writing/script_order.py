"""Finds the order in which single statements can write a step, where there is one.

Rows that are deleted go first, those that refer to others before those. Then each relation's
rows are updated and inserted, those that are referred to first. That is right where no row
that stays refers to one that goes, and where others refer to nothing but keys.
"""

from __future__ import annotations

from collections.abc import Mapping

from psycopg import sql

from gitexport.model.foreign_keys import Reference, Treatment, order_relations
from gitexport.model.relation import RelationName
from gitexport.model.writing import WriteCounts
from gitexport.source.postgresql.session import Cursor
from gitexport.source.postgresql.writing.stage import Stage
from gitexport.source.postgresql.writing.steps import Step
from gitexport.source.postgresql.writing.unique_values import read_referred


def row_order(
    cursor: Cursor, step: Step, counts: Mapping[str, WriteCounts]
) -> tuple[Stage, ...] | None:
    """Gives a step's stages, what is referred to first; None if one statement has to do it all.

    Raises:
        psycopg.Error: The server refused a query.
    """
    found = [counts[stage.target.entity.name] for stage in step.stages]
    if sum(each.deleted + each.updated + each.inserted for each in found) <= 1:
        return step.stages
    stages = {stage.target.relation.name: stage for stage in step.stages}
    if len(stages) < len(step.stages):
        return None
    components = order_relations(stage.target.relation for stage in step.stages)
    references = [reference for part in components for reference in part.references]
    if any(len(part.relations) > 1 for part in components) or not all(
        _is_kept(cursor, reference, stages) for reference in references
    ):
        return None
    for stage in step.stages:
        if not read_referred(cursor, stage.target) <= {*stage.key}:
            return None
    return tuple(stages[name] for part in components for name in part.relations)


def _is_kept(cursor: Cursor, reference: Reference, stages: Mapping[RelationName, Stage]) -> bool:
    """Tells whether a reference never breaks on the way."""
    key = reference.key
    if reference.treatment is Treatment.SELF:
        return key.is_deferrable
    child, parent = stages[reference.relation], stages[reference.target]
    if not parent.deletions:
        return True
    if not {*key.referenced_columns} <= {*parent.key}:
        return False
    pairs = zip(key.columns, key.referenced_columns, strict=True)
    cursor.execute(
        sql.SQL(
            "SELECT EXISTS (SELECT FROM {table} AS r JOIN {gone} AS p ON {refers}"
            " WHERE NOT EXISTS (SELECT FROM {leaving} AS s WHERE {same}))"
        ).format(
            table=child.target.table,
            gone=parent.gone,
            refers=sql.SQL(" AND ").join(
                sql.SQL("r.{} = p.{}").format(sql.Identifier(name), parent.target.places[other])
                for name, other in pairs
            ),
            leaving=child.gone,
            same=child.target.same_key("r", "s"),
        )
    )
    return not any(stays for (stays,) in cursor.fetchall())
