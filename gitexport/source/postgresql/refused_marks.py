"""Says why the server did not let rows be marked, without a word that could hold their values.

What a trigger of people's raises is text of its own making, and so is what the server says of
the way there. Only names are taken from it, and only names that the catalog has as well.
"""

from __future__ import annotations

import psycopg

from gitexport.errors import PermissionDeniedError, SourceError, StatementFailedError
from gitexport.model.entity import Entity, Tracking
from gitexport.source.postgresql import triggers
from gitexport.source.postgresql.errors import translate
from gitexport.source.postgresql.session import Connection, reading
from gitexport.source.postgresql.tracking.parts import identifier

_RAISED = "P0"
# A lock, a deadlock, a limit of the server's: the same statement may pass a moment later.
_PASSING = ("40", "53", "55", "57")
# Bit 16 of tgtype: update.
_TRIGGERS = """
SELECT DISTINCT g.tgname::text, p.proname::text, quote_ident(p.proname)
FROM pg_trigger AS g JOIN pg_proc AS p ON p.oid = g.tgfoid
WHERE (g.tgrelid = to_regclass(%(relation)s) OR g.tgrelid IN (
      SELECT relid FROM pg_partition_tree(to_regclass(%(relation)s))))
  AND NOT g.tgisinternal AND g.tgenabled <> 'D' AND g.tgtype & 16 <> 0
  AND NOT starts_with(g.tgname::text, %(prefix)s)
ORDER BY 1
"""


def explain_refusal(connection: Connection, entity: Entity, error: psycopg.Error) -> SourceError:
    """Makes the error for an entity whose rows the server refused to have marked.

    It names the relation, where they are the reason the triggers, and the ways on.

    Raises:
        psycopg.Error: The server could not be asked for triggers.
    """
    relation = entity.relation
    code, context = error.sqlstate or "", error.diag.context or ""
    found = translate(error)
    triggered = _raising(connection, entity, context) if context else ""
    way = f"let the table take an UPDATE of '{entity.flag}' alone"
    if triggered or code.startswith(_RAISED):
        culprit = f"trigger {triggered}" if triggered else "a trigger or function of the database"
        reason = f"{culprit} raised an error (SQLSTATE {code})"
        way = f"let the trigger pass an UPDATE of '{entity.flag}' alone"
    elif context:
        reason = f"the database refused (SQLSTATE {code})"
    else:
        reason = found.message
        if isinstance(found, PermissionDeniedError):
            way = f"grant the role UPDATE on the column '{entity.flag}'"
    message = f"rows of '{relation}' could not be marked as exported: {reason}"
    hint: str | None = _ways_on(entity, way)
    if entity.tracking is not Tracking.FLAG:
        hint = found.hint
    elif code.startswith(_PASSING) and not triggered:
        hint = "they stay pending, and the next export tries again"
    return StatementFailedError(message, sqlstate=code, where=f"relation {relation}", hint=hint)


def _ways_on(entity: Entity, way: str) -> str:
    return (
        'they stay pending and come again with every export: set tracking = "table" in '
        f"[entities.{entity.name}] and run 'gitexport track', or {way}"
    )


def _raising(connection: Connection, entity: Entity, context: str) -> str:
    """Names the triggers whose functions a context names, in whatever language it is."""
    values = {"relation": identifier(entity).as_string(None), "prefix": triggers.PREFIX}
    with reading(connection) as cursor:
        found = cursor.execute(_TRIGGERS, values).fetchall()
    return ", ".join(
        f"'{trigger}'"
        for trigger, function, quoted in found
        # `PL/pgSQL function public.f() line 1 at RAISE`, `PL/Perl function "f"`
        if any(f"{before}{quoted}()" in context for before in " .") or f'"{function}"' in context
    )
