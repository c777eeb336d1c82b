"""The path function of an entity, from its configuration and its relation's key columns."""

from __future__ import annotations

from gitexport.canonical.shards import PathFunction
from gitexport.errors import ConfigError, KeyNotUniqueError
from gitexport.model.entity import Entity, ShardKind
from gitexport.model.relation import Relation

_INTEGER_TYPES = frozenset({"smallint", "integer", "bigint"})


def path_function(entity: Entity, relation: Relation) -> PathFunction:
    """Gives the function from keys to paths of an entity.

    Raises:
        ConfigError: The shard does not fit the key's columns.
    """
    try:
        return PathFunction(entity.directory, entity.shard, integer_columns(entity, relation))
    except ConfigError as error:
        error.where = f"entities.{entity.name}.shard"
        error.key = ("entities", entity.name, "shard")
        if entity.shard.kind is not ShardKind.HASH:
            found = filter(None, map(relation.column, entity.key))
            columns = ", ".join(f"'{column.name}' ({column.type_name})" for column in found)
            error.message += f"; the key of '{entity.name}' is {columns}"
        raise


def former_paths(entity: Entity, old: Relation, new: Relation) -> PathFunction | None:
    """Gives the path function of the types that the key's columns had before.

    None where it is the same one: only what is an integer and what is not is named otherwise.
    """
    integers = integer_columns(entity, old)
    if integers == integer_columns(entity, new) or not all(map(old.column, entity.key)):
        return None
    try:
        return PathFunction(entity.directory, entity.shard, integers)
    except ConfigError:
        # No document can have been named by them in this layout.
        return None


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
