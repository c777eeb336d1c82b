"""Finds what the connected role may not do, though every export does it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from psycopg import sql

from gitexport.model.entity import Entity, Tracking
from gitexport.model.tracking import TrackingFinding
from gitexport.source.postgresql.session import Cursor

_MAY = """
SELECT current_user::text,
       pg_catalog.has_table_privilege(%(relation)s, 'SELECT'),
       %(flag)s::text IS NULL OR NOT EXISTS (
           SELECT FROM pg_catalog.pg_attribute
           WHERE attrelid = pg_catalog.to_regclass(%(relation)s) AND attname = %(flag)s)
       OR pg_catalog.has_column_privilege(%(relation)s, %(flag)s, 'UPDATE')
WHERE pg_catalog.to_regclass(%(relation)s) IS NOT NULL
"""


def find_missing_privileges(
    cursor: Cursor, entities: Sequence[Entity]
) -> Iterator[TrackingFinding]:
    """Yields a finding for each relation that the role may not read or acknowledge.

    Raises:
        psycopg.Error: The server refused a statement.
    """
    for entity in entities:
        relation = sql.Identifier(*entity.relation).as_string(None)
        flag = entity.flag if entity.tracking is Tracking.FLAG else None
        rows = cursor.execute(_MAY, {"relation": relation, "flag": flag}).fetchall()
        for role, may_read, may_acknowledge in rows:
            if not may_read:
                yield _finding(entity, role, sql.SQL("SELECT"), "read")
            elif not may_acknowledge:
                column = sql.SQL("UPDATE ({})").format(sql.Identifier(entity.flag))
                yield _finding(entity, role, column, f"set '{entity.flag}' of")


def _finding(entity: Entity, role: str, privilege: sql.Composable, verb: str) -> TrackingFinding:
    grant = sql.SQL("GRANT {} ON {} TO {}").format(
        privilege, sql.Identifier(*entity.relation), sql.Identifier(role)
    )
    message = f"the role '{role}' may not {verb} '{entity.relation}'"
    hint = f'run {grant.as_string(None)}, or set tracking = "compare"'
    return TrackingFinding(entity.name, message, hint)
