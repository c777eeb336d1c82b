"""What a role needs for exporting, and what a role that sets up tracking must have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from psycopg import sql

from gitexport.errors import PermissionDeniedError
from gitexport.model.entity import Entity, Tracking
from gitexport.model.relation import Relation, RelationName
from gitexport.source.postgresql.session import Cursor
from gitexport.source.postgresql.tracking.parts import tracking_of

_STATE = (
    "USAGE ON SCHEMA gitexport",
    "SELECT ON gitexport.version, gitexport.tracked",
    "UPDATE (storage) ON gitexport.tracked",
    "SELECT, INSERT, UPDATE ON gitexport.state",
    "SELECT, INSERT, UPDATE, DELETE ON gitexport.tombstones, gitexport.pending",
    "USAGE ON SEQUENCE gitexport.change",
)
_COMPARE = 'or set tracking = "compare", which writes nothing'


def plan_grants(
    entities: Sequence[Entity], relations: Mapping[RelationName, Relation], role: str
) -> list[sql.Composable]:
    """Lists the grants with which a role can export entities, and nothing more."""
    grants: list[sql.Composable] = []
    tracked = [
        entity
        for entity in entities
        if tracking_of(entity, relations[entity.relation]) is not Tracking.COMPARE
    ]
    if tracked:
        grants += map(sql.SQL, _STATE)
    read = [entity.relation for entity in entities]
    read += [entity.modified.relation for entity in entities if entity.modified]
    for schema in dict.fromkeys(name.schema for name in read):
        grants.append(sql.SQL("USAGE ON SCHEMA {}").format(sql.Identifier(schema)))
    for name in dict.fromkeys(read):
        grants.append(sql.SQL("SELECT ON {}").format(sql.Identifier(*name)))
    for entity in tracked:
        if entity.tracking is Tracking.FLAG:
            names = sql.Identifier(entity.flag), sql.Identifier(*entity.relation)
            grants.append(sql.SQL("UPDATE ({}) ON {}").format(*names))
    return [sql.SQL("GRANT {} TO {}").format(grant, sql.Identifier(role)) for grant in grants]


def check_owner_of_schema(cursor: Cursor) -> None:
    """Checks that the role may make the schema `gitexport`, or owns the one that is there.

    Raises:
        PermissionDeniedError: It may not; the hint names the grant.
    """
    cursor.execute(
        "SELECT current_user, current_database(), current_setting('is_superuser') = 'on',"
        " has_database_privilege(current_database(), 'CREATE'),"
        " (SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'gitexport'),"
        " (SELECT pg_has_role(nspowner, 'USAGE') FROM pg_namespace WHERE nspname = 'gitexport')"
    )
    user, database, superuser, may_create, owner, is_owner = cursor.fetchall()[0]
    if superuser or is_owner or (owner is None and may_create):
        return
    if owner is None:
        message = f"the role '{user}' may not create the schema 'gitexport'"
        grant = _grant("GRANT CREATE ON DATABASE {} TO {}", database, user)
        raise PermissionDeniedError(message, hint=f"run {grant}, {_COMPARE}")
    message = f"the schema 'gitexport' belongs to the role '{owner}', not to '{user}'"
    raise PermissionDeniedError(
        message, hint=f"run {_grant('GRANT {} TO {}', owner, user)}, {_COMPARE}"
    )


def check_owner_of_relation(cursor: Cursor, entity: Entity) -> None:
    """Checks that the role may add a column, triggers and an index to a relation.

    Raises:
        PermissionDeniedError: It may not; the hint names the grant.
    """
    name = sql.Identifier(*entity.relation).as_string(None)
    cursor.execute(
        "SELECT current_user, pg_get_userbyid(c.relowner), pg_has_role(c.relowner, 'USAGE'),"
        " has_schema_privilege(c.relnamespace, 'CREATE')"
        " FROM pg_class AS c WHERE c.oid = to_regclass(%s)",
        (name,),
    )
    for user, owner, is_owner, may_create in cursor.fetchall():
        if not is_owner:
            message = f"'{entity.relation}' belongs to the role '{owner}', not to '{user}'"
            grant = _grant("GRANT {} TO {}", owner, user)
        elif not may_create:
            message = f"the role '{user}' may not build an index in schema '{entity.relation[0]}'"
            grant = _grant("GRANT CREATE ON SCHEMA {} TO {}", entity.relation.schema, user)
        else:
            continue
        where = f"[entities.{entity.name}]"
        raise PermissionDeniedError(message, where=where, hint=f"run {grant}, {_COMPARE}")


def _grant(form: str, *names: str) -> str:
    return sql.SQL(form).format(*map(sql.Identifier, names)).as_string(None)
