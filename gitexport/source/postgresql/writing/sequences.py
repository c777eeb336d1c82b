"""Moves sequences past the values that were written, so that the next row gets a free one.

Sequences are not part of transactions: one that was moved stays so when everything else is
undone, which loses nothing but numbers.
"""

from __future__ import annotations

from psycopg import sql

from gitexport.errors import PermissionDeniedError
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


def move_sequences(cursor: Cursor, stage: Stage) -> None:
    """Moves the sequences of an entity's columns past the staged values.

    Raises:
        PermissionDeniedError: The role may not move one; the hint names the grant.
        psycopg.Error: The server refused a statement.
    """
    target = stage.target
    names = {"relation": target.table.as_string(None), "columns": list(target.insertable)}
    cursor.execute(_SEQUENCES.encode(), names)
    for column, schema, name, rises, least, most, role, is_allowed in cursor.fetchall():
        sequence = sql.Identifier(schema, name)
        if not is_allowed:
            raise _denied(sequence, role)
        cursor.execute(
            sql.SQL(
                "SELECT setval({name}, m.value) FROM (SELECT {most}({place})::int8 AS value"
                " FROM {stage} WHERE {place} BETWEEN {first} AND {last}) AS m, {sequence} AS q"
                " WHERE m.value {beyond} q.last_value"
                " OR m.value = q.last_value AND NOT q.is_called"
            ).format(
                name=sql.Literal(sequence.as_string(None)),
                most=sql.SQL("max" if rises else "min"),
                place=target.places[column],
                stage=stage.table,
                first=sql.Literal(least),
                last=sql.Literal(most),
                sequence=sequence,
                beyond=sql.SQL(">" if rises else "<"),
            )
        )


def _denied(sequence: sql.Identifier, role: str) -> PermissionDeniedError:
    name, grantee = sequence.as_string(None), sql.Identifier(role).as_string(None)
    return PermissionDeniedError(
        f"the role may not move the sequence {name} past the written values",
        where=name,
        hint=f"run GRANT SELECT, UPDATE ON SEQUENCE {name} TO {grantee}",
    )
