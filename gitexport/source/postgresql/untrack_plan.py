"""Plans the SQL that drops what `track` made, and nothing else.

A flag column that was there before stays, and so does whatever others have put into the
schema `gitexport`. What roles may do with people's tables stays, as nothing tells who granted
it; privileges on the schema `gitexport` and on dropped columns go with these.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from psycopg import sql

from gitexport.model.entity import Entity, Tracking
from gitexport.source.postgresql import state_schema, triggers
from gitexport.source.postgresql.grants import plan_revokes
from gitexport.source.postgresql.pending_index import index_prefix
from gitexport.source.postgresql.session import Cursor
from gitexport.source.postgresql.tracking.parts import identifier

_OURS = """
SELECT id, method, flag_column, adds_column FROM gitexport.tracked
WHERE repository_id = %s AND relation = %s ORDER BY id
"""
# A parent's index takes those of the partitions with it; IF EXISTS lets the rest pass.
_INDEXES = """
SELECT n.nspname::text, c.relname::text FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('i', 'I') AND pg_catalog.starts_with(c.relname::text, %s)
ORDER BY c.relkind = 'i', pg_catalog.length(c.relname::text)
"""
_LAST = """
SELECT NOT EXISTS (SELECT FROM gitexport.tracked WHERE repository_id = %(repository)s
                   AND NOT id = ANY (%(ids)s)),
       NOT EXISTS (SELECT FROM gitexport.tracked WHERE NOT id = ANY (%(ids)s))
"""
_FOREIGN_OBJECTS = """
SELECT EXISTS (
    SELECT FROM pg_catalog.pg_class AS c WHERE c.relnamespace = n.oid AND c.relkind NOT IN ('i','t')
      AND c.relname NOT IN ('version', 'state', 'tracked', 'tombstones', 'pending', 'change',
                            'tombstones_id_seq'))
    OR EXISTS (SELECT FROM pg_catalog.pg_proc AS p WHERE p.pronamespace = n.oid
               AND p.proname !~ '^(flag|changed|deleted|truncated)_[0-9a-f]{12}$')
FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'gitexport'
"""
_KINDS = ("flag", "changed", "deleted", "truncated")


class UntrackPlan(NamedTuple):
    """The statements, the names of the entities they are about, and the grants they leave."""

    statements: tuple[sql.Composable, ...] = ()
    entities: tuple[str, ...] = ()
    revokes: tuple[sql.Composable, ...] = ()


def plan_untrack(cursor: Cursor, repository_id: str, entities: Sequence[Entity]) -> UntrackPlan:
    """Lists what one transaction has to do so that the entities are tracked no more.

    Raises:
        psycopg.Error: The server refused a statement.
    """
    if state_schema.schema_version(cursor) == 0:
        return UntrackPlan()
    statements: list[sql.Composable] = []
    revokes: list[sql.Composable] = []
    ids: list[str] = []
    relations = set()
    for entity in {entity.relation: entity for entity in entities}.values():
        added = None
        cursor.execute(_OURS, (repository_id, str(entity.relation)))
        for name, method, flag, adds_column in cursor.fetchall():
            ids.append(name)
            relations.add(entity.relation)
            column = flag if adds_column and method == Tracking.FLAG.value else None
            added = column or added
            statements += _plan_registration(cursor, entity, name, column)
        revokes += plan_revokes(cursor, entity, added)
    statements += _plan_state(cursor, repository_id, ids)
    names = tuple(entity.name for entity in entities if entity.relation in relations)
    return UntrackPlan(tuple(statements), names, tuple(revokes))


def _plan_registration(
    cursor: Cursor, entity: Entity, name: str, column: str | None
) -> list[sql.Composable]:
    exists = "SELECT to_regclass(%s) IS NOT NULL"
    row = cursor.execute(exists, (identifier(entity).as_string(None),)).fetchone()
    statements: list[sql.Composable] = []
    if row and row[0]:
        statements += [triggers.drop(entity, f"{triggers.PREFIX}{name}_{kind}") for kind in _KINDS]
    cursor.execute(_INDEXES, (index_prefix(name),))
    statements += [
        sql.SQL("DROP INDEX IF EXISTS {}").format(sql.Identifier(schema, index))
        for schema, index in cursor.fetchall()
    ]
    if row and row[0] and column is not None:
        form = "ALTER TABLE {} DROP COLUMN IF EXISTS {}"
        statements.append(sql.SQL(form).format(identifier(entity), sql.Identifier(column)))
    statements += [
        sql.SQL("DROP FUNCTION IF EXISTS {} ()").format(triggers.function_name(kind, name))
        for kind in _KINDS
    ]
    for table, column_name in (
        ("tombstones", "tracked"),
        ("pending", "tracked"),
        ("tracked", "id"),
    ):
        form = "DELETE FROM {} WHERE {} = {}"
        names = sql.Identifier("gitexport", table), sql.Identifier(column_name)
        statements.append(sql.SQL(form).format(*names, sql.Literal(name)))
    return statements


def _plan_state(cursor: Cursor, repository_id: str, ids: Sequence[str]) -> list[sql.Composable]:
    cursor.execute(_LAST, {"repository": repository_id, "ids": list(ids)})
    is_last_of_repository, is_last = cursor.fetchone() or (False, False)
    if is_last:
        return _plan_schema(cursor)
    if is_last_of_repository:
        form = "DELETE FROM gitexport.state WHERE repository_id = {}"
        return [sql.SQL(form).format(sql.Literal(repository_id))]
    return []


def _plan_schema(cursor: Cursor) -> list[sql.Composable]:
    statements: list[sql.Composable] = [
        sql.SQL("DROP TABLE {}").format(sql.Identifier("gitexport", name))
        for name in state_schema.TABLES
    ]
    statements.append(sql.SQL("DROP SEQUENCE gitexport.change"))
    row = cursor.execute(_FOREIGN_OBJECTS).fetchone()
    if row is not None and not row[0]:
        statements.append(sql.SQL("DROP SCHEMA gitexport"))
    return statements
