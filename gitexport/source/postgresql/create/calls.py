"""What expressions of a snapshot call, and whether the database may and can call it.

Defaults, checks and generated columns run whenever somebody writes a row. Functions of the
server itself that only compute are always allowed; those that read files, send signals or
change settings are refused. Functions of people's own are told. What calls a function that
the database does not have is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from gitexport.errors import DecisionNeededError
from gitexport.model.creation import CreationStep
from gitexport.model.relation import RelationName
from gitexport.source.postgresql.create.run import run_steps
from gitexport.source.postgresql.create.sql_text import Call, calls_of, check_expression
from gitexport.source.postgresql.session import Cursor

# Words of SQL, types and access methods look like calls where a bracket follows them.
_BUILT_IN = """
SELECT w.f, bool_or(p.provolatile = 'v' OR NOT has_function_privilege('public', p.oid, 'EXECUTE'))
  FROM unnest(%(names)s::text[]) w(f)
  LEFT JOIN pg_proc p ON p.pronamespace = 'pg_catalog'::regnamespace AND p.proname = w.f
 WHERE p.oid IS NOT NULL
    OR EXISTS (SELECT FROM pg_get_keywords() k WHERE k.word = lower(w.f))
    OR EXISTS (SELECT FROM pg_type t
                WHERE t.typnamespace = 'pg_catalog'::regnamespace AND t.typname = w.f)
    OR EXISTS (SELECT FROM pg_opclass o
                WHERE o.opcnamespace = 'pg_catalog'::regnamespace AND o.opcname = w.f)
    OR EXISTS (SELECT FROM pg_am a WHERE a.amname = w.f)
 GROUP BY w.f
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
    OR EXISTS (SELECT FROM pg_opclass o WHERE o.opcnamespace = n.oid AND o.opcname = w.f)
 GROUP BY w.s, w.f
"""
_SYSTEM = frozenset({None, "pg_catalog"})
# The ways to divide a table that are no words of SQL anywhere else.
_DIVISIONS = frozenset({"LIST", "HASH"})
# They change from call to call, and do nothing else.
_HARMLESS = frozenset(
    {
        "nextval", "currval", "lastval", "random", "random_normal", "gen_random_uuid", "uuidv4",
        "uuidv7", "clock_timestamp", "timeofday", "uuid_generate_v1", "uuid_generate_v1mc",
        "uuid_generate_v4", "gen_random_bytes", "gen_salt",
    }
)  # fmt: skip


class Calls:
    """Knows what may be called.

    `first` are the statements that make extensions, without which functions of theirs are not
    there yet. They are run and undone where something is called that the database lacks.
    """

    def __init__(
        self,
        cursor: Cursor,
        texts: Iterable[str],
        first: Sequence[CreationStep],
        types: Collection[str],
    ) -> None:
        self.left_out: list[str] = []
        self.used: dict[str, None] = {}
        self._types = frozenset(types)
        found = {call for text in texts for call in calls_of(text)}
        own = {call for call in found if call.schema not in _SYSTEM}
        # Whether what is there is refused.
        self._known = _built_in(cursor, found - own) | _own(cursor, own)
        if first and any(not self._has(call) for call in own):
            with cursor.connection.transaction(force_rollback=True):
                run_steps(cursor, first)
                self._known |= _own(cursor, own)

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
            if not self._has(call):
                self.left_out.append(
                    f"{where}: it calls {_shown(call)}, which this database does not have"
                )
                return None
            self._refuse(call, where)
            if call.schema not in _SYSTEM:
                self.used[_shown(call)] = None
        return text

    def _has(self, call: Call) -> bool:
        return call in self._known or _shown(call) in self._types

    def _refuse(self, call: Call, where: str) -> None:
        if self._known.get(call, False) and call.name not in _HARMLESS:
            message = f"{where} calls '{call.name}', which no column needs"
            hint = "look at the snapshot; make this relation by hand, then import without --create"
            raise DecisionNeededError(message, where=where, hint=hint)


def _shown(call: Call) -> str:
    return call.name if call.schema in _SYSTEM else str(RelationName(call.schema or "", call.name))


def _built_in(cursor: Cursor, calls: Collection[Call]) -> dict[Call, bool]:
    cursor.execute(_BUILT_IN, {"names": sorted({call.name for call in calls})})
    refused = dict.fromkeys(_DIVISIONS, False) | {name: bool(value) for name, value in cursor}
    return {call: refused[call.name] for call in calls if call.name in refused}


def _own(cursor: Cursor, calls: Collection[Call]) -> dict[Call, bool]:
    schemas, names = [call.schema for call in calls], [call.name for call in calls]
    cursor.execute(_OWN, {"schemas": schemas, "names": names})
    return {Call(schema, name): bool(refused) for schema, name, refused in cursor}
