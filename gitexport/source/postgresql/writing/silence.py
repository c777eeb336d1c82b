"""Disables people's triggers and rules while rows are written, and enables them again.

Everything happens in the writer's transaction, so a failure leaves them as they were.
gitexport's own triggers are never touched: they make what is written pending. Triggers of
partitions are clones, or their own; each gets back the state that it had.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from psycopg import sql

from gitexport.errors import PermissionDeniedError
from gitexport.model.relation import RelationName
from gitexport.model.writing import PeoplesCode
from gitexport.source.postgresql.session import Cursor
from gitexport.source.postgresql.triggers import PREFIX
from gitexport.source.postgresql.writing.target import Target

_TRIGGERS = """
SELECT n.nspname::text, c.relname::text, t.tgname::text, t.tgenabled::text,
       t.tgparentid = 0, pg_catalog.pg_has_role(c.relowner, 'USAGE'),
       pg_catalog.pg_get_userbyid(c.relowner)::text, current_user::text
  FROM (SELECT %(relation)s::regclass::oid AS relid, 0 AS level UNION
        SELECT relid, level FROM pg_catalog.pg_partition_tree(%(relation)s::regclass)) AS tree
  JOIN pg_catalog.pg_trigger AS t ON t.tgrelid = tree.relid
  JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 WHERE (NOT t.tgisinternal OR t.tgparentid <> 0 AND t.tgconstrrelid = 0)
   AND NOT pg_catalog.starts_with(t.tgname::text, %(ours)s)
 ORDER BY tree.level, n.nspname, c.relname, t.tgname
"""
_RULES = """
SELECT n.nspname::text, c.relname::text, r.rulename::text, r.ev_enabled::text,
       true, pg_catalog.pg_has_role(c.relowner, 'USAGE'),
       pg_catalog.pg_get_userbyid(c.relowner)::text, current_user::text
  FROM pg_catalog.pg_rewrite AS r
  JOIN pg_catalog.pg_class AS c ON c.oid = r.ev_class
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 WHERE r.ev_class = %(relation)s::regclass AND r.rulename <> '_RETURN'
 ORDER BY r.rulename
"""
_STATES = {"O": "ENABLE", "A": "ENABLE ALWAYS", "R": "ENABLE REPLICA", "D": "DISABLE"}
_FIRING = frozenset({"O", "A"})
_PASSES = 4


class _Code(NamedTuple):
    relation: RelationName
    kind: str
    name: str
    state: str
    is_root: bool
    is_owned: bool
    owner: str
    role: str


class Silence:
    """What was found on the relations that are written, and how it was before.

    Finding takes no lock, so that a plan can name everything and disturb nobody.
    """

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._before: dict[tuple[RelationName, str, str], str] = {}
        self._found: list[Target] = []
        self._firing: list[Target] = []
        self._silenced: list[Target] = []

    def find(self, targets: Sequence[Target], *, fires: bool) -> tuple[PeoplesCode, ...]:
        """Names what would fire, and notes it for `begin` unless `fires`.

        Raises:
            PermissionDeniedError: The role does not own a relation; the hint names the grant.
            psycopg.Error: The server refused a query.
        """
        named = []
        for target in targets:
            firing = [code for code in self._read(target) if code.state in _FIRING]
            named += [
                PeoplesCode(code.relation, code.name, code.kind, is_silenced=not fires)
                for code in firing
                if code.is_root
            ]
            if firing:
                self._firing.append(target)
            if firing and not fires:
                for code in firing:
                    _check_owner(code)
                self._found.append(target)
        return tuple(named)

    def statements(self) -> tuple[list[sql.Composed], list[sql.Composed]]:
        """Gives what would disable all that `find` named, and what brings its state back.

        Raises:
            psycopg.Error: The server refused a query.
        """
        disabling, enabling = [], []
        for target in self._firing:
            codes = self._read(target)
            disabling += [_alter(code, "D") for code in codes if code.state in _FIRING]
            # A partitioned table comes before its partitions, which it hands its state down to.
            enabling += [
                _alter(code, code.state)
                for code in codes
                if code.state in _FIRING or not code.is_root
            ]
        return disabling, enabling

    def begin(self) -> None:
        """Disables what was found.

        Raises:
            psycopg.Error: The server refused, or another session holds a lock too long.
        """
        for target in self._found:
            codes = self._read(target)
            for code in codes:
                self._before.setdefault((code.relation, code.kind, code.name), code.state)
            self._silenced.append(target)
            for code in codes:
                if code.state in _FIRING:
                    self._set(code, "D")
        self._found = []

    def end(self) -> None:
        """Gives everything back the state that it had.

        Raises:
            psycopg.Error: The server refused a statement.
        """
        # A partitioned table hands its triggers' state down to its partitions, which are
        # brought back to their own in the next pass.
        for target in self._silenced:
            for _ in range(_PASSES):
                states = [
                    (code, self._before[code.relation, code.kind, code.name])
                    for code in self._read(target)
                ]
                for code, state in states:
                    if code.state != state:
                        self._set(code, state)
        self._silenced = []

    def _read(self, target: Target) -> list[_Code]:
        name = target.table.as_string(None)
        found = []
        for kind, query in (("trigger", _TRIGGERS), ("rule", _RULES)):
            self._cursor.execute(query.encode(), {"relation": name, "ours": PREFIX})
            for schema, relation, *row in self._cursor:
                found.append(_Code(RelationName(schema, relation), kind, *row))
        return found

    def _set(self, code: _Code, state: str) -> None:
        self._cursor.execute(_alter(code, state))


def _alter(code: _Code, state: str) -> sql.Composed:
    return sql.SQL("ALTER TABLE {} {} {} {}").format(
        sql.Identifier(*code.relation),
        sql.SQL(_STATES[state]),
        sql.SQL(code.kind.upper()),
        sql.Identifier(code.name),
    )


def _check_owner(code: _Code) -> None:
    if code.is_owned:
        return
    message = (
        f"the role '{code.role}' may not disable the {code.kind} '{code.name}' of "
        f"'{code.relation}', which belongs to '{code.owner}'"
    )
    grant = sql.SQL("GRANT {} TO {}").format(sql.Identifier(code.owner), sql.Identifier(code.role))
    hint = f"run {grant.as_string(None)}, or let it fire: --fire-triggers"
    raise PermissionDeniedError(message, where=str(code.relation), hint=hint)
