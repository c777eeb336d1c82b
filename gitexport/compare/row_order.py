"""Orders statements for changed rows so that the server's constraints hold at each.

Foreign keys: what is referenced is written before what refers to it. Rows that go are deleted
first, so that others may take their unique values; those that a changed row refers to until it
changes are deleted last. Unique values: a row that gives one up comes before the row that
takes it; where rows exchange theirs, one is set to null in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from gitexport.compare.row_changes import RowChange, RowStep, Values, referred
from gitexport.compare.unique_values import Exchange, exchange_order
from gitexport.model.foreign_keys import Component, Reference, Treatment, order_relations
from gitexport.model.relation import Relation, RelationName

_CIRCULAR = frozenset(
    {Treatment.SELF, Treatment.DEFERRED, Treatment.SECOND_PASS, Treatment.TOGETHER}
)
_AT_ONCE = frozenset({Treatment.SELF, Treatment.TOGETHER})

Statement = tuple[RowChange, ...]
"""Rows that one statement writes."""


@dataclass(frozen=True, slots=True)
class RowPlan:
    """Statements in their order, and what no order was found for, as sentences."""

    statements: tuple[Statement, ...]
    notes: tuple[str, ...] = ()


def plan_rows(rows: Iterable[RowChange], relations: Iterable[Relation]) -> RowPlan:
    """Orders the changes of rows of some relations."""
    known = {relation.name: relation for relation in relations}
    components = order_relations(known.values())
    groups = _Groups(known)
    listed = list(rows)
    for row in listed:
        groups.add(row)
    late = _late(listed, groups, components)
    statements: list[Statement] = []
    notes: list[str] = []
    early = [row for row in listed if row.step is RowStep.DELETE and id(row) not in late]
    statements += _deletions(early, components)
    last = [row for row in listed if id(row) in late]
    for component in components:
        writes = _Writes(component, groups)
        statements += writes.statements(last)
        notes += writes.notes
    statements += _deletions(last, components)
    return RowPlan(tuple(statements), tuple(notes))


class _Groups:
    """Changed rows by relation and step, in their given order."""

    def __init__(self, relations: dict[RelationName, Relation]) -> None:
        self.relations = relations
        self._rows: dict[tuple[RelationName, RowStep], list[RowChange]] = {}

    def add(self, row: RowChange) -> None:
        self._rows.setdefault((row.relation, row.step), []).append(row)

    def of(self, name: RelationName, step: RowStep) -> list[RowChange]:
        return self._rows.get((name, step), [])


@dataclass
class _Writes:
    """Inserts and updates of the relations of one component."""

    component: Component
    groups: _Groups
    notes: list[str] = field(default_factory=list)

    def statements(self, last: Sequence[RowChange]) -> Iterator[Statement]:
        """Yields the statements; `last` are the rows that are deleted afterwards."""
        remaining: list[RowChange] = []
        for name in self.component.relations:
            exchange = self._exchange(name, last)
            self.notes += exchange.notes
            yield from ((row,) for row in exchange.asides)
            for row in exchange.early:
                now, then = _split(row, self._columns(name, _CIRCULAR))
                yield from ((part,) for part in now)
                remaining += then
            remaining += exchange.others
        second: list[RowChange] = []
        for step in self.component.steps:
            inserts = []
            for name in step:
                for row in self.groups.of(name, RowStep.INSERT):
                    first, then = _in_two(row, self._columns(name, {Treatment.SECOND_PASS}))
                    inserts.append(first)
                    second += then
            yield from _batches(inserts, self.component, step)
        yield from ((row,) for row in (*second, *remaining))

    def _exchange(self, name: RelationName, last: Sequence[RowChange]) -> Exchange:
        return exchange_order(
            self.groups.relations[name],
            self.groups.of(name, RowStep.INSERT),
            self.groups.of(name, RowStep.UPDATE),
            [row for row in last if row.relation == name],
        )

    def _columns(self, name: RelationName, treatments: Iterable[Treatment]) -> frozenset[str]:
        wanted = frozenset(treatments)
        return frozenset(
            column
            for reference in self.component.references
            if reference.relation == name and reference.treatment in wanted
            for column in reference.key.columns
        )


def _late(
    rows: Sequence[RowChange], groups: _Groups, components: Sequence[Component]
) -> frozenset[int]:
    """Finds deleted rows that others refer to until those are changed or deleted themselves."""
    references: dict[RelationName, list[Reference]] = {}
    for component in components:
        for reference in component.references:
            references.setdefault(reference.relation, []).append(reference)
    found = _found(groups, references)
    late: set[int] = set()
    waiting = [row for row in rows if row.step is RowStep.UPDATE]
    while waiting:
        row = waiting.pop()
        targets = {
            reference.key: reference.target for reference in references.get(row.relation, ())
        }
        for key, values in referred(row, targets):
            gone = found.get((targets[key], key.referenced_columns, values))
            if gone is not None and id(gone) not in late and gone is not row:
                late.add(id(gone))
                waiting.append(gone)
    return frozenset(late)


def _found(
    groups: _Groups, references: dict[RelationName, list[Reference]]
) -> dict[tuple[RelationName, tuple[str, ...], Values], RowChange]:
    """Finds deleted rows by the values that others may refer to."""
    wanted = {
        (reference.target, reference.key.referenced_columns)
        for listed in references.values()
        for reference in listed
    }
    found = {}
    for name, columns in wanted:
        for row in groups.of(name, RowStep.DELETE):
            values = row.before(columns)
            if values is not None:
                found[name, columns, values] = row
    return found


def _deletions(rows: Sequence[RowChange], components: Sequence[Component]) -> Iterator[Statement]:
    for component in reversed(components):
        own = [row for row in rows if row.relation in component.relations]
        for reference in component.references:
            if reference.treatment is Treatment.SECOND_PASS:
                yield from _released(own, reference)
        for step in reversed(component.steps):
            yield from _batches([row for row in own if row.relation in step], component, step)


def _released(rows: Sequence[RowChange], reference: Reference) -> Iterator[Statement]:
    """Sets references to null that would hold rows which have to go first."""
    for row in rows:
        if row.relation == reference.relation and row.before(reference.key.columns):
            nulls = dict.fromkeys(reference.key.columns, "NULL")
            yield (replace(row, step=RowStep.UPDATE, columns=nulls),)


def _batches(
    rows: Sequence[RowChange], component: Component, step: Sequence[RelationName]
) -> Iterator[Statement]:
    """Puts rows into one statement where the server has to look at its end only."""
    at_once = any(
        reference.relation in step and reference.treatment in _AT_ONCE
        for reference in component.references
    )
    if at_once and rows:
        yield tuple(rows)
    else:
        yield from ((row,) for row in rows)


def _split(row: RowChange, waiting: frozenset[str]) -> tuple[list[RowChange], list[RowChange]]:
    """Parts an update: some columns wait until all rows are there."""
    now = {name: value for name, value in row.columns.items() if name not in waiting}
    then = {name: value for name, value in row.columns.items() if name in waiting}
    return (
        [replace(row, columns=now)] if now else [],
        [replace(row, columns=then, key=_moved_key(row, now))] if then else [],
    )


def _in_two(row: RowChange, waiting: frozenset[str]) -> tuple[RowChange, list[RowChange]]:
    """Parts an insert: some columns are null until all rows are there."""
    then = {
        name: value for name, value in row.columns.items() if name in waiting and value != "NULL"
    }
    if not then:
        return row, []
    first = replace(row, columns={**row.columns, **dict.fromkeys(then, "NULL")})
    return first, [replace(row, step=RowStep.UPDATE, columns=then)]


def _moved_key(row: RowChange, written: dict[str, str]) -> dict[str, str]:
    return {name: written.get(name, value) for name, value in row.key.items()}
