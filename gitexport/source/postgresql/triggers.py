"""Writes the functions and triggers that notice changes of tracked relations.

Functions run with the rights of whoever tracked the relation, under a fixed search path,
so that ordinary roles need no grant on the schema `gitexport`. Their EXECUTE stays with
PUBLIC, as a new partition's owner needs it for the clones of the triggers; without USAGE
on the schema nobody else can name them. Triggers are ENABLE ALWAYS, so that logical
replication and import tools do not pass by them. The names sort last, as PostgreSQL fires
triggers of one kind by name: whatever another BEFORE trigger does, ours has the last word.

Source: PostgreSQL documentation, "Overview of Trigger Behavior", "CREATE FUNCTION".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from psycopg import sql

from gitexport.model.entity import Entity, Tracking
from gitexport.model.relation import Relation
from gitexport.source.postgresql.tracking.keys import (
    function_settings,
    key_differs,
    key_text,
)
from gitexport.source.postgresql.tracking.parts import identifier

PREFIX = "zz_gitexport_"

# What people's own triggers write while the exporter acknowledges is a change like any other.
_THEIRS = sql.SQL(
    "current_setting('gitexport.ack', true) IS DISTINCT FROM '1' OR pg_trigger_depth() > 1"
)


class Trigger(NamedTuple):
    """A trigger of one registration: its name, and the statement that makes it."""

    name: str
    create: sql.Composable


def functions(entity: Entity, relation: Relation, registration: str) -> list[sql.Composable]:
    """Lists the statements that make the functions of a registration, or renew them."""
    settings = function_settings(entity, relation)
    plain = sql.SQL("SET search_path = pg_catalog, pg_temp")
    bodies = [
        ("deleted", _deleted_body(entity, registration), settings),
        ("truncated", _truncated_body(registration), plain),
    ]
    if entity.tracking is Tracking.FLAG:
        bodies.append(("flag", _flag_body(entity, relation, registration), settings))
    else:
        bodies.append(("changed", _changed_body(entity, relation, registration), settings))
    return [
        sql.SQL(
            "CREATE OR REPLACE FUNCTION {} () RETURNS trigger LANGUAGE plpgsql"
            " SECURITY DEFINER {} AS {}"
        ).format(function_name(kind, registration), clauses, sql.Literal(body.as_string(None)))
        for kind, body, clauses in bodies
    ]


def triggers(entity: Entity, registration: str) -> list[Trigger]:
    """Lists the triggers of a registration, the flag's or the outbox's first.

    None has a WHEN clause: a column that one names could not change its type any more.
    """
    row, statement = sql.SQL("FOR EACH ROW"), sql.SQL("FOR EACH STATEMENT")
    first = ("changed", "AFTER INSERT OR UPDATE", row, "changed")
    if entity.tracking is Tracking.FLAG:
        first = ("flag", "BEFORE INSERT OR UPDATE", row, "flag")
    shapes: list[tuple[str, str, sql.Composable, str]] = [
        first,
        ("deleted", "AFTER DELETE", row, "deleted"),
        ("truncated", "AFTER TRUNCATE", statement, "truncated"),
    ]
    found = []
    for kind, event, scope, function in shapes:
        name = f"{PREFIX}{registration}_{kind}"
        create = sql.SQL("CREATE TRIGGER {} {} ON {} {} EXECUTE FUNCTION {} ()").format(
            sql.Identifier(name),
            sql.SQL(event),
            identifier(entity),
            scope,
            function_name(function, registration),
        )
        found.append(Trigger(name, create))
    return found


def not_at_work(
    entity: Entity, registration: str, enabled: Sequence[str], disabled: Sequence[str]
) -> Iterator[str]:
    """Says which triggers of a registration notice nothing, and what mends it.

    `enabled` and `disabled` are the names of those that are there.
    """
    names = {trigger.name for trigger in triggers(entity, registration)}
    gone = names - {*enabled, *disabled}
    for what, found in (("missing", gone), ("not always enabled", disabled)):
        if not found:
            continue
        listed = ", ".join(f"'{name}'" for name in sorted(found))
        which = f"trigger {listed} of '{entity.relation}' is"
        if len(found) > 1:
            which = f"triggers {listed} of '{entity.relation}' are"
        yield (
            f"{which} {what}: every export reads all its rows until "
            f"'gitexport track --entity {entity.name}' has mended that"
        )


def function_name(kind: str, registration: str) -> sql.Identifier:
    """Gives the SQL name of one of a registration's functions."""
    return sql.Identifier("gitexport", f"{kind}_{registration}")


def enable(entity: Entity, name: str) -> sql.Composable:
    """Gives the statement that lets a trigger fire in replica sessions too."""
    return sql.SQL("ALTER TABLE {} ENABLE ALWAYS TRIGGER {}").format(
        identifier(entity), sql.Identifier(name)
    )


def drop(entity: Entity, name: str) -> sql.Composable:
    """Gives the statement that drops a trigger."""
    return sql.SQL("DROP TRIGGER IF EXISTS {} ON {}").format(
        sql.Identifier(name), identifier(entity)
    )


def _flag_body(entity: Entity, relation: Relation, registration: str) -> sql.Composable:
    # While the exporter acknowledges, the row becomes the old one plus the flag: whatever
    # people's BEFORE triggers have set would not be in the snapshot, also where that is the
    # flag itself. A trigger whose flag the exporter leaves alone belongs to another data
    # repository and stands aside.
    return sql.SQL(
        """
BEGIN
  IF {theirs} THEN
    {rekeyed}
    NEW.{flag} := FALSE;
    RETURN NEW;
  END IF;
  IF TG_OP = 'UPDATE' AND current_setting('gitexport.flag', true) = {flag_name} THEN
    OLD.{flag} := TRUE;
    RETURN OLD;
  END IF;
  IF TG_OP = 'UPDATE' AND NEW.{flag} IS DISTINCT FROM OLD.{flag} THEN
    OLD.{flag} := NEW.{flag};
    RETURN OLD;
  END IF;
  RETURN NEW;
END"""
    ).format(
        theirs=_THEIRS,
        flag=sql.Identifier(entity.flag),
        flag_name=sql.Literal(entity.flag),
        rekeyed=_rekeyed(entity, relation, registration),
    )


def _rekeyed(entity: Entity, relation: Relation, registration: str) -> sql.Composable:
    """Gives the statements that leave a tombstone of a key that an UPDATE changes."""
    return sql.SQL("IF TG_OP = 'UPDATE' THEN IF {differs} THEN {bury} END IF; END IF;").format(
        differs=key_differs(entity, relation), bury=_bury(entity, registration)
    )


def _bury(entity: Entity, registration: str) -> sql.Composable:
    return sql.SQL(
        "INSERT INTO gitexport.tombstones (tracked, key) VALUES ({registration}, {key});"
    ).format(registration=sql.Literal(registration), key=key_text(entity, "old"))


def _deleted_body(entity: Entity, registration: str) -> sql.Composable:
    return sql.SQL("\nBEGIN\n  {bury}\n  RETURN NULL;\nEND").format(
        bury=_bury(entity, registration)
    )


def _truncated_body(registration: str) -> sql.Composable:
    return sql.SQL(
        """
BEGIN
  INSERT INTO gitexport.tombstones (tracked) VALUES ({registration});
  RETURN NULL;
END"""
    ).format(registration=sql.Literal(registration))


def _changed_body(entity: Entity, relation: Relation, registration: str) -> sql.Composable:
    return sql.SQL(
        """
BEGIN
  IF {theirs} THEN
    {rekeyed}
    INSERT INTO gitexport.pending AS p (tracked, key) VALUES ({registration}, {key})
    ON CONFLICT ON CONSTRAINT pending_pkey
    DO UPDATE SET seq = nextval('gitexport.change');
  END IF;
  RETURN NULL;
END"""
    ).format(
        theirs=_THEIRS,
        rekeyed=_rekeyed(entity, relation, registration),
        registration=sql.Literal(registration),
        key=key_text(entity, "new"),
    )
