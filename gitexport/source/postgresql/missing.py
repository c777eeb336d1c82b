"""Refuses entities whose configuration names relations and columns that the database lacks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from gitexport.errors import RelationNotFoundError
from gitexport.model.entity import Entity, Tracking
from gitexport.model.relation import Relation, RelationName
from gitexport.source.postgresql.session import Cursor

_NAMES = """
SELECT n.nspname, c.relname
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
   AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'gitexport')
   AND n.nspname NOT LIKE 'pg\\_%'
"""


def dimension_of(entity: Entity) -> RelationName | None:
    """Names the relation whose rows tell of changes, where the entity's tracking asks it."""
    if entity.modified is None or entity.tracking is Tracking.COMPARE:
        return None
    return entity.modified.relation


def refuse_missing_relation(
    cursor: Cursor, entity: Entity, relations: Mapping[RelationName, Relation]
) -> None:
    """Refuses an entity whose relation is not among those that were found.

    Raises:
        RelationNotFoundError: It is not; says which one was probably meant.
    """
    if entity.relation in relations:
        return
    message = f"relation '{entity.relation}' does not exist"
    meant = _similar_relation(cursor, entity.relation)
    raise RelationNotFoundError(
        message,
        where=f"entities.{entity.name}",
        hint=meant or "correct 'relation' in gitexport.toml, or remove the entity",
        key=("entities", entity.name, "relation"),
    )


def refuse_missing_parts(
    cursor: Cursor, entity: Entity, relations: Mapping[RelationName, Relation]
) -> None:
    """Refuses an entity whose key or `modified` names what is not there.

    A label is only shown beside the key, so rows are read without it as well.

    Raises:
        RelationNotFoundError: A key column, the dimension, or a column of it is missing.
    """
    relation = relations[entity.relation]
    for name in entity.key:
        _refuse_missing_column(entity, relation, name, "key")
    dimension = dimension_of(entity)
    if dimension is None or entity.modified is None:
        return
    if dimension not in relations:
        message = f"relation '{dimension}' does not exist"
        raise RelationNotFoundError(
            message,
            where=f"entities.{entity.name}.modified",
            hint=_similar_relation(cursor, dimension) or "correct 'modified' in gitexport.toml",
            key=("entities", entity.name, "modified"),
        )
    _refuse_missing_column(entity, relation, entity.modified.on, "modified")
    for name in (entity.modified.on, entity.modified.column):
        _refuse_missing_column(entity, relations[dimension], name, "modified")


def _refuse_missing_column(entity: Entity, relation: Relation, name: str, key: str) -> None:
    if relation.column(name) is not None:
        return
    message = f"relation '{relation.name}' has no column '{name}'"
    near = _near(name, (column.name for column in relation.columns))
    raise RelationNotFoundError(
        message,
        where=f"entities.{entity.name}" + ("" if key == "key" else f".{key}"),
        hint=f"did you mean '{near}'?" if near else f"correct '{key}' in gitexport.toml",
        key=("entities", entity.name, key),
    )


def _similar_relation(cursor: Cursor, name: RelationName) -> str | None:
    cursor.execute(_NAMES)
    known = [RelationName(*row) for row in cursor.fetchall()]
    neighbours = {other.name: other for other in known if other.schema == name.schema}
    near = _near(name.name, neighbours)
    elsewhere = sorted(other for other in known if other.name == name.name)
    meant = neighbours[near] if near else next(iter(elsewhere), None)
    return f"did you mean '{meant}'?" if meant else None


def _near(name: str, known: Iterable[str]) -> str | None:
    return next(iter(get_close_matches(name, sorted(known), 1)), None)
