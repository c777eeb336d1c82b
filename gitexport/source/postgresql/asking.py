"""Says whose fault it is where the server refuses to read an entity's rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from gitexport.errors import ConfigError
from gitexport.model.entity import CONFIG_PATH, Entity
from gitexport.model.relation import Relation, RelationKind
from gitexport.source.postgresql.errors import refusal_text, translating

_NO_PRIVILEGE = "42501"
_DATA_CLASS = "22"


@contextmanager
def asking(entity: Entity, relation: Relation) -> Iterator[None]:
    """Translates every exception of the driver that leaves the block.

    Raises:
        ConfigError: The entity's `where` is why the server refused.
        SourceError: What `translating` raises, for any other reason.
    """
    with translating(str(entity.relation)):
        try:
            yield
        except psycopg.Error as error:
            if entity.where is None or not _is_in_where(error, relation):
                raise
            message = f"the 'where' of '{entity.name}' cannot be used: {refusal_text(error)}"
            error.args = (message,)
            raise ConfigError(
                message,
                where=f"{CONFIG_PATH}: [entities.{entity.name}] where",
                hint=f"correct it: a condition on columns of {entity.relation}, in SQL",
            ) from error


def _is_in_where(error: psycopg.Error, relation: Relation) -> bool:
    """Tells whether an entity's `where` is at fault: all other SQL of a reading is our own."""
    state = error.sqlstate or ""
    if error.diag.statement_position is not None:
        return state != _NO_PRIVILEGE
    # A value that a view computes may fail without any condition.
    is_plain = relation.kind in {RelationKind.TABLE, RelationKind.PARTITIONED}
    return state[:2] == _DATA_CLASS and is_plain
