"""Finds partitions that are entities of their own while their parent's flag is in use.

A partition has the flag column of its parent. Whichever of two entities is exported first
marks the rows of both, and the other one would never publish them.
"""

from __future__ import annotations

from gitexport.errors import ConfigError
from gitexport.model.entity import Entity, Tracking
from gitexport.model.relation import Relation
from gitexport.source.postgresql import state
from gitexport.source.postgresql.session import Cursor
from gitexport.source.postgresql.tracking.parts import identifier

_TRACKED_ANCESTOR = """
SELECT t.relation FROM gitexport.tracked AS t
JOIN pg_catalog.pg_partition_ancestors(pg_catalog.to_regclass(%(quoted)s)) AS a (relid)
  ON a.relid = pg_catalog.to_regclass(t.relation)
WHERE t.method = %(method)s AND t.flag_column = %(flag)s
  AND a.relid <> pg_catalog.to_regclass(%(quoted)s)
ORDER BY t.relation LIMIT 1
"""


def check_parents(cursor: Cursor, entity: Entity, relation: Relation) -> None:
    """Checks that a partition's flag is not one that a table above it is tracked by.

    Asks the database only about partitions that have a flag.

    Raises:
        ConfigError: A table of which it is a partition, at any depth, is tracked by that flag.
        psycopg.Error: The server refused a statement.
    """
    if not relation.is_partition or entity.tracking is not Tracking.FLAG:
        return
    if not state.may_read(cursor):
        return
    cursor.execute(
        _TRACKED_ANCESTOR,
        {
            "quoted": identifier(entity).as_string(None),
            "method": Tracking.FLAG.value,
            "flag": entity.flag,
        },
    )
    found = cursor.fetchone()
    if found is None:
        return
    message = (
        f"'{entity.relation}' is a partition of '{found[0]}', which is tracked by the same flag "
        f"'{entity.flag}': an export of one would mark rows that the other has not published"
    )
    hint = (
        f'set tracking = "compare" in [entities.{entity.name}], or remove it: the documents of '
        f"'{found[0]}' hold its rows"
    )
    raise ConfigError(message, where=f"[entities.{entity.name}]", hint=hint)
