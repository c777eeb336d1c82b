"""What a role needs for exporting, and what a role that sets up tracking must have."""

from __future__ import annotations

import shlex
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
# Roles that export are those that may use the schema, and do not own it.
_GRANTED = """
SELECT a.privilege_type, r.rolname::text FROM (
    SELECT x.* FROM pg_catalog.pg_class AS c, pg_catalog.aclexplode(c.relacl) AS x
    WHERE c.oid = pg_catalog.to_regclass(%(relation)s) AND x.privilege_type = 'SELECT'
    UNION ALL
    SELECT x.* FROM pg_catalog.pg_attribute AS t, pg_catalog.aclexplode(t.attacl) AS x
    WHERE t.attrelid = pg_catalog.to_regclass(%(relation)s) AND t.attname = %(flag)s::text
      AND x.privilege_type = 'UPDATE') AS a
JOIN pg_catalog.pg_roles AS r ON r.oid = a.grantee
WHERE a.grantee IN (
    SELECT x.grantee FROM pg_catalog.pg_namespace AS n, pg_catalog.aclexplode(n.nspacl) AS x
    WHERE n.nspname = 'gitexport' AND x.privilege_type = 'USAGE' AND x.grantee <> n.nspowner)
GROUP BY 1, 2 ORDER BY 2, 1
"""
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


def plan_revokes(cursor: Cursor, entity: Entity, added: str | None) -> list[sql.Composable]:
    """Lists what takes back from roles that export what they may do with an entity's tables.

    `added` is a flag column that is about to be dropped, whose privileges go with it.

    Raises:
        psycopg.Error: The server refused the query.
    """
    flag = None if entity.flag == added else entity.flag
    tables = [(entity.relation, flag)]
    if entity.modified is not None:
        tables.append((entity.modified.relation, None))
    revokes: list[sql.Composable] = []
    for relation, column in tables:
        name = sql.Identifier(*relation)
        cursor.execute(_GRANTED, {"relation": name.as_string(None), "flag": column})
        for privilege, role in cursor.fetchall():
            what: sql.Composable = sql.SQL("SELECT")
            if privilege == "UPDATE" and column is not None:
                what = sql.SQL("UPDATE ({})").format(sql.Identifier(column))
            form = sql.SQL("REVOKE {} ON {} FROM {}")
            revokes.append(form.format(what, name, sql.Identifier(role)))
    return revokes


def check_owner_of_schema(cursor: Cursor) -> None:
    """Checks that the role may make the schema `gitexport`, or owns the one that is there.

    Raises:
        PermissionDeniedError: It may not; the hint names the grant, or who may.
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
    raise PermissionDeniedError(message, hint=f"{_let(owner, user)}, {_COMPARE}")


def check_owner_of_relation(cursor: Cursor, entity: Entity) -> None:
    """Checks that the role may add a column, triggers and an index to a relation.

    Raises:
        PermissionDeniedError: It may not; the hint names the grant, or who may.
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
            way = _let(owner, user)
        elif not may_create:
            message = f"the role '{user}' may not build an index in schema '{entity.relation[0]}'"
            grant = _grant("GRANT CREATE ON SCHEMA {} TO {}", entity.relation.schema, user)
            way = f"run {grant}"
        else:
            continue
        where = f"[entities.{entity.name}]"
        raise PermissionDeniedError(message, where=where, hint=f"{way}, {_COMPARE}")


def _let(owner: str, user: str) -> str:
    # Membership in the owner's role would give far more than an export needs.
    return f"let '{owner}' run 'gitexport track --role {shlex.quote(user)}'"


def _grant(form: str, *names: str) -> str:
    return sql.SQL(form).format(*map(sql.Identifier, names)).as_string(None)
