"""Moves sequences past the values that were written, so that the next row gets a free one.

Sequences are not part of transactions: one that was moved stays so when everything else is
undone, which loses nothing but numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from psycopg import sql

from gitexport.errors import PermissionDeniedError
from gitexport.model.sql_text import quote_text
from gitexport.source.postgresql.session import Cursor
from gitexport.source.postgresql.writing.stage import Stage

# Sequences that a column's identity owns, or that its default calls for.
_SEQUENCES = """
SELECT DISTINCT a.attname::text, sn.nspname::text, sc.relname::text, s.seqincrement > 0,
       s.seqmin, s.seqmax, current_user::text,
       pg_catalog.has_sequence_privilege(sc.oid, 'UPDATE')
       AND pg_catalog.has_sequence_privilege(sc.oid, 'SELECT')
  FROM pg_catalog.pg_attribute AS a
  LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  JOIN pg_catalog.pg_depend AS k ON
       (k.classid = 'pg_catalog.pg_attrdef'::regclass AND k.objid = d.oid
        AND k.refclassid = 'pg_catalog.pg_class'::regclass)
    OR (k.classid = 'pg_catalog.pg_class'::regclass AND k.deptype = 'i'
        AND k.refobjid = a.attrelid AND k.refobjsubid = a.attnum)
  JOIN pg_catalog.pg_class AS sc ON sc.relkind = 'S' AND sc.oid = CASE
       WHEN k.classid = 'pg_catalog.pg_class'::regclass THEN k.objid ELSE k.refobjid END
  JOIN pg_catalog.pg_namespace AS sn ON sn.oid = sc.relnamespace
  JOIN pg_catalog.pg_sequence AS s ON s.seqrelid = sc.oid
 WHERE a.attrelid = %(relation)s::regclass AND a.attname = ANY (%(columns)s::text[])
   AND a.atttypid = ANY ('{int2,int4,int8,numeric}'::regtype[])
 ORDER BY 1, 2, 3
"""


class _Sequence(NamedTuple):
    """A sequence that gives a column its values."""

    name: sql.Identifier
    column: str
    rises: bool
    least: int
    most: int
    role: str
    is_allowed: bool

    def highest(self, stage: Stage) -> sql.Composed:
        """Selects the staged value that the sequence has to be past, null without one."""
        return sql.SQL(
            "SELECT {most}({place})::int8 AS value FROM {stage}"
            " WHERE {place} BETWEEN {first} AND {last}"
        ).format(
            most=sql.SQL("max" if self.rises else "min"),
            place=stage.target.places[self.column],
            stage=stage.table,
            first=sql.Literal(self.least),
            last=sql.Literal(self.most),
        )

    def move(self, values: sql.Composable) -> sql.Composed:
        """Moves the sequence past the value of `m`, and never back."""
        return sql.SQL(
            "SELECT setval({name}, m.value) FROM ({values}) AS m, {sequence} AS q"
            " WHERE m.value {beyond} q.last_value"
            " OR m.value = q.last_value AND NOT q.is_called"
        ).format(
            name=sql.SQL(quote_text(self.name.as_string(None))),
            values=values,
            sequence=self.name,
            beyond=sql.SQL(">" if self.rises else "<"),
        )


def move_sequences(cursor: Cursor, stage: Stage) -> None:
    """Moves the sequences of an entity's columns past the staged values.

    Raises:
        PermissionDeniedError: The role may not move one; the hint names the grant.
        psycopg.Error: The server refused a statement.
    """
    for found in _sequences(cursor, stage):
        if not found.is_allowed:
            raise _denied(found.name, found.role)
        cursor.execute(found.move(found.highest(stage)))


def sequence_moves(cursor: Cursor, stage: Stage) -> Iterator[sql.Composed]:
    """Gives statements that do what `move_sequences` does, for a role that may.

    Raises:
        psycopg.Error: The server refused a query.
    """
    for found in _sequences(cursor, stage):
        for (value,) in cursor.execute(found.highest(stage)).fetchall():
            if value is not None:
                form = sql.SQL("SELECT {}::int8 AS value").format(sql.Literal(value))
                yield found.move(form)


def _sequences(cursor: Cursor, stage: Stage) -> Iterator[_Sequence]:
    target = stage.target
    names = {"relation": target.table.as_string(None), "columns": list(target.insertable)}
    cursor.execute(_SEQUENCES.encode(), names)
    for column, schema, name, rises, least, most, role, is_allowed in cursor.fetchall():
        sequence = sql.Identifier(schema, name)
        yield _Sequence(sequence, column, rises, least, most, role, is_allowed)


def _denied(sequence: sql.Identifier, role: str) -> PermissionDeniedError:
    name, grantee = sequence.as_string(None), sql.Identifier(role).as_string(None)
    return PermissionDeniedError(
        f"the role may not move the sequence {name} past the written values",
        where=name,
        hint=f"run GRANT SELECT, UPDATE ON SEQUENCE {name} TO {grantee}",
    )
