"""Sorts what is staged into steps, each of which one statement writes.

References give the order, see `gitexport.model.foreign_keys`. Where rows are deleted, or
columns change that others refer to by another key than the entity's, no order of statements
is right: a row may leave one parent for another that takes the place of the first. There the
relations of both ends share a step, as the server looks when the statement ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gitexport.model.foreign_keys import (
    Component,
    Reference,
    Treatment,
    order_relations,
    strong_components,
)
from gitexport.model.relation import RelationName
from gitexport.source.postgresql.writing.stage import Stage


@dataclass(frozen=True, slots=True)
class Step:
    """What one statement writes.

    `late` names the columns of each relation that are null at first and filled once all
    steps are done.
    """

    stages: tuple[Stage, ...]
    late: dict[RelationName, frozenset[str]] = field(default_factory=dict)


def plan_steps(stages: Iterable[Stage]) -> list[Step]:
    """Sorts stages into steps, in the order of writing."""
    by_relation: dict[RelationName, list[Stage]] = {}
    for stage in stages:
        if not stage.is_empty:
            by_relation.setdefault(stage.target.relation.name, []).append(stage)
    components = order_relations(group[0].target.relation for group in by_relation.values())
    references = [reference for found in components for reference in found.references]
    graph = _graph(components, references, by_relation)
    groups = strong_components(graph)
    step_of = {name: place for place, group in enumerate(groups) for name in group}
    late: dict[RelationName, set[str]] = {}
    for reference in references:
        is_late = step_of[reference.target] > step_of[reference.relation]
        if reference.treatment is Treatment.SECOND_PASS and is_late:
            late.setdefault(reference.relation, set()).update(reference.key.columns)
    return [
        Step(
            tuple(stage for name in group for stage in by_relation[name]),
            {name: frozenset(late[name]) for name in group if name in late},
        )
        for group in groups
    ]


def _graph(
    components: Sequence[Component],
    references: Sequence[Reference],
    stages: dict[RelationName, list[Stage]],
) -> dict[RelationName, list[RelationName]]:
    graph: dict[RelationName, list[RelationName]] = {name: [] for name in stages}
    for component in components:
        for step in component.steps:
            # What one statement has to write refers to each other in a circle already.
            for name, other in zip(step, step[1:] + step[:1], strict=True):
                graph[name].append(other)
    for reference in references:
        if reference.treatment in {Treatment.ORDERED, Treatment.TOGETHER}:
            graph[reference.relation].append(reference.target)
        if any(_moves(stage, reference) for stage in stages[reference.target]):
            graph[reference.relation].append(reference.target)
            graph[reference.target].append(reference.relation)
    return graph


def _moves(stage: Stage, reference: Reference) -> bool:
    """Tells whether rows may leave, or change the columns that others refer to."""
    if stage.deletions:
        return True
    written = set(stage.target.places) - set(stage.key)
    return bool(stage.rows) and not written.isdisjoint(reference.key.referenced_columns)
