"""Keeps tracked relations slim, and marks everything pending again.

Every acknowledgement leaves an old version of each row behind, and the partial index an
entry. A VACUUM after a large one keeps both from growing with every export.
"""

from __future__ import annotations

from functools import partial

from psycopg import sql

from gitexport.model.entity import Entity, Tracking
from gitexport.model.relation import Relation
from gitexport.source.postgresql import ddl, state
from gitexport.source.postgresql.parameters import parametrised
from gitexport.source.postgresql.session import Connection, Cursor
from gitexport.source.postgresql.tracking.acknowledge import allow
from gitexport.source.postgresql.tracking.flag import check_flag
from gitexport.source.postgresql.tracking.keys import key_text
from gitexport.source.postgresql.tracking.parts import identifier, tracking_of

_SHARE = 0.1
_FEWEST = 1_000
# 16 MB of rows hold their locks for well under a second.
_BLOCKS = 2_048
# A row that row-level security hides would stay as it is, without a word.
_SEES_ALL = "SET LOCAL row_security = off"
_BLOCK_SIZE = "SELECT current_setting('block_size')::bigint"
_SIZE = """
SELECT coalesce(max(pg_catalog.pg_relation_size(c.oid)), 0)
FROM pg_catalog.pg_class AS c
WHERE c.oid = pg_catalog.to_regclass(%(relation)s) OR c.oid IN (
    SELECT relid FROM pg_catalog.pg_partition_tree(pg_catalog.to_regclass(%(relation)s)))
"""
# MAINTAIN came with PostgreSQL 17; asking for it earlier is an error.
_MAY_VACUUM = """
SELECT pg_has_role(c.relowner, 'USAGE') OR (
    current_setting('server_version_num')::int >= 170000
    AND has_table_privilege(c.oid, CASE WHEN current_setting('server_version_num')::int >= 170000
                                        THEN 'MAINTAIN' ELSE 'SELECT' END)),
  (SELECT coalesce(sum(greatest(r.reltuples, 0)), 0) FROM pg_class AS r
   WHERE r.relkind = 'r' AND (r.oid = c.oid OR r.oid IN (
       SELECT relid FROM pg_partition_tree(c.oid))))
FROM pg_class AS c WHERE c.oid = to_regclass(%s)
"""


def vacuum_after(connection: Connection, entity: Entity, rows: int) -> str | None:
    """Runs VACUUM (ANALYZE) after an acknowledgement of many rows; gives a warning or None.

    Never waits: a relation that is locked is left for the next time.

    Raises:
        psycopg.Error: The server refused a statement.
    """
    if entity.tracking is Tracking.COMPARE or rows < _FEWEST:
        return None
    table: sql.Composable = identifier(entity)
    # Nothing else has changed than the flag; statistics of wide rows take longer than all else.
    analyzed: sql.Composable = sql.SQL(" ({})").format(sql.Identifier(entity.flag))
    if entity.tracking is Tracking.TABLE:
        table, analyzed = sql.SQL("gitexport.pending"), sql.SQL("")
    row = connection.execute(_MAY_VACUUM, (table.as_string(None),)).fetchone()
    if row is None or rows < _SHARE * row[1]:
        return None
    name = table.as_string(None) if entity.tracking is Tracking.TABLE else str(entity.relation)
    if not row[0]:
        return (
            f"'{name}' grows with large exports: the role may not VACUUM it "
            "(let its owner do so, or grant MAINTAIN from PostgreSQL 17 on)"
        )
    statement = sql.SQL("VACUUM (ANALYZE, SKIP_LOCKED) {}{}").format(table, analyzed)
    ddl.execute_outside(connection, statement)
    return None


def reset(connection: Connection, entity: Entity, relation: Relation) -> int:
    """Marks all rows of an entity pending; gives the number of those that were not.

    Rows that are pending already are not written, and no other column changes.

    Raises:
        ConfigError: The relation has no flag column; it was not tracked yet.
        LockedError: Other sessions held rows locked for too long.
        psycopg.Error: The server refused a statement, also where row-level security would hide
            rows from it.
    """
    method = tracking_of(entity, relation)
    if method is Tracking.FLAG:
        check_flag(entity, relation)
        return _reset_flags(connection, entity)
    if method is Tracking.TABLE:
        return ddl.in_transaction(
            connection, lambda cursor: _fill_outbox(cursor, entity), where=str(entity.relation)
        )
    return 0


def _reset_flags(connection: Connection, entity: Entity) -> int:
    with connection.cursor() as cursor:
        name = identifier(entity).as_string(None)
        size = cursor.execute(_SIZE, {"relation": name}).fetchall()[0][0]
        blocks = size // cursor.execute(_BLOCK_SIZE).fetchall()[0][0] + 1
    statement = parametrised(
        sql.SQL(
            "UPDATE {table} AS t SET {flag} = FALSE WHERE t.{flag} IS TRUE"
            " AND t.ctid >= {place}::text::tid AND t.ctid < {place}::text::tid"
        ).format(
            table=identifier(entity), flag=sql.Identifier(entity.flag), place=sql.Placeholder()
        )
    )

    def update(start: int, cursor: Cursor) -> int:
        # As in an acknowledgement, people's triggers change nothing.
        allow(cursor)
        cursor.execute(_SEES_ALL)
        cursor.execute(statement, (f"({start},0)", f"({start + _BLOCKS},0)"))
        return cursor.rowcount

    return sum(
        ddl.in_transaction(connection, partial(update, start), where=str(entity.relation))
        for start in range(0, blocks, _BLOCKS)
    )


def _fill_outbox(cursor: Cursor, entity: Entity) -> int:
    found = state.find_registration(cursor, entity)
    if found is None:
        return 0
    statement = sql.SQL(
        "INSERT INTO gitexport.pending (tracked, key) SELECT {id}, {key} FROM {table} AS t"
        " ON CONFLICT DO NOTHING"
    ).format(id=sql.Literal(found.id), key=key_text(entity, "t"), table=identifier(entity))
    cursor.execute(_SEES_ALL)
    cursor.execute(statement)
    return cursor.rowcount
