"""Turns a JSON value of a document into the text that its type's input function reads.

The text is what the server wrote when it exported the value, so that reading it back gives
an equal one. Composites and arrays are written in the server's own syntax, at any depth.

Source: PostgreSQL documentation, "Array Input and Output Syntax", "Composite Type Input and
Output Syntax", "hstore".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence

from gitexport.canonical.value import ExactNumber, JsonValue, dumps_line, loads
from gitexport.errors import UnsupportedValueError
from gitexport.source.postgresql.value_types import ValueType

COPY_NULL = b"null"
"""How a field says that there is no value: as JSON does. The text is written otherwise."""
Converter = Callable[[bytes], bytes]
"""Makes a field of COPY's text form of a value's JSON text."""

_NUL = "holds a null character, which the database cannot store"
_HALF_PAIR = "holds half of a surrogate pair, which is no character"
_LAYOUT = re.compile(rb"\n *")
_PLAIN = rb'(?:"[^"\\\x00-\x1f]*"|-?[0-9][0-9.eE+-]*|true|false|null)'
_PLAIN_LIST = re.compile(rb"\[\n    %b(?:,\n    %b)*\n  \]" % (_PLAIN, _PLAIN))
_COMMA = ","
_QUOTE = ord('"')
_BRACKETS = b"[{"
_NULL_STRING = b'"null"'
_NULL_TEXT = b"n\\ull"
_ESCAPES = ((b"\\", b"\\\\"), (b"\n", b"\\n"), (b"\t", b"\\t"), (b"\r", b"\\r"))


def converter(value_type: ValueType, delimiters: Mapping[str, str]) -> Converter:
    """Chooses how values of a column become fields of COPY.

    `delimiters` are those of element types whose arrays are not written with commas, by the
    type's SQL name.
    """
    base = value_type.base
    if base.is_json or is_geometry(base):
        return raw_field
    if base.code in {"a", "c"} or base.is_vector or base.has_json_cast:
        return _nested_converter(value_type, delimiters)
    return plain_field


def _nested_converter(value_type: ValueType, delimiters: Mapping[str, str]) -> Converter:
    writer = _Writer(delimiters)
    is_plain = _is_list_of_plain_values(value_type.base, delimiters)

    def nested(raw: bytes) -> bytes:
        if is_plain and _PLAIN_LIST.fullmatch(raw):
            # Values without escapes are written alike in JSON and in an array.
            return b"{" + raw[6:-4].replace(b",\n    ", b",") + b"}"
        if raw == b"null":
            return COPY_NULL
        try:
            text = (writer.text(value_type, loads(raw)) or "").encode()
        except UnicodeEncodeError as error:
            raise UnsupportedValueError(_HALF_PAIR) from error
        return copy_field(text)

    return nested


def _is_list_of_plain_values(base: ValueType, delimiters: Mapping[str, str]) -> bool:
    element = base.inner
    if base.code != "a" or base.is_vector or element is None or element.sql_name in delimiters:
        return False
    inner = element.base
    is_nested = inner.code in {"a", "c"} or inner.is_vector
    return not (is_nested or inner.is_json or inner.has_json_cast)


def is_geometry(base: ValueType) -> bool:
    """Tells whether a type is PostGIS's, which reads its own GeoJSON through a function."""
    return base.has_json_cast and base.name == "geometry"


def copy_field(text: bytes) -> bytes:
    """Escapes text as a field of COPY."""
    for char, escape in _ESCAPES:
        if char in text:
            text = text.replace(char, escape)
    return _NULL_TEXT if text == COPY_NULL else text


def raw_field(raw: bytes) -> bytes:
    """Gives the field of a column that holds JSON; a null is no value, as for every reader."""
    if b"\n" in raw:
        # A raw line feed never stands inside of a string, so every one is a file's layout.
        raw = _LAYOUT.sub(b"", raw)
    return COPY_NULL if raw == b"null" else copy_field(raw)


def plain_field(raw: bytes) -> bytes:
    """Gives the field of a column whose value is one number, boolean or string.

    Raises:
        UnsupportedValueError: A string holds what the database cannot store.
    """
    first = raw[0]
    if first == _QUOTE:
        if b"\\" not in raw:
            return _NULL_TEXT if raw == _NULL_STRING else raw[1:-1]
        text: str = json.loads(raw)
        if "\x00" in text:
            raise UnsupportedValueError(_NUL)
        try:
            return copy_field(text.encode())
        except UnicodeEncodeError as error:
            raise UnsupportedValueError(_HALF_PAIR) from error
    # An object or a list of a column that was of a type for those.
    return copy_field(raw) if first in _BRACKETS else raw


class _Writer:
    """Writes values inside of others."""

    def __init__(self, delimiters: Mapping[str, str]) -> None:
        self._delimiters = delimiters

    def text(self, value_type: ValueType, value: JsonValue) -> str | None:
        """Gives a value's text, None for no value."""
        base = value_type.base
        if value is None:
            return None
        if base.is_vector:
            return " ".join(map(_scalar, _items(value, base)))
        if base.code == "a" and base.inner is not None:
            return self._array(base.inner, _items(value, base))
        if base.code == "c" and not base.has_json_cast:
            return self._composite(base, value)
        if base.has_json_cast and base.name == "hstore":
            return _hstore(value)
        return _json(value) if base.is_json or is_geometry(base) else _scalar(value)

    def _array(self, element: ValueType, items: Sequence[JsonValue]) -> str:
        delimiter = self._delimiters.get(element.sql_name, _COMMA)
        parts = []
        for item in items:
            if isinstance(item, list) and not _is_one_element(element.base, item):
                parts.append(self._array(element, item))
                continue
            text = self.text(element, item)
            parts.append("NULL" if text is None else _quoted(text, '\\"'))
        return "{" + delimiter.join(parts) + "}"

    def _composite(self, base: ValueType, value: JsonValue) -> str:
        if not isinstance(value, dict):
            raise _unfit(base)
        texts = [self.text(kind, value.get(name)) for name, kind in base.attributes]
        return "(" + ",".join("" if text is None else _quoted(text, '""') for text in texts) + ")"


def _is_one_element(element: ValueType, item: Sequence[JsonValue]) -> bool:
    """Tells a list that is one element from one that is a row of a table of elements."""
    if element.is_vector:
        # No vector holds a null, so one that is there stands for a whole vector.
        return not item or not (item[0] is None or isinstance(item[0], list))
    return element.code == "a" or element.is_json or element.has_json_cast


def _items(value: JsonValue, base: ValueType) -> Sequence[JsonValue]:
    if not isinstance(value, list):
        raise _unfit(base)
    return value


def _hstore(value: JsonValue) -> str:
    if not isinstance(value, dict):
        message = "is no object of texts"
        raise UnsupportedValueError(message)
    pairs = []
    for name, member in value.items():
        text = "NULL" if member is None else _quoted(_scalar(member), '\\"')
        pairs.append(f"{_quoted(name, chr(92) + chr(34))}=>{text}")
    return ", ".join(pairs)


def _scalar(value: JsonValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        if "\x00" in value:
            raise UnsupportedValueError(_NUL)
        return value
    if isinstance(value, (int, ExactNumber)):
        return str(value)
    return _json(value)


def _json(value: JsonValue) -> str:
    return dumps_line(value).decode().rstrip("\n")


def _quoted(text: str, quote: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', quote) + '"'


def _unfit(base: ValueType) -> UnsupportedValueError:
    return UnsupportedValueError(f"is no value of type '{base.sql_name}'")
