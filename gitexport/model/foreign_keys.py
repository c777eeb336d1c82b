"""Orders relations by their foreign keys, and says how each reference is kept on the way.

Rows of a referenced relation are written before those that refer to them. Relations that
refer to each other in a circle form a component; inside of one, references are taken out of
the way until an order is left: constraints that the server defers, then columns that can be
null until a second pass, and where neither is possible the relations are written by one
statement, at whose end the server looks. That last method stands where other tools insert
placeholder rows: no row ever holds a value that is not its own.

Source: Tarjan, "Depth-first search and linear graph algorithms" (1972).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from gitexport.model.relation import ForeignKey, Relation, RelationName


class Treatment(str, Enum):
    """How a reference is kept while rows are written."""

    ORDERED = "order"
    """The referenced relation is written before."""
    SELF = "same relation"
    """A relation refers to itself: the server looks when its one statement ends."""
    DEFERRED = "deferred"
    """The constraint is deferrable: the server looks when everything is written."""
    SECOND_PASS = "second pass"  # noqa: S105 - not a password
    """The columns are null at first and filled when all rows are there."""
    TOGETHER = "one statement"
    """One statement writes all relations of the circle."""


class Reference(NamedTuple):
    """A foreign key from one of some relations to another of them, how it is kept, and why."""

    relation: RelationName
    key: ForeignKey
    target: RelationName
    treatment: Treatment
    reason: str


class Component(NamedTuple):
    """Relations that refer to each other in circles, or one relation alone.

    `steps` are in the order of writing: relations of one step are written by one statement.
    `references` are all that start here, also to earlier components.
    """

    steps: tuple[tuple[RelationName, ...], ...]
    references: tuple[Reference, ...]

    @property
    def relations(self) -> tuple[RelationName, ...]:
        """All relations, in the order of writing."""
        return tuple(name for step in self.steps for name in step)


_Graph = Mapping[RelationName, Sequence[RelationName]]


def order_relations(relations: Iterable[Relation]) -> tuple[Component, ...]:
    """Orders relations so that what is referenced comes before what refers to it.

    Equal input gives equal output, in whatever order the relations come. References to
    relations that are not among them play no part; those to a partition count as references
    to its partitioned table.
    """
    known = {relation.name: relation for relation in relations}
    edges = _edges([known[name] for name in sorted(known)])
    return tuple(
        _component([known[name] for name in group], edges)
        for group in strong_components(_graph(known, edges))
    )


def strong_components(graph: _Graph) -> list[tuple[RelationName, ...]]:
    """Groups what can reach each other; each group comes after those that it reaches.

    Every target has to be a node itself. The members of a group are sorted.
    """
    order: dict[RelationName, int] = {}
    lowest: dict[RelationName, int] = {}
    stack: list[RelationName] = []
    waiting: set[RelationName] = set()
    groups: list[tuple[RelationName, ...]] = []
    for root in sorted(graph):
        path = [] if root in order else [(root, iter(sorted(graph[root])))]
        while path:
            node, targets = path[-1]
            if node not in order:
                order[node] = lowest[node] = len(order)
                stack.append(node)
                waiting.add(node)
            for target in targets:
                if target not in order:
                    path.append((target, iter(sorted(graph[target]))))
                    break
                if target in waiting:
                    lowest[node] = min(lowest[node], lowest[target])
            else:
                path.pop()
                if path:
                    above = path[-1][0]
                    lowest[above] = min(lowest[above], lowest[node])
                if lowest[node] == order[node]:
                    start = stack.index(node)
                    groups.append(tuple(sorted(stack[start:])))
                    waiting.difference_update(stack[start:])
                    del stack[start:]
    return groups


class _Edge(NamedTuple):
    relation: Relation
    key: ForeignKey
    target: RelationName

    @property
    def is_self(self) -> bool:
        return self.relation.name == self.target


def _edges(relations: Sequence[Relation]) -> list[_Edge]:
    roots = {part: relation.name for relation in relations for part in relation.partitions}
    roots |= {relation.name: relation.name for relation in relations}
    return [
        _Edge(relation, key, roots[key.references])
        for relation in relations
        for key in relation.foreign_keys
        if key.references in roots
    ]


def _graph(names: Iterable[RelationName], edges: Iterable[_Edge]) -> _Graph:
    graph: dict[RelationName, list[RelationName]] = {name: [] for name in names}
    for edge in edges:
        if edge.relation.name in graph and edge.target in graph:
            graph[edge.relation.name].append(edge.target)
    return graph


def _component(group: Sequence[Relation], edges: Sequence[_Edge]) -> Component:
    names = {relation.name for relation in group}
    own = [edge for edge in edges if edge.relation.name in names]
    circular = [edge for edge in own if edge.target in names and not edge.is_self]
    kept, taken = _break_cycles(names, circular)
    steps = strong_components(_graph(names, kept))
    places = {name: place for place, step in enumerate(steps) for name in step}
    references = []
    for edge in own:
        distance = places.get(edge.target, -1) - places[edge.relation.name]
        treatment = taken.get(edge.relation.name, {}).get(edge.key.name, Treatment.ORDERED)
        if distance < 0:
            treatment = Treatment.ORDERED
        elif distance == 0:
            treatment = Treatment.SELF if edge.is_self else Treatment.TOGETHER
        reason = _reason(edge, treatment)
        references.append(Reference(edge.relation.name, edge.key, edge.target, treatment, reason))
    return Component(tuple(steps), tuple(references))


def _break_cycles(
    names: Iterable[RelationName], edges: list[_Edge]
) -> tuple[list[_Edge], dict[RelationName, dict[str, Treatment]]]:
    """Takes references out until no circle is left that can be broken; gives what stays."""
    kept = list(edges)
    taken: dict[RelationName, dict[str, Treatment]] = {}
    for treatment in (Treatment.DEFERRED, Treatment.SECOND_PASS):
        for edge in edges:
            if edge not in kept or not _allows(edge, treatment):
                continue
            groups = strong_components(_graph(names, kept))
            if any(edge.relation.name in group and edge.target in group for group in groups):
                kept.remove(edge)
                taken.setdefault(edge.relation.name, {})[edge.key.name] = treatment
    return kept, taken


def _allows(edge: _Edge, treatment: Treatment) -> bool:
    if treatment is Treatment.DEFERRED:
        return edge.key.is_deferrable
    return _refuses_null(edge) is None


def _refuses_null(edge: _Edge) -> str | None:
    """Says why a reference's columns cannot be null for a while; None: they can."""
    for name in edge.key.columns:
        column = edge.relation.column(name)
        if column is None or column.not_null or name in edge.relation.primary_key:
            return f"'{name}' cannot be null"
        if column.generated is not None:
            return f"'{name}' is generated"
        if any(name in text for _, text in edge.relation.checks):
            return f"a check reads '{name}'"
        for named in edge.relation.types:
            if named.name == column.type_name and (named.not_null or named.checks):
                return f"the domain of '{name}' has a check"
    return None


def _reason(edge: _Edge, treatment: Treatment) -> str:
    columns = ", ".join(edge.key.columns)
    if treatment is Treatment.ORDERED:
        return f"'{edge.target}' is written first"
    if treatment is Treatment.SELF:
        return "one statement writes all rows of the relation, and the server looks at its end"
    if treatment is Treatment.DEFERRED:
        return f"the constraint '{edge.key.name}' is deferrable"
    if treatment is Treatment.SECOND_PASS:
        return f"{columns} can be null until all rows are there"
    deferrable = "" if edge.key.is_deferrable else "the constraint is not deferrable, and "
    return f"{deferrable}{_refuses_null(edge) or 'others of the circle cannot wait'}"
