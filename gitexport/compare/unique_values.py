"""Finds rows that hand unique values to each other, and an order in which they can."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from gitexport.compare.row_changes import RowChange, RowStep, Values
from gitexport.model.relation import Relation


@dataclass(frozen=True, slots=True)
class Exchange:
    """Updates of one relation in their order.

    `asides` set unique columns to null before everything else, `early` come before inserts,
    `others` behind them. `notes` are sentences about values for which no order is left.
    """

    asides: tuple[RowChange, ...]
    early: tuple[RowChange, ...]
    others: tuple[RowChange, ...]
    notes: tuple[str, ...]


def exchange_order(
    relation: Relation,
    inserts: Sequence[RowChange],
    updates: Sequence[RowChange],
    last: Sequence[RowChange],
) -> Exchange:
    """Orders updates; `last` are rows that keep their unique values until they are deleted."""
    handed = list(_handed(relation, inserts, updates, [*updates, *last]))
    asides: list[RowChange] = []
    notes: list[str] = []
    firm = []
    for giving in handed:
        if giving.giver.step is RowStep.DELETE:
            _put_aside(relation, giving, asides, notes)
        else:
            firm.append(giving)
    ordered = _sorted(relation, updates, firm, asides, notes)
    early = _early(firm)
    return Exchange(
        asides=tuple(asides),
        early=tuple(row for row in ordered if id(row) in early),
        others=tuple(row for row in ordered if id(row) not in early),
        notes=tuple(notes),
    )


@dataclass(frozen=True, slots=True)
class _Handing:
    """A unique value that one row gives up and another takes."""

    giver: RowChange
    taker: RowChange
    columns: tuple[str, ...]


def _handed(
    relation: Relation,
    inserts: Iterable[RowChange],
    updates: Iterable[RowChange],
    givers: Iterable[RowChange],
) -> Iterator[_Handing]:
    listed = (*relation.unique_keys, *relation.nullable_keys)
    keys = {key.columns for key in listed} | {relation.primary_key}
    givers = list(givers)
    takers = [*inserts, *updates]
    for columns in sorted(keys):
        taken: dict[Values, RowChange] = {}
        for row in takers:
            values = row.after(columns)
            if values is not None and values != row.before(columns):
                taken[values] = row
        for row in givers:
            values = row.before(columns)
            if values is None or values == row.after(columns) or values not in taken:
                continue
            yield _Handing(row, taken[values], columns)


def _put_aside(
    relation: Relation, giving: _Handing, asides: list[RowChange], notes: list[str]
) -> None:
    for name in giving.columns:
        column = relation.column(name)
        is_free = name not in relation.primary_key and column is not None
        if is_free and column is not None and not column.not_null and column.generated is None:
            row = replace(giving.giver, step=RowStep.UPDATE, columns={name: "NULL"})
            asides.append(row)
            return
    names = ", ".join(giving.columns)
    notes.append(f"{relation.name}: no order was found for rows that exchange values of {names}")


def _sorted(
    relation: Relation,
    updates: Sequence[RowChange],
    handed: Sequence[_Handing],
    asides: list[RowChange],
    notes: list[str],
) -> list[RowChange]:
    """Puts rows that give before those that take; where they go round, sets one aside."""
    open_ = [giving for giving in handed if giving.taker.step is RowStep.UPDATE]
    waiting = list(updates)
    ordered: list[RowChange] = []
    while waiting:
        held = {id(giving.taker) for giving in open_}
        ready = [row for row in waiting if id(row) not in held]
        if not ready:
            broken = open_.pop(0)
            _put_aside(relation, broken, asides, notes)
            continue
        ordered += ready
        done = {id(row) for row in ready}
        waiting = [row for row in waiting if id(row) not in done]
        open_ = [giving for giving in open_ if id(giving.giver) not in done]
    return ordered


def _early(handed: Sequence[_Handing]) -> set[int]:
    """Finds updates that have to come before inserts, and those that have to come before them."""
    early: set[int] = set()
    waiting = [giving.giver for giving in handed if giving.taker.step is RowStep.INSERT]
    while waiting:
        row = waiting.pop()
        if id(row) in early:
            continue
        early.add(id(row))
        waiting += [giving.giver for giving in handed if giving.taker is row]
    return early
