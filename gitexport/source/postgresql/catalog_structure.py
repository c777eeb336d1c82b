"""What only somebody needs who makes a relation again, for all wanted relations at once.

Source: PostgreSQL documentation, "System Catalogs".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from gitexport.model.relation import PartitionBound, RelationName
from gitexport.model.relation import Sequence as NumberSequence
from gitexport.source.postgresql.session import Cursor

_CONSTRAINTS = """
SELECT k.conrelid, k.conname, pg_get_constraintdef(k.oid)
  FROM pg_constraint k
 WHERE k.conrelid = ANY (%(oids)s) AND k.contype IN ('p', 'u', 'x')
 ORDER BY k.conrelid, k.conname COLLATE "C"
"""

# A parent comes before its partitions; `level` is 0 for the root.
_BOUNDS = """
SELECT p.oid, n.nspname, c.relname, pn.nspname, pc.relname,
       pg_get_expr(c.relpartbound, c.oid), pg_get_partkeydef(c.oid)
  FROM unnest(%(oids)s::oid[]) p(oid)
  JOIN pg_class root ON root.oid = p.oid AND root.relkind = 'p'
  CROSS JOIN LATERAL pg_partition_tree(p.oid) t
  JOIN pg_class c ON c.oid = t.relid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_class pc ON pc.oid = t.parentrelid
  JOIN pg_namespace pn ON pn.oid = pc.relnamespace
 WHERE t.level > 0
 ORDER BY p.oid, t.level, n.nspname COLLATE "C", c.relname COLLATE "C"
"""

# Owned by a column ('a'), its identity ('i'), or only named by its default.
_SEQUENCES = """
WITH used(relid, attnum, seqid, is_owned) AS (
  SELECT d.refobjid, d.refobjsubid, d.objid, true FROM pg_depend d
   WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
     AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0 AND d.refobjid = ANY (%(oids)s)
  UNION ALL
  SELECT ad.adrelid, ad.adnum, d.refobjid, false FROM pg_attrdef ad
    JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = ad.oid
     AND d.refclassid = 'pg_class'::regclass
   WHERE ad.adrelid = ANY (%(oids)s)
)
SELECT u.relid, n.nspname, c.relname, a.attname, format_type(s.seqtypid, NULL), u.is_owned,
       s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle
  FROM (SELECT relid, attnum, seqid, bool_or(is_owned) AS is_owned
          FROM used GROUP BY relid, attnum, seqid) u
  JOIN pg_sequence s ON s.seqrelid = u.seqid
  JOIN pg_class c ON c.oid = u.seqid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = u.relid AND a.attnum = u.attnum
 ORDER BY u.relid, u.attnum, n.nspname COLLATE "C", c.relname COLLATE "C"
"""

# What defaults, constraints and their indexes call or use, where an extension brings it.
_EXTENSIONS = """
SELECT DISTINCT o.relid, e.extname, n.nspname
  FROM (SELECT ad.adrelid, 'pg_attrdef'::regclass, ad.oid FROM pg_attrdef ad
         WHERE ad.adrelid = ANY (%(oids)s)
        UNION ALL
        SELECT k.conrelid, 'pg_constraint'::regclass, k.oid FROM pg_constraint k
         WHERE k.conrelid = ANY (%(oids)s)
        UNION ALL
        SELECT k.conrelid, 'pg_class'::regclass, k.conindid FROM pg_constraint k
         WHERE k.conrelid = ANY (%(oids)s) AND k.contype IN ('p', 'u', 'x')
       ) o(relid, classid, objid)
  JOIN pg_depend d ON d.classid = o.classid AND d.objid = o.objid
  JOIN pg_depend x ON x.classid = d.refclassid AND x.objid = d.refobjid AND x.deptype = 'e'
   AND x.refclassid = 'pg_extension'::regclass
  JOIN pg_extension e ON e.oid = x.refobjid
  JOIN pg_namespace n ON n.oid = e.extnamespace
"""
_LARGEST = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}

_Row = tuple[Any, ...]
_Value = TypeVar("_Value")


class Structures(NamedTuple):
    """Constraints, bounds, sequences and extensions by a relation's object id."""

    constraints: dict[int, tuple[tuple[str, str], ...]]
    bounds: dict[int, tuple[PartitionBound, ...]]
    sequences: dict[int, tuple[NumberSequence, ...]]
    extensions: dict[int, tuple[tuple[str, str], ...]]


def read_structures(cursor: Cursor, oids: Sequence[int]) -> Structures:
    """Reads what the relations with these object ids need to be made again.

    Raises:
        psycopg.Error: The server refused a query.
    """
    return Structures(
        constraints=_by_relation(cursor, _CONSTRAINTS, oids, lambda row: (row[0], row[1])),
        bounds=_by_relation(cursor, _BOUNDS, oids, _bound),
        sequences=_by_relation(cursor, _SEQUENCES, oids, _sequence),
        extensions=_by_relation(cursor, _EXTENSIONS, oids, lambda row: (row[0], row[1])),
    )


def _by_relation(
    cursor: Cursor, query: str, oids: Sequence[int], read: Callable[[_Row], _Value]
) -> dict[int, tuple[_Value, ...]]:
    groups: defaultdict[int, list[_Value]] = defaultdict(list)
    # The queries are constants of this module.
    cursor.execute(query.encode(), {"oids": list(oids)})
    for oid, *row in cursor:
        groups[oid].append(read(tuple(row)))
    return {oid: tuple(values) for oid, values in groups.items()}


def _bound(row: _Row) -> PartitionBound:
    schema, name, parent_schema, parent, bound, key = row
    return PartitionBound(
        RelationName(schema, name), RelationName(parent_schema, parent), bound, key
    )


def _sequence(row: _Row) -> NumberSequence:
    schema, name, column, type_name, is_owned, start, increment, minimum, maximum, *rest = row
    cache, cycles = rest
    usual = _usual_range(type_name, increment)
    return NumberSequence(
        name=RelationName(schema, name),
        column=column,
        type_name=type_name,
        is_owned=is_owned,
        start=None if start == (minimum if increment > 0 else maximum) else start,
        increment=increment,
        minimum=None if minimum == usual[0] else minimum,
        maximum=None if maximum == usual[1] else maximum,
        cache=cache,
        cycles=cycles,
    )


def _usual_range(type_name: str, increment: int) -> tuple[int, int]:
    largest = _LARGEST[type_name]
    return (1, largest) if increment > 0 else (-largest - 1, -1)
