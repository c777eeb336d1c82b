"""What gitexport keeps in the database: the fence, the tip, and what is tracked for whom.

`state` has one row for each data repository: the fence, raised by every run, and the commit
that the flags speak of. `tracked` says which repository a flag or an outbox belongs to.
`tombstones` are hints of deleted keys; one without a key says that only a comparison of all
keys tells, and one that is void that only a reading of all rows does. `pending` is the
outbox of relations that have no flag.

The schema is made by `track` and only there. A role that may not use it, or a database
without it, is no error for reading.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gitexport.errors import ConfigError, LockedError, PermissionDeniedError
from gitexport.model.entity import Entity, Tracking
from gitexport.model.ports import Fence
from gitexport.model.snapshot import ObjectId
from gitexport.source.postgresql.session import Cursor

# Whatever its method, a registration has a trigger for writes, one for DELETE, one for TRUNCATE.
_TRIGGERS_EACH = 3
_ACCESS = """
SELECT pg_catalog.has_schema_privilege(n.oid, 'USAGE')
   AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'gitexport' AND c.relname = 'tracked'
"""
# A relation's own storage and that of its partitions: TRUNCATE, rewriting, and partitions
# that come or go all change it, whatever triggers there are.
_REGISTRATIONS = """
SELECT t.id, t.relation, t.method, t.flag_column, t.repository_id, t.key, t.definition,
       t.storage, s.storage, s.enabled, s.disabled,
       EXISTS (SELECT FROM gitexport.tombstones AS d WHERE d.tracked = t.id AND d.is_void)
FROM (SELECT * FROM gitexport.tracked WHERE relation = ANY (%(relations)s)) AS t
CROSS JOIN LATERAL (
    WITH tree AS MATERIALIZED (
        SELECT pg_catalog.to_regclass(t.relation)::oid AS oid UNION
        SELECT relid FROM pg_catalog.pg_partition_tree(pg_catalog.to_regclass(t.relation))),
    ours AS MATERIALIZED (
        SELECT g.tgrelid, g.tgenabled, g.tgname FROM pg_catalog.pg_trigger AS g JOIN tree
          ON tree.oid = g.tgrelid
        WHERE pg_catalog.starts_with(g.tgname::text, 'zz_gitexport_' || t.id))
    SELECT (SELECT pg_catalog.md5(pg_catalog.string_agg(
                pg_catalog.format('%%s:%%s', c.oid, c.relfilenode), ',' ORDER BY c.oid))
            FROM pg_catalog.pg_class AS c JOIN tree ON tree.oid = c.oid) AS storage,
           ARRAY(SELECT tgname::text FROM ours
                 WHERE tgrelid = pg_catalog.to_regclass(t.relation) AND tgenabled = 'A') AS enabled,
           ARRAY(SELECT DISTINCT tgname::text FROM ours WHERE tgenabled <> 'A') AS disabled
) AS s
"""


class Registration(NamedTuple):
    """One relation tracked for one repository.

    `enabled` are the names of its triggers that are there and always enabled, `disabled` of
    those that are not, be it on one partition only. `has_triggers` says that all of them are
    at work, and for the entity's key; `definition` is a digest of their SQL. `is_same_storage`
    says that nothing was truncated, rewritten, attached or detached since the last run began,
    `is_void` that the flags are not to be trusted until all rows were read.
    """

    id: str
    relation: str
    method: str
    flag_column: str
    repository_id: str
    key: tuple[str, ...]
    definition: str
    storage: str | None
    is_same_storage: bool
    enabled: tuple[str, ...]
    disabled: tuple[str, ...]
    has_triggers: bool
    is_void: bool

    @property
    def is_sound(self) -> bool:
        """True where pending rows and tombstones tell everything that changed."""
        return self.has_triggers and self.is_same_storage and not self.is_void


def find_registration(cursor: Cursor, entity: Entity) -> Registration | None:
    """Finds how an entity's relation is tracked, if it is and the role may know.

    Raises:
        psycopg.Error: The server refused the statement.
    """
    return find_registrations(cursor, [entity]).get(entity.name)


def find_registrations(cursor: Cursor, entities: Sequence[Entity]) -> dict[str, Registration]:
    """Finds the registrations of entities by their names.

    Raises:
        psycopg.Error: The server refused a statement.
    """
    if not may_read(cursor):
        return {}
    relations = list({str(entity.relation) for entity in entities})
    cursor.execute(_REGISTRATIONS, {"relations": relations})
    found = {}
    for name, relation, method, flag, owner, key, text, then, now, on, off, void in cursor:
        found[relation, method, flag] = Registration(
            id=name,
            relation=relation,
            method=method,
            flag_column=flag,
            repository_id=owner,
            key=tuple(key),
            definition=text,
            storage=now,
            is_same_storage=then == now,
            enabled=tuple(on),
            disabled=tuple(off),
            has_triggers=len(on) == _TRIGGERS_EACH and not off,
            is_void=void,
        )
    names = {e.name: (str(e.relation), e.tracking.value, e.flag) for e in entities}
    keys = {e.name: e.key for e in entities}
    return {
        # Tombstones of another key's columns say nothing.
        name: found[place]._replace(
            has_triggers=found[place].has_triggers and found[place].key == keys[name]
        )
        for name, place in names.items()
        if place in found
    }


def may_read(cursor: Cursor) -> bool:
    """Tells whether the schema is there and the role may read it."""
    return _access(cursor) is True


def _access(cursor: Cursor) -> bool | None:
    row = cursor.execute(_ACCESS).fetchone()
    return None if row is None else bool(row[0])


def read_fence(cursor: Cursor, repository_id: str, entities: Sequence[Entity]) -> Fence:
    """Reads a repository's fence and tip, and which entities' flags can be trusted.

    Raises:
        ConfigError: A flag or an outbox belongs to another repository.
        PermissionDeniedError: The schema is there, entities are tracked, and the role may
            not use it.
        psycopg.Error: The server refused a statement.
    """
    tracked = [entity for entity in entities if entity.tracking is not Tracking.COMPARE]
    access = _access(cursor)
    if access is None or (not access and not tracked):
        return Fence(0, None)
    if not access:
        raise no_access()
    found = find_registrations(cursor, tracked)
    for entity in tracked:
        registration = found.get(entity.name)
        if registration is not None:
            check_owner(entity, registration, repository_id)
    cursor.execute(
        "SELECT fence, tip FROM gitexport.state WHERE repository_id = %s", (repository_id,)
    )
    fence, tip = cursor.fetchone() or (0, None)
    sound = frozenset(name for name, registration in found.items() if registration.is_sound)
    warnings = [
        warning
        for entity in tracked
        if entity.name in found and not found[entity.name].has_triggers
        for warning in _trigger_warnings(entity, found[entity.name])
    ]
    return Fence(fence, None if tip is None else ObjectId(tip), sound, tuple(warnings))


def _trigger_warnings(entity: Entity, registration: Registration) -> Iterator[str]:
    from gitexport.source.postgresql.triggers import not_at_work

    return not_at_work(entity, registration.id, registration.enabled, registration.disabled)


def take_fence(cursor: Cursor, repository_id: str, entities: Sequence[Entity]) -> Fence:
    """Raises a repository's fence, so that every earlier run can acknowledge no more.

    Where a relation's storage has changed since the last run began, or a trigger is not
    at work, the registration becomes void until a commit holds what this run reads. To be
    committed at once.

    Raises:
        ConfigError: A flag or an outbox belongs to another repository.
        PermissionDeniedError: The role may not write the state.
        psycopg.Error: The server refused a statement.
    """
    seen = read_fence(cursor, repository_id, entities)
    if not may_read(cursor):
        return seen
    cursor.execute(
        "INSERT INTO gitexport.state AS s (repository_id, fence) VALUES (%s, 1)"
        " ON CONFLICT (repository_id) DO UPDATE SET fence = s.fence + 1 RETURNING fence, tip",
        (repository_id,),
    )
    fence, tip = cursor.fetchone() or (0, None)
    for registration in find_registrations(cursor, entities).values():
        if registration.is_sound:
            continue
        if not registration.is_void:
            void(cursor, registration.id)
        if not registration.is_same_storage:
            cursor.execute(
                "UPDATE gitexport.tracked SET storage = %s WHERE id = %s",
                (registration.storage, registration.id),
            )
    return seen._replace(value=fence, tip=None if tip is None else ObjectId(tip))


def void(cursor: Cursor, registration_id: str) -> None:
    """Notes that only a reading of all rows tells what has changed."""
    cursor.execute(
        "INSERT INTO gitexport.tombstones (tracked, is_void) VALUES (%s, true)", (registration_id,)
    )


def move_tip(cursor: Cursor, repository_id: str, fence: Fence, tip: ObjectId | None) -> None:
    """Notes the commit that the flags speak of, if the fence still holds.

    Raises:
        LockedError: Another run has taken the fence.
        psycopg.Error: The server refused the statement.
    """
    cursor.execute(
        "UPDATE gitexport.state SET tip = %s WHERE repository_id = %s AND fence = %s",
        (tip, repository_id, fence.value),
    )
    if cursor.rowcount != 1:
        raise _superseded(repository_id)


def hold_fence(cursor: Cursor, repository_id: str, fence: Fence) -> None:
    """Keeps other runs from taking the fence until the transaction ends.

    Several transactions can hold it at once, but none while the tip moves.

    Raises:
        LockedError: Another run has taken the fence.
        psycopg.Error: The server refused the statement.
    """
    # A weaker lock, FOR KEY SHARE, would let the fence be raised.
    cursor.execute(
        "SELECT FROM gitexport.state WHERE repository_id = %s AND fence = %s FOR SHARE",
        (repository_id, fence.value),
    )
    if cursor.rowcount != 1:
        raise _superseded(repository_id)


def _superseded(repository_id: str) -> LockedError:
    message = "another run has taken over this data repository's export"
    hint = "let it finish; the rows of this run stay pending and lose nothing"
    return LockedError(message, where=f"data repository {repository_id}", hint=hint)


def check_owner(entity: Entity, registration: Registration, repository_id: str) -> None:
    """Checks that a flag or an outbox belongs to a repository.

    Raises:
        ConfigError: It belongs to another one.
    """
    if registration.repository_id == repository_id:
        return
    what = "flag" if entity.tracking is Tracking.FLAG else "outbox"
    message = (
        f"the {what} '{entity.flag}' of '{entity.relation}' belongs to the data repository "
        f"{registration.repository_id}"
    )
    ways = f'set another flag, as flag = "{entity.flag}_2"'
    if entity.tracking is Tracking.FLAG:
        ways += ', or tracking = "table"'
    hint = f"{ways}, then run 'gitexport track --entity {entity.name}'"
    raise ConfigError(message, where=f"[entities.{entity.name}]", hint=hint)


def no_access() -> PermissionDeniedError:
    """Gives the error for a role that may not use the schema `gitexport`."""
    return PermissionDeniedError(
        "the role may not use the schema 'gitexport'",
        hint="let its owner run 'gitexport track --role ROLE', or set tracking = \"compare\"",
    )
