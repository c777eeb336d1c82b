"""How `row_to_json` writes a column's values, told from the catalog's types.

The rules are those of PostgreSQL's `json_categorize_type`: domains count as their base;
json and jsonb are copied; arrays and composites become arrays and objects; types outside of
pg_catalog with a cast to json use it; every other type is one number, boolean or string.

Source: PostgreSQL, `src/backend/utils/adt/json.c` and `jsonfuncs.c`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gitexport.model.ports import NestedKind
from gitexport.model.relation import RelationName
from gitexport.source.postgresql.session import Cursor

_COLUMNS = """
SELECT w.place, a.attname, a.atttypid
  FROM unnest(%(schemas)s::name[], %(names)s::name[]) WITH ORDINALITY w(schema, name, place)
  JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
 WHERE a.attnum > 0 AND NOT a.attisdropped
"""
_TYPES = """
WITH RECURSIVE needed(oid) AS (
  SELECT root.oid FROM unnest(%(oids)s::oid[]) root(oid)
  UNION
  SELECT edge.target FROM needed JOIN pg_type t ON t.oid = needed.oid
    JOIN LATERAL (
      SELECT t.typelem WHERE t.typlen = -1
      UNION ALL SELECT t.typbasetype
      UNION ALL SELECT a.atttypid FROM pg_attribute a
                 WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0
                   AND NOT a.attisdropped) edge(target) ON edge.target <> 0
)
SELECT t.oid, n.nspname, t.typname, format_type(t.oid, NULL),
       CASE WHEN t.typtype = 'b' AND t.typlen = -1 AND t.typelem <> 0 THEN 'a'
            ELSE t.typtype::text END,
       CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.typelem END,
       ARRAY(SELECT a.attname::text FROM pg_attribute a
              WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0
                AND NOT a.attisdropped ORDER BY a.attnum),
       ARRAY(SELECT a.atttypid FROM pg_attribute a
              WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0
                AND NOT a.attisdropped ORDER BY a.attnum),
       n.nspname <> 'pg_catalog' AND EXISTS (
         SELECT FROM pg_cast k WHERE k.castsource = t.oid AND k.casttarget = 'json'::regtype)
  FROM needed JOIN pg_type t ON t.oid = needed.oid JOIN pg_namespace n ON n.oid = t.typnamespace
"""
_JSON = {"json": NestedKind.EXACT, "jsonb": NestedKind.CLEAN}
_FLOATS = frozenset({"float4", "float8"})
_OWN_JSON = frozenset({"int2", "int4", "int8", "bool", *_JSON})
_TEXTS = frozenset({"text", "varchar", "bpchar", "bytea"})
_VECTORS = frozenset({"int2vector", "oidvector"})


class ValueType(NamedTuple):
    """A type with those inside of it: an array's elements, a domain's base, attributes.

    `code` is `pg_type.typtype`, with `a` for true arrays.
    """

    schema: str
    name: str
    sql_name: str
    code: str
    inner: ValueType | None = None
    attributes: tuple[tuple[str, ValueType], ...] = ()
    has_json_cast: bool = False

    @property
    def base(self) -> ValueType:
        """The type itself, or what a domain stands upon in the end."""
        return self.inner.base if self.code == "d" and self.inner else self

    @property
    def is_builtin(self) -> bool:
        """Tells whether the type belongs to the server itself."""
        return self.schema == "pg_catalog"

    @property
    def is_json(self) -> bool:
        """Tells whether it is json or jsonb, itself and not through a domain."""
        return self.is_builtin and self.name in _JSON

    @property
    def is_own_json(self) -> bool:
        """Tells whether a value's text, as a cast writes it, is its JSON text already."""
        return self.base.is_builtin and self.base.name in _OWN_JSON

    @property
    def is_raw_text(self) -> bool:
        """Tells whether the JSON text is at least as long as the value, whose length is free."""
        return self.base.is_builtin and self.base.name in _TEXTS

    @property
    def is_vector(self) -> bool:
        """Tells whether it is one of the two old array types that always count from 0."""
        return self.base.is_builtin and self.base.name in _VECTORS

    def nested_kind(self) -> NestedKind | None:
        """Tells what has to be expected inside of the JSON text; None: one plain value."""
        base = self.base
        if base.has_json_cast or base.code == "c":
            return NestedKind.EXACT
        if base.code == "a" and base.inner is not None:
            element = base.inner.base
            if element.is_builtin and element.name in _FLOATS:
                return NestedKind.EXACT
            return element.nested_kind() or NestedKind.CLEAN
        if base.is_builtin:
            return _JSON.get(base.name)
        # A base type of people's own: canonicalising a plain value is harmless.
        return NestedKind.EXACT if base.code == "b" else None


def read_value_types(cursor: Cursor, name: RelationName) -> dict[str, ValueType]:
    """Reads the types of one relation's columns, by the columns' names.

    Expects a pinned transaction.

    Raises:
        psycopg.Error: The server refused a query.
    """
    return read_all_value_types(cursor, [name])[name]


def read_all_value_types(
    cursor: Cursor, relations: Sequence[RelationName]
) -> dict[RelationName, dict[str, ValueType]]:
    """Reads the types of several relations' columns, by relation and the columns' names.

    Expects a pinned transaction.

    Raises:
        psycopg.Error: The server refused a query.
    """
    names = {"schemas": [n.schema for n in relations], "names": [n.name for n in relations]}
    cursor.execute(_COLUMNS, names)
    columns = cursor.fetchall()
    cursor.execute(_TYPES, {"oids": list({oid for _, _, oid in columns})})
    types = _Types({row[0]: row[1:] for row in cursor})
    found: dict[RelationName, dict[str, ValueType]] = {name: {} for name in relations}
    for place, column, oid in columns:
        found[relations[place - 1]][column] = types.build(oid)
    return found


class _Types:
    """Builds types out of the catalog's rows, each once."""

    def __init__(self, rows: Mapping[int, tuple[Any, ...]]) -> None:
        self._rows = rows
        self._known: dict[int, ValueType] = {}

    def build(self, oid: int) -> ValueType:
        if oid not in self._known:
            schema, name, sql_name, code, inner, names, oids, has_cast = self._rows[oid]
            self._known[oid] = ValueType(
                schema=schema,
                name=name,
                sql_name=sql_name,
                code=code,
                inner=self.build(inner) if code in {"a", "d"} else None,
                attributes=tuple(zip(names, map(self.build, oids), strict=True)),
                has_json_cast=has_cast,
            )
        return self._known[oid]
