"""Tells whether triggers that were made for other types of the key still notice everything.

How triggers write and compare keys depends on the types of their columns, and types change.
Triggers that are more careful than they need to be are as good as those that `track` would
make now; less careful ones may miss a change of a key.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from gitexport.model.relation import Column, TypeKind
from gitexport.source.postgresql.tracking.keys import is_plain, is_stable
from gitexport.source.postgresql.tracking_plan import Target, definition

_PLAIN, _STABLE, _PINNED = "integer", "text", "timestamp with time zone"
_STRINGS = ("text", "character varying")
_MOST_COLUMNS = 4


def still_work(target: Target, installed: str) -> bool:
    """Tells whether the triggers with a digest notice what those of the present types would."""
    if installed == definition(target):
        return True
    entity, relation, _ = target
    key = [column for column in relation.columns if column.name in entity.key]
    if len(key) > _MOST_COLUMNS:
        return False
    for types in product(*map(_as_careful, key)):
        made_for = {
            column.name: column._replace(type_name=name, kind=TypeKind.BASE)
            for column, name in zip(key, types, strict=True)
        }
        columns = tuple(made_for.get(column.name, column) for column in relation.columns)
        if definition(target._replace(relation=relation._replace(columns=columns))) == installed:
            return True
    return False


def _as_careful(column: Column) -> Iterator[str]:
    """Yields one type of each kind for which triggers are at least as careful."""
    yield _PINNED
    if is_stable(column):
        yield _STABLE
    # Equal values of these are equal texts, but under a collation of the column's own.
    is_string = column.type_name.startswith(_STRINGS) and column.collation is None
    if is_plain(column) or (column.kind is TypeKind.BASE and is_string):
        yield _PLAIN
