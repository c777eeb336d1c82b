"""Keys of relations: which columns identify a row, and which identify it to people."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from gitexport.model.relation import Relation

_INTEGERS = frozenset({"smallint", "integer", "bigint"})


def usable_key(relation: Relation) -> tuple[str, ...]:
    """Gives the primary key, else the best unique key without nulls; empty where none is.

    The best has the fewest columns; among those, integers come first, then the first by name.
    """
    return key_without(relation, ())


def key_without(relation: Relation, avoided: Collection[str]) -> tuple[str, ...]:
    """Gives the usable key that holds none of some columns; empty where none is."""
    if relation.primary_key and not set(avoided).intersection(relation.primary_key):
        return relation.primary_key
    candidates = sorted(
        (
            key
            for key in relation.unique_keys
            if _never_null(relation, key.columns) and not set(avoided).intersection(key.columns)
        ),
        key=lambda key: (len(key.columns), not is_integer_key(relation, key.columns), key.name),
    )
    return candidates[0].columns if candidates else ()


def natural_key(relation: Relation, key: Sequence[str]) -> tuple[str, ...]:
    """Gives a unique key without nulls other than the key; empty where there is none."""
    for candidate in sorted(
        relation.unique_keys, key=lambda other: (len(other.columns), other.name)
    ):
        if set(candidate.columns) != set(key) and _never_null(relation, candidate.columns):
            return candidate.columns
    return ()


def is_integer_key(relation: Relation, key: Sequence[str]) -> bool:
    """Tells whether a key is one column of an integer type; a domain over one is none."""
    column = relation.column(key[0]) if len(key) == 1 else None
    return column is not None and column.type_name in _INTEGERS


def _never_null(relation: Relation, columns: Sequence[str]) -> bool:
    found = [relation.column(name) for name in columns]
    return all(column is not None and column.not_null for column in found)
