"""The key of a document, read from its members.

A key is the text that PostgreSQL casts a column to, a document holds the value as `row_to_json`
writes it. For the types that keys usually have, one follows from the other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from gitexport.canonical.value import ExactNumber
from gitexport.model.relation import Relation, TypeKind

_SAME_TEXT = frozenset(
    {
        "smallint",
        "integer",
        "bigint",
        "numeric",
        "real",
        "double precision",
        "text",
        "character varying",
        "name",
        "uuid",
        "date",
        "boolean",
    }
)
_INSTANTS = frozenset({"timestamp without time zone", "timestamp with time zone"})
_PADDED = "character"
_MODIFIER = re.compile(r"\([0-9, -]*\)")
_NO_OFFSET = re.compile(r"\+00:00(?= BC\Z|\Z)")


def key_parts(
    document: Mapping[str, object], relation: Relation, columns: Sequence[str]
) -> tuple[str | None, ...]:
    """Gives the texts of the key's columns; None where the value does not settle the text."""
    return tuple(_part(document.get(name), relation, name) for name in columns)


def _part(value: object, relation: Relation, name: str) -> str | None:
    column = relation.column(name)
    if column is None:
        return None
    type_name = _MODIFIER.sub("", column.type_name)
    if type_name in _SAME_TEXT or _is_enum(relation, type_name):
        return _text(value)
    if not isinstance(value, str):
        return None
    if type_name in _INSTANTS:
        return _NO_OFFSET.sub("+00", value.replace("T", " ", 1))
    return value.rstrip(" ") if type_name == _PADDED else None


def _is_enum(relation: Relation, type_name: str) -> bool:
    return any(named.name == type_name and named.kind is TypeKind.ENUM for named in relation.types)


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (int, str, ExactNumber)) else None
