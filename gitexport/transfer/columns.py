"""What of a snapshot's columns the target can take, and what it cannot."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from gitexport.errors import ConfigError
from gitexport.model.relation import Column, Relation, RelationKind

_WRITABLE = frozenset((RelationKind.TABLE, RelationKind.PARTITIONED))


class ColumnFit(NamedTuple):
    """How the columns of a snapshot fit the target.

    `columns` are written. `lacking` are columns of the target that need a value which the
    snapshot does not have, so that no row can be inserted. `notes` say what is left out or
    converted.
    """

    columns: tuple[str, ...]
    lacking: tuple[str, ...]
    notes: tuple[str, ...]


def fit_columns(
    name: str, stored: Relation, published: Sequence[str], target: Relation, keys: Collection[str]
) -> ColumnFit:
    """Compares the published columns of a snapshot with those of the target's relation.

    `keys` are the columns of the key and those by which rows are recognised.

    Raises:
        ConfigError: The relation cannot be written, or the target lacks a column of `keys`.
    """
    if target.kind not in _WRITABLE:
        message = f"'{target.name}' is a {target.kind.value}, which no import can write"
        raise ConfigError(message, where=f"entity '{name}'", hint=f"--exclude {name}")
    columns: list[str] = []
    notes: list[str] = []
    for column in published:
        found = target.column(column)
        if found is None and column in keys:
            message = f"'{target.name}' has no column '{column}', which identifies its rows"
            hint = f"choose other columns with --match {name}=COLUMN"
            raise ConfigError(message, where=f"entity '{name}'", hint=hint)
        if found is None:
            notes.append(f"{name}: the target has no column '{column}'; its values are left out")
        elif found.generated is None:
            columns.append(column)
            notes += _conversion(name, stored.column(column), found)
        elif column in keys:
            columns.append(column)
    return ColumnFit(tuple(columns), _lacking(target, published), tuple(notes))


def _conversion(name: str, before: Column | None, found: Column) -> list[str]:
    if before is None or before.type_name == found.type_name:
        return []
    note = (
        f"{name}: column '{found.name}' is {found.type_name} in the target and"
        f" {before.type_name} in the snapshot; its values are converted"
    )
    return [note]


def _lacking(target: Relation, published: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        column.name
        for column in target.columns
        if column.name not in published
        and column.not_null
        and column.default is None
        and column.generated is None
        and column.identity is None
    )
