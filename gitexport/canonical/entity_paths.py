"""The path function of an entity, from its configuration and its relation's key columns."""

from __future__ import annotations

from gitexport.canonical.shards import PathFunction
from gitexport.errors import KeyNotUniqueError
from gitexport.model.entity import Entity
from gitexport.model.relation import Relation

_INTEGER_TYPES = frozenset({"smallint", "integer", "bigint"})


def path_function(entity: Entity, relation: Relation) -> PathFunction:
    """Gives the function from keys to paths of an entity."""
    return PathFunction(entity.directory, entity.shard, integer_columns(entity, relation))


def integer_columns(entity: Entity, relation: Relation) -> tuple[bool, ...]:
    """Tells for each key column whether its values are integers."""
    columns = [relation.column(name) for name in entity.key]
    return tuple(column is not None and column.type_name in _INTEGER_TYPES for column in columns)


def key_not_unique(entity: Entity, path: str) -> KeyNotUniqueError:
    """Gives the error of two rows that would share one file."""
    columns = ", ".join(entity.key)
    message = f"the key of '{entity.name}' is not unique: two rows share one file"
    hint = f"name columns that tell rows apart in [entities.{entity.name}] key ({columns})"
    return KeyNotUniqueError(message, where=path, hint=hint)
