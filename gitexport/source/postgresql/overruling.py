"""Finds triggers that have the last word where the flag's own trigger should have it.

While the exporter acknowledges, the flag's trigger makes the row what it was, plus the flag.
A trigger that fires after it can change the row again, behind the snapshot, and the flag
would say that a commit holds what none does. Such rows are not marked at all: they stay
pending, are read again by every run, and are found unchanged.
"""

from __future__ import annotations

from collections.abc import Sequence

from gitexport.model.entity import Entity, Tracking
from gitexport.source.postgresql import triggers
from gitexport.source.postgresql.session import Cursor
from gitexport.source.postgresql.tracking.parts import identifier

# Bits of tgtype: 1 row, 2 before, 16 update. One for some columns fires if the flag is among
# them. Names are compared by their bytes, as the server does.
_LATER = """
SELECT r.name, min(g.tgname::text COLLATE "C")
FROM unnest(%(names)s::text[], %(relations)s::text[], %(flags)s::text[]) AS r (name, relation, flag)
CROSS JOIN LATERAL (
    SELECT to_regclass(r.relation)::oid
    UNION SELECT relid::oid FROM pg_partition_tree(to_regclass(r.relation))) AS m (oid)
JOIN pg_trigger AS g ON g.tgrelid = m.oid
WHERE NOT g.tgisinternal AND g.tgenabled <> 'D' AND g.tgtype & 19 = 19
  AND g.tgname::text COLLATE "C" > %(prefix)s AND NOT starts_with(g.tgname::text, %(prefix)s)
  AND (g.tgattr::text = '' OR EXISTS (
      SELECT FROM pg_attribute AS a WHERE a.attrelid = g.tgrelid
         AND a.attnum = ANY (g.tgattr::int2[]) AND a.attname = r.flag))
GROUP BY r.name
"""


def find_overruling(cursor: Cursor, entities: Sequence[Entity]) -> dict[str, str]:
    """Gives, for entities whose rows cannot be marked safely, the first such trigger's name.

    Raises:
        psycopg.Error: The server refused the statement.
    """
    flagged = [entity for entity in entities if entity.tracking is Tracking.FLAG]
    if not flagged:
        return {}
    cursor.execute(
        _LATER,
        {
            "names": [entity.name for entity in flagged],
            "relations": [identifier(entity).as_string(None) for entity in flagged],
            "flags": [entity.flag for entity in flagged],
            "prefix": triggers.PREFIX,
        },
    )
    return dict(cursor.fetchall())


def overruled_warning(entity: Entity, trigger: str) -> str:
    """Says why an entity's rows stay pending, and the way out."""
    return (
        f"{entity.name}: rows stay pending, as trigger '{trigger}' of '{entity.relation}' fires "
        "after the flag's and could change them; rename it so that it sorts before 'zz'"
    )
