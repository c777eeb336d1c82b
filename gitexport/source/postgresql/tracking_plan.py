"""Plans the SQL that makes and drops tracking, from what the catalog says is there.

A plan holds only what is missing, so planning after an interruption, or again, gives the
rest, or nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from psycopg import sql

from gitexport.errors import ConfigError
from gitexport.model.entity import Entity, Tracking
from gitexport.model.relation import Relation, RelationKind, RelationName
from gitexport.source.postgresql import state, state_schema, triggers
from gitexport.source.postgresql.grants import (
    check_owner_of_relation,
    check_owner_of_schema,
    plan_grants,
)
from gitexport.source.postgresql.session import Cursor
from gitexport.source.postgresql.shared_flags import check_parents
from gitexport.source.postgresql.tracking.flag import check_flag, check_room
from gitexport.source.postgresql.tracking.parts import (
    check_inheritance,
    identifier,
    registration_id,
    tracking_of,
)

Relations = Mapping[RelationName, Relation]

_PRESENT = """
SELECT tgname::text, tgenabled FROM pg_catalog.pg_trigger
WHERE tgrelid = pg_catalog.to_regclass(%s) AND pg_catalog.starts_with(tgname::text, %s)
"""
# A renamed table keeps its triggers, whose names hold the registration's id.
_RENAMED = """
SELECT t.id FROM gitexport.tracked AS t
WHERE t.repository_id = %s AND t.method = %s AND t.flag_column = %s AND t.relation <> %s
  AND EXISTS (SELECT FROM pg_catalog.pg_trigger AS g
    WHERE g.tgrelid = pg_catalog.to_regclass(%s)
      AND pg_catalog.starts_with(g.tgname::text, %s || t.id))
"""
_FOREIGN_PARTITION = """
SELECT c.relname::text FROM pg_catalog.pg_partition_tree(pg_catalog.to_regclass(%s)) AS t
JOIN pg_catalog.pg_class AS c ON c.oid = t.relid WHERE c.relkind = 'f' LIMIT 1
"""


class Target(NamedTuple):
    """An entity to track, its relation, and the id of its registration."""

    entity: Entity
    relation: Relation
    id: str


def find_targets(
    cursor: Cursor, repository_id: str, entities: Sequence[Entity], relations: Relations
) -> list[Target]:
    """Finds which entities are to be tracked, and under which ids.

    Raises:
        ConfigError: A relation cannot be tracked, or belongs to another repository.
        psycopg.Error: The server refused a statement.
    """
    registered = state.find_registrations(cursor, entities)
    targets = []
    for entity in entities:
        relation = relations[entity.relation]
        if tracking_of(entity, relation) is Tracking.COMPARE:
            continue
        _check_kind(cursor, entity, relation)
        found = registered.get(entity.name)
        if found is not None:
            state.check_owner(entity, found, repository_id)
        name = found.id if found else registration_id(repository_id, entity)
        targets.append(Target(entity, relation, name))
    return targets


def plan_track(  # noqa: PLR0913 - what is planned, and two ways of planning it
    cursor: Cursor,
    repository_id: str,
    entities: Sequence[Entity],
    relations: Relations,
    *,
    role: str | None,
    checks_rights: bool = True,
) -> list[sql.Composable]:
    """Lists what one transaction has to do so that the entities are tracked.

    Raises:
        ConfigError: A relation cannot be tracked, or belongs to another repository.
        PermissionDeniedError: The role may not.
        psycopg.Error: The server refused a statement.
    """
    targets = find_targets(cursor, repository_id, entities, relations)
    statements: list[sql.Composable] = []
    if targets and checks_rights:
        check_owner_of_schema(cursor)
    if targets:
        statements += state_schema.plan_schema(state_schema.schema_version(cursor))
    registered = state.find_registrations(cursor, entities)
    for target in targets:
        if checks_rights:
            check_owner_of_relation(cursor, target.entity)
        found = registered.get(target.entity.name)
        statements += _plan_target(cursor, repository_id, target, found)
    if role is not None:
        statements += plan_grants(entities, relations, role)
    return statements


def _plan_target(
    cursor: Cursor, repository_id: str, target: Target, found: state.Registration | None
) -> list[sql.Composable]:
    entity, relation, name = target
    if found is None and state.may_read(cursor):
        renamed = _plan_rename(cursor, repository_id, entity)
        if renamed:
            return renamed
    statements: list[sql.Composable] = []
    adds_column = entity.tracking is Tracking.FLAG and relation.column(entity.flag) is None
    if adds_column:
        check_room(entity, relation)
        statements.append(_add_column(entity))
    elif entity.tracking is Tracking.FLAG:
        check_flag(entity, relation)
    if found is None:
        statements.append(_register(repository_id, target, adds_column=adds_column))
    is_outdated = found is not None and found.definition != definition(target)
    if is_outdated:
        statements.append(_redefine(target))
        statements += [triggers.drop(entity, made.name) for made in _triggers(target)]
    missing = _plan_triggers(cursor, target, is_outdated=is_outdated)
    if found is None or missing:
        # What happened while no trigger was at work is only found by reading all rows.
        statements.append(_void(name))
        statements += triggers.functions(entity, relation, name)
    return statements + missing


def definition(target: Target) -> str:
    """Gives a digest of the functions and triggers that a registration should have.

    The relation's name is no part of it: triggers follow a relation that is renamed.
    """
    entity, relation, name = target
    nameless = entity._replace(relation=RelationName("", ""))
    made = [*triggers.functions(nameless, relation, name)]
    made += [trigger.create for trigger in triggers.triggers(nameless, name)]
    text = "\n".join(statement.as_string(None) for statement in made)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _triggers(target: Target) -> list[triggers.Trigger]:
    return triggers.triggers(target.entity, target.id)


def _plan_rename(cursor: Cursor, repository_id: str, entity: Entity) -> list[sql.Composable]:
    name = identifier(entity).as_string(None)
    values = (
        repository_id,
        entity.tracking.value,
        entity.flag,
        str(entity.relation),
        name,
        triggers.PREFIX,
    )
    row = cursor.execute(_RENAMED, values).fetchone()
    if row is None:
        return []
    form = "UPDATE gitexport.tracked SET relation = {} WHERE id = {}"
    return [sql.SQL(form).format(sql.Literal(str(entity.relation)), sql.Literal(row[0]))]


def _plan_triggers(cursor: Cursor, target: Target, *, is_outdated: bool) -> list[sql.Composable]:
    entity, _, name = target
    cursor.execute(_PRESENT, (identifier(entity).as_string(None), f"{triggers.PREFIX}{name}_"))
    present: dict[str, str] = {} if is_outdated else dict(cursor.fetchall())
    statements: list[sql.Composable] = []
    for trigger in _triggers(target):
        if trigger.name not in present:
            statements.append(trigger.create)
        if present.get(trigger.name) != "A":
            statements.append(triggers.enable(entity, trigger.name))
    return statements


def _check_kind(cursor: Cursor, entity: Entity, relation: Relation) -> None:
    check_inheritance(entity, relation)
    check_parents(cursor, entity, relation)
    reason = None
    if relation.is_partition:
        reason = "it is a partition; its parent is the entity"
    elif relation.kind is RelationKind.PARTITIONED:
        name = identifier(entity).as_string(None)
        row = cursor.execute(_FOREIGN_PARTITION, (name,)).fetchone()
        if row is not None:
            reason = f"its partition '{row[0]}' is a foreign table, whose changes go unseen"
    if reason is not None:
        message = f"'{entity.relation}' cannot be tracked: {reason}"
        hint = 'set tracking = "compare"'
        raise ConfigError(message, where=f"[entities.{entity.name}]", hint=hint)


def _add_column(entity: Entity) -> sql.Composable:
    return sql.SQL("ALTER TABLE {} ADD COLUMN {} boolean NOT NULL DEFAULT FALSE").format(
        identifier(entity), sql.Identifier(entity.flag)
    )


def _register(repository_id: str, target: Target, *, adds_column: bool) -> sql.Composable:
    values = (
        target.id,
        str(target.entity.relation),
        target.entity.flag,
        target.entity.tracking.value,
        repository_id,
        adds_column,
        definition(target),
    )
    return sql.SQL(
        "INSERT INTO gitexport.tracked (id, relation, flag_column, method, repository_id,"
        " adds_column, definition, key) VALUES ({}, ARRAY[{}]::text[])"
    ).format(
        sql.SQL(", ").join(map(sql.Literal, values)),
        sql.SQL(", ").join(map(sql.Literal, target.entity.key)),
    )


def _redefine(target: Target) -> sql.Composable:
    form = "UPDATE gitexport.tracked SET definition = {}, key = ARRAY[{}]::text[] WHERE id = {}"
    return sql.SQL(form).format(
        sql.Literal(definition(target)),
        sql.SQL(", ").join(map(sql.Literal, target.entity.key)),
        sql.Literal(target.id),
    )


def _void(name: str) -> sql.Composable:
    return sql.SQL("INSERT INTO gitexport.tombstones (tracked, is_void) VALUES ({}, true)").format(
        sql.Literal(name)
    )
