"""What expressions of a snapshot call, and whether the database may and can call it.

Defaults, checks and generated columns run whenever somebody writes a row. Functions of the
server itself that only compute are always allowed; those that read files, send signals or
change settings are refused. Functions of people's own are told, and left out with what
calls them where the database does not have them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from gitexport.errors import DecisionNeededError
from gitexport.model.relation import RelationName
from gitexport.source.postgresql.create.sql_text import Call, calls_of, check_expression
from gitexport.source.postgresql.session import Cursor

_BUILT_IN = """
SELECT DISTINCT p.proname::text FROM pg_proc p
 WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname = ANY (%(names)s)
   AND (p.provolatile = 'v' OR NOT has_function_privilege('public', p.oid, 'EXECUTE'))
"""
# An aggregate of these for a name that a type has, too, as in a cast with a modifier.
_OWN = """
SELECT w.s, w.f, bool_or(p.provolatile = 'v' AND d.objid IS NOT NULL)
  FROM unnest(%(schemas)s::name[], %(names)s::name[]) w(s, f)
  JOIN pg_namespace n ON n.nspname = w.s
  LEFT JOIN pg_proc p ON p.pronamespace = n.oid AND p.proname = w.f
  LEFT JOIN pg_type t ON t.typnamespace = n.oid AND t.typname = w.f
  LEFT JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
   AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
 WHERE p.oid IS NOT NULL OR t.oid IS NOT NULL
 GROUP BY w.s, w.f
"""
# They change from call to call, and do nothing else.
_HARMLESS = frozenset(
    {
        "nextval", "currval", "lastval", "random", "random_normal", "gen_random_uuid", "uuidv4",
        "uuidv7", "clock_timestamp", "timeofday", "uuid_generate_v1", "uuid_generate_v1mc",
        "uuid_generate_v4", "gen_random_bytes", "gen_salt",
    }
)  # fmt: skip


class Calls:
    """Knows what may be called. `schemas` are those of extensions that are made first."""

    def __init__(
        self, cursor: Cursor, texts: Iterable[str], schemas: Collection[str], types: Collection[str]
    ) -> None:
        found = {call for text in texts for call in calls_of(text)}
        own = sorted(call for call in found if call.schema not in {None, "pg_catalog"})
        self.left_out: list[str] = []
        self.used: dict[str, None] = {}
        self._schemas = frozenset(schemas)
        self._types = frozenset(types)
        self._refused = _built_in(cursor, {call.name for call in found} - _HARMLESS)
        self._own = _own(cursor, own)

    def allowed(
        self,
        text: str | None,
        where: str,
        check: Callable[[str, str], str] = check_expression,
    ) -> str | None:
        """Gives SQL back if it can be used; None where it calls what is not there.

        Raises:
            ConfigError: It is not one piece of SQL of its kind.
            DecisionNeededError: It calls what no column needs.
        """
        if text is None:
            return None
        check(text, where)
        for call in calls_of(text):
            if call.schema in {None, "pg_catalog"}:
                self._refuse(call, where, is_refused=call.name in self._refused)
            elif not self._is_there(call, where):
                return None
        return text

    def _is_there(self, call: Call, where: str) -> bool:
        shown = str(RelationName(call.schema or "", call.name))
        if shown in self._types or call in self._own:
            self._refuse(call, where, is_refused=self._own.get(call, False))
        elif call.schema not in self._schemas:
            self.left_out.append(f"{where}: it calls {shown}, which this database does not have")
            return False
        self.used[shown] = None
        return True

    def _refuse(self, call: Call, where: str, *, is_refused: bool) -> None:
        if is_refused and call.name not in _HARMLESS:
            message = f"{where} calls '{call.name}', which no column needs"
            hint = "look at the snapshot; make this relation by hand, then import without --create"
            raise DecisionNeededError(message, where=where, hint=hint)


def _built_in(cursor: Cursor, names: Collection[str]) -> frozenset[str]:
    cursor.execute(_BUILT_IN, {"names": sorted(names)})
    return frozenset(name for (name,) in cursor)


def _own(cursor: Cursor, calls: Collection[Call]) -> dict[Call, bool]:
    schemas, names = [call.schema for call in calls], [call.name for call in calls]
    cursor.execute(_OWN, {"schemas": schemas, "names": names})
    return {Call(schema, name): bool(refused) for schema, name, refused in cursor}
