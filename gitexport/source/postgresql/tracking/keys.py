"""Writes the text of keys as a pinned session would, inside triggers of any session.

A trigger runs under the settings of whoever changes the row. Keys of types whose text
depends on settings (times, floats, bytea, everything composed or unknown) are written by
functions that pin the settings themselves; the others are spared that cost.
"""

from __future__ import annotations

import re

from psycopg import sql

from gitexport.model.entity import Entity
from gitexport.model.relation import Column, Relation, TypeKind
from gitexport.source.postgresql.session import PINS

_STABLE = re.compile(
    r"(smallint|integer|bigint|oid|uuid|boolean|text|character varying|character|numeric)"
    r"(\(\d+(,-?\d+)?\))?"
)
_PLAIN = frozenset({"smallint", "integer", "bigint", "oid", "uuid", "boolean"})
_TEXT_SETTINGS = (
    "TimeZone",
    "DateStyle",
    "IntervalStyle",
    "extra_float_digits",
    "bytea_output",
    "lc_monetary",
    "quote_all_identifiers",
)


def has_stable_text(entity: Entity, relation: Relation) -> bool:
    """Tells whether no setting changes the text of any of an entity's key columns."""
    columns = [relation.column(name) for name in entity.key]
    return all(column is not None and is_stable(column) for column in columns)


def is_stable(column: Column) -> bool:
    """Tells whether no setting changes the text of a column's values."""
    return column.kind is TypeKind.ENUM or _STABLE.fullmatch(column.type_name) is not None


def is_plain(column: Column) -> bool:
    """Tells whether equal values of a column have equal texts, always."""
    return column.type_name in _PLAIN


def function_settings(entity: Entity, relation: Relation) -> sql.Composable:
    """Gives the SET clauses of a function that writes keys."""
    clauses: list[sql.Composable] = [sql.SQL("SET search_path = pg_catalog, pg_temp")]
    if not has_stable_text(entity, relation):
        clauses += [
            sql.SQL("SET {} = {}").format(sql.Identifier(name), sql.Literal(PINS[name]))
            for name in _TEXT_SETTINGS
        ]
    return sql.SQL(" ").join(clauses)


def key_text(entity: Entity, row: str) -> sql.Composable:
    """Gives the array of a row's key texts, NULL parts as empty text."""
    parts = [
        sql.SQL("coalesce({}::text, '')").format(sql.Identifier(row, name)) for name in entity.key
    ]
    return sql.SQL("ARRAY[{}]").format(sql.SQL(", ").join(parts))


def key_differs(entity: Entity, relation: Relation) -> sql.Composable:
    """Gives the condition that a key's text has changed, as files are named by the text.

    Equal values may have different texts (numeric 1.0 and 1.00, text under collations that
    ignore case), so all but the plainest types are compared by their bytes.
    """
    parts = []
    for name in entity.key:
        found = relation.column(name)
        form = "{} IS DISTINCT FROM {}"
        if found is None or not is_plain(found):
            form = '({})::text COLLATE "C" IS DISTINCT FROM ({})::text COLLATE "C"'
        old, new = sql.Identifier("old", name), sql.Identifier("new", name)
        parts.append(sql.SQL(form).format(old, new))
    return sql.SQL(" OR ").join(parts)
