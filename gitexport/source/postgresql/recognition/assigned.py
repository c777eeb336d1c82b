"""Where the target takes the values of keys that it assigns."""

from __future__ import annotations

from typing import NamedTuple

from psycopg import sql

from gitexport.model.relation import Column
from gitexport.source.postgresql.recognition.tables import EntityTables
from gitexport.source.postgresql.session import Cursor

_IS_EMPTY = "SELECT NOT EXISTS (SELECT FROM {})"
# An identity's sequence belongs to the column, that of a default is only named in it.
_SEQUENCE = """
SELECT n.nspname, s.relname, s.oid
  FROM pg_class c
  JOIN pg_namespace cn ON cn.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = %(column)s
  LEFT JOIN pg_attrdef f ON f.adrelid = c.oid AND f.adnum = a.attnum
  JOIN pg_depend d
    ON d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
       AND d.refobjid = c.oid AND d.refobjsubid = a.attnum AND d.deptype = 'i'
    OR d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid
       AND d.refclassid = 'pg_class'::regclass
  JOIN pg_class s ON s.relkind = 'S'
   AND s.oid = CASE WHEN d.classid = 'pg_class'::regclass THEN d.objid ELSE d.refobjid END
  JOIN pg_namespace n ON n.oid = s.relnamespace
 WHERE cn.nspname = %(schema)s AND c.relname = %(name)s
 LIMIT 1
"""
_ADVANCE = """
SELECT setval({sequence}::regclass, m.highest)
  FROM (SELECT max({column})::int8 AS highest FROM {target}) m, {table} s
 WHERE m.highest > s.last_value OR m.highest = s.last_value AND NOT s.is_called
"""
# Above every value of either side, so that none of them is taken twice.
_BEYOND = """
greatest((SELECT max({own}) FROM {target}),
         (SELECT max((coalesce(o.document, o.base) ->> {name})::{kind}) FROM {taken} o), 0)
"""
_INTEGERS = frozenset({"smallint", "integer", "bigint"})
_HIGHEST = "SELECT greatest((SELECT max({})::int8 FROM {}), (SELECT last_value FROM {}), 0)"

# The place of a new row among those of its statement, and how many there were before.
_NEW_SO_FAR = """
count(*) FILTER (WHERE t.tableoid IS NULL AND d.is_written) OVER (ORDER BY d.n)
+ (SELECT count(*) FROM {} AS k WHERE NOT k.is_known AND k.is_written)
"""


class NewValue(NamedTuple):
    """What makes the value of an assigned column for a row that is not there yet.

    Expressions may refer to the document as `d`, its values as `r` and the row as `t`. With
    `is_own` it is the document's value, which another row may have; then `otherwise` makes
    another one, if there is a way to.
    """

    made: sql.Composable
    is_own: bool = False
    otherwise: sql.Composable | None = None


def new_values(cursor: Cursor, tables: EntityTables, *, is_rehearsal: bool) -> dict[str, NewValue]:
    """Gives what makes the values of each assigned column.

    A relation without rows takes the values of the documents. So does a column that has no
    default, but for those of other rows. A rehearsal takes nothing from sequences.

    Raises:
        psycopg.Error: The server refused a query.
    """
    cursor.execute(sql.SQL(_IS_EMPTY).format(tables.target))
    is_empty = (cursor.fetchone() or (False,))[0]
    made: dict[str, NewValue] = {}
    for name in tables.entity.assigned:
        column = tables.entity.relation.column(name)
        own: sql.Composable = sql.SQL("r.{}").format(sql.Identifier(name))
        if is_empty or column is None:
            made[name] = NewValue(own)
            continue
        following = _next(cursor, tables, column, is_rehearsal=is_rehearsal)
        if following is None:
            made[name] = NewValue(own, is_own=True, otherwise=_beyond(tables, column))
        else:
            made[name] = NewValue(following)
    return made


def _beyond(tables: EntityTables, column: Column) -> sql.Composable | None:
    """Gives what makes a number that no row and no document has."""
    if column.type_name not in _INTEGERS:
        return None
    kind = tables.type_of(column.name)
    highest = sql.SQL(_BEYOND).format(
        own=sql.Identifier(column.name),
        target=tables.target,
        name=sql.Literal(column.name),
        kind=kind,
        taken=tables.taken,
    )
    counted = sql.SQL(_NEW_SO_FAR).format(tables.known)
    return sql.SQL("({} + ({}))::{}").format(highest, counted, kind)


def _next(
    cursor: Cursor, tables: EntityTables, column: Column, *, is_rehearsal: bool
) -> sql.Composable | None:
    schema, relation = tables.entity.relation.name
    cursor.execute(_SEQUENCE, {"schema": schema, "name": relation, "column": column.name})
    found = cursor.fetchone()
    if found is None:
        # The catalog wrote the expression as SQL; it is the table's own.
        return None if column.default is None else sql.SQL("({})").format(sql.SQL(column.default))
    sequence = sql.Identifier(*found[:2])
    own = sql.Identifier(column.name)
    if is_rehearsal:
        cursor.execute(sql.SQL(_HIGHEST).format(own, tables.target, sequence))
        highest = (cursor.fetchone() or (0,))[0]
        made = sql.SQL("({} + ({}))").format(
            sql.Literal(highest), sql.SQL(_NEW_SO_FAR).format(tables.known)
        )
    else:
        # Rows that were inserted with values of their own may be ahead of the sequence.
        number = sql.Literal(found[2])
        cursor.execute(
            sql.SQL(_ADVANCE).format(
                sequence=number, column=own, target=tables.target, table=sequence
            )
        )
        made = sql.SQL("nextval({}::regclass)").format(number)
    return sql.SQL("{}::{}").format(made, tables.type_of(column.name))
