"""Finds what keeps changes of tracked relations from being noticed, or makes them costly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gitexport.model.entity import Entity, Tracking
from gitexport.model.tracking import TrackingFinding
from gitexport.source.postgresql import state, triggers
from gitexport.source.postgresql.former_triggers import still_work
from gitexport.source.postgresql.pending_index import find_index
from gitexport.source.postgresql.privileges import find_missing_privileges
from gitexport.source.postgresql.session import Cursor
from gitexport.source.postgresql.tracking.parts import identifier
from gitexport.source.postgresql.tracking_plan import (
    Relations,
    Target,
    find_targets,
)

# Bits of tgtype: 1 row, 2 before, 4 insert, 16 update, 64 instead of.
_OTHERS = """
SELECT g.tgname::text, (g.tgtype & 2) <> 0, (g.tgtype & 20) <> 0 AND (g.tgtype & 1) <> 0,
       (g.tgtype & 66) = 0 AND (g.tgtype & 16) <> 0 AND (g.tgattr::text = '' OR EXISTS (
           SELECT FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = g.tgrelid
             AND a.attnum = ANY (g.tgattr::int2[]) AND a.attname = %(flag)s))
FROM pg_catalog.pg_trigger AS g
WHERE (g.tgrelid = pg_catalog.to_regclass(%(relation)s)
    OR g.tgparentid = 0 AND g.tgrelid IN (SELECT relid FROM pg_catalog.pg_partition_tree(
           pg_catalog.to_regclass(%(relation)s))))
  AND NOT g.tgisinternal AND g.tgenabled <> 'D'
  AND NOT pg_catalog.starts_with(g.tgname::text, %(prefix)s)
ORDER BY g.tgname
"""
_RULES = """
SELECT r.rulename::text FROM pg_catalog.pg_rewrite AS r
WHERE r.ev_class = pg_catalog.to_regclass(%s) AND r.ev_type = '2' ORDER BY r.rulename
"""
_OURS = """
SELECT g.tgname::text, bool_and(g.tgenabled = 'A') FROM pg_catalog.pg_trigger AS g
WHERE pg_catalog.starts_with(g.tgname::text, %(prefix)s)
  AND (g.tgrelid = pg_catalog.to_regclass(%(relation)s) OR g.tgrelid IN (
      SELECT relid FROM pg_catalog.pg_partition_tree(pg_catalog.to_regclass(%(relation)s))))
GROUP BY g.tgname
"""
_ACK_STICKS = """
SELECT coalesce(pg_catalog.current_setting('gitexport.ack', true), '') = '1'
"""


def inspect(
    cursor: Cursor, repository_id: str, entities: Sequence[Entity], relations: Relations
) -> list[TrackingFinding]:
    """Lists findings of all tracked entities.

    Raises:
        ConfigError: A relation cannot be tracked, or belongs to another repository.
        psycopg.Error: The server refused a statement.
    """
    registered = state.find_registrations(cursor, entities)
    found: list[TrackingFinding] = []
    for target in find_targets(cursor, repository_id, entities, relations):
        registration = registered.get(target.entity.name)
        if registration is None:
            found.append(_finding(target, f"'{target.entity.relation}' is not tracked"))
            continue
        found += _find_triggers(cursor, target, registration)
        if target.entity.tracking is Tracking.FLAG:
            found += _find_index(cursor, target)
            found += _find_others(cursor, target)
    found += _find_setting(cursor, entities)
    found += find_missing_privileges(cursor, entities)
    return found


def _finding(target: Target, message: str, *, misses_changes: bool = True) -> TrackingFinding:
    name = target.entity.name
    hint = f"run 'gitexport track --entity {name}'"
    return TrackingFinding(name, message, hint, misses_changes=misses_changes)


def _find_triggers(
    cursor: Cursor, target: Target, registration: state.Registration
) -> Iterator[TrackingFinding]:
    entity = target.entity
    values = {
        "prefix": f"{triggers.PREFIX}{target.id}_",
        "relation": identifier(entity).as_string(None),
    }
    present: dict[str, bool] = dict(cursor.execute(_OURS, values).fetchall())
    for trigger in triggers.triggers(entity, target.id):
        if trigger.name not in present:
            yield _finding(target, f"trigger '{trigger.name}' of '{entity.relation}' is missing")
        elif not present[trigger.name]:
            message = f"trigger '{trigger.name}' of '{entity.relation}' is not always enabled"
            yield _finding(target, message)
    if not still_work(target, registration.definition):
        message = f"the triggers of '{entity.relation}' are for another key or an older version"
        yield _finding(target, message)


def _find_index(cursor: Cursor, target: Target) -> Iterator[TrackingFinding]:
    is_valid = find_index(cursor, target.entity, target.id)
    relation = target.entity.relation
    if is_valid is None:
        message = f"'{relation}' has no index of its pending rows, so every run reads it all"
        yield _finding(target, message, misses_changes=False)
    elif not is_valid:
        message = f"the index of pending rows of '{relation}' is invalid: its build was cut short"
        yield _finding(target, message, misses_changes=False)


def _find_others(cursor: Cursor, target: Target) -> Iterator[TrackingFinding]:
    entity = target.entity
    relation = identifier(entity).as_string(None)
    own = f"{triggers.PREFIX}{target.id}_flag"
    values = {"relation": relation, "prefix": triggers.PREFIX, "flag": entity.flag}
    costly = []
    for name, is_before, is_row_write, fires_after in cursor.execute(_OTHERS, values).fetchall():
        # Names are compared by their bytes, as the server does.
        if is_before and is_row_write and name.encode() > own.encode():
            message = f"trigger '{name}' of '{entity.relation}' fires after the flag's trigger"
            hint = (
                f"rename it so that it sorts before 'zz': ALTER TRIGGER … ON {entity.relation} "
                "RENAME TO …"
            )
            yield TrackingFinding(entity.name, message, hint)
        if fires_after:
            costly.append(f"trigger '{name}'")
    costly += [f"rule '{name}'" for (name,) in cursor.execute(_RULES, (relation,)).fetchall()]
    if costly:
        message = f"acknowledging fires {', '.join(costly)} of '{entity.relation}'"
        hint = f'set tracking = "table" in [entities.{entity.name}], which updates no row of it'
        yield TrackingFinding(entity.name, message, hint, misses_changes=False)


def _find_setting(cursor: Cursor, entities: Sequence[Entity]) -> Iterator[TrackingFinding]:
    row = cursor.execute(_ACK_STICKS).fetchone()
    if row is not None and row[0]:
        message = "'gitexport.ack' is set for the role or the database, so no change is noticed"
        hint = "ALTER ROLE … RESET gitexport.ack; ALTER DATABASE … RESET gitexport.ack"
        yield TrackingFinding(entities[0].name if entities else "", message, hint)
