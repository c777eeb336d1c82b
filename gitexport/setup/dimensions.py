"""Finds the dimension table whose `modified` column tells that a relation's rows changed."""

from __future__ import annotations

from collections.abc import Sequence

from gitexport.model.entity import ModifiedDimension
from gitexport.model.relation import Relation, RelationKind

_COLUMN = "modified"
_PREFIXES = ("dimension_", "dim_")
_TABLES = (RelationKind.TABLE, RelationKind.PARTITIONED)


def find_dimension(relation: Relation, relations: Sequence[Relation]) -> ModifiedDimension | None:
    """Proposes the dimension whose key the relation holds, if exactly one fits best.

    A dimension is a table with a boolean column `modified` and a key of one column. It
    fits by a foreign key, or by a column of the same name where its own name is that of a
    dimension. A relation that is itself a dimension has none.
    """
    if _is_dimension(relation):
        return None
    dimensions = [other for other in relations if _is_dimension(other)]
    by_reference = [
        ModifiedDimension(other.name, key.columns[0], _COLUMN)
        for other in dimensions
        for key in relation.foreign_keys
        if key.references == other.name
        and key.columns == key.referenced_columns == other.primary_key
    ]
    by_name = [
        ModifiedDimension(other.name, other.primary_key[0], _COLUMN)
        for other in dimensions
        if other.name.name.startswith(_PREFIXES) and _shares_key(relation, other)
    ]
    for found in (by_reference, by_name):
        if len(set(found)) == 1:
            return found[0]
    return None


def _is_dimension(relation: Relation) -> bool:
    column = relation.column(_COLUMN)
    return (
        relation.kind in _TABLES
        and column is not None
        and column.type_name == "boolean"
        and len(relation.primary_key) == 1
    )


def _shares_key(relation: Relation, dimension: Relation) -> bool:
    name = dimension.primary_key[0]
    mine, its = relation.column(name), dimension.column(name)
    return mine is not None and its is not None and mine.type_name == its.type_name
