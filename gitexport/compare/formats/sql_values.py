r"""JSON values of documents as SQL literals of their columns' types.

The server's own input functions read them, so a literal restores the value that the document
was made of. Arrays and composites become constructors, in which the server knows the type of
every element. Text with control characters or marks that reorder what is seen is written with
escapes (`E'\n'`), so that a statement stays on one line and shows what it does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from gitexport.canonical.value import ExactNumber, JsonValue, dumps_line
from gitexport.errors import UnsupportedValueError
from gitexport.model.relation import NamedType, Relation, TypeKind
from gitexport.model.sql_text import quote_text

_IDENTIFIER = r'(?:"(?:[^"\x00]|"")+"|[^\W\d][\w$]*)'
_SIZE = r"(?:\((?:-?\d+|[A-Za-z]+)(?:,-?\d+)?\))?"
_FIELDS = r"(?: (?:year|month|day|hour|minute|second)(?: to (?:month|hour|minute|second))?)?"
_TYPE = re.compile(
    rf"(?:double precision|(?:character|bit) varying{_SIZE}|interval{_FIELDS}{_SIZE}"
    rf"|(?:timestamp|time){_SIZE} with(?:out)? time zone"
    rf"|{_IDENTIFIER}(?:\.{_IDENTIFIER})?{_SIZE})(?:\[\])?"
)
_INTEGERS = frozenset({"smallint", "integer", "bigint"})
_JSON = frozenset({"json", "jsonb"})
_VECTORS = frozenset({"int2vector", "oidvector"})
_WITHOUT_INPUT = frozenset(
    {
        "gtsvector",
        "pg_brin_bloom_summary",
        "pg_brin_minmax_multi_summary",
        "pg_dependencies",
        "pg_mcv_list",
        "pg_ndistinct",
        "pg_node_tree",
    }
)


class Literals:
    """Writes the values of one relation's columns."""

    def __init__(self, relation: Relation) -> None:
        self.relation = relation
        self._columns = {column.name: column for column in relation.columns}
        self._types: Mapping[str, NamedType] = {named.name: named for named in relation.types}

    def column(self, name: str, value: JsonValue) -> str:
        """Writes a column's value.

        Raises:
            UnsupportedValueError: No literal restores it; the message says why.
        """
        column = self._columns.get(name)
        if column is None:
            message = f"column '{name}' is none of the relation"
            raise UnsupportedValueError(message)
        try:
            if value is None and column.not_null and self._base(column.type_name) in _JSON:
                # The only null that stands in such a column.
                return "'null'"
            return self._value(value, column.type_name)
        except UnsupportedValueError as error:
            message = f"column '{name}' {error.message}"
            raise UnsupportedValueError(message) from error

    def _value(self, value: JsonValue, type_name: str) -> str:
        if value is None:
            return "NULL"
        base = self._base(type_name)
        if base in _WITHOUT_INPUT:
            message = f"is of the type {base}, whose values the server does not read"
            raise UnsupportedValueError(message)
        if base in _JSON:
            return quote_text(_json(value))
        if isinstance(value, list):
            return self._list(value, type_name, base)
        if isinstance(value, dict):
            return self._object(value, type_name, base)
        return _scalar(value, base)

    def _list(self, value: list[JsonValue], type_name: str, base: str) -> str:
        if base in _VECTORS:
            return quote_text(" ".join(str(element) for element in value))
        if not base.endswith("[]"):
            # A type of people's own with a form in JSON that its input may read.
            return quote_text(_json(value))
        if not value:
            return "'{}'"
        element = base.removesuffix("[]")
        return f"{self._elements(value, element)}::{_checked(type_name)}"

    def _elements(self, values: list[JsonValue], type_name: str) -> str:
        """Writes elements, and lists of them where the array has further dimensions."""
        written = [
            self._elements(value, type_name)
            if isinstance(value, list) and not self._is_element(value, type_name)
            else self._value(value, type_name)
            for value in values
        ]
        return f"ARRAY[{', '.join(written)}]"

    def _is_element(self, value: list[JsonValue], type_name: str) -> bool:
        """Tells whether a list is one element and no dimension."""
        base = self._base(type_name)
        if base in _VECTORS:
            return not any(isinstance(inner, list) for inner in value)
        # Arrays of such have one dimension: others are refused where they are read.
        return base in _JSON or base.endswith("[]")

    def _object(self, value: dict[str, JsonValue], type_name: str, base: str) -> str:
        named = self._types.get(base)
        if named is not None and named.kind is TypeKind.COMPOSITE:
            written = [
                self._value(value.get(name), attribute) for name, attribute in named.attributes
            ]
            return f"ROW({', '.join(written)})::{_checked(type_name)}"
        schema, dot, plain = base.partition("(")[0].rpartition(".")
        if plain == "geometry":
            # As GeoJSON, which not every version of the type's own input reads.
            function = f"{_checked(schema)}.st_geomfromgeojson" if dot else "st_geomfromgeojson"
            return f"{function}({quote_text(_json(value))})"
        if plain == "hstore":
            pairs = [f"{_hstore(name)}=>{_hstore(member)}" for name, member in value.items()]
            return quote_text(", ".join(pairs))
        return quote_text(_json(value))

    def _base(self, type_name: str) -> str:
        """Gives what a domain stands upon in the end, any other type as it is."""
        named = self._types.get(type_name)
        while named is not None and named.kind is TypeKind.DOMAIN and named.base is not None:
            type_name = named.base
            named = self._types.get(type_name)
        return type_name


def _scalar(value: JsonValue, base: str) -> str:
    if isinstance(value, bool):
        text = "true" if value else "false"
        return text if base == "boolean" else f"'{text}'"
    if isinstance(value, int) and base in _INTEGERS:
        return str(value)
    is_number = isinstance(value, (int, ExactNumber))
    if is_number and base.partition("(")[0] == "numeric":
        return str(value)
    return quote_text(str(value))


def _hstore(value: JsonValue) -> str:
    if value is None:
        return "NULL"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _json(value: JsonValue) -> str:
    return dumps_line(value).decode().rstrip("\n")


def _checked(type_name: str) -> str:
    """Gives the name of a type as it is, if it is one: descriptions may come from strangers."""
    if not _TYPE.fullmatch(type_name):
        message = f"is of a type with a strange name, {type_name!r}"
        raise UnsupportedValueError(message)
    return type_name
