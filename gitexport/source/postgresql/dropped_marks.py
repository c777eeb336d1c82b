"""Notices rows whose flag stays as it is because something of people's drops the UPDATE.

A BEFORE trigger that returns NULL, or a rule with INSTEAD, makes the server leave a row alone
without a word. Such a row looks like one that changed meanwhile, and comes again for ever.
"""

from __future__ import annotations

from gitexport.model.entity import Entity
from gitexport.source.postgresql import triggers
from gitexport.source.postgresql.acknowledge_batch import Batch
from gitexport.source.postgresql.session import Connection, pin
from gitexport.source.postgresql.tracking.acknowledge import allow, count_unmarked
from gitexport.source.postgresql.tracking.parts import identifier

# Bits of tgtype: 1 row, 2 before, 16 update.
_ABLE = """
WITH m AS (SELECT to_regclass(%(relation)s)::oid AS oid
           UNION SELECT relid::oid FROM pg_partition_tree(to_regclass(%(relation)s)))
SELECT DISTINCT 'trigger', g.tgname::text FROM pg_trigger AS g JOIN m
    ON g.tgrelid = m.oid WHERE NOT g.tgisinternal AND g.tgenabled <> 'D'
   AND g.tgtype & 19 = 19 AND NOT starts_with(g.tgname::text, %(prefix)s)
UNION SELECT 'rule', r.rulename::text FROM pg_rewrite AS r JOIN m
    ON r.ev_class = m.oid WHERE r.ev_type = '2' AND r.is_instead
ORDER BY 1, 2
"""


def dropped_warning(connection: Connection, batch: Batch) -> str | None:
    """Looks at a batch that was not acknowledged as a whole; says what dropped its UPDATE.

    None where rows were changed or locked by others, which happens.

    Raises:
        psycopg.Error: The server refused a statement.
    """
    entity, relation, rows = batch
    with connection.transaction(), connection.cursor() as cursor:
        pin(cursor)
        values = {"relation": identifier(entity).as_string(None), "prefix": triggers.PREFIX}
        found = cursor.execute(_ABLE, values).fetchall()
        able = [f"{kind} '{name}'" for kind, name in found]
        if not able:
            return None
        allow(cursor)
        count = count_unmarked(cursor, entity, relation, rows)
    return _sentence(entity, count, able) if count else None


def _sentence(entity: Entity, count: int, able: list[str]) -> str:
    rows = "a row stays" if count == 1 else f"{count:,} rows stay"
    return (
        f"{entity.name}: {rows} pending, as {' or '.join(able)} of '{entity.relation}' drops the "
        f"writing of '{entity.flag}'; let it pass, or set tracking = \"table\" in "
        f"[entities.{entity.name}] and run 'gitexport track'"
    )
