"""The values that every tracking method gives: parts of a SELECT, and what identifies it."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from psycopg import sql

from gitexport.errors import ConfigError
from gitexport.model.entity import Entity, Tracking
from gitexport.model.relation import Relation, RelationKind

SCHEMA = "gitexport"
_TABLES = frozenset({RelationKind.TABLE, RelationKind.PARTITIONED})


class ReadSql(NamedTuple):
    """The parts of a SELECT that depend on how a relation is tracked.

    `source` stands after FROM: the relation under its alias, and joins where there are any.
    `pending` is a boolean expression that is true for rows which no snapshot holds yet.
    `version` is a text expression that changes with every change of the row, and is empty
    where there is nothing to acknowledge.
    """

    source: sql.Composable
    pending: sql.Composable
    version: sql.Composable


def tracking_of(entity: Entity, relation: Relation) -> Tracking:
    """Tells how an entity is really tracked: only tables can be anything but compared."""
    return entity.tracking if relation.kind in _TABLES else Tracking.COMPARE


def check_inheritance(entity: Entity, relation: Relation) -> None:
    """Checks that a relation which is tracked is neither a parent nor a child of another.

    A SELECT of the parent gives the children's rows as well, whose keys may be its own ones
    and whose changes no trigger of the parent sees.

    Raises:
        ConfigError: It inherits or is inherited.
    """
    if not relation.has_inheritance:
        return
    message = (
        f"'{entity.relation}' cannot be tracked: it inherits or is inherited, and triggers do "
        "not reach inheriting tables"
    )
    hint = (
        "end the inheritance with ALTER TABLE … NO INHERIT …, or publish a view of it, or set "
        'tracking = "compare"'
    )
    raise ConfigError(message, where=f"[entities.{entity.name}]", hint=hint)


def registration_id(repository_id: str, entity: Entity) -> str:
    """Names a registration: the same repository, relation, method and flag give the same id.

    Part of the names of functions, triggers and indexes, so it is short, and plain hex.
    """
    parts = (repository_id, str(entity.relation), entity.tracking.value, entity.flag)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def identifier(entity: Entity) -> sql.Identifier:
    """Gives the SQL name of an entity's relation, with its schema."""
    return sql.Identifier(*entity.relation)


def column(alias: str, name: str) -> sql.Composable:
    """Gives a column of the relation that stands under an alias."""
    return sql.Identifier(alias, name)
